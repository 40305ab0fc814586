//! Each operation as a call of one of the library's functions.

use super::{controls, library::Needs};
use crate::{
    driver::Driver,
    knobs,
    op::{
        Access, DecoderCmd, Dmabuf, EventKind, Exporter, File, Interest, Memory, Micros, Mistake,
        MorePlanes, Node, Op, Pixels, Queue, Request, Sync, SyncEdge, VideoCall, Wait,
    },
};

/// An expression, and the pieces of the library that it needs.
pub(super) struct Call {
    pub(super) text: String,
    needs: Vec<&'static str>,
}

impl Call {
    pub(super) fn new(needs: &[&'static str], text: String) -> Call {
        Call {
            text,
            needs: needs.to_vec(),
        }
    }

    /// The expression, for a file that gets what it needs.
    pub(super) fn into(self, needs: &mut Needs) -> String {
        needs.add(&self.needs);
        self.text
    }
}

/// The calls that an operation is; most are one. None for an operation that C does not know yet.
///
/// `user` says that some queue of the program has memory of user space.
pub(super) fn calls(op: &Op, driver: Driver, user: bool) -> Option<Vec<Call>> {
    if let Some((file, settings)) = knobs::settings(op) {
        let call = |(knob, value)| {
            let text = format!("set_knob({file}, {} /* {knob:?} */, {value})", knob as u32);
            Call::new(&["knob"], text)
        };
        return Some(settings.into_iter().flatten().map(call).collect());
    }
    let call = slots(op, driver)
        .or_else(|| buffers(op, user))
        .or_else(|| maps(op))
        .or_else(|| video(op, driver))
        .or_else(|| controls::calls(op))
        .or_else(|| requests(op))
        .or_else(|| fences(op))
        .or_else(|| strangers(op))
        .or_else(|| polls(op))?;
    Some(vec![call])
}

/// Opening and closing, and what is no system call on a device.
fn slots(op: &Op, driver: Driver) -> Option<Call> {
    let close = |name: String| Call::new(&["vacate"], format!("vacate(&{name})"));
    Some(match op {
        Op::Open { file, node } => open(*file, *node, driver)?,
        Op::CloseFile { file } => close(file.to_string()),
        Op::CloseDmabuf { dmabuf } => close(dmabuf.to_string()),
        Op::CloseSync { sync } => close(sync.to_string()),
        Op::DupFile { file, from } => dup(file, from),
        Op::DupDmabuf { dmabuf, from } => dup(dmabuf, from),
        Op::DupSync { sync, from } => dup(sync, from),
        Op::CloseRequest { request } => close(request.to_string()),
        Op::Advance { time } => Call::new(&["pause"], format!("(pause_for({}), 0)", time.0)),
        Op::Join => Call::new(&["join"], "join()".into()),
        Op::Reload => Call::new(&["reload"], "reload()".into()),
        Op::Unload => Call::new(&["unload"], "unload()".into()),
        Op::Load => Call::new(&["load"], "load()".into()),
        // What it does, it does to the next step.
        Op::FailNth { .. } => Call::new(&[], "0".into()),
        _ => return None,
    })
}

/// A second name, for whatever it is.
fn dup(name: &impl std::fmt::Display, from: &impl std::fmt::Display) -> Call {
    Call::new(&["second"], format!("second(&{name}, {from})"))
}

/// The node of a driver. Multi-planar queues take other structures, which the library does not have.
fn open(file: File, node: Node, driver: Driver) -> Option<Call> {
    let (driver, name) = match (driver, node) {
        (Driver::Double, Node::Double) => ("vb2_double", None),
        (Driver::Double, Node::Encoder) => ("vb2_double", Some("vb2_double-encoder")),
        (Driver::Double, Node::M2m) => ("vb2_double", Some("vb2_double-m2m")),
        (_, Node::DecoderMplane | Node::EncoderMplane | Node::M2mMplane) => return None,
        (Driver::Vim2m, _) => ("vim2m", None),
        (Driver::VicodecEncoder, _) => ("vicodec", Some("stateful-encoder")),
        (Driver::VicodecDecoder, _) => ("vicodec", Some("stateful-decoder")),
    };
    let name = name.map_or("NULL".to_owned(), |name| format!("\"{name}\""));
    let text = format!("open_node(&{file}, \"{driver}\", {name})");
    Some(Call::new(&["node"], text))
}

/// What moves buffers.
fn buffers(op: &Op, user: bool) -> Option<Call> {
    Some(match op {
        Op::PrepareBuf {
            file,
            queue,
            index,
            dmabuf,
            more: MorePlanes { second: None, .. },
        } => {
            let buffer = (*file, *queue, *index, *dmabuf);
            if user && dmabuf.is_none() {
                return Some(give_user("VIDIOC_PREPARE_BUF", buffer, false, Micros(0)));
            }
            give("VIDIOC_PREPARE_BUF", buffer, false, Micros(0))
        }
        Op::Qbuf {
            file,
            queue,
            index,
            dmabuf,
            more: MorePlanes { second: None, .. },
            hold,
            stamp,
            request,
        } => {
            let buffer = (*file, *queue, *index, *dmabuf);
            match request {
                Some(request) => give_in(*request, buffer, *hold, *stamp, user),
                None if user && dmabuf.is_none() => give_user("VIDIOC_QBUF", buffer, *hold, *stamp),
                None => give("VIDIOC_QBUF", buffer, *hold, *stamp),
            }
        }
        Op::Dqbuf {
            file,
            queue,
            wait: Wait::Poll,
        } => on(&["dqbuf_wait"], "dqbuf_wait", *file, *queue, &[]),
        Op::Dqbuf {
            file,
            queue,
            wait: Wait::Block,
        } => on(&["dqbuf_block"], "dqbuf_block", *file, *queue, &[]),
        Op::Dqbuf { file, queue, .. } => on(&["dqbuf"], "dqbuf", *file, *queue, &[]),
        Op::Expbuf {
            dmabuf,
            file,
            queue,
            index,
            plane: 0,
        } => {
            let text = format!("expbuf(&{dmabuf}, {file}, {}, {index})", kind(*queue));
            Call::new(&["expbuf"], text)
        }
        Op::Querybuf { file, queue, index } => {
            on(&["querybuf_only"], "querybuf", *file, *queue, &[index])
        }
        _ => return None,
    })
}

/// What is done to mappings.
fn maps(op: &Op) -> Option<Call> {
    Some(match op {
        Op::MmapFile {
            map,
            file,
            queue,
            index,
            plane: 0,
        } => {
            let text = format!("map_plane(&{map}, {file}, {}, {index}u)", kind(*queue));
            Call::new(&["map_plane"], text)
        }
        Op::MmapDmabuf { map, dmabuf } => {
            Call::new(&["map_dmabuf"], format!("map_dmabuf(&{map}, {dmabuf})"))
        }
        Op::Touch { map } => Call::new(&["touch"], format!("touch(&{map})")),
        Op::Munmap { map } => Call::new(&["map"], format!("unmap(&{map})")),
        _ => return None,
    })
}

/// File, queue, index, and the dma-buf that it imports.
type Given = (File, Queue, u32, Option<Dmabuf>);

fn give(request: &str, buffer: Given, hold: bool, stamp: Micros) -> Call {
    let buffer = given(buffer);
    match (hold, stamp) {
        (false, Micros(0)) => Call::new(&["give_plain"], format!("give({request}, {buffer})")),
        (_, Micros(stamp)) => {
            let flags = hold_flag(hold);
            let text = format!("give_marked({request}, {buffer}, {flags}, {stamp}u)");
            Call::new(&["give_marked"], text)
        }
    }
}

/// The same where the queue may have memory of user space.
fn give_user(request: &str, buffer: Given, hold: bool, Micros(stamp): Micros) -> Call {
    let (file, queue, index, _) = buffer;
    let (queue, flags) = (kind(queue), hold_flag(hold));
    let text = format!("give_user({request}, {file}, {queue}, {index}u, {flags}, {stamp}u)");
    Call::new(&["give_user"], text)
}

fn give_in(request: Request, buffer: Given, hold: bool, Micros(stamp): Micros, user: bool) -> Call {
    let name = match (user, buffer) {
        (true, (.., None)) => "give_user_in_request",
        _ => "give_in_request",
    };
    let (buffer, flags) = (given(buffer), hold_flag(hold));
    let text = format!("{name}({request}, {buffer}, {flags}, {stamp}u)");
    Call::new(&[name], text)
}

fn given((file, queue, index, dmabuf): Given) -> String {
    let dmabuf = dmabuf.map_or("NULL".to_owned(), |dmabuf| format!("&{dmabuf}"));
    format!("{file}, {}, {index}u, {dmabuf}", kind(queue))
}

fn hold_flag(hold: bool) -> &'static str {
    match hold {
        true => "V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF",
        false => "0",
    }
}

