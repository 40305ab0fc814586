//! The programs that show what each operation does.

use program::OpKind;

/// What shows an operation. It is the last of its kind in its programs.
pub(super) struct Shown {
    /// Without it, something after it answers otherwise. None if it only asks.
    pub(super) effect: Option<String>,
    /// It is refused with this errno.
    pub(super) refused: Option<(String, i32)>,
}

const ENOENT: i32 = 2;
const EBADF: i32 = 9;
const EAGAIN: i32 = 11;
const EACCES: i32 = 13;
const EBUSY: i32 = 16;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;
const ENOTTY: i32 = 25;
const ERANGE: i32 = 34;
const EBADR: i32 = 53;

const OPEN: &str = "a = open double\n";
const BUFFERS: &str = "a = open double\nreqbufs a out mmap 2\nreqbufs a cap mmap 2\n";
const EXPORT: &str = "d0 = expbuf a cap 0\n";
const JOB: &str = "qbuf a out 0\nqbuf a cap 0\nstreamon a out\nstreamon a cap\n";
const SLOW: &str = "job_time a 5ms\n";
const FENCE: &str = "s0 = export_sync d0 rw\n";
const LATER: &str = "\nadvance 20ms\ndqbuf a cap";
const REQUEST: &str = "a = open m2m\nreqbufs a out mmap 1\nreqbufs a cap mmap 1\nr0 = request a\nqbuf a out 0 in r0\n";
const REQUEST_JOB: &str = "qbuf a cap 0\nstreamon a out\nstreamon a cap\nqueue r0\n";
const DRAIN: &str = "qbuf a cap 0\nstreamon a out\nstreamon a cap\n";

impl Shown {
    fn effect(pieces: &[&str]) -> Self {
        Self {
            effect: Some(pieces.concat()),
            refused: None,
        }
    }

    /// Of an operation that only asks.
    fn refused(pieces: &[&str], errno: i32) -> Self {
        Self {
            effect: None,
            refused: Some((pieces.concat(), errno)),
        }
    }

    fn or(self, pieces: &[&str], errno: i32) -> Self {
        Self {
            refused: Some((pieces.concat(), errno)),
            ..self
        }
    }
}

/// What shows an operation of this kind.
pub(super) fn shown(kind: OpKind) -> Shown {
    use OpKind::*;
    match kind {
        Open | CloseFile | CloseDmabuf | CloseSync | CloseRequest => slots(kind),
        DupFile | DupDmabuf | DupSync => seconds(kind),
        MmapFile | MmapDmabuf | Touch | Munmap => mappings(kind),
        SetFormat | TryFormat | Wrong | GetFormat | Reqbufs | CreateBufs | RemoveBufs
        | Querybuf | Expbuf => allocation(kind),
        PrepareBuf | Qbuf | Dqbuf | Streamon | Streamoff => streaming(kind),
        ExportSync | ImportSync | CpuSync | Merge | FileInfo | SetDeadline => fences(kind),
        SwSync | Signal | Allocate => strangers(kind),
        PollSync | PollDmabuf | PollFile | PollRequest | Check | Advance | Join => waiting(kind),
        AllocRequest | QueueRequest | ReinitRequest => requests(kind),
        GetControl | SetControl | TryControl | QueryControl | Ask | AskQueue => questions(kind),
        DecoderCmd | EncoderCmd | Subscribe | Unsubscribe | Dqevent | Reload | Unload | Load
        | FailNth => others(kind),
        GateClose | GateOpen | JobTime | Chunks | Completion | SetKnob | Watchdog | Fail
        | SourceChange => knobs(kind),
    }
}

fn slots(kind: OpKind) -> Shown {
    match kind {
        OpKind::Open => Shown::effect(&[OPEN, "g_fmt a cap"]),
        OpKind::CloseFile => Shown::effect(&[OPEN, "close a\ng_fmt a cap"]).or(&["close a"], EBADF),
        OpKind::CloseDmabuf => {
            Shown::effect(&[BUFFERS, EXPORT, "close d0\npoll d0 in"]).or(&["close d0"], EBADF)
        }
        OpKind::CloseSync => Shown::effect(&[BUFFERS, EXPORT, FENCE, "close s0\nfile_info s0"])
            .or(&["close s0"], EBADF),
        _ => Shown::effect(&[REQUEST, "close r0\npoll r0"]).or(&["close r0"], EBADF),
    }
}

