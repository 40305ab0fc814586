//! What each operation does to the model, and what the kernel must answer.

use program::{
    Access, DecoderCmd, Dmabuf, Fault, File, Knob, Memory, Micros, Node, Op, Pixels, Queue, Step,
    Sync, Wait,
};

use super::{EAGAIN, EBADF, EBUSY, EPERM, Handle, PlaneId, SyncFile, World};

/// What a call that succeeds must tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing but success.
    Done,
    /// So many buffers.
    Count(u32),
    /// This buffer was dequeued.
    Buffer {
        /// Its index.
        index: u32,
        /// `V4L2_BUF_FLAG_ERROR`
        error: bool,
        /// `V4L2_BUF_FLAG_LAST`
        last: bool,
    },
    /// A sync_file, or a poll, that waits for something or does not.
    Waits(bool),
    /// These events of poll(2).
    Polled(u16),
    /// Something that the model does not know.
    Anything,
}

/// How much later the program goes on after an `async` operation, in microseconds.
pub(crate) const HEAD_START: u64 = 10;

impl World {
    /// Does a step, and says what the kernel must answer.
    pub fn apply(&mut self, step: &Step) -> Result<Told, i32> {
        // What the hardware does at this very moment may come before or after the call, unless that only lets time pass.
        let waits = matches!(step.op, Op::Advance { .. });
        self.close_call |= self.is_due() && !waits;
        if locked_by(&step.op).is_some_and(|file| self.handle(file).is_ok()) {
            self.await_lock();
        }
        self.beside = step.asynchronous;
        let told = self.call(&step.op);
        if step.asynchronous {
            self.sleep(HEAD_START);
        }
        told
    }

    /// Whether the model knows what this step does.
    pub fn knows(step: &Step) -> bool {
        let known = !matches!(
            step.op,
            Op::CreateBufs { .. }
                | Op::RemoveBufs { .. }
                | Op::DupFile { .. }
                | Op::DupDmabuf { .. }
                | Op::DupSync { .. }
                | Op::MmapFile { .. }
                | Op::MmapDmabuf { .. }
                | Op::Touch { .. }
                | Op::Munmap { .. }
                | Op::Querybuf { .. }
                | Op::PrepareBuf { .. }
                | Op::Dqbuf {
                    wait: Wait::Poll | Wait::Block,
                    ..
                }
                | Op::TryFormat { .. }
                | Op::Wrong { .. }
                | Op::EncoderCmd { .. }
                | Op::Unsubscribe { .. }
                | Op::GetControl { .. }
                | Op::SetControl { .. }
                | Op::TryControl { .. }
                | Op::QueryControl { .. }
                | Op::Ask { .. }
                | Op::AskQueue { .. }
                | Op::DecoderCmd {
                    cmd: DecoderCmd::Pause | DecoderCmd::Resume | DecoderCmd::Flush,
                    ..
                }
                | Op::ImportSync { .. }
                | Op::SwSync { .. }
                | Op::Signal { .. }
                | Op::Allocate { .. }
                | Op::Merge { .. }
                | Op::CpuSync { .. }
                | Op::PollFile { .. }
                | Op::Completion { .. }
                | Op::Dqevent { .. }
                | Op::Qbuf { hold: true, .. }
                | Op::Expbuf { plane: 1.., .. }
                | Op::FailNth { .. }
                | Op::Unload
                | Op::Load
        );
        let known = match step.op {
            Op::SetFormat { pixels, .. } => pixels == Pixels::First,
            Op::Open { node, .. } => matches!(node, Node::Double | Node::M2m),
            Op::Reqbufs { memory, .. } => memory != Memory::Userptr,
            Op::SetKnob { knob, value, .. } => knob == Knob::Abort && value <= 1,
            _ => known,
        };
        known && (!step.asynchronous || matches!(step.op, Op::Streamoff { .. }))
    }

