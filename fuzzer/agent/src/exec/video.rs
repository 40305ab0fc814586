//! Operations on the video node.

use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::libc;
use program::{
    DecoderCmd, Dmabuf, Driver, EventKind, File, Memory, Micros, Op, Pixels, Queue, Request, Wait,
};
use trace::Out;

use super::source::{Filled, Source};
use super::{DONE, Executor, LONGEST_WAIT};
use crate::journal::{Outcome, Seen, buffer_type};
use crate::sys::memory::Mapping;
use crate::sys::v4l2::{self, Buffer, Format};
use crate::sys::{Ioctl, Plain, clock, file};
use crate::table::{BufferKey, Plane, Table};

/// What QBUF can be told beside the buffer.
#[derive(Clone, Copy, Default)]
struct Extra {
    /// The frame goes on in the next OUTPUT buffer.
    hold: bool,
    /// The timestamp.
    stamp: Micros,
    request: Option<Request>,
}

impl Executor<'_> {
    pub(super) fn video_operation(&self, op: &Op) -> Outcome {
        match *op {
            Op::SetFormat {
                file,
                queue,
                width,
                height,
                pixels,
            } => self.ask_format(&v4l2::S_FMT, (file, queue), (width, height), pixels),
            Op::TryFormat {
                file,
                queue,
                width,
                height,
                pixels,
            } => self.ask_format(&v4l2::TRY_FMT, (file, queue), (width, height), pixels),
            Op::GetFormat { file, queue } => self.format(file, queue).map(|f| format_seen(&f)),
            Op::Reqbufs {
                file,
                queue,
                memory,
                count,
            } => self.reqbufs(file, queue, memory, count),
            Op::CreateBufs {
                file,
                queue,
                memory,
                count,
            } => self.create_bufs(file, queue, memory, count),
            Op::RemoveBufs {
                file,
                queue,
                index,
                count,
            } => self.remove_bufs(file, queue, index, count),
            Op::Querybuf { file, queue, index } => self.querybuf(file, queue, index),
            Op::PrepareBuf {
                file,
                queue,
                index,
                dmabuf,
                more,
            } => {
                let dmabufs: Vec<_> = dmabuf.into_iter().chain(more.iter()).collect();
                let place = (file, queue, index);
                self.give(&v4l2::PREPARE_BUF, place, &dmabufs, Extra::default())
            }
            Op::Qbuf {
                file,
                queue,
                index,
                dmabuf,
                more,
                hold,
                stamp,
                request,
            } => {
                let dmabufs: Vec<_> = dmabuf.into_iter().chain(more.iter()).collect();
                let extra = Extra {
                    hold,
                    stamp,
                    request,
                };
                self.give(&v4l2::QBUF, (file, queue, index), &dmabufs, extra)
            }
            Op::Dqbuf { file, queue, wait } => self.dqbuf(file, queue, wait),
            Op::Expbuf {
                dmabuf,
                file,
                queue,
                index,
                plane,
            } => self.expbuf(dmabuf, (file, queue, index, plane)),
            Op::Streamon { file, queue } => self.stream(&v4l2::STREAMON, file, queue),
            Op::Streamoff { file, queue } => self.streamoff(file, queue),
            Op::DecoderCmd { file, cmd } => self.decoder_cmd(file, cmd),
            Op::EncoderCmd { file, cmd } => self.encoder_cmd(file, cmd),
            Op::Subscribe { file, event } => self.subscribe(&v4l2::SUBSCRIBE_EVENT, file, event),
            Op::Unsubscribe { file, event } => {
                self.subscribe(&v4l2::UNSUBSCRIBE_EVENT, file, event)
            }
            Op::Dqevent { file } => self.dqevent(file),
            _ => Err(Errno::ENOSYS),
        }
    }

    pub(super) fn file(&self, file: File) -> i32 {
        self.shared.table().file(file).fd
    }

    fn ask_format(
        &self,
        ioctl: &Ioctl<Format>,
        (file, queue): (File, Queue),
        (width, height): (u32, u32),
        pixels: Pixels,
    ) -> Outcome {
        let mut format = Format::zeroed();
        format.kind = self.kind(file, queue);
        format.width = width;
        format.height = height;
        format.pixelformat = fourcc(pixels);
        format.field = v4l2::FIELD_NONE;
        ioctl.call(self.file(file), &mut format)?;
        Ok(format_seen(&format))
    }

    pub(super) fn format(&self, file: File, queue: Queue) -> nix::Result<Format> {
        let mut format = Format::zeroed();
        format.kind = self.kind(file, queue);
        v4l2::G_FMT.call(self.file(file), &mut format)?;
        Ok(format)
    }

    fn reqbufs(&self, file: File, queue: Queue, memory: Memory, count: u32) -> Outcome {
        let mut request = v4l2::RequestBuffers::zeroed();
        request.count = count;
        request.kind = self.kind(file, queue);
        request.memory = memory_type(memory);
        v4l2::REQBUFS.call(self.file(file), &mut request)?;
        let mut table = self.shared.table();
        table.buffers_freed(file, queue, 0..u32::MAX);
        table.asked_with(file, queue, memory);
        Ok(Seen::Out(Out::Buffers {
            index: 0,
            count: request.count,
        }))
    }

    fn create_bufs(&self, file: File, queue: Queue, memory: Memory, count: u32) -> Outcome {
        let mut request = v4l2::CreateBuffers::zeroed();
        request.count = count;
        request.memory = memory_type(memory);
        request.format = self.format(file, queue)?;
        v4l2::CREATE_BUFS.call(self.file(file), &mut request)?;
        if request.count > 0 {
            self.shared.table().asked_with(file, queue, memory);
        }
        Ok(Seen::Out(Out::Buffers {
            index: request.index,
            count: request.count,
        }))
    }

    fn remove_bufs(&self, file: File, queue: Queue, index: u32, count: u32) -> Outcome {
        let mut request = v4l2::RemoveBuffers::zeroed();
        request.index = index;
        request.count = count;
        request.kind = self.kind(file, queue);
        v4l2::REMOVE_BUFS.call(self.file(file), &mut request)?;
        let range = index..index.saturating_add(count);
        self.shared.table().buffers_freed(file, queue, range);
        DONE
    }

    fn querybuf(&self, file: File, queue: Queue, index: u32) -> Outcome {
        let mut buffer = self.describe(file, queue, index);
        buffer.call(&v4l2::QUERYBUF, self.file(file))?;
        Ok(buffer.seen())
    }

    /// QBUF and PREPARE_BUF.
    fn give(
        &self,
        ioctl: &Ioctl<Buffer>,
        (file, queue, index): (File, Queue, u32),
        dmabufs: &[Dmabuf],
        extra: Extra,
    ) -> Outcome {
        let mut described = self.describe(file, queue, index);
        self.add(&mut described.buffer, extra);
        let mut filled = Filled::default();
        let own = self.own_memory((file, queue, index), dmabufs)?;
        if let Some(pieces) = &own {
            described.stand_on(pieces, queue);
        }
        if !described.is_multi() {
            // A plane is all that a single-planar buffer has.
            let source = match (own, dmabufs.first()) {
                (Some(_), _) => Source::Own(described.buffer.length),
                (None, Some(dmabuf)) => {
                    Source::Import(*dmabuf, self.attach_dmabuf(&mut described.buffer, *dmabuf))
                }
                (None, None) => Source::Driver,
            };
            if queue == Queue::Output {
                filled = self.fill(file, index, source);
                described.buffer.bytesused = filled.used;
            }
        } else if own.is_none() {
            self.describe_planes(&mut described, (file, queue, index), dmabufs);
        }
        if queue == Queue::Output {
            described.buffer.field = v4l2::FIELD_NONE;
        }
        described.call(ioctl, self.file(file))?;
        self.filled(file, &filled);
        self.note_request(file, extra.request);
        for (plane, dmabuf) in (0..).zip(dmabufs) {
            self.note_import((file, queue, index, plane), *dmabuf);
        }
        Ok(described.seen())
    }

    /// Says the rest of what QBUF can be told.
    fn add(&self, buffer: &mut Buffer, extra: Extra) {
        if extra.hold {
            buffer.flags |= v4l2::BUF_FLAG_HOLD_CAPTURE;
        }
        let micros = i64::from(extra.stamp.0);
        buffer.timestamp = [micros / 1_000_000, micros % 1_000_000];
        if let Some(request) = extra.request {
            buffer.flags |= v4l2::BUF_FLAG_REQUEST_FD;
            buffer.request_fd = self.shared.table().request(request).fd;
        }
    }

    fn note_request(&self, file: File, request: Option<Request>) {
        let mut table = self.shared.table();
        if let (Some(serial), Some(request)) = (table.serial(file), request) {
            table.fill_request(request, serial);
        }
    }

    /// Names the dma-buf as the buffer's memory, and tells its size.
    fn attach_dmabuf(&self, buffer: &mut Buffer, dmabuf: Dmabuf) -> u32 {
        let (fd, size) = self.shared.table().dmabuf_size(dmabuf);
        buffer.memory = v4l2::MEMORY_DMABUF;
        buffer.m = i64::from(fd as u32);
        // The size of an empty slot passes the check of the length, so that the descriptor is what the kernel refuses.
        buffer.length = size.map_or(u32::MAX, |size| u32::try_from(size).unwrap_or(u32::MAX));
        buffer.length
    }

    /// The whole length of an OUTPUT buffer, since an empty one is deprecated and the kernel would warn.
    pub(super) fn output_length(&self, file: File, index: u32) -> u32 {
        if let Some(length) = self.shared.table().output_length(file, index) {
            return length;
        }
        let mut asked = buffer(Queue::Output, index);
        if v4l2::QUERYBUF.call(self.file(file), &mut asked).is_err() {
            return 1;
        }
        // A buffer of DMABUF memory has no plane before its first QBUF.
        let length = asked.length.max(1);
        self.shared.table().set_output_length(file, index, length);
        length
    }

    fn note_import(&self, (file, queue, index, plane): (File, Queue, u32, u32), dmabuf: Dmabuf) {
        let mut table = self.shared.table();
        if let Some(serial) = table.serial(file) {
            let key = BufferKey {
                serial,
                queue,
                index,
                plane,
            };
            table.bind(key, dmabuf);
        }
    }

    fn dqbuf(&self, file: File, queue: Queue, wait: Wait) -> Outcome {
        let handle = self.shared.table().file(file);
        let mut fd = handle.fd;
        let mut buffer = self.describe(file, queue, 0);
        match wait {
            Wait::Not => self.unblock(fd),
            Wait::Poll => {
                file::poll(fd, ready_event(queue), LONGEST_WAIT.as_nanos() as u64)?;
                fd = Table::still(handle, self.shared.table().file(file));
                self.unblock(fd);
            }
            Wait::Block => {
                self.blocking(file, || buffer.call(&v4l2::DQBUF, fd))?;
                return Ok(buffer.seen());
            }
        }
        buffer.call(&v4l2::DQBUF, fd)?;
        Ok(buffer.seen())
    }

    /// Another thread may wait in the kernel on the same file, which is blocking then.
    fn unblock(&self, fd: i32) {
        if self.shared.waiting.load(Ordering::Relaxed) > 0 {
            let _ = file::set_nonblocking(fd, true);
        }
    }

    /// Makes a call that waits in the kernel, and ends it after a while. The kernel looks at the file's flags when the call begins, and
    /// threads change places only when one of them waits.
    fn blocking(&self, file: File, call: impl FnOnce() -> nix::Result<()>) -> nix::Result<()> {
        let handle = self.shared.table().file(file);
        file::set_nonblocking(handle.fd, false)?;
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        let result = clock::interrupted_after(LONGEST_WAIT, call);
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        let fd = Table::still(handle, self.shared.table().file(file));
        if fd >= 0 {
            let _ = file::set_nonblocking(fd, true);
        }
        result
    }

    fn expbuf(
        &self,
        slot: Dmabuf,
        (file, queue, index, plane): (File, Queue, u32, u32),
    ) -> Outcome {
        self.vacate_dmabuf(slot);
        let mut export = v4l2::ExportBuffer::zeroed();
        export.kind = self.kind(file, queue);
        export.index = index;
        export.plane = plane;
        export.flags = (libc::O_RDWR | libc::O_CLOEXEC) as u32;
        v4l2::EXPBUF.call(self.file(file), &mut export)?;
        let mut table = self.shared.table();
        let serial = table.serial(file).unwrap_or(u32::MAX);
        let memory = table.plane_of(BufferKey {
            serial,
            queue,
            index,
            plane,
        });
        self.exported(&mut table, slot, export.fd, memory)
    }

    /// Fills a slot with a new dma-buf of that memory, and maps it to look at.
    pub(super) fn exported(
        &self,
        table: &mut Table,
        slot: Dmabuf,
        fd: i32,
        memory: Plane,
    ) -> Outcome {
        let slot = table.set_dmabuf(slot, fd, memory);
        if !self.observed {
            return DONE;
        }
        let size = file::size(fd)?;
        slot.size = Some(size);
        slot.mapping = Mapping::new(fd, size as usize, false).ok();
        Ok(Seen::Out(Out::Exported { size }))
    }

    fn stream(&self, ioctl: &Ioctl<libc::c_int>, file: File, queue: Queue) -> Outcome {
        ioctl.call(
            self.file(file),
            &mut (self.kind(file, queue) as libc::c_int),
        )?;
        DONE
    }

    fn streamoff(&self, file: File, queue: Queue) -> Outcome {
        self.stream(&v4l2::STREAMOFF, file, queue)?;
        if queue == Queue::Output {
            self.rewind(file);
        }
        DONE
    }

    fn decoder_cmd(&self, file: File, cmd: DecoderCmd) -> Outcome {
        if self.shared.driver == Some(Driver::VicodecEncoder) {
            return self.encoder_cmd(file, cmd);
        }
        let mut command = v4l2::DecoderCommand::zeroed();
        command.cmd = match cmd {
            DecoderCmd::Start => v4l2::DEC_CMD_START,
            DecoderCmd::Stop => v4l2::DEC_CMD_STOP,
            DecoderCmd::Pause => v4l2::DEC_CMD_PAUSE,
            DecoderCmd::Resume => v4l2::DEC_CMD_RESUME,
            DecoderCmd::Flush => v4l2::DEC_CMD_FLUSH,
        };
        v4l2::DECODER_CMD.call(self.file(file), &mut command)?;
        DONE
    }

    /// An encoder has a command of its own, which means the same.
    fn encoder_cmd(&self, file: File, cmd: DecoderCmd) -> Outcome {
        let mut command = v4l2::EncoderCommand::zeroed();
        command.cmd = match cmd {
            DecoderCmd::Start => v4l2::ENC_CMD_START,
            DecoderCmd::Stop => v4l2::ENC_CMD_STOP,
            DecoderCmd::Pause => v4l2::ENC_CMD_PAUSE,
            DecoderCmd::Resume => v4l2::ENC_CMD_RESUME,
            // An encoder has no such command.
            DecoderCmd::Flush => v4l2::DEC_CMD_FLUSH,
        };
        v4l2::ENCODER_CMD.call(self.file(file), &mut command)?;
        DONE
    }

    fn subscribe(
        &self,
        ioctl: &Ioctl<v4l2::EventSubscription>,
        file: File,
        event: EventKind,
    ) -> Outcome {
        let mut subscription = v4l2::EventSubscription::zeroed();
        subscription.kind = match event {
            EventKind::SourceChange => v4l2::EVENT_SOURCE_CHANGE,
            EventKind::Eos => v4l2::EVENT_EOS,
        };
        ioctl.call(self.file(file), &mut subscription)?;
        DONE
    }

    fn dqevent(&self, file: File) -> Outcome {
        let mut event = v4l2::Event::zeroed();
        v4l2::DQEVENT.call(self.file(file), &mut event)?;
        let changes = if event.kind == v4l2::EVENT_SOURCE_CHANGE {
            event.union[0]
        } else {
            0
        };
        Ok(Seen::Out(Out::Event {
            kind: event.kind,
            changes,
            sequence: event.sequence,
        }))
    }
}

