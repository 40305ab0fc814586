//! Jobs: when mem2mem starts one, how far the hardware gets, and who ends it.

use program::Queue;

use super::{Fault, Handle, Hold, Job, SLACK, SyncFile, World};

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Completed,
    Failed,
}

impl World {
    /// `v4l2_m2m_try_schedule()`
    pub(super) fn try_schedule(&mut self, file: u8) {
        self.try_queue(file);
        self.try_run();
    }

    /// `__v4l2_m2m_try_queue()`
    fn try_queue(&mut self, file: u8) {
        let runs = self.running.is_some_and(|job| job.file == file);
        if runs || self.waiting.contains(&file) {
            return;
        }
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        if handle.may_run() && handle.job_ready() {
            self.waiting.push_back(file);
        }
    }

    /// `v4l2_m2m_try_run()`
    fn try_run(&mut self) {
        while self.running.is_none() {
            let Some(file) = self.waiting.pop_front() else {
                return;
            };
            if self.device_run(file) {
                return;
            }
            // A job that was refused is finished by now, and the next one is a kworker's: when the caller sleeps.
            if !self.asleep {
                return;
            }
        }
    }

    /// Starts a job; false if it is refused or there is none to start.
    fn device_run(&mut self, file: u8) -> bool {
        let Some(handle) = self.files.get_mut(&file) else {
            return false;
        };
        if handle.meet_change() {
            self.job_finish(file);
            return false;
        }
        let fault = handle.knobs.next_fault();
        let (Some(&src), Some(&dst)) = (handle.output.ready.front(), handle.capture.ready.front())
        else {
            return false;
        };
        let (knobs, frame) = (handle.knobs, handle.capture.frame);
        let plane = |queue: Queue, index: usize| handle.queue(queue).buffers[index].plane;
        let planes = plane(Queue::Output, src).zip(plane(Queue::Capture, dst));
        let Some((from, to)) = planes.filter(|(_, to)| self.planes[*to].size >= frame) else {
            self.give_back(file, End::Failed);
            self.job_finish(file);
            return false;
        };
        self.running = Some(Job {
            file,
            src: (src, from),
            dst: (dst, to),
            chunks: knobs.chunks,
            written: 0,
            chunk_delay: knobs.chunk_delay,
            due: self.now + knobs.job_time,
            deadline: self.now + knobs.watchdog,
            started: self.now,
            fault,
        });
        true
    }

    /// `v4l2_m2m_job_finish()`
    fn job_finish(&mut self, file: u8) {
        self.running = None;
        self.try_queue(file);
    }

    /// The double's `finish`: both buffers of the job go back, their fences end.
    fn give_back(&mut self, file: u8, end: End) {
        if let Some(job) = self.running {
            self.end_fences(&job);
        }
        if let Some(handle) = self.files.get_mut(&file) {
            handle.give_back(end);
        }
        self.unbind(file);
    }

    fn end_fences(&mut self, job: &Job) {
        for plane in [job.src.1, job.dst.1] {
            self.planes[plane].used = true;
        }
        let ended = |sync: &SyncFile| {
            *sync == SyncFile::Pending(job.src.1) || *sync == SyncFile::Pending(job.dst.1)
        };
        for sync in self.syncs.values_mut().filter(|sync| ended(sync)) {
            *sync = SyncFile::Ended;
        }
    }

    fn end_job(&mut self, end: End) {
        if let Some(job) = self.running {
            self.give_back(job.file, end);
            self.job_finish(job.file);
            self.unblock(job.file);
        }
    }

    /// `v4l2_m2m_cancel_job()`: an aborted job ends at once, with an error, unless the double is told to wait. Then the answer is
    /// true, and the caller waits.
    pub(super) fn cancel_job(&mut self, file: u8) -> bool {
        let waits = self.files.get_mut(&file).is_some_and(|handle| {
            handle.aborting = true;
            handle.knobs.abort_waits
        });
        self.waiting.retain(|waiting| *waiting != file);
        if !self.runs(file) {
            return false;
        }
        if !waits {
            self.end_job(End::Failed);
        }
        waits
    }

    fn runs(&self, file: u8) -> bool {
        self.running.is_some_and(|job| job.file == file)
    }

    /// The caller sleeps until the job of this file is over: sooner or later the watchdog bites.
    pub(super) fn await_job(&mut self, file: u8) {
        while self.runs(file) && self.pass_event(u64::MAX) {}
    }

    /// The caller needs the lock that another thread's STREAMOFF has.
    pub(super) fn await_lock(&mut self) {
        while let Some((file, _)) = self.blocked {
            self.await_job(file);
        }
    }

