//! A trace for human eyes: one event a line, the operations in the program's own words.

use std::fmt::{self, Write};

use program::Program;

use crate::event::*;

/// Renders a trace of this program. Times are in microseconds since the program started.
pub fn render(program: &Program, trace: &Trace) -> String {
    let mut text = String::new();
    for event in &trace.events {
        let (time, body) = line(program, event);
        let time = time.map_or_else(String::new, micros);
        let _ = writeln!(text, "{time:>14}  {}", body.trim_end());
    }
    text
}

fn micros(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1000, nanos % 1000)
}

/// The operation as the program writes it, with its number.
fn step(program: &Program, op: u16) -> String {
    let text = program.steps.get(usize::from(op)).map(ToString::to_string);
    format!(
        "#{op} {}",
        text.as_deref().unwrap_or("(not in this program)")
    )
}

fn line(program: &Program, event: &Event) -> (Option<u64>, String) {
    match event {
        Event::Begin { op, time } => (Some(*time), format!("{} …", step(program, *op))),
        Event::Call(call) => (Some(call.end), returned(program, call)),
        Event::Ledger(record) => (Some(record.time), ledger(record)),
        Event::LedgerLost { count } => (None, format!("    ledger: {count} records lost")),
        Event::Look(look) => (None, format!("    look: {look}")),
        Event::Log { level, text } => (None, format!("    <{level}> {text}")),
        Event::Mark { mark, time } => (Some(*time), format!("-- {mark}")),
        Event::Fault { op, hit: true } => (None, format!("    an allocation of #{op} failed")),
        Event::Fault { op, hit: false } => (None, format!("    no allocation of #{op} failed")),
        Event::Stuck { op } => (None, format!("{} never returned", step(program, *op))),
        Event::Died { how } => (None, format!("-- the target {how}")),
    }
}

fn returned(program: &Program, call: &Call) -> String {
    let took = match call.end.saturating_sub(call.start) {
        0 => String::new(),
        nanos => format!(" after {}us", micros(nanos)),
    };
    let step = step(program, call.op);
    match &call.result {
        Ok(Out::Done) => format!("{step} -> ok{took}"),
        Ok(out) => format!("{step} -> {out}{took}"),
        Err(errno) => format!("{step} -> {}{took}", Errno(*errno)),
    }
}

fn ledger(record: &Record) -> String {
    let context = match record.irqs {
        Irqs::On => "",
        Irqs::Off => " (irqs off)",
        Irqs::Handler => " (in interrupt)",
    };
    format!("    {}{context}", record.kind)
}

/// An error number by its name, as far as these calls give it.
pub(crate) struct Errno(pub(crate) i32);

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0.abs() {
            1 => "EPERM",
            2 => "ENOENT",
            4 => "EINTR",
            5 => "EIO",
            9 => "EBADF",
            11 => "EAGAIN",
            12 => "ENOMEM",
            13 => "EACCES",
            14 => "EFAULT",
            16 => "EBUSY",
            19 => "ENODEV",
            22 => "EINVAL",
            24 => "EMFILE",
            25 => "ENOTTY",
            32 => "EPIPE",
            34 => "ERANGE",
            53 => "EBADR",
            61 => "ENODATA",
            62 => "ETIME",
            110 => "ETIMEDOUT",
            125 => "ECANCELED",
            number => return write!(f, "errno {number}"),
        };
        f.write_str(name)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ProgramEnd => "the last operation returned",
            Self::Quiet => "quiet: all that ends by itself has ended",
            Self::VideoClosed => "video files are closed",
            Self::AllClosed => "everything is closed",
        })
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panic => "panicked",
            Self::Hang => "hangs",
            Self::Lost => "went away",
        })
    }
}

impl fmt::Display for FenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.context, self.seqno)
    }
}

