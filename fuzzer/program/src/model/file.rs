//! The model of one open video file: its two queues and the knobs of its double.

use std::collections::VecDeque;

use crate::driver::Driver;
use crate::op::{Completion, Fault, Knob, Memory, Node, Pixels, Queue};

/// Buffers that a queue of videobuf2 holds at most.
pub(crate) const MAX_BUFFERS: u32 = 32;

/// Where a buffer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BufferState {
    Dequeued,
    Prepared,
    /// It waits in a request that was not queued yet.
    InRequest,
    Queued,
    Done,
    Removed,
}

/// How a queue takes buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Directly,
    InRequests,
}

/// One vb2 queue.
#[derive(Clone, Debug)]
pub(crate) struct QueueModel {
    driver: Driver,
    queue: Queue,
    pub(crate) size: (u32, u32),
    pub(crate) memory: Option<Memory>,
    pub(crate) buffers: Vec<BufferState>,
    pub(crate) streaming: bool,
    queued: VecDeque<u32>,
    done: VecDeque<u32>,
    formatted: bool,
    /// Memories of a buffer.
    pub(crate) planes: u32,
    /// How buffers came in since the queue was last empty: directly, or in requests. It is one or the other.
    taken: Option<Taken>,
    /// The most bytes that one buffer takes, with every size asked for since the queue was last without buffers.
    largest: u64,
    /// The most bytes that a frame takes if the stream changes size.
    announced: u64,
}

impl QueueModel {
    fn new(driver: Driver, queue: Queue) -> Self {
        Self {
            driver,
            queue,
            size: driver.default_size(),
            memory: None,
            buffers: Vec::new(),
            streaming: false,
            queued: VecDeque::new(),
            done: VecDeque::new(),
            formatted: false,
            planes: 1,
            taken: None,
            largest: driver.frame_bytes(queue, driver.default_size()),
            announced: 0,
        }
    }

    /// Whether S_FMT was called.
    pub(crate) fn is_formatted(&self) -> bool {
        self.formatted
    }

    pub(crate) fn has_buffers(&self) -> bool {
        !self.buffers.is_empty()
    }

    pub(crate) fn in_state(&self, states: &[BufferState]) -> Vec<u32> {
        let found = (0u32..)
            .zip(&self.buffers)
            .filter(|(_, state)| states.contains(state));
        found.map(|(index, _)| index).collect()
    }

    /// Whether QBUF without a request is not refused for what went before.
    pub(crate) fn takes_plain_buffers(&self) -> bool {
        self.taken != Some(Taken::InRequests)
    }

    /// Whether QBUF with a request is not refused for what went before.
    pub(crate) fn takes_requests(&self) -> bool {
        self.taken != Some(Taken::Directly)
    }

    /// Whether QBUF of its buffers names no dma-buf.
    pub(crate) fn takes_bare_buffers(&self) -> bool {
        matches!(self.memory, Some(Memory::Mmap | Memory::Userptr))
    }

    pub(crate) fn queued_count(&self) -> usize {
        self.queued.len()
    }

    pub(crate) fn has_done(&self) -> bool {
        !self.done.is_empty()
    }

    /// Bytes of one buffer, guessed from above.
    pub(super) fn buffer_bytes(&self) -> u64 {
        // Chroma at most doubles what a frame of brightness alone takes, and each memory is made of pages.
        let frame = self.largest.max(self.announced);
        if self.planes > 1 {
            2 * frame.max(8192)
        } else {
            frame
        }
    }

    pub(super) fn held_bytes(&self) -> u64 {
        let present = self
            .buffers
            .iter()
            .filter(|state| **state != BufferState::Removed)
            .count();
        // The agent's pages count as the driver's do.
        if self.takes_bare_buffers() {
            present as u64 * self.buffer_bytes()
        } else {
            0
        }
    }

    /// S_FMT names a pixel format. Only raw frames of a multi-planar node have several memories.
    pub(super) fn ask_pixels(&mut self, pixels: Pixels) {
        if !self.has_buffers() {
            self.planes = match pixels {
                Pixels::Ym12 => 3,
                Pixels::Nm12 => 2,
                Pixels::First | Pixels::Grey | Pixels::Nv12 => 1,
            };
        }
    }

    pub(super) fn ask_size(&mut self, width: u32, height: u32) {
        let bytes = self.driver.frame_bytes(self.queue, (width, height));
        if self.has_buffers() {
            // Refused, unless the model is wrong about the buffers.
            self.largest = self.largest.max(bytes);
        } else {
            self.largest = bytes;
            self.size = self.driver.fit((width, height));
            self.formatted = true;
        }
    }

