//! Calls that nobody takes: the kernel has to refuse each, and must not have done anything by then.

use nix::libc;
use program::{File, Mistake, Queue, VideoCall};

use super::buffer::Described;
use super::{DONE, Executor};
use crate::journal::Outcome;
use crate::sys::{Ioctl, Plain, v4l2};

/// The index of no buffer.
const NONE: u32 = u32::MAX;

/// The arguments that can be wrong.
struct Arguments {
    fd: i32,
    kind: u32,
    memory: u32,
    index: u32,
    planes: bool,
}

impl Executor<'_> {
    pub(super) fn wrong(
        &self,
        file: File,
        call: VideoCall,
        queue: Queue,
        mistake: Mistake,
    ) -> Outcome {
        let multi = self.shared.table().is_multi(file);
        let mistake = fitting(call, mistake, multi);
        let right = self.kind(file, queue);
        let arguments = Arguments {
            fd: self.file(file),
            kind: match mistake {
                Mistake::Type => other_planarity(right),
                Mistake::Class => v4l2::TYPE_SDR_CAPTURE,
                _ => right,
            },
            memory: match mistake {
                Mistake::Memory => v4l2::MEMORY_OVERLAY,
                _ => v4l2::MEMORY_MMAP,
            },
            index: if mistake == Mistake::Index { NONE } else { 0 },
            planes: mistake != Mistake::Planes,
        };
        let described = self.describe(file, queue, arguments.index);
        arguments.call(call, described)?;
        DONE
    }
}

/// The mistake that this call can be made with.
fn fitting(call: VideoCall, mistake: Mistake, multi: bool) -> Mistake {
    use VideoCall::{CreateBufs, Expbuf, PrepareBuf, Qbuf, Querybuf, RemoveBufs, Reqbufs};
    let fits = match mistake {
        Mistake::Type | Mistake::Class => true,
        Mistake::Memory => matches!(call, Reqbufs | CreateBufs | PrepareBuf | Qbuf),
        Mistake::Index => matches!(call, RemoveBufs | Querybuf | PrepareBuf | Qbuf | Expbuf),
        Mistake::Planes => multi && matches!(call, Querybuf | PrepareBuf | Qbuf),
    };
    if fits { mistake } else { Mistake::Type }
}

fn other_planarity(kind: u32) -> u32 {
    match kind {
        v4l2::TYPE_CAPTURE => v4l2::TYPE_CAPTURE_MPLANE,
        v4l2::TYPE_OUTPUT => v4l2::TYPE_OUTPUT_MPLANE,
        v4l2::TYPE_CAPTURE_MPLANE => v4l2::TYPE_CAPTURE,
        _ => v4l2::TYPE_OUTPUT,
    }
}

impl Arguments {
    fn call(&self, call: VideoCall, described: Described) -> nix::Result<()> {
        match call {
            VideoCall::GetFormat => self.format(&v4l2::G_FMT),
            VideoCall::SetFormat => self.format(&v4l2::S_FMT),
            VideoCall::TryFormat => self.format(&v4l2::TRY_FMT),
            VideoCall::Reqbufs => self.reqbufs(),
            VideoCall::CreateBufs => self.create_bufs(),
            VideoCall::RemoveBufs => self.remove_bufs(),
            VideoCall::Querybuf => self.buffer(&v4l2::QUERYBUF, described),
            VideoCall::PrepareBuf => self.buffer(&v4l2::PREPARE_BUF, described),
            VideoCall::Qbuf => self.buffer(&v4l2::QBUF, described),
            VideoCall::Dqbuf => self.buffer(&v4l2::DQBUF, described),
            VideoCall::Expbuf => self.expbuf(),
            VideoCall::Streamon => self.stream(&v4l2::STREAMON),
            VideoCall::Streamoff => self.stream(&v4l2::STREAMOFF),
        }
    }

    fn format(&self, ioctl: &Ioctl<v4l2::Format>) -> nix::Result<()> {
        let mut format = v4l2::Format::zeroed();
        format.kind = self.kind;
        ioctl.call(self.fd, &mut format).map(drop)
    }

    fn reqbufs(&self) -> nix::Result<()> {
        let mut request = v4l2::RequestBuffers::zeroed();
        (request.count, request.kind, request.memory) = (1, self.kind, self.memory);
        v4l2::REQBUFS.call(self.fd, &mut request).map(drop)
    }

    fn create_bufs(&self) -> nix::Result<()> {
        let mut request = v4l2::CreateBuffers::zeroed();
        (request.count, request.memory) = (1, self.memory);
        request.format.kind = self.kind;
        (request.format.width, request.format.height) = (64, 64);
        v4l2::CREATE_BUFS.call(self.fd, &mut request).map(drop)
    }

    fn remove_bufs(&self) -> nix::Result<()> {
        let mut request = v4l2::RemoveBuffers::zeroed();
        (request.index, request.count, request.kind) = (self.index, 1, self.kind);
        v4l2::REMOVE_BUFS.call(self.fd, &mut request).map(drop)
    }

    fn buffer(&self, ioctl: &Ioctl<v4l2::Buffer>, mut described: Described) -> nix::Result<()> {
        described.buffer.kind = self.kind;
        described.buffer.memory = self.memory;
        if self.planes {
            described.call(ioctl, self.fd)
        } else {
            ioctl.call(self.fd, &mut described.buffer).map(drop)
        }
    }

    fn expbuf(&self) -> nix::Result<()> {
        let mut export = v4l2::ExportBuffer::zeroed();
        (export.kind, export.index) = (self.kind, self.index);
        export.flags = libc::O_CLOEXEC as u32;
        v4l2::EXPBUF.call(self.fd, &mut export).map(drop)
    }

    fn stream(&self, ioctl: &Ioctl<libc::c_int>) -> nix::Result<()> {
        ioctl
            .call(self.fd, &mut (self.kind as libc::c_int))
            .map(drop)
    }
}
