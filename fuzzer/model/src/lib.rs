//! A reference model of videobuf2 and mem2mem.
//!
//! [`follow`] walks a trace and says of each call what the kernel must answer: its errno or success, which buffer DQBUF
//! returns, the flags, sizes and sequence number of a buffer, what poll(2) and DQEVENT tell. The rules are those of
//! `videobuf2-core.c`, `videobuf2-v4l2.c`, `v4l2-mem2mem.c`, `v4l2-event.c`, `v4l2-ctrls-*.c`, `dma-buf.c`, `sync_file.c` and of the test
//! double; each prediction names the function that decides. Where the kernel is right and surprising, a comment says so.
//!
//! What the hardware does is not predicted. The ledger tells when a driver gets a buffer and when it gives it back, in
//! the order of the done list, so that the model needs no clock, and serves any driver. What a driver decides alone (vim2m
//! and vicodec: sizes, when a stream ends) the model learns from what the kernel tells, or says that it does not know.
//!
//! Why there are two models: that of the `explorer` has the double's hardware in it, with its times, because it must know
//! the states that programs lead to before any of them runs, and it knows only the operations of a scope. This one
//! judges what did run, and knows no time.
//!
//! No I/O.

mod answer;
mod buffer;
mod control;
mod device;
mod errno;
mod event;
mod follow;
mod format;
mod gave;
mod give;
mod handle;
mod knobs;
mod m2m;
#[cfg(test)]
mod machine;
mod memory;
mod part;
mod queue;
mod record;
mod replay;
mod request;
mod requests;
#[cfg(test)]
mod rules;
mod shaken;
mod story;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod userptr;
mod world;

use std::borrow::Cow;

use program::{Driver, Program};
use trace::{Event, Trace};

pub use story::{Difference, Story};

/// The program with open files in the place of slots: see [`program::resolved`].
pub fn resolved<'a>(program: &'a Program, trace: &Trace) -> Cow<'a, Program> {
    program::resolved(program, |step| {
        trace.events.iter().any(|event| match event {
            Event::Call(call) => usize::from(call.op) == step && call.result.is_ok(),
            _ => false,
        })
    })
}

/// Compares the calls of a trace of this resolved program, on this driver, with the model. A trace without any record of the
/// ledger, or with lost ones, is not compared.
pub fn follow(driver: Driver, program: &Program, trace: &Trace) -> Story {
    let lost = |event: &Event| matches!(event, Event::LedgerLost { .. });
    if trace.events.iter().any(lost) {
        return Story::default();
    }
    replay::Replay::new(driver, program).run(trace)
}