    fn call(&mut self, op: &Op) -> Result<Told, i32> {
        let told = self.slots(op).or_else(|| self.fences(op));
        if let Some(told) = told.or_else(|| self.media(op)) {
            return told;
        }
        match *op {
            Op::SetFormat {
                file,
                queue,
                width,
                height,
                ..
            } => self.set_format(file, queue, frame(width, height)),
            Op::Reqbufs {
                file,
                queue,
                memory,
                count,
            } => self.reqbufs(file.0, queue, memory, count),
            Op::Qbuf {
                file,
                queue: Queue::Output,
                index,
                request: Some(request),
                ..
            } => self.bind(file.0, index, request),
            Op::Qbuf {
                request: Some(_), ..
            } => Err(EPERM),
            Op::Qbuf {
                file,
                queue,
                index,
                dmabuf,
                ..
            } => {
                let import = dmabuf.map(|dmabuf| self.exported(dmabuf)).transpose();
                self.qbuf(file.0, queue, index, import.map_err(|_| super::EINVAL)?)
            }
            Op::Dqbuf { file, queue, .. } => self.dqbuf(file.0, queue),
            Op::Streamon { file, queue } => self.streamon(file.0, queue),
            Op::Streamoff { file, queue } => self.streamoff(file.0, queue),
            Op::DecoderCmd { file, cmd } => self.decoder_cmd(file.0, cmd),
            Op::GetFormat { file, .. } | Op::Subscribe { file, .. } => {
                self.handle(file).map(|_| Told::Anything)
            }
            Op::Join => {
                self.await_lock();
                Ok(Told::Done)
            }
            Op::Advance { time } => {
                self.sleep(u64::from(time.0));
                Ok(Told::Done)
            }
            _ => self.knob(op),
        }
    }

    /// Operations on requests.
    fn media(&mut self, op: &Op) -> Option<Result<Told, i32>> {
        Some(match *op {
            Op::AllocRequest { request, file } => self.alloc_request(request, file),
            Op::CloseRequest { request } => self.close_request(request),
            Op::QueueRequest { request } => self.queue_request(request),
            Op::ReinitRequest { request } => self.reinit_request(request),
            Op::PollRequest { request, timeout } => {
                self.close_call |= timeout.0 > 0;
                self.poll_request(request)
            }
            _ => return None,
        })
    }

    /// Operations that make and close slots.
    fn slots(&mut self, op: &Op) -> Option<Result<Told, i32>> {
        Some(match *op {
            Op::Open { file, node } => {
                // Nobody has found out yet which locks that takes.
                self.close_call |= self.is_blocked();
                // What the slot held is closed first; that it held nothing is no error.
                let _ = self.close(file.0);
                let mut handle = Handle::new();
                handle.takes_requests = node == Node::M2m;
                self.files.insert(file.0, handle);
                Ok(Told::Done)
            }
            Op::CloseFile { file } => self.close(file.0),
            Op::CloseDmabuf { dmabuf } => self.close_export(dmabuf),
            Op::CloseSync { sync } => match self.syncs.remove(&sync.0) {
                Some(_) => Ok(Told::Done),
                None => Err(EBADF),
            },
            Op::Expbuf {
                dmabuf,
                file,
                queue,
                index,
                ..
            } => self.expbuf(dmabuf, file, queue, index as usize),
            // delete_module() of a module in use
            Op::Reload if !self.files.is_empty() => Err(EAGAIN),
            Op::Reload => Ok(Told::Done),
            _ => return None,
        })
    }

    fn close_export(&mut self, dmabuf: Dmabuf) -> Result<Told, i32> {
        self.exports.remove(&dmabuf.0).ok_or(EBADF)?;
        Ok(Told::Done)
    }

    fn expbuf(
        &mut self,
        dmabuf: Dmabuf,
        file: File,
        queue: Queue,
        index: usize,
    ) -> Result<Told, i32> {
        self.exports.remove(&dmabuf.0);
        let buffer = self.open_queue(file.0, queue)?.buffers.get(index);
        let plane = buffer.and_then(|buffer| buffer.plane);
        self.exports.insert(dmabuf.0, plane.ok_or(super::EINVAL)?);
        self.filled.insert(dmabuf.0);
        Ok(Told::Anything)
    }

