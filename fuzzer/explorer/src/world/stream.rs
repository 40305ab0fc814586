//! The calls that set up, feed and stop a queue.

use program::{DecoderCmd, Memory, Queue};

use super::{Buffer, EAGAIN, EBUSY, EINVAL, EPIPE, Handle, Hold, PlaneId, Told, Vb2Queue, World};

impl World {
    /// `vb2_core_reqbufs()`
    pub(super) fn reqbufs(
        &mut self,
        file: u8,
        queue: Queue,
        memory: Memory,
        count: u32,
    ) -> Result<Told, i32> {
        let content = self.open_queue(file, queue)?;
        if content.streaming {
            return Err(EBUSY);
        }
        content.cancel();
        self.unbind(file);
        let content = self.open_queue(file, queue)?;
        content.buffers.clear();
        content.imports = memory == Memory::Dmabuf;
        let (frame, imports) = (content.frame, content.imports);
        for _ in 0..count {
            let plane = (!imports).then(|| self.new_plane(frame));
            let buffer = Buffer {
                hold: Hold::Dequeued,
                plane,
                request: None,
            };
            self.open_queue(file, queue)?.buffers.push(buffer);
        }
        self.allocations += u32::from(count > 0);
        Ok(Told::Count(count))
    }

    /// `v4l2_m2m_qbuf()`
    pub(super) fn qbuf(
        &mut self,
        file: u8,
        queue: Queue,
        index: u32,
        import: Option<PlaneId>,
    ) -> Result<Told, i32> {
        let size = import.map(|plane| self.planes[plane].size);
        let present = self.open_queue(file, queue)?.buffers.get(index as usize);
        let plane = present.and_then(|buffer| buffer.plane);
        let size = size.or(plane.map(|plane| self.planes[plane].size));
        let handle = self.files.get_mut(&file).ok_or(super::EBADF)?;
        handle.prepare(queue, index as usize, import, size)?;
        handle.enqueue(queue, index as usize);
        self.try_schedule(file);
        Ok(Told::Done)
    }

    /// `vb2_dqbuf()`, without waiting.
    pub(super) fn dqbuf(&mut self, file: u8, queue: Queue) -> Result<Told, i32> {
        let content = self.open_queue(file, queue)?;
        if !content.streaming {
            return Err(EINVAL);
        }
        if content.last_dequeued {
            return Err(EPIPE);
        }
        let index = content.done.pop_front().ok_or(EAGAIN)?;
        let buffer = &mut content.buffers[index];
        let Hold::Done { error, last } = std::mem::replace(&mut buffer.hold, Hold::Dequeued) else {
            unreachable!("what is on the done list is done");
        };
        content.last_dequeued = last;
        Ok(Told::Buffer {
            index: index as u32,
            error,
            last,
        })
    }

    /// `v4l2_m2m_streamon()`
    pub(super) fn streamon(&mut self, file: u8, queue: Queue) -> Result<Told, i32> {
        let content = self.open_queue(file, queue)?;
        if content.buffers.is_empty() && !content.streaming {
            return Err(EINVAL);
        }
        if !content.streaming {
            content.start();
            if queue == Queue::Output {
                self.handle(program::File(file))?.last_src = None;
            }
        }
        self.try_schedule(file);
        Ok(Told::Done)
    }

    /// `v4l2_m2m_streamoff()`
    pub(super) fn streamoff(&mut self, file: u8, queue: Queue) -> Result<Told, i32> {
        self.open_queue(file, queue)?;
        if !self.cancel_job(file) {
            self.stop(file, queue);
        } else if self.beside {
            self.blocked = Some((file, queue));
        } else {
            self.await_job(file);
            self.stop(file, queue);
        }
        Ok(Told::Done)
    }

    /// The rest of `v4l2_m2m_streamoff()`, when no job runs any more.
    pub(super) fn stop(&mut self, file: u8, queue: Queue) {
        if let Some(handle) = self.files.get_mut(&file) {
            handle.stop(queue);
            handle.aborting = false;
        }
        self.unbind(file);
    }

    /// The double's DECODER_CMD.
    pub(super) fn decoder_cmd(&mut self, file: u8, cmd: DecoderCmd) -> Result<Told, i32> {
        let handle = self.handle(program::File(file))?;
        if !handle.capture.streaming || !handle.output.streaming {
            return Ok(Told::Done);
        }
        if cmd == DecoderCmd::Stop {
            handle.drain()?;
            return Ok(Told::Done);
        }
        if !std::mem::take(&mut handle.changed) {
            if handle.draining {
                return Err(EBUSY);
            }
            handle.stopped = false;
        }
        handle.capture.last_dequeued = false;
        self.try_schedule(file);
        Ok(Told::Done)
    }

