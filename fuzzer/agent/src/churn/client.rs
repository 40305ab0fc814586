//! A process that uses the double: it sets up, streams, tells what it holds, waits for a word, and ends as its script says.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};

use anyhow::{Context, Result, bail};
use nix::libc;
use nix::unistd::{ForkResult, Pid, fork};
use program::Choose;

use super::ground::Ground;
use super::held::{Held, Kind};
use crate::sys::clock::{self, MILLISECOND, SECOND};
use crate::sys::dma_buf::{EXPORT_SYNC_FILE, SYNC_READ, SYNC_WRITE, SyncFile};
use crate::sys::double::{self, Knob};
use crate::sys::v4l2::{
    self, Buffer, ExportBuffer, Format, RequestBuffers, TYPE_CAPTURE, TYPE_OUTPUT,
};
use crate::sys::{Plain, file};

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Without closing anything.
    Exits,
    /// After it has closed everything, the first or the last descriptor first.
    Closes { backwards: bool },
    /// After STREAMOFF, and after it has given its buffers back, exports or not.
    StopsStreaming,
    /// By SIGKILL, while jobs run or wait for the gate.
    DiesAtWork,
    /// By SIGKILL, blocked in DQBUF.
    DiesInDqbuf,
    /// By SIGKILL, blocked in poll(2) on what it has most of: the file, an export or a sync_file.
    DiesInPoll(Kind),
}

const ENDINGS: [Ending; 9] = [
    Ending::Exits,
    Ending::Closes { backwards: false },
    Ending::Closes { backwards: true },
    Ending::StopsStreaming,
    Ending::DiesAtWork,
    Ending::DiesInDqbuf,
    Ending::DiesInPoll(Kind::Video),
    Ending::DiesInPoll(Kind::Dmabuf),
    Ending::DiesInPoll(Kind::Sync),
];

/// What a process does.
#[derive(Clone, Debug)]
pub(super) struct Script {
    ending: Ending,
    outputs: u32,
    captures: u32,
    gate: bool,
    completion: u64,
    job_time: u64,
    watchdog: u64,
    failing: Option<(Knob, u64)>,
    work: u64,
}

impl Script {
    /// Any.
    pub(super) fn choose(choose: &mut dyn Choose) -> Self {
        let failing = [None, Some(Knob::FailError), Some(Knob::FailLost)][choose.below(3)];
        Self {
            ending: ENDINGS[choose.below(ENDINGS.len())],
            outputs: 1 + choose.below(3) as u32,
            captures: 1 + choose.below(3) as u32,
            gate: choose.chance(50),
            completion: choose.below(3) as u64,
            job_time: choose.below(3) as u64 * MILLISECOND,
            watchdog: (1 + choose.below(20) as u64) * MILLISECOND,
            failing: failing.map(|knob| (knob, 1 + choose.below(2) as u64)),
            work: choose.below(5) as u64 * MILLISECOND,
        }
    }
}

/// A running process.
pub(super) struct Client {
    pub(super) pid: Pid,
    /// Whether it ends by a signal only.
    pub(super) is_killed: bool,
    /// How it ends, in words.
    pub(super) story: String,
    told: PipeReader,
    word: PipeWriter,
}

impl Client {
    /// Starts one, with that file if one is given.
    pub(super) fn start(ground: &Ground, script: &Script, given: Option<&Held>) -> Result<Self> {
        let (told, tell) = pipe()?;
        let (listen, word) = pipe()?;
        // SAFETY: this process has one thread, so its copy may do what it could.
        match unsafe { fork() }? {
            ForkResult::Child => {
                drop((told, word));
                let lived = live(ground, script, given, tell, listen);
                if let Err(error) = &lived {
                    eprintln!("{script:?}: {error:#}");
                }
                // SAFETY: nothing of this copy is needed any more, least of all what its parent does at its end.
                unsafe { libc::_exit(i32::from(lived.is_err())) }
            }
            ForkResult::Parent { child } => Ok(Self {
                pid: child,
                is_killed: matches!(
                    script.ending,
                    Ending::DiesAtWork | Ending::DiesInDqbuf | Ending::DiesInPoll(_)
                ),
                story: format!("{:?}", script.ending),
                told,
                word,
            }),
        }
    }

    /// What it holds, as soon as it has everything.
    pub(super) fn ready(&self) -> Result<Vec<(Kind, i32)>> {
        let mut told = &self.told;
        let mut count = [0];
        told.read_exact(&mut count)
            .context("a process ended before it was ready")?;
        let mut held = Vec::new();
        for _ in 0..count[0] {
            let mut entry = [0; 5];
            told.read_exact(&mut entry)?;
            let [kind, fd @ ..] = entry;
            let kind = [Kind::Video, Kind::Dmabuf, Kind::Sync][usize::from(kind)];
            held.push((kind, i32::from_ne_bytes(fd)));
        }
        Ok(held)
    }

    /// Lets it come to its end.
    pub(super) fn go_on(&self) -> Result<()> {
        (&self.word).write_all(&[1])?;
        Ok(())
    }
}