    pub(super) fn allocate(&mut self, memory: Memory, count: u32) {
        if self.streaming {
            return;
        }
        self.drop_all();
        self.memory = (count > 0).then_some(memory);
        self.buffers = vec![BufferState::Dequeued; count.min(MAX_BUFFERS) as usize];
    }

    pub(super) fn create(&mut self, memory: Memory, count: u32) {
        if self.memory.is_some_and(|present| present != memory) || count == 0 {
            return;
        }
        self.memory = Some(memory);
        let room = MAX_BUFFERS.saturating_sub(self.buffers.len() as u32);
        self.buffers
            .extend((0..count.min(room)).map(|_| BufferState::Dequeued));
    }

    pub(super) fn remove(&mut self, first: u32, count: u32) {
        let end = first.saturating_add(count).min(self.buffers.len() as u32);
        for index in first..end {
            let state = &mut self.buffers[index as usize];
            if matches!(state, BufferState::Dequeued | BufferState::Prepared) {
                *state = BufferState::Removed;
            }
        }
    }

    pub(super) fn prepare(&mut self, index: u32) {
        if let Some(state @ BufferState::Dequeued) = self.buffers.get_mut(index as usize) {
            *state = BufferState::Prepared;
        }
    }

    pub(super) fn enqueue(&mut self, index: u32) {
        if let Some(state @ (BufferState::Dequeued | BufferState::Prepared)) =
            self.buffers.get_mut(index as usize)
        {
            *state = BufferState::Queued;
            self.taken = Some(Taken::Directly);
            self.queued.push_back(index);
        }
    }

    pub(super) fn enter_request(&mut self, index: u32) {
        if let Some(state @ (BufferState::Dequeued | BufferState::Prepared)) =
            self.buffers.get_mut(index as usize)
        {
            *state = BufferState::InRequest;
            self.taken = Some(Taken::InRequests);
        }
    }

    /// The request of this buffer was queued.
    pub(super) fn submit(&mut self, index: u32) {
        if let Some(state @ BufferState::InRequest) = self.buffers.get_mut(index as usize) {
            *state = BufferState::Queued;
            self.queued.push_back(index);
        }
    }

    pub(super) fn leave_request(&mut self, index: u32) {
        if let Some(state @ BufferState::InRequest) = self.buffers.get_mut(index as usize) {
            *state = BufferState::Dequeued;
        }
    }

    pub(super) fn dequeue(&mut self) {
        if let Some(index) = self.done.pop_front() {
            self.buffers[index as usize] = BufferState::Dequeued;
        }
    }

    /// STREAMOFF and friends: every buffer belongs to userspace again.
    pub(super) fn drop_all(&mut self) {
        self.streaming = false;
        self.taken = None;
        self.queued.clear();
        self.done.clear();
        for state in &mut self.buffers {
            if *state != BufferState::Removed {
                *state = BufferState::Dequeued;
            }
        }
    }

    fn finish_one(&mut self) {
        if let Some(index) = self.queued.pop_front() {
            self.buffers[index as usize] = BufferState::Done;
            self.done.push_back(index);
        }
    }

    fn holds_any(&self) -> bool {
        self.streaming && !(self.queued.is_empty() && self.done.is_empty())
    }

    fn is_ready(&self) -> bool {
        self.streaming && !self.queued.is_empty()
    }
}

/// An open file of the device under test. Times are in microseconds; the defaults are those of the double's control ABI.
#[derive(Clone, Debug)]
pub(crate) struct FileModel {
    pub(super) driver: Driver,
    pub(crate) node: Node,
    output: QueueModel,
    capture: QueueModel,
    pub(crate) gated: bool,
    pub(crate) subscribed: bool,
    pub(crate) drained: bool,
    /// OUTPUT frames until the stream changes size, and the new size.
    change: Option<(u32, (u32, u32))>,
    /// The stream changed size: nothing runs until CAPTURE is restarted.
    pub(crate) changed: bool,
    /// A completion will get lost.
    lost: bool,
    inline: bool,
    /// Its jobs wait: none is ready, or the node is suspended.
    not_ready: bool,
    suspended: bool,
    pub(super) watchdog: u64,
    pub(super) job_time: u64,
    pub(super) write_time: u64,
}