fn seconds(kind: OpKind) -> Shown {
    match kind {
        OpKind::DupFile => {
            Shown::effect(&[BUFFERS, "b = dup a\nquerybuf b cap 0"]).or(&["b = dup a"], EBADF)
        }
        OpKind::DupDmabuf => {
            Shown::effect(&[BUFFERS, EXPORT, "d1 = dup d0\npoll d1 in"]).or(&["d1 = dup d0"], EBADF)
        }
        _ => Shown::effect(&[BUFFERS, EXPORT, FENCE, "s1 = dup s0\nfile_info s1"])
            .or(&["s1 = dup s0"], EBADF),
    }
}

/// QUERYBUF tells whether a buffer is mapped.
fn mappings(kind: OpKind) -> Shown {
    let mapped = [BUFFERS, "m0 = mmap a cap 0\n"].concat();
    match kind {
        OpKind::MmapFile => Shown::effect(&[&mapped, "querybuf a cap 0"])
            .or(&[BUFFERS, "m0 = mmap a cap 7"], EINVAL),
        OpKind::MmapDmabuf => {
            Shown::effect(&[BUFFERS, EXPORT, "m0 = mmap d0\ntouch m0"]).or(&["m0 = mmap d0"], EBADF)
        }
        OpKind::Touch => Shown::refused(&["touch m0"], EBADF),
        _ => Shown::effect(&[&mapped, "munmap m0\nquerybuf a cap 0"]).or(&["munmap m0"], EBADF),
    }
}

fn allocation(kind: OpKind) -> Shown {
    match kind {
        OpKind::SetFormat => Shown::effect(&[OPEN, "s_fmt a out 128x64\ng_fmt a out"])
            .or(&[BUFFERS, "s_fmt a out 128x64"], EBUSY),
        OpKind::TryFormat => Shown::refused(&["try_fmt a out 64x64"], EBADF),
        OpKind::Wrong => Shown::refused(&[BUFFERS, JOB, "wrong a streamoff cap type"], EINVAL),
        OpKind::GetFormat => Shown::refused(&["g_fmt a cap"], EBADF),
        OpKind::Reqbufs => Shown::effect(&[OPEN, "reqbufs a cap mmap 2\nquerybuf a cap 0"])
            .or(&[BUFFERS, JOB, "reqbufs a cap mmap 1"], EBUSY),
        OpKind::CreateBufs => Shown::effect(&[OPEN, "create_bufs a cap mmap 1\nquerybuf a cap 0"])
            .or(&[BUFFERS, "create_bufs a cap dmabuf 1"], EINVAL),
        OpKind::RemoveBufs => Shown::effect(&[BUFFERS, "remove_bufs a cap 1 1\nquerybuf a cap 1"])
            .or(&[BUFFERS, "qbuf a cap 0\nremove_bufs a cap 0 1"], EBUSY),
        OpKind::Querybuf => Shown::refused(&[OPEN, "querybuf a cap 0"], EINVAL),
        _ => Shown::effect(&[BUFFERS, EXPORT, "poll d0 in"])
            .or(&[BUFFERS, "d0 = expbuf a cap 0 1"], EINVAL),
    }
}

fn streaming(kind: OpKind) -> Shown {
    match kind {
        OpKind::PrepareBuf => Shown::effect(&[BUFFERS, "prepare_buf a cap 0\nquerybuf a cap 0"])
            .or(&[BUFFERS, "prepare_buf a cap 7"], EINVAL),
        OpKind::Qbuf => Shown::effect(&[BUFFERS, "qbuf a cap 0\nquerybuf a cap 0"])
            .or(&[BUFFERS, "qbuf a cap 0\nqbuf a cap 0"], EINVAL),
        OpKind::Dqbuf => Shown::effect(&[BUFFERS, JOB, "dqbuf a cap wait\nquerybuf a cap 0"])
            .or(&[BUFFERS, "dqbuf a cap"], EINVAL),
        OpKind::Streamon => {
            Shown::effect(&[BUFFERS, JOB, LATER]).or(&[OPEN, "streamon a cap"], EINVAL)
        }
        _ => Shown::effect(&[BUFFERS, JOB, "streamoff a cap\nquerybuf a cap 0"])
            .or(&["streamoff a cap"], EBADF),
    }
}

