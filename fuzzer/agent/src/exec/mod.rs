//! Executing one operation: which system calls it is. What is observed around it is `run`'s business.

mod buffer;
mod controls;
mod fences;
mod knobs;
mod maps;
mod own;
mod requests;
mod second;
mod slots;
mod source;
mod strangers;
mod video;
mod wrong;

use std::time::Duration;

use nix::errno::Errno;
use program::{Access, Interest, Micros, Op};
use trace::Out;

use crate::journal::{Outcome, Seen};
use crate::shared::Shared;
use crate::sys::{clock, dma_buf};

/// Longest time that one operation waits for something to happen.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Executes operations on the shared slots; each thread has its own.
#[derive(Clone, Copy)]
pub(crate) struct Executor<'a> {
    /// The slots and the device.
    pub(crate) shared: &'a Shared,
    /// False for the bare loop: then nothing is called that a C program of the same operations would not call.
    pub(crate) observed: bool,
    /// When the program started.
    pub(crate) start: u64,
}

const DONE: Outcome = Ok(Seen::Out(Out::Done));

impl Executor<'_> {
    /// Executes an operation and tells what it returned.
    pub(crate) fn execute(&self, op: &Op) -> Outcome {
        match *op {
            Op::Open { .. }
            | Op::CloseFile { .. }
            | Op::CloseDmabuf { .. }
            | Op::CloseSync { .. }
            | Op::CloseRequest { .. } => self.slot_operation(op),
            Op::DupFile { .. } | Op::DupDmabuf { .. } | Op::DupSync { .. } => self.duplicate(op),
            Op::MmapFile { .. } | Op::MmapDmabuf { .. } | Op::Touch { .. } | Op::Munmap { .. } => {
                self.map_operation(op)
            }
            Op::ExportSync { .. }
            | Op::ImportSync { .. }
            | Op::CpuSync { .. }
            | Op::Merge { .. }
            | Op::FileInfo { .. }
            | Op::SetDeadline { .. }
            | Op::PollSync { .. }
            | Op::PollDmabuf { .. }
            | Op::PollFile { .. }
            | Op::Check { .. } => self.fence_operation(op),
            Op::SwSync { .. } | Op::Signal { .. } | Op::Allocate { .. } => {
                self.stranger_operation(op)
            }
            Op::AllocRequest { .. }
            | Op::QueueRequest { .. }
            | Op::ReinitRequest { .. }
            | Op::PollRequest { .. } => self.request_operation(op),
            Op::GateClose { .. }
            | Op::GateOpen { .. }
            | Op::JobTime { .. }
            | Op::Chunks { .. }
            | Op::Completion { .. }
            | Op::SetKnob { .. }
            | Op::Watchdog { .. }
            | Op::Fail { .. }
            | Op::SourceChange { .. } => self.knob_operation(op),
            Op::Advance { time } => {
                clock::sleep(nanoseconds(time));
                DONE
            }
            Op::Join => self.join(),
            // The runner arms it for the operation that follows.
            Op::FailNth { .. } => DONE,
            Op::Unload => self.shared.device().unload().and(DONE),
            Op::Load => self.shared.device().load().and(DONE),
            Op::Reload => self.shared.device().reload().and(DONE),
            Op::Wrong {
                file,
                call,
                queue,
                mistake,
            } => self.wrong(file, call, queue, mistake),
            Op::GetControl { .. }
            | Op::SetControl { .. }
            | Op::TryControl { .. }
            | Op::QueryControl { .. }
            | Op::Ask { .. }
            | Op::AskQueue { .. } => self.control_operation(op),
            _ => self.video_operation(op),
        }
    }

    fn join(&self) -> Outcome {
        if self.shared.pool.join(LONGEST_WAIT) {
            DONE
        } else {
            Err(Errno::ETIMEDOUT)
        }
    }
}

/// Virtual microseconds in nanoseconds.
pub(crate) fn nanoseconds(time: Micros) -> u64 {
    u64::from(time.0) * 1000
}

/// The time limit of a poll, which never exceeds [`LONGEST_WAIT`].
pub(crate) fn poll_limit(time: Micros) -> u64 {
    nanoseconds(time).min(LONGEST_WAIT.as_nanos() as u64)
}

fn access_flags(access: Access) -> u32 {
    match access {
        Access::Read => dma_buf::SYNC_READ,
        Access::Write => dma_buf::SYNC_WRITE,
        Access::ReadWrite => dma_buf::SYNC_READ | dma_buf::SYNC_WRITE,
    }
}

fn poll_events(interest: Interest) -> i16 {
    match interest {
        Interest::In => nix::libc::POLLIN,
        Interest::Out => nix::libc::POLLOUT,
        Interest::Pri => nix::libc::POLLPRI,
    }
}