/// Operations on media requests.
fn requests(op: &Op) -> Option<Call> {
    let on = |what: &str, request: &Request| {
        let text = format!("on_request(MEDIA_REQUEST_IOC_{what}, {request})");
        Call::new(&["on_request"], text)
    };
    Some(match op {
        Op::AllocRequest { request, file } => {
            Call::new(&["new_request"], format!("new_request(&{request}, {file})"))
        }
        Op::QueueRequest { request } => on("QUEUE", request),
        Op::ReinitRequest { request } => on("REINIT", request),
        _ => return None,
    })
}

/// What else is done to a video node.
fn video(op: &Op, driver: Driver) -> Option<Call> {
    Some(match op {
        Op::SetFormat {
            file,
            queue,
            width,
            height,
            pixels: Pixels::First,
        } => on(&["s_fmt"], "s_fmt", *file, *queue, &[width, height]),
        Op::TryFormat {
            file,
            queue,
            width,
            height,
            pixels: Pixels::First,
        } => on(&["try_fmt"], "try_fmt", *file, *queue, &[width, height]),
        Op::EncoderCmd { file, cmd } => {
            let text = format!("encoder_cmd({file}, {})", *cmd as u32);
            Call::new(&["encoder_cmd"], text)
        }
        Op::Unsubscribe { file, event } => {
            let text = format!("unsubscribe({file}, {})", named(*event));
            Call::new(&["unsubscribe"], text)
        }
        Op::Wrong {
            file,
            call,
            queue,
            mistake: Mistake::Type,
        } => wrong(*file, *call, *queue)?,
        Op::GetFormat { file, queue } => on(&["g_fmt"], "g_fmt", *file, *queue, &[]),
        Op::Reqbufs {
            file,
            queue,
            memory,
            count,
        } => allocate("reqbufs", *file, *queue, *memory, *count),
        Op::CreateBufs {
            file,
            queue,
            memory,
            count,
        } => allocate("create_bufs", *file, *queue, *memory, *count),
        Op::RemoveBufs {
            file,
            queue,
            index,
            count,
        } => on(
            &["remove_bufs"],
            "remove_bufs",
            *file,
            *queue,
            &[index, count],
        ),
        Op::Streamon { file, queue } => stream("VIDIOC_STREAMON", *file, *queue),
        Op::Streamoff { file, queue } => stream("VIDIOC_STREAMOFF", *file, *queue),
        Op::DecoderCmd { file, cmd } => command(*file, *cmd, driver),
        Op::Subscribe { file, event } => {
            let text = format!("subscribe({file}, {})", named(*event));
            Call::new(&["subscribe"], text)
        }
        Op::Dqevent { file } => Call::new(&["dqevent"], format!("dqevent({file})")),
        _ => return None,
    })
}