fn fences(kind: OpKind) -> Shown {
    match kind {
        OpKind::ExportSync => Shown::effect(&[BUFFERS, EXPORT, FENCE, "file_info s0"])
            .or(&["s0 = export_sync d0 rw"], EBADF),
        OpKind::ImportSync => {
            let other = "d1 = expbuf a cap 1\ngate a close\n";
            let import = "import_sync d1 s0 w\npoll d1 in";
            Shown::effect(&[BUFFERS, EXPORT, other, JOB, FENCE, import])
                .or(&[BUFFERS, EXPORT, "import_sync d0 s0 w"], EINVAL)
        }
        OpKind::CpuSync => {
            Shown::effect(&[BUFFERS, EXPORT, SLOW, JOB, "sync d0 start r\npoll d0 in"])
                .or(&["sync d0 start r"], EBADF)
        }
        OpKind::Merge => Shown::effect(&[BUFFERS, EXPORT, FENCE, "s1 = merge s0 s0\nfile_info s1"])
            .or(&["s1 = merge s0 s0"], EBADF),
        OpKind::FileInfo => Shown::refused(&["file_info s0"], EBADF),
        // A hint, which nobody here takes.
        _ => Shown::refused(&["set_deadline s0 5ms"], EBADF),
    }
}

fn strangers(kind: OpKind) -> Shown {
    let software = "s0 = sw_sync\n";
    match kind {
        // Where debugfs is not there nothing makes one; of its arguments none can be wrong.
        OpKind::SwSync => Shown::effect(&[software, "file_info s0"]),
        OpKind::Signal => {
            Shown::effect(&[software, "signal s0\nfile_info s0"]).or(&["signal s0"], EBADF)
        }
        _ => {
            let queue = "a = open double\nreqbufs a cap dmabuf 1\n";
            Shown::effect(&[queue, "d0 = heap 5000\nqbuf a cap 0 d0"])
                .or(&["d0 = udmabuf 5000"], EINVAL)
        }
    }
}

fn waiting(kind: OpKind) -> Shown {
    let slow = [BUFFERS, EXPORT, SLOW, JOB].concat();
    match kind {
        OpKind::PollSync => {
            Shown::effect(&[&slow, FENCE, "poll s0 20ms\ndqbuf a cap"]).or(&["poll s0"], EBADF)
        }
        OpKind::PollDmabuf => {
            Shown::effect(&[&slow, "poll d0 in 20ms\ndqbuf a cap"]).or(&["poll d0 in"], EBADF)
        }
        OpKind::PollFile => {
            Shown::effect(&[&slow, "poll a in 20ms\ndqbuf a cap"]).or(&["poll a in"], EBADF)
        }
        OpKind::PollRequest => {
            Shown::effect(&[REQUEST, SLOW, REQUEST_JOB, "poll r0 20ms\ndqbuf a cap"])
                .or(&["poll r0"], EBADF)
        }
        OpKind::Check => Shown::refused(&["check d0"], EBADF),
        OpKind::Advance => Shown::effect(&[&slow, "advance 20ms\ndqbuf a cap"]),
        _ => Shown::effect(&[&slow, "async dqbuf a cap wait\njoin\nquerybuf a cap 0"]),
    }
}

fn requests(kind: OpKind) -> Shown {
    match kind {
        OpKind::AllocRequest => Shown::effect(&["a = open m2m\nr0 = request a\npoll r0"])
            .or(&[OPEN, "r0 = request a"], ENOTTY),
        OpKind::QueueRequest => Shown::effect(&[REQUEST, "queue r0\nquerybuf a out 0"])
            .or(&["a = open m2m\nr0 = request a\nqueue r0"], ENOENT),
        _ => {
            let done = "poll r0 20ms\ndqbuf a out\n";
            Shown::effect(&[REQUEST, REQUEST_JOB, done, "reinit r0\nqbuf a out 0 in r0"])
                .or(&[REQUEST, "queue r0\nreinit r0"], EBUSY)
        }
    }
}

