//! Writes scenes: the steps so far, the state they lead to, and the moves that scenes have in common.

use super::{details, hardware};
use crate::choose::Choose;
use crate::driver::Driver;
use crate::model::{BufferState, Model};
use crate::op::{Access, Dmabuf, File, Memory, Micros, Node, Op, Queue, Step, Sync, Wait};

/// The steps so far and the state they lead to.
pub(super) struct Script<'c> {
    pub(super) model: Model,
    pub(super) steps: Vec<Step>,
    pub(super) choose: &'c mut dyn Choose,
}

impl Script<'_> {
    fn write(&mut self, op: Op, asynchronous: bool) {
        let step = Step { op, asynchronous };
        self.model.apply(&step);
        self.steps.push(step);
    }

    pub(super) fn run(&mut self, op: Op) {
        self.write(op, false);
    }

    pub(super) fn later(&mut self, op: Op) {
        self.write(op, true);
    }

    /// An open file; one more if there is none or with a chance of 15 %.
    pub(super) fn file(&mut self) -> Option<File> {
        let open = self.model.open_files();
        let fresh = open.is_empty() || self.choose.chance(15);
        if fresh && let Some(file) = self.model.free_file() {
            self.open(file);
            return Some(file);
        }
        open.get(self.choose.below(open.len())).copied()
    }

    /// Opens a file, with small frames mostly, of hardware of some kind.
    pub(super) fn open(&mut self, file: File) {
        self.open_node(file, Node::Double);
    }

    /// Opens a file of this node, likewise.
    pub(super) fn open_node(&mut self, file: File, node: Node) {
        self.run(Op::Open { file, node });
        if self.choose.chance(85) {
            let (width, height) = details::size(self.model.driver, self.choose);
            let capture = self.model.driver.formats_capture();
            for queue in [Queue::Output, Queue::Capture]
                .into_iter()
                .take(1 + usize::from(capture))
            {
                self.run(Op::size(file, queue, (width, height)));
            }
        }
        hardware::draw(self, file);
    }

    /// Frees the buffers of an MMAP queue.
    pub(super) fn free(&mut self, file: File, queue: Queue) {
        self.run(Op::Reqbufs {
            file,
            queue,
            memory: Memory::Mmap,
            count: 0,
        });
    }

    /// Gives a queue buffers unless it has some.
    pub(super) fn allocate(&mut self, file: File, queue: Queue, memory: Memory) {
        let count = 1 + self.choose.below(3) as u32;
        self.allocate_some(file, queue, memory, count);
    }

    /// Gives a queue so many buffers unless it has some.
    pub(super) fn allocate_some(&mut self, file: File, queue: Queue, memory: Memory, count: u32) {
        if self
            .model
            .queue(file, queue)
            .is_some_and(|content| !content.has_buffers())
        {
            self.run(Op::Reqbufs {
                file,
                queue,
                memory,
                count,
            });
        }
    }

    /// Queues a buffer of a queue that imports none, if one is free; says which buffer is queued now.
    pub(super) fn queue_one(&mut self, file: File, queue: Queue) -> Option<u32> {
        let content = self.model.queue(file, queue)?;
        let free = content.in_state(&[BufferState::Dequeued, BufferState::Prepared]);
        if !free.is_empty() && content.takes_bare_buffers() {
            let index = free[self.choose.below(free.len())];
            self.run(Op::qbuf(file, queue, index, None));
            return Some(index);
        }
        content.in_state(&[BufferState::Queued]).first().copied()
    }

    /// Queues this buffer of a queue that imports none, if it is free.
    pub(super) fn queue_this(&mut self, file: File, queue: Queue, index: u32) -> Option<()> {
        let content = self.model.queue(file, queue)?;
        let free = content.in_state(&[BufferState::Dequeued, BufferState::Prepared]);
        if free.contains(&index) && content.takes_bare_buffers() {
            self.run(Op::qbuf(file, queue, index, None));
        }
        Some(())
    }

    pub(super) fn stream(&mut self, file: File) {
        for queue in [Queue::Output, Queue::Capture] {
            if self
                .model
                .queue(file, queue)
                .is_some_and(|content| !content.streaming)
            {
                self.run(Op::Streamon { file, queue });
            }
        }
    }

    pub(super) fn export(&mut self, file: File, queue: Queue, index: u32) -> Option<Dmabuf> {
        let dmabuf = self.model.free_dmabuf()?;
        self.run(Op::expbuf(dmabuf, file, queue, index));
        Some(dmabuf)
    }

    pub(super) fn fence(&mut self, dmabuf: Dmabuf) -> Option<Sync> {
        let sync = self.model.free_sync()?;
        let access =
            [Access::ReadWrite, Access::Read, Access::Write][self.choose.weighted(&[4, 1, 1])];
        self.run(Op::ExportSync {
            sync,
            dmabuf,
            access,
        });
        Some(sync)
    }

    /// Brings a file to the point where a job is running, with its CAPTURE plane exported, before or after arming.
    pub(super) fn arm(&mut self, file: File) -> Option<Dmabuf> {
        if self.model.driver == Driver::VicodecDecoder {
            self.show_header(file);
        }
        for queue in [Queue::Output, Queue::Capture] {
            self.allocate(file, queue, Memory::Mmap);
        }
        let early = self.choose.chance(50);
        let capture = self.model.queue(file, Queue::Capture)?;
        let free = capture.in_state(&[BufferState::Dequeued]);
        let index = free.get(self.choose.below(free.len())).copied();
        let index = index.unwrap_or(0);
        let before = if early {
            self.export(file, Queue::Capture, index)
        } else {
            None
        };
        self.queue_one(file, Queue::Output);
        self.queue_this(file, Queue::Capture, index)?;
        self.stream(file);
        before.or_else(|| self.export(file, Queue::Capture, index))
    }

    /// A stateful decoder learns from the first OUTPUT buffer what CAPTURE has to look like.
    fn show_header(&mut self, file: File) {
        self.allocate(file, Queue::Output, Memory::Mmap);
        self.queue_one(file, Queue::Output);
        let queue = Queue::Output;
        if self
            .model
            .queue(file, queue)
            .is_some_and(|content| !content.streaming)
        {
            self.run(Op::Streamon { file, queue });
        }
    }

    /// A job held at the gate, if there is one, and the fence of its CAPTURE plane.
    pub(super) fn hold(&mut self, file: File) -> Option<(Dmabuf, Sync)> {
        let chunk = 1 + self.choose.below(3) as u32;
        self.run(Op::GateClose { file, chunk });
        let dmabuf = self.arm(file)?;
        Some((dmabuf, self.fence(dmabuf)?))
    }

    pub(super) fn advance(&mut self) {
        let time = [1_000, 5_000, 20_000][self.choose.below(3)];
        self.run(Op::Advance { time: Micros(time) });
    }

    pub(super) fn look(&mut self, dmabuf: Dmabuf, sync: Sync) {
        self.run(Op::PollSync {
            sync,
            timeout: Micros(0),
        });
        self.run(Op::Check { dmabuf });
    }

    pub(super) fn dequeue(&mut self, file: File, queue: Queue) {
        self.run(Op::Dqbuf {
            file,
            queue,
            wait: Wait::Poll,
        });
    }
}