fn named(event: EventKind) -> &'static str {
    match event {
        EventKind::SourceChange => "V4L2_EVENT_SOURCE_CHANGE",
        EventKind::Eos => "V4L2_EVENT_EOS",
    }
}

/// The type of the other planarity; the library has no multi-planar devices. Of calls that need more than a type it has none.
fn wrong(file: File, call: VideoCall, queue: Queue) -> Option<Call> {
    let request = match call {
        VideoCall::Streamon => "VIDIOC_STREAMON",
        VideoCall::Streamoff => "VIDIOC_STREAMOFF",
        _ => return None,
    };
    let text = format!("stream({request}, {file}, {}_MPLANE)", kind(queue));
    Some(Call::new(&["stream"], text))
}

fn on(needs: &[&'static str], name: &str, file: File, queue: Queue, rest: &[&u32]) -> Call {
    let rest: String = rest.iter().map(|number| format!(", {number}u")).collect();
    Call::new(needs, format!("{name}({file}, {}{rest})", kind(queue)))
}

fn allocate(name: &'static str, file: File, queue: Queue, memory: Memory, count: u32) -> Call {
    let memory = match memory {
        Memory::Mmap => "V4L2_MEMORY_MMAP",
        Memory::Dmabuf => "V4L2_MEMORY_DMABUF",
        Memory::Userptr => "V4L2_MEMORY_USERPTR",
    };
    let text = format!("{name}({file}, {}, {memory}, {count}u)", kind(queue));
    Call::new(&[name], text)
}

fn stream(request: &str, file: File, queue: Queue) -> Call {
    Call::new(
        &["stream"],
        format!("stream({request}, {file}, {})", kind(queue)),
    )
}

/// An encoder has a command of its own, which means the same.
fn command(file: File, cmd: DecoderCmd, driver: Driver) -> Call {
    let (name, prefix) = match driver {
        Driver::VicodecEncoder => ("encoder_cmd", "V4L2_ENC_CMD"),
        _ => ("decoder_cmd", "V4L2_DEC_CMD"),
    };
    let text = match (name, cmd) {
        // Encoders have no such command.
        ("encoder_cmd", DecoderCmd::Flush) => format!("{name}({file}, 4)"),
        _ => format!("{name}({file}, {prefix}_{})", cmd.word().to_uppercase()),
    };
    Call::new(&[name], text)
}

/// Operations on dma-bufs and sync_files.
fn fences(op: &Op) -> Option<Call> {
    Some(match op {
        Op::ExportSync {
            sync,
            dmabuf,
            access,
        } => {
            let text = format!("export_sync(&{sync}, {dmabuf}, {})", flags(*access));
            Call::new(&["export_sync"], text)
        }
        Op::ImportSync {
            dmabuf,
            sync,
            access,
        } => {
            let text = format!("import_sync({dmabuf}, {sync}, {})", flags(*access));
            Call::new(&["import_sync"], text)
        }
        Op::CpuSync {
            dmabuf,
            edge,
            access,
        } => cpu_sync(*dmabuf, *edge, *access),
        Op::Merge { sync, a, b } => Call::new(&["merge"], format!("merge(&{sync}, {a}, {b})")),
        Op::FileInfo { sync } => Call::new(&["tell_status"], format!("tell_status({sync})")),
        Op::SetDeadline { sync, after } => Call::new(
            &["set_deadline"],
            format!("set_deadline({sync}, {})", after.0),
        ),
        Op::Check { dmabuf } => Call::new(&["check"], format!("check({dmabuf})")),
        _ => return None,
    })
}

/// What no video device makes.
fn strangers(op: &Op) -> Option<Call> {
    Some(match op {
        Op::SwSync { sync } => Call::new(
            &["sw_sync"],
            format!("sw_sync(&{sync}, &timelines[{}])", sync.0),
        ),
        Op::Signal { sync } => Call::new(
            &["signal"],
            format!("signal_timeline(timelines[{}])", sync.0),
        ),
        Op::Allocate {
            dmabuf,
            exporter,
            bytes,
        } => {
            let name = match exporter {
                Exporter::Udmabuf => "udmabuf",
                Exporter::Heap => "heap",
            };
            Call::new(&[name], format!("{name}(&{dmabuf}, {bytes}u)"))
        }
        _ => return None,
    })
}

fn cpu_sync(dmabuf: Dmabuf, edge: SyncEdge, access: Access) -> Call {
    let flags = flags(access);
    match edge {
        SyncEdge::Start => Call::new(
            &["cpu_sync_start"],
            format!("cpu_sync_start({dmabuf}, {flags})"),
        ),
        SyncEdge::End => {
            let text = format!("cpu_sync({dmabuf}, {flags} | DMA_BUF_SYNC_END)");
            Call::new(&["cpu_sync"], text)
        }
    }
}

fn polls(op: &Op) -> Option<Call> {
    const LONGEST: u32 = 10_000_000;
    let (name, interest, timeout) = match op {
        Op::PollSync { sync, timeout } => (sync.to_string(), Interest::In, timeout),
        Op::PollDmabuf {
            dmabuf,
            interest,
            timeout,
        } => (dmabuf.to_string(), *interest, timeout),
        Op::PollFile {
            file,
            interest,
            timeout,
        } => (file.to_string(), *interest, timeout),
        Op::PollRequest { request, timeout } => (request.to_string(), Interest::Pri, timeout),
        _ => return None,
    };
    let event = match interest {
        Interest::In => "POLLIN",
        Interest::Out => "POLLOUT",
        Interest::Pri => "POLLPRI",
    };
    let text = format!("wait_for({name}, {event}, {})", timeout.0.min(LONGEST));
    Some(Call::new(&["wait_for"], text))
}

/// The queue's name in the file.
pub fn kind(queue: Queue) -> &'static str {
    match queue {
        Queue::Output => "OUTPUT",
        Queue::Capture => "CAPTURE",
    }
}