impl fmt::Display for BufferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.output { "out" } else { "cap" };
        write!(f, "{kind} {} of queue {}", self.index, self.queue)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::FirstStore => "first store",
            Self::LastStore => "last store",
            Self::End => "end",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Init { fence } => write!(f, "fence {fence} init"),
            Self::Attach {
                fence,
                buffer,
                plane,
                usage,
                resv,
            } => {
                let usage = usage_name(*usage);
                write!(
                    f,
                    "fence {fence} attach: {buffer}, plane {plane}, {usage}, resv {resv}"
                )
            }
            Self::Signal { fence, error: 0 } => write!(f, "fence {fence} signal"),
            Self::Signal { fence, error } => write!(f, "fence {fence} signal: {}", Errno(*error)),
            Self::Destroy { fence } => write!(f, "fence {fence} destroy"),
            Self::Queue { buffer } => write!(f, "buf_queue: {buffer}"),
            Self::Done { buffer, state } => write!(f, "buf_done: {buffer}, {}", state_name(*state)),
            Self::Job { buffer, job, phase } => write!(f, "job {job} {phase}: {buffer}"),
            Self::Again { fence } => write!(f, "fence {fence} is signalled again"),
            Self::Userptr { buffer } => write!(f, "userptr: {buffer}"),
        }
    }
}

fn usage_name(usage: u32) -> &'static str {
    ["KERNEL", "WRITE", "READ", "BOOKKEEP"]
        .get(usage as usize)
        .unwrap_or(&"usage unknown")
}

fn state_name(state: u32) -> &'static str {
    let names = [
        "DEQUEUED",
        "IN_REQUEST",
        "PREPARING",
        "QUEUED",
        "ACTIVE",
        "DONE",
        "ERROR",
    ];
    names.get(state as usize).unwrap_or(&"state unknown")
}

impl fmt::Display for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("ok"),
            Self::Format {
                width,
                height,
                sizeimage,
            } => {
                write!(f, "{width}x{height}, {sizeimage} bytes")
            }
            Self::Buffers { index, count } => write!(f, "{count} buffers from {index}"),
            Self::Buffer {
                index,
                flags,
                bytesused,
                length,
                sequence,
            } => write!(
                f,
                "buffer {index}, flags {flags:#x}, {bytesused} of {length} bytes, sequence {sequence}"
            ),
            Self::Exported { size } => write!(f, "{size} bytes"),
            Self::Sync(info) => write!(f, "{info}"),
            Self::Polled { revents } => write!(f, "revents {revents:#x}"),
            Self::Content(content) => write!(f, "{content}"),
            Self::Event {
                kind,
                changes,
                sequence,
            } => {
                write!(f, "event {kind}, changes {changes:#x}, sequence {sequence}")
            }
            Self::Value { value } => write!(f, "value {value}"),
            Self::Control {
                kind,
                minimum,
                maximum,
                default,
            } => {
                write!(f, "type {kind}, {minimum} to {maximum}, at first {default}")
            }
        }
    }
}

fn status_name(status: i32) -> String {
    match status {
        1 => "signalled".to_owned(),
        0 => "pending".to_owned(),
        error => format!("ended with {}", Errno(error)),
    }
}

impl fmt::Display for SyncInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&status_name(self.status))?;
        for fence in &self.fences {
            write!(f, " [{fence}]")?;
        }
        Ok(())
    }
}

impl fmt::Display for FenceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.driver)?;
        if let Some(id) = self.id {
            write!(f, " {id}")?;
        }
        write!(f, " {}", status_name(self.status))?;
        match (self.status, u64::try_from(self.timestamp)) {
            (0, _) => Ok(()),
            (_, Ok(time)) => write!(f, " at {}", micros(time)),
            (_, Err(_)) => f.write_str(" before the program"),
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stamp {
            Some(Stamp { job, time }) => {
                let time = u64::try_from(time).map_or_else(|_| time.to_string(), micros);
                write!(f, "stamp of job {job} at {time}, ")?;
            }
            None => f.write_str("no stamp, ")?,
        }
        write!(
            f,
            "{} of {} words good, hash {:016x}",
            self.good_words, self.words, self.hash
        )
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sync { slot, info } => write!(f, "s{slot} {info}"),
            Self::Dmabuf { slot, content } => write!(f, "d{slot} {content}"),
            Self::Poll { slot, revents } => write!(f, "poll d{slot} revents {revents:#x}"),
            Self::Objects { dmabufs, users } => write!(
                f,
                "{dmabufs:+} dma-bufs, {users:+} references to modules since the run began"
            ),
            Self::Failed { what, slot, errno } => {
                let kind = if *what == Looked::Sync { 's' } else { 'd' };
                write!(f, "{kind}{slot} failed: {}", Errno(*errno))
            }
        }
    }
}