    /// The job that another thread's STREAMOFF has waited for is over.
    fn unblock(&mut self, file: u8) {
        let Some((_, queue)) = self.blocked.take_if(|(blocked, _)| *blocked == file) else {
            return;
        };
        self.stop(file, queue);
        if self.files.get(&file).is_some_and(|handle| handle.closing) {
            self.release(file);
        }
    }

    /// Lets time pass: the hardware works, and kworkers have their turn.
    pub(super) fn sleep(&mut self, time: u64) {
        let end = self.now + time;
        while self.pass_event(end) {}
        self.now = end;
        // States leave out how old a job is. That is only right while its watchdog is far away.
        self.close_call |= self.running.is_some_and(|job| job.is_old(end));
    }

    /// Sleeps until the next thing happens. False if nothing does before `end`.
    fn pass_event(&mut self, end: u64) -> bool {
        self.asleep = true;
        self.try_run();
        self.asleep = false;
        let Some(at) = self.next_event() else {
            return false;
        };
        self.close_call |= at.abs_diff(end) < SLACK;
        if at > end {
            return false;
        }
        self.now = self.now.max(at);
        self.work();
        true
    }

    /// Whether the hardware does something at this very moment.
    pub(crate) fn is_due(&self) -> bool {
        self.next_event().is_some_and(|at| at <= self.now)
    }

    /// When the hardware next does something.
    fn next_event(&self) -> Option<u64> {
        let job = self.running?;
        let gate = self.files.get(&job.file)?.knobs.gate;
        let writes = job.written < job.chunks && gate != job.written + 1;
        let at = if writes {
            job.due.min(job.deadline)
        } else {
            job.deadline
        };
        Some(at.max(self.now))
    }

    /// The timer's callback.
    fn work(&mut self) {
        let Some(job) = &mut self.running else { return };
        if self.now >= job.deadline {
            return self.end_job(End::Failed);
        }
        job.written += 1;
        job.due = self.now + job.chunk_delay;
        if job.written < job.chunks {
            return;
        }
        match job.fault {
            None => self.end_job(End::Completed),
            Some(Fault::Error) => self.end_job(End::Failed),
            Some(Fault::Lost) => {}
        }
    }
}

impl Job {
    fn is_old(&self, now: u64) -> bool {
        (now - self.started) * 2 > self.deadline - self.started
    }
}

impl Handle {
    /// What `__v4l2_m2m_try_queue()` asks before it asks the driver.
    fn may_run(&self) -> bool {
        let ready =
            |queue: Queue| self.queue(queue).streaming && !self.queue(queue).ready.is_empty();
        ready(Queue::Output) && ready(Queue::Capture) && !self.aborting && !self.stopped
    }

    /// The double's `job_ready`.
    fn job_ready(&mut self) -> bool {
        !self.changed && !self.meet_change()
    }

    /// The stream changes before the next frame, if it shall: `decoder::change_source`.
    fn meet_change(&mut self) -> bool {
        let Some((1, frame)) = self.knobs.change else {
            return false;
        };
        self.knobs.change = None;
        self.capture.frame = frame;
        self.changed = true;
        if let Some(index) = self.capture.ready.pop_front() {
            self.capture.finish(index, false, true);
        }
        true
    }

    fn give_back(&mut self, end: End) {
        let error = end == End::Failed;
        let src = self.output.ready.pop_front();
        let dst = self.capture.ready.pop_front();
        let last = self.draining && src.is_some() && src == self.last_src;
        if last {
            self.mark_stopped();
        }
        if let Some(dst) = dst {
            self.capture.finish(dst, error, last);
        }
        if let Some(src) = src {
            self.output.finish(src, error, false);
        }
    }
}

impl super::Knobs {
    /// The double's `next_job`: counts, and says what goes wrong.
    fn next_fault(&mut self) -> Option<Fault> {
        if let Some((frames, _)) = &mut self.change {
            *frames = frames.saturating_sub(1);
        }
        let hits = |count: &mut u32| {
            let hit = *count == 1;
            *count = count.saturating_sub(1);
            hit
        };
        let (error, lost) = (hits(&mut self.fail_error), hits(&mut self.fail_lost));
        match (error, lost) {
            (_, true) => Some(Fault::Lost),
            (true, false) => Some(Fault::Error),
            (false, false) => None,
        }
    }
}

impl super::Vb2Queue {
    /// `vb2_buffer_done()`
    pub(super) fn finish(&mut self, index: usize, error: bool, last: bool) {
        self.buffers[index].hold = Hold::Done { error, last };
        self.done.push_back(index);
    }
}