/// The life of a process.
fn live(
    ground: &Ground,
    script: &Script,
    given: Option<&Held>,
    mut tell: PipeWriter,
    mut listen: PipeReader,
) -> Result<()> {
    let video = match given {
        Some(held) => held.fd(),
        None => ground.open()?,
    };
    let mut held = vec![(Kind::Video, video)];
    prepare(video, script)?;
    held.extend(stream(video, script)?);
    clock::sleep(script.work);
    let mut message = vec![held.len() as u8];
    for (kind, fd) in &held {
        message.push(*kind as u8);
        message.extend(fd.to_ne_bytes());
    }
    tell.write_all(&message)?;
    listen.read_exact(&mut [0])?;
    end(video, &held, script.ending)
}

fn prepare(video: i32, script: &Script) -> Result<()> {
    let mut knobs = vec![
        (Knob::Completion, script.completion),
        (Knob::JobTime, script.job_time),
        (Knob::Watchdog, script.watchdog),
    ];
    knobs.extend(script.gate.then_some((Knob::Gate, 1)));
    knobs.extend(script.failing);
    for (knob, value) in knobs {
        double::set(video, knob, value).with_context(|| format!("{knob:?} {value}"))?;
    }
    let mut format = Format {
        kind: TYPE_OUTPUT,
        ..Format::zeroed()
    };
    v4l2::G_FMT.call(video, &mut format)?;
    (format.width, format.height, format.sizeimage) = (64, 64, 0);
    v4l2::S_FMT.call(video, &mut format).context("S_FMT")?;
    Ok(())
}

/// Sets both queues up and starts them; what was exported of them.
fn stream(video: i32, script: &Script) -> Result<Vec<(Kind, i32)>> {
    let mut exports = Vec::new();
    for (kind, count) in [
        (TYPE_OUTPUT, script.outputs),
        (TYPE_CAPTURE, script.captures),
    ] {
        request(video, kind, count)?;
        for index in 0..count {
            exports.push(export(video, kind, index)?);
            queue(video, kind, index)?;
        }
    }
    for kind in [TYPE_OUTPUT, TYPE_CAPTURE] {
        v4l2::STREAMON
            .call(video, &mut (kind as libc::c_int))
            .context("STREAMON")?;
    }
    let syncs: Result<Vec<i32>> = exports.iter().map(|export| sync_file(*export)).collect();
    let exports = exports.into_iter().map(|fd| (Kind::Dmabuf, fd));
    Ok(exports
        .chain(syncs?.into_iter().map(|fd| (Kind::Sync, fd)))
        .collect())
}

fn request(video: i32, kind: u32, count: u32) -> Result<()> {
    let mut request = RequestBuffers {
        count,
        kind,
        memory: v4l2::MEMORY_MMAP,
        ..RequestBuffers::zeroed()
    };
    v4l2::REQBUFS.call(video, &mut request).context("REQBUFS")?;
    Ok(())
}

fn export(video: i32, kind: u32, index: u32) -> Result<i32> {
    let mut argument = ExportBuffer {
        kind,
        index,
        flags: libc::O_RDWR as u32,
        ..ExportBuffer::zeroed()
    };
    v4l2::EXPBUF.call(video, &mut argument).context("EXPBUF")?;
    Ok(argument.fd)
}

fn sync_file(export: i32) -> Result<i32> {
    let mut argument = SyncFile {
        flags: SYNC_READ | SYNC_WRITE,
        fd: -1,
    };
    EXPORT_SYNC_FILE.call(export, &mut argument)?;
    Ok(argument.fd)
}

fn queue(video: i32, kind: u32, index: u32) -> Result<()> {
    let mut buffer = Buffer {
        index,
        kind,
        memory: v4l2::MEMORY_MMAP,
        field: v4l2::FIELD_NONE,
        bytesused: if kind == TYPE_OUTPUT { 64 } else { 0 },
        ..Buffer::zeroed()
    };
    v4l2::QBUF.call(video, &mut buffer).context("QBUF")?;
    Ok(())
}

fn end(video: i32, held: &[(Kind, i32)], ending: Ending) -> Result<()> {
    match ending {
        Ending::Exits => Ok(()),
        Ending::Closes { backwards } => {
            let mut fds: Vec<i32> = held.iter().map(|(_, fd)| *fd).collect();
            if backwards {
                fds.reverse();
            }
            fds.into_iter().try_for_each(file::close)?;
            Ok(())
        }
        Ending::StopsStreaming => {
            for kind in [TYPE_CAPTURE, TYPE_OUTPUT] {
                v4l2::STREAMOFF.call(video, &mut (kind as libc::c_int))?;
                request(video, kind, 0)?;
            }
            Ok(())
        }
        Ending::DiesAtWork => loop {
            clock::sleep(SECOND);
        },
        Ending::DiesInDqbuf => loop {
            let mut buffer = Buffer {
                kind: TYPE_CAPTURE,
                memory: v4l2::MEMORY_MMAP,
                ..Buffer::zeroed()
            };
            // Blocks for good when all buffers have been given back.
            v4l2::DQBUF.call(video, &mut buffer).context("DQBUF")?;
        },
        Ending::DiesInPoll(kind) => {
            let of_kind = held.iter().rev().find(|(of, _)| *of == kind);
            let Some((_, fd)) = of_kind else {
                bail!("nothing to poll");
            };
            loop {
                file::poll(*fd, libc::POLLIN, SECOND)?;
                clock::sleep(MILLISECOND);
            }
        }
    }
}