    /// The last close of a file.
    pub(super) fn close(&mut self, file: u8) -> Result<Told, i32> {
        let handle = self.handle(program::File(file))?;
        handle.closing = true;
        // What another thread does to the file goes on, and then releases it.
        if self.blocked.is_none_or(|(blocked, _)| blocked != file) {
            self.await_lock();
            self.release(file);
        }
        Ok(Told::Done)
    }

    /// `v4l2_m2m_ctx_release()`
    pub(super) fn release(&mut self, file: u8) {
        if self.cancel_job(file) {
            self.await_job(file);
        }
        if let Some(handle) = self.files.get_mut(&file) {
            handle.output.cancel();
        }
        self.unbind(file);
        self.files.remove(&file);
    }

    pub(super) fn open_queue(&mut self, file: u8, queue: Queue) -> Result<&mut Vb2Queue, i32> {
        Ok(self.handle(program::File(file))?.queue_mut(queue))
    }
}

impl Handle {
    /// `__buf_prepare()`, and what stands before it.
    fn prepare(
        &mut self,
        queue: Queue,
        index: usize,
        import: Option<PlaneId>,
        size: Option<u32>,
    ) -> Result<(), i32> {
        let tells_apart = queue == Queue::Output && self.takes_requests;
        let content = self.queue_mut(queue);
        let (frame, imports) = (content.frame, content.imports);
        let buffer = content.buffers.get_mut(index).ok_or(EINVAL)?;
        if content.uses_requests {
            return Err(EBUSY);
        }
        content.uses_qbuf |= tells_apart;
        let fits = size.is_some_and(|size| size >= frame) && imports == import.is_some();
        if buffer.hold != Hold::Dequeued || !fits {
            return Err(EINVAL);
        }
        buffer.plane = import.or(buffer.plane);
        Ok(())
    }

    /// Hands a prepared buffer to the driver, if the queue streams: the double's `buf_queue`.
    pub(super) fn enqueue(&mut self, queue: Queue, index: usize) {
        let ends_drain = queue == Queue::Capture && self.draining && self.next_last;
        let content = self.queue_mut(queue);
        if !content.streaming {
            content.buffers[index].hold = Hold::Queued;
            content.queued.push_back(index);
        } else if ends_drain {
            content.finish(index, false, true);
            self.mark_stopped();
        } else {
            content.buffers[index].hold = Hold::Ready;
            content.ready.push_back(index);
        }
    }

    /// `vb2_streamoff()` with the double's `stop_streaming`.
    fn stop(&mut self, queue: Queue) {
        let streamed = self.queue(queue).streaming;
        self.queue_mut(queue).cancel();
        self.queue_mut(queue).last_dequeued = false;
        if !streamed {
            return;
        }
        match queue {
            Queue::Capture if std::mem::take(&mut self.changed) => {}
            Queue::Capture => {
                self.next_last = false;
                self.draining = false;
                self.stopped = false;
            }
            Queue::Output if self.draining => {
                self.last_src = None;
                self.end_drain();
            }
            Queue::Output => {}
        }
    }

    /// `v4l2_update_last_buf_state()`
    fn drain(&mut self) -> Result<(), i32> {
        if self.draining {
            return Err(EBUSY);
        }
        if self.stopped {
            return Ok(());
        }
        self.last_src = self.output.ready.back().copied();
        self.draining = true;
        if self.last_src.is_none() {
            self.end_drain();
        }
        Ok(())
    }

    /// No frame is left that could end the drain: the next CAPTURE buffer does, empty.
    fn end_drain(&mut self) {
        match self.capture.ready.pop_front() {
            Some(index) => {
                self.capture.finish(index, false, true);
                self.mark_stopped();
            }
            None => self.next_last = true,
        }
    }

    /// `v4l2_m2m_mark_stopped()`
    pub(super) fn mark_stopped(&mut self) {
        self.next_last = false;
        self.draining = false;
        self.stopped = true;
    }
}

impl Vb2Queue {
    /// `__vb2_queue_cancel()`
    fn cancel(&mut self) {
        self.streaming = false;
        self.uses_requests = false;
        self.uses_qbuf = false;
        self.queued.clear();
        self.ready.clear();
        self.done.clear();
        for buffer in &mut self.buffers {
            buffer.hold = Hold::Dequeued;
        }
    }

    /// `vb2_start_streaming()`
    fn start(&mut self) {
        self.streaming = true;
        while let Some(index) = self.queued.pop_front() {
            self.buffers[index].hold = Hold::Ready;
            self.ready.push_back(index);
        }
    }
}