impl FileModel {
    pub(super) fn new(driver: Driver, node: Node) -> Self {
        Self {
            driver,
            node,
            output: QueueModel::new(driver, Queue::Output),
            capture: QueueModel::new(driver, Queue::Capture),
            gated: false,
            subscribed: false,
            drained: false,
            change: None,
            changed: false,
            lost: false,
            inline: false,
            not_ready: false,
            suspended: false,
            watchdog: 1_000_000,
            job_time: driver.job_micros(),
            write_time: 0,
        }
    }

    pub(crate) fn queue(&self, queue: Queue) -> &QueueModel {
        match queue {
            Queue::Output => &self.output,
            Queue::Capture => &self.capture,
        }
    }

    pub(super) fn queue_mut(&mut self, queue: Queue) -> &mut QueueModel {
        match queue {
            Queue::Output => &mut self.output,
            Queue::Capture => &mut self.capture,
        }
    }

    /// Whether a job runs or is about to.
    pub(crate) fn in_flight(&self) -> bool {
        let stopped = self.changed || self.drained || self.is_blocked();
        self.output.is_ready() && self.capture.is_ready() && !stopped
    }

    /// Whether DQBUF with `wait` would wait at all: mem2mem's poll reports an error at once if no streaming queue holds
    /// any buffer.
    pub(super) fn waits(&self) -> bool {
        self.output.holds_any() || self.capture.holds_any()
    }

    /// Whether the frames of a queue may have several memories.
    pub(crate) fn takes_planes(&self, queue: Queue) -> bool {
        match self.node {
            Node::M2mMplane => true,
            Node::DecoderMplane => queue == Queue::Capture,
            Node::EncoderMplane => queue == Queue::Output,
            Node::Double | Node::Encoder | Node::M2m => false,
        }
    }

    /// Whether OUTPUT buffers may go into requests.
    pub(crate) fn takes_requests(&self) -> bool {
        match self.driver {
            Driver::Double => matches!(self.node, Node::M2m | Node::M2mMplane),
            Driver::Vim2m => true,
            Driver::VicodecEncoder | Driver::VicodecDecoder => false,
        }
    }

    pub(super) fn set_fault(&mut self, fault: Fault) {
        self.lost |= fault == Fault::Lost;
    }

    /// Whether a knob keeps its jobs from running.
    pub(crate) fn is_blocked(&self) -> bool {
        self.not_ready || self.suspended
    }

    pub(super) fn set_knob(&mut self, knob: Knob, value: u32) {
        match knob {
            Knob::NotReady => self.not_ready = value == 1,
            Knob::Suspend => self.suspended = value == 1,
            Knob::FailLate => self.lost |= value > 0,
            Knob::Frames | Knob::MinQueued | Knob::Abort => {}
        }
    }

    pub(super) fn set_completion(&mut self, context: Completion) {
        self.inline = context == Completion::Inline;
    }

    pub(super) fn set_change(&mut self, frame: u32, width: u32, height: u32) {
        self.change = (frame > 0).then_some((frame, (width, height)));
        let largest = self.driver.announced((width, height));
        for queue in [&mut self.output, &mut self.capture] {
            let bytes = self.driver.frame_bytes(queue.queue, largest);
            queue.announced = queue.announced.max(bytes);
        }
    }

    /// The longest that the next job takes.
    pub(crate) fn job_micros(&self) -> u64 {
        let plain = (self.job_time + self.write_time).min(self.watchdog);
        if self.gated || self.lost {
            self.watchdog
        } else {
            plain
        }
    }

    /// Lets as many jobs end as fit into `time`.
    pub(super) fn pass(&mut self, mut time: u64) {
        while self.in_flight() && self.job_micros() <= time {
            time -= self.job_micros();
            self.finish_job();
        }
    }

    /// Jobs whose completion is inside `device_run` are over when the call that started them returns: how long it took.
    pub(super) fn run_inline(&mut self) -> u64 {
        let mut time = 0;
        while self.inline && self.in_flight() {
            time += self.job_micros();
            self.finish_job();
        }
        time
    }

    fn finish_job(&mut self) {
        self.lost = false;
        if let Some((frame, size)) = self.change.take() {
            self.changed = frame <= 1;
            if self.changed {
                self.capture.size = size;
            }
            self.change = (frame > 1).then_some((frame - 1, size));
        }
        if !self.changed {
            self.output.finish_one();
        }
        self.capture.finish_one();
    }

    pub(super) fn stop(&mut self, queue: Queue) {
        if self.in_flight() {
            // The aborted job gives back both of its buffers.
            self.output.finish_one();
            self.capture.finish_one();
        }
        self.queue_mut(queue).drop_all();
        match queue {
            Queue::Capture => self.changed = false,
            Queue::Output => self.drained = false,
        }
    }
}