    /// Operations on dma-bufs and sync_files.
    fn fences(&mut self, op: &Op) -> Option<Result<Told, i32>> {
        Some(match *op {
            Op::ExportSync {
                sync,
                dmabuf,
                access,
            } => self.export_sync(sync, dmabuf, access),
            Op::FileInfo { sync } => self.sync(sync).map(waits),
            Op::SetDeadline { sync, .. } => self.sync(sync).map(|_| Told::Anything),
            Op::PollSync {
                sync,
                timeout: Micros(0),
            } => self.sync(sync).map(waits),
            Op::PollSync { timeout, .. } | Op::PollDmabuf { timeout, .. } if timeout.0 > 0 => {
                self.close_call = true;
                Ok(Told::Anything)
            }
            Op::PollDmabuf { dmabuf, .. } | Op::Check { dmabuf } => {
                self.exported(dmabuf).map(|_| Told::Anything)
            }
            _ => return None,
        })
    }

    fn export_sync(&mut self, sync: Sync, dmabuf: Dmabuf, access: Access) -> Result<Told, i32> {
        self.syncs.remove(&sync.0);
        let plane = self.exported(dmabuf)?;
        let made = if self.is_pending(plane, access) {
            SyncFile::Pending(plane)
        } else {
            SyncFile::Idle
        };
        self.syncs.insert(sync.0, made);
        Ok(waits(made))
    }

    /// A reader waits for the device that writes; a writer for the one that reads, too.
    fn is_pending(&self, plane: PlaneId, access: Access) -> bool {
        self.running
            .is_some_and(|job| job.dst.1 == plane || (job.src.1 == plane && access != Access::Read))
    }

    fn set_format(&mut self, file: File, queue: Queue, frame: u32) -> Result<Told, i32> {
        let handle = self.handle(file)?;
        if !handle.queue(queue).buffers.is_empty() {
            return Err(EBUSY);
        }
        let decides = queue == Queue::Output && handle.capture.buffers.is_empty();
        handle.queue_mut(queue).frame = frame;
        if decides {
            handle.capture.frame = frame;
        }
        Ok(Told::Anything)
    }

    /// Knobs of the double.
    fn knob(&mut self, op: &Op) -> Result<Told, i32> {
        let (file, set): (File, &dyn Fn(&mut super::Knobs)) = match *op {
            Op::GateClose { file, chunk } => (file, &move |knobs| knobs.gate = chunk),
            Op::GateOpen { file } => (file, &|knobs| knobs.gate = 0),
            Op::JobTime { file, time } => (file, &move |knobs| knobs.job_time = time.0.into()),
            Op::Chunks { file, count, delay } => (file, &move |knobs| {
                knobs.chunks = count;
                knobs.chunk_delay = delay.0.into();
            }),
            Op::Watchdog { file, time } => (file, &move |knobs| knobs.watchdog = time.0.into()),
            Op::Fail { file, fault, job } => (file, &move |knobs| match fault {
                Fault::Error => knobs.fail_error = job,
                Fault::Lost => knobs.fail_lost = job,
            }),
            Op::SetKnob { file, value, .. } => (file, &move |knobs| knobs.abort_waits = value == 1),
            Op::SourceChange {
                file,
                frame: number,
                width,
                height,
            } => (file, &move |knobs| {
                knobs.change = (number > 0).then_some((number, frame(width, height)));
            }),
            _ => return Ok(Told::Anything),
        };
        set(&mut self.handle(file)?.knobs);
        Ok(Told::Done)
    }
}

/// The file of an ioctl that takes the lock of the video device and its queues. The double's knobs do not.
fn locked_by(op: &Op) -> Option<File> {
    match *op {
        Op::SetFormat { file, .. }
        | Op::GetFormat { file, .. }
        | Op::Reqbufs { file, .. }
        | Op::Qbuf { file, .. }
        | Op::Dqbuf { file, .. }
        | Op::Expbuf { file, .. }
        | Op::Streamon { file, .. }
        | Op::Streamoff { file, .. }
        | Op::DecoderCmd { file, .. }
        | Op::Subscribe { file, .. } => Some(file),
        _ => None,
    }
}

/// Whether a fresh look at the sync_file finds it pending.
fn waits(sync: SyncFile) -> Told {
    Told::Waits(matches!(sync, SyncFile::Pending(_)))
}

/// Bytes of a frame.
fn frame(width: u32, height: u32) -> u32 {
    let fit = |side: u32| side.clamp(16, 4096).next_multiple_of(8);
    fit(width) * fit(height)
}