/// Of these only a control that is set changes anything: here what a request leaves when its job has started.
fn questions(kind: OpKind) -> Shown {
    match kind {
        OpKind::GetControl => Shown::refused(&[REQUEST, "ctrl a get hflip in r0"], EACCES),
        OpKind::SetControl => {
            let set = "ctrl a set hflip 1 in r0\n";
            let done = "poll r0 20ms\nctrl a get hflip";
            Shown::effect(&[REQUEST, set, REQUEST_JOB, done])
                .or(&["a = open encoder\nctrl a set header_mode 2"], ERANGE)
        }
        OpKind::TryControl => {
            let other = "b = open double\nctrl b try profile 1 in r0";
            Shown::refused(&[REQUEST, other], EBADR)
        }
        OpKind::QueryControl => Shown::refused(&[OPEN, "ctrl a query contrast"], EINVAL),
        OpKind::Ask => Shown::refused(&[OPEN, "ask a enuminput"], ENOTTY),
        _ => Shown::refused(&[OPEN, "ask a g_selection out"], EINVAL),
    }
}

fn others(kind: OpKind) -> Shown {
    let ended = [BUFFERS, "subscribe a eos\n", DRAIN, "decoder_cmd a stop\n"].concat();
    match kind {
        OpKind::DecoderCmd => Shown::effect(&[BUFFERS, DRAIN, "decoder_cmd a stop\ndqbuf a cap"])
            .or(&["a = open m2m\ndecoder_cmd a stop"], ENOTTY),
        OpKind::EncoderCmd => {
            let drained = "a = open encoder\nreqbufs a out mmap 1\nreqbufs a cap mmap 1\n";
            Shown::effect(&[drained, DRAIN, "encoder_cmd a stop\ndqbuf a cap"])
                .or(&[OPEN, "encoder_cmd a stop"], ENOTTY)
        }
        OpKind::Unsubscribe => Shown::effect(&[&ended, "unsubscribe a eos\ndqevent a"])
            .or(&["unsubscribe a eos"], EBADF),
        OpKind::Subscribe => Shown::effect(&[&ended, "dqevent a"]).or(&["subscribe a eos"], EBADF),
        OpKind::Dqevent => {
            Shown::effect(&[&ended, "dqevent a\npoll a pri"]).or(&[OPEN, "dqevent a"], ENOENT)
        }
        OpKind::Unload => {
            Shown::effect(&["unload double\na = open double"]).or(&[OPEN, "unload double"], EAGAIN)
        }
        OpKind::Load => Shown::effect(&["unload double\nload double\na = open double"])
            .or(&["load double"], EEXIST),
        OpKind::FailNth => Shown::effect(&[OPEN, "fail_nth 1\nreqbufs a cap mmap 1"]),
        // Nothing of the module outlives it that a program could ask for.
        _ => Shown::refused(&[OPEN, "reload double"], EAGAIN),
    }
}

fn knobs(kind: OpKind) -> Shown {
    let (knob, wrong) = match kind {
        OpKind::GateClose => ("gate a close\n", "gate a close 65"),
        OpKind::GateOpen => {
            let opened = [BUFFERS, "gate a close\n", JOB, "gate a open", LATER];
            return Shown::effect(&opened).or(&["gate a open"], EBADF);
        }
        OpKind::JobTime => ("job_time a 50ms\n", "job_time a 11s"),
        OpKind::Chunks => ("chunks a 4 20ms\n", "chunks a 65 0us"),
        OpKind::Completion => {
            let inline = [BUFFERS, SLOW, "completion a inline\n", JOB, "dqbuf a cap"];
            return Shown::effect(&inline).or(&[OPEN, "completion a pipelined"], EINVAL);
        }
        OpKind::SetKnob => ("knob a not_ready 1\n", "knob a frames 17"),
        OpKind::Watchdog => {
            let expires = [BUFFERS, "gate a close\nwatchdog a 5ms\n", JOB, LATER];
            return Shown::effect(&expires).or(&[OPEN, "watchdog a 0us"], EINVAL);
        }
        OpKind::Fail => {
            let failed = [BUFFERS, "fail a error 1\n", JOB, LATER];
            return Shown::effect(&failed).or(&["fail a error 1"], EBADF);
        }
        _ => ("source_change a 1 128x64\n", "source_change a 1 8x8"),
    };
    Shown::effect(&[BUFFERS, knob, JOB, LATER]).or(&[OPEN, wrong], EINVAL)
}