/// `DMA_BUF_SYNC_*`
pub(super) fn flags(access: Access) -> &'static str {
    match access {
        Access::Read => "DMA_BUF_SYNC_READ",
        Access::Write => "DMA_BUF_SYNC_WRITE",
        Access::ReadWrite => "DMA_BUF_SYNC_RW",
    }
}

/// The names that an operation binds or uses, as the file declares them: files first, then dma-bufs, sync_files, requests, mappings.
pub(super) fn names(op: &Op) -> [Vec<String>; 5] {
    let mut op = op.clone();
    let mut names: [Vec<String>; 5] = Default::default();
    for part in op.parts() {
        use crate::part::Part;
        match part {
            Part::File(File(_)) => names[0].push(part.to_string()),
            Part::Dmabuf(Dmabuf(_)) | Part::Import(Some(_)) => names[1].push(part.to_string()),
            Part::Imports(first, more) => {
                let planes = first.iter().copied().chain(more.iter());
                names[1].extend(planes.map(|dmabuf| dmabuf.to_string()));
            }
            Part::Sync(Sync(_)) => names[2].push(part.to_string()),
            Part::Map(_) => names[4].push(part.to_string()),
            Part::Request(request) | Part::InRequest(Some(request)) => {
                names[3].push(request.to_string());
            }
            _ => {}
        }
    }
    names
}