pub(super) fn buffer(queue: Queue, index: u32) -> Buffer {
    let mut buffer = Buffer::zeroed();
    buffer.index = index;
    buffer.kind = buffer_type(queue);
    buffer.memory = v4l2::MEMORY_MMAP;
    buffer
}

/// 0 stands for whatever the driver takes instead.
fn fourcc(pixels: Pixels) -> u32 {
    match pixels {
        Pixels::First => 0,
        Pixels::Grey => u32::from_le_bytes(*b"GREY"),
        Pixels::Nv12 => u32::from_le_bytes(*b"NV12"),
        Pixels::Nm12 => u32::from_le_bytes(*b"NM12"),
        Pixels::Ym12 => u32::from_le_bytes(*b"YM12"),
    }
}

fn memory_type(memory: Memory) -> u32 {
    match memory {
        Memory::Mmap => v4l2::MEMORY_MMAP,
        Memory::Dmabuf => v4l2::MEMORY_DMABUF,
        Memory::Userptr => v4l2::MEMORY_USERPTR,
    }
}

fn ready_event(queue: Queue) -> i16 {
    match queue {
        Queue::Output => libc::POLLOUT,
        Queue::Capture => libc::POLLIN,
    }
}

fn format_seen(format: &Format) -> Seen {
    Seen::Out(Out::Format {
        width: format.width,
        height: format.height,
        sizeimage: format.sizeimage,
    })
}
