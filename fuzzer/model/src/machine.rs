//! The model against itself: a kernel that does what the model says, hardware that does what it likes, and the rules that
//! have to hold whatever happens.

use program::{
    Access, Completion, Control, DecoderCmd, Dmabuf, Driver, EventKind, Exporter, File, Interest,
    Knob, Memory, Micros, Node, Op, Pixels, Program, Queue, Request, Step, Sync, Wait,
};
use proptest::prelude::*;
use trace::{BufferId, Call, Event, Kind, Out, Phase, Record, SyncInfo, Trace};

use crate::answer::{Answer, Told};
use crate::buffer::State;
use crate::errno;
use crate::follow;
use crate::handle::Handle;
use crate::queue::MAX_BUFFERS;
use crate::world::World;

pub(crate) const A: File = File(0);
pub(crate) const OUT: Queue = Queue::Output;
pub(crate) const CAP: Queue = Queue::Capture;

/// A kernel made of the model, which writes down what it did.
pub(crate) struct Machine {
    pub(crate) world: World,
    pub(crate) program: Program,
    pub(crate) trace: Trace,
    now: u64,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            world: World::new(Driver::Double),
            program: Program::default(),
            trace: Trace::default(),
            now: 0,
        }
    }

    /// Makes a call; the answer is the model's.
    pub(crate) fn call(&mut self, op: Op) -> Result<Out, i32> {
        let guess = self.world.predict(&op);
        let answer = match guess.answer {
            Answer::Err(errno) => Err(errno),
            Answer::Ok(told) => Ok(out(told)),
            Answer::Unknown => Err(errno::ENOMEM),
        };
        let before = self.queued(&op);
        if matches!(op, Op::Streamoff { .. }) {
            self.give_all_back(&op);
        }
        self.world.follow(&op, &answer);
        self.hand_over(&op, before);
        let number = self.program.steps.len() as u16;
        self.program.steps.push(Step {
            op,
            asynchronous: false,
        });
        let (start, end) = (self.now, self.now + 1);
        self.now = end;
        self.trace.events.push(Event::Call(Call {
            op: number,
            start,
            end,
            result: answer.clone(),
        }));
        answer
    }

    pub(crate) fn errno(&mut self, op: Op) -> i32 {
        self.call(op).err().unwrap_or(0)
    }

    /// The queue whose buffers the operation may hand over.
    fn given_queue(&self, op: &Op) -> Option<(File, Queue)> {
        match *op {
            Op::Streamon { file, queue } | Op::Qbuf { file, queue, .. } => Some((file, queue)),
            Op::QueueRequest { request } => {
                let id = *self.world.requests.get(&request.0)?;
                let (file, _) = self.world.in_request(id).next()?;
                Some((File(file), OUT))
            }
            _ => None,
        }
    }

    /// Buffers that STREAMON would hand over, in the order of their indices: nobody looks at it.
    fn queued(&self, op: &Op) -> Vec<u32> {
        let Some((file, queue)) = self.given_queue(op) else {
            return Vec::new();
        };
        let handle = self.world.files.get(&file.0);
        let buffers = handle
            .into_iter()
            .flat_map(|handle| handle.queue(queue).iter());
        buffers
            .filter(|(_, buffer)| buffer.state == State::Queued)
            .map(|(index, _)| index)
            .collect()
    }

    fn record(&mut self, kind: Kind, op: &Op) {
        self.trace.events.push(Event::Ledger(Record {
            time: self.now,
            irqs: trace::Irqs::On,
            kind,
        }));
        self.world.record(&kind, &[op]);
    }

    /// What a streaming queue has is the driver's.
    fn hand_over(&mut self, op: &Op, mut indices: Vec<u32>) {
        let Some((file, queue)) = self.given_queue(op) else {
            return;
        };
        indices.extend(self.queued(op));
        indices.sort_unstable();
        indices.dedup();
        let handle = self.world.files.get(&file.0);
        if !handle.is_some_and(|handle| handle.queue(queue).started) {
            return;
        }
        for index in indices {
            let ends = self.world.files[&file.0].ends_drain(queue);
            let buffer = id(file, queue, index);
            self.record(Kind::Queue { buffer }, op);
            if ends {
                self.record(Kind::Done { buffer, state: 5 }, op);
            }
        }
    }

    fn give_all_back(&mut self, op: &Op) {
        let &Op::Streamoff { file, queue } = op else {
            return;
        };
        let Some(handle) = self.world.files.get(&file.0) else {
            return;
        };
        let ready: Vec<_> = handle.queue(queue).ready.iter().copied().collect();
        for index in ready {
            let buffer = id(file, queue, index);
            self.record(Kind::Done { buffer, state: 6 }, op);
        }
    }

    /// One job of a file ends, if it can run.
    pub(crate) fn run_job(&mut self, file: File, fails: bool) {
        self.end_job(file, fails, Gives::Both);
    }

    pub(crate) fn end_job(&mut self, file: File, fails: bool, gives: Gives) {
        let Some(handle) = self.world.files.get(&file.0) else {
            return;
        };
        let (src, dst) = (handle.output.ready.front(), handle.capture.ready.front());
        let (Some(&src), Some(&dst)) = (src, dst) else {
            return;
        };
        if handle.m2m.stopped || !(handle.output.streaming && handle.capture.streaming) {
            return;
        }
        // Slices are a matter of converters whose jobs end as mem2mem wants it.
        let sliced = handle.device.is_converter() && handle.knobs.is_plain();
        let (src, dst) = (id(file, OUT, src), id(file, CAP, dst));
        let given = match gives {
            Gives::Source if sliced => vec![src],
            Gives::Frame => vec![dst],
            _ => vec![dst, src],
        };
        let state = if fails { 6 } else { 5 };
        let op = Op::Advance { time: Micros(1) };
        let (job, phase) = (1, Phase::Start);
        for &buffer in &given {
            self.record(Kind::Job { buffer, job, phase }, &op);
        }
        for buffer in given {
            self.record(Kind::Done { buffer, state }, &op);
        }
        let _ = self.call(op);
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.world.files[&A.0]
    }
}

/// What a job gives back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gives {
    Both,
    /// The CAPTURE buffer is held for the next slice.
    Source,
    /// There are more frames in the OUTPUT buffer.
    Frame,
}

fn id(file: File, queue: Queue, index: u32) -> BufferId {
    let output = queue == OUT;
    BufferId {
        queue: u32::from(file.0) * 2 + u32::from(output) + 1,
        output,
        index,
    }
}

/// An answer that fits.
fn out(told: Told) -> Out {
    match told {
        Told::Done => Out::Done,
        Told::Format(format) => {
            let (width, height, sizeimage) = format.unwrap_or((16, 16, 256));
            Out::Format {
                width,
                height,
                sizeimage,
            }
        }
        Told::Buffers { index, count } => Out::Buffers { index, count },
        Told::Buffer(look) => Out::Buffer {
            index: look.index,
            flags: look.flags.value,
            bytesused: look.bytesused.unwrap_or(1),
            length: look.length.unwrap_or(4096),
            sequence: look.sequence.unwrap_or(0),
        },
        Told::Exported(size) => Out::Exported {
            size: size.unwrap_or(4096),
        },
        Told::Sync | Told::SyncOrNothing => Out::Sync(SyncInfo {
            status: 1,
            fences: Vec::new(),
        }),
        Told::SomeOf(_) => Out::Polled { revents: 0 },
        Told::Polled(revents) => Out::Polled { revents },
        Told::Content => Out::Content(trace::Content {
            stamp: None,
            good_words: 0,
            words: 0,
            hash: 0,
        }),
        Told::Event(kind, changes, sequence) => Out::Event {
            kind,
            changes,
            sequence,
        },
        Told::Value(value) => Out::Value {
            value: value.unwrap_or(0),
        },
        Told::Control(kind, [minimum, maximum, default]) => Out::Control {
            kind,
            minimum,
            maximum,
            default,
        },
    }
}

/// Every buffer is in exactly one place, and no list knows one that is not there.
fn check(world: &World) {
    for handle in world.files.values() {
        for queue in [&handle.output, &handle.capture] {
            assert!(queue.count() <= MAX_BUFFERS);
            assert_eq!(queue.count() == 0, queue.memory.is_none());
            for (index, buffer) in queue.iter() {
                let ready = queue.ready.iter().filter(|at| **at == index).count();
                let done = queue.done.iter().filter(|at| **at == index).count();
                let places = match buffer.state {
                    State::Dequeued | State::InRequest | State::Queued => (0, 0),
                    State::Active => (1, 0),
                    State::Done | State::Error => (0, 1),
                };
                assert_eq!((ready, done), places, "{index}: {buffer:?}");
            }
            let known = |index: &u32| queue.get(*index).is_some();
            assert!(queue.ready.iter().all(known) && queue.done.iter().all(known));
            assert!(queue.streaming || queue.ready.is_empty());
        }
    }
}

#[derive(Clone, Debug)]
enum Action {
    Call(Op),
    Job(File, bool, Gives),
}

/// Operations on what only some nodes have: formats of several planes, requests, knobs that decide what jobs give back.
fn special_op() -> impl Strategy<Value = Op> {
    let file = || (0..2u8).prop_map(File);
    let queue = || prop_oneof![Just(OUT), Just(CAP)];
    let request = || (0..2u8).prop_map(Request);
    let node = || prop::sample::select(Node::ALL);
    let pixels = prop::sample::select(vec![Pixels::First, Pixels::Nv12, Pixels::Ym12]);
    let time = Micros(0);
    prop_oneof![
        2 => (file(), node()).prop_map(|(file, node)| Op::Open { file, node }),
        2 => (file(), queue(), pixels).prop_map(|(file, queue, pixels)| Op::SetFormat {
            file, queue, width: 32, height: 64, pixels }),
        2 => (file(), queue()).prop_map(|(file, queue)| Op::GetFormat { file, queue }),
        1 => (file(), queue(), 0..3u32).prop_map(|(file, queue, plane)| Op::Expbuf {
            dmabuf: Dmabuf(plane as u8), file, queue, index: 0, plane }),
        3 => (request(), file()).prop_map(|(request, file)| Op::AllocRequest { request, file }),
        8 => (file(), queue(), 0..3u32, request()).prop_map(
            |(file, queue, index, request)| in_request(file, queue, index, request)),
        6 => request().prop_map(|request| Op::QueueRequest { request }),
        2 => request().prop_map(|request| Op::ReinitRequest { request }),
        3 => request().prop_map(move |request| Op::PollRequest { request, timeout: time }),
        1 => request().prop_map(|request| Op::CloseRequest { request }),
        5 => (file(), control(), 0..3u32, proptest::option::of(request())).prop_map(
            |(file, control, value, request)| Op::SetControl { file, control, value, request }),
        1 => (file(), control(), 0..3u32, proptest::option::of(request())).prop_map(
            |(file, control, value, request)| Op::TryControl { file, control, value, request }),
        3 => (file(), control(), proptest::option::of(request())).prop_map(
            |(file, control, request)| Op::GetControl { file, control, request }),
        1 => (file(), control()).prop_map(|(file, control)| Op::QueryControl { file, control }),
        1 => (file(), 0..3u32).prop_map(
            |(file, value)| Op::SetKnob { file, knob: Knob::Frames, value }),
        1 => (file(), prop_oneof![Just(0u32), Just(2), Just(0x201), Just(9)]).prop_map(
            |(file, value)| Op::SetKnob { file, knob: Knob::MinQueued, value }),
        1 => (file(), prop_oneof![Just(Completion::Pipelined), Just(Completion::Timer)]).prop_map(
            |(file, context)| Op::Completion { file, context }),
        1 => Just(Op::Reload),
        2 => (0..3u8, prop::sample::select(Exporter::ALL), prop_oneof![Just(4096), 0..9000u32]).prop_map(
            |(slot, exporter, bytes)| Op::Allocate { dmabuf: Dmabuf(slot), exporter, bytes }),
        1 => (0..2u8).prop_map(|slot| Op::SwSync { sync: Sync(slot) }),
        1 => (0..2u8).prop_map(|slot| Op::Signal { sync: Sync(slot) }),
    ]
}

/// Those of converters mostly, which take requests.
fn control() -> impl Strategy<Value = Control> {
    prop_oneof![
        2 => prop_oneof![Just(Control::Hflip), Just(Control::Vflip)],
        1 => prop::sample::select(Control::ALL),
    ]
}

pub(crate) fn in_request(file: File, queue: Queue, index: u32, into: Request) -> Op {
    let mut op = Op::qbuf(file, queue, index, None);
    if let Op::Qbuf { request, .. } = &mut op {
        *request = Some(into);
    }
    op
}

fn op() -> impl Strategy<Value = Op> {
    let file = || (0..2u8).prop_map(File);
    let queue = || prop_oneof![Just(OUT), Just(CAP)];
    let dmabuf = || (0..3u8).prop_map(Dmabuf);
    let memory = || prop_oneof![3 => Just(Memory::Mmap), 1 => Just(Memory::Dmabuf), 1 => Just(Memory::Userptr)];
    let import = || proptest::option::weighted(0.2, dmabuf());
    let index = || 0..4u32;
    prop_oneof![
        2 => file().prop_map(Op::open),
        1 => file().prop_map(|file| Op::CloseFile { file }),
        1 => (file(), queue(), prop_oneof![Just(32u32), Just(64), Just(128)]).prop_map(
            |(file, queue, side)| Op::size(file, queue, (side, side))),
        6 => (file(), queue(), memory(), 0..4u32).prop_map(
            |(file, queue, memory, count)| Op::Reqbufs { file, queue, memory, count }),
        2 => (file(), queue(), memory(), 0..40u32).prop_map(
            |(file, queue, memory, count)| Op::CreateBufs { file, queue, memory, count }),
        2 => (file(), queue(), index(), 0..3u32).prop_map(
            |(file, queue, index, count)| Op::RemoveBufs { file, queue, index, count }),
        2 => (file(), queue(), index()).prop_map(
            |(file, queue, index)| Op::Querybuf { file, queue, index }),
        2 => (file(), queue(), index(), import()).prop_map(
            |(file, queue, index, dmabuf)| Op::prepare_buf(file, queue, index, dmabuf)),
        12 => (file(), queue(), index(), import()).prop_map(
            |(file, queue, index, dmabuf)| Op::qbuf(file, queue, index, dmabuf)),
        8 => (file(), queue()).prop_map(|(file, queue)| Op::Dqbuf { file, queue, wait: Wait::Not }),
        3 => (dmabuf(), file(), queue(), index()).prop_map(
            |(dmabuf, file, queue, index)| Op::expbuf(dmabuf, file, queue, index)),
        1 => dmabuf().prop_map(|dmabuf| Op::CloseDmabuf { dmabuf }),
        6 => (file(), queue()).prop_map(|(file, queue)| Op::Streamon { file, queue }),
        3 => (file(), queue()).prop_map(|(file, queue)| Op::Streamoff { file, queue }),
        2 => (file(), prop_oneof![Just(DecoderCmd::Start), Just(DecoderCmd::Stop)]).prop_map(
            |(file, cmd)| Op::DecoderCmd { file, cmd }),
        1 => file().prop_map(|file| Op::Subscribe { file, event: EventKind::Eos }),
        1 => file().prop_map(|file| Op::Dqevent { file }),
        1 => (file(), prop_oneof![Just(Interest::In), Just(Interest::Out), Just(Interest::Pri)]).prop_map(
            |(file, interest)| Op::PollFile { file, interest, timeout: Micros(0) }),
        1 => ((0..3u8).prop_map(Sync), dmabuf()).prop_map(
            |(sync, dmabuf)| Op::ExportSync { sync, dmabuf, access: Access::Read }),
    ]
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let gives =
        prop_oneof![4 => Just(Gives::Both), 1 => Just(Gives::Source), 1 => Just(Gives::Frame)];
    let job = ((0..2u8).prop_map(File), any::<bool>(), gives)
        .prop_map(|(file, fails, gives)| Action::Job(file, fails, gives));
    let action = prop_oneof![
        3 => op().prop_map(Action::Call),
        2 => special_op().prop_map(Action::Call),
        1 => job
    ];
    let node = prop_oneof![3 => Just(Node::Double), 2 => Just(Node::M2m), 1 => prop::sample::select(Node::ALL)];
    let begin = |node| {
        [
            Op::Open { file: A, node },
            Op::Reqbufs {
                file: A,
                queue: OUT,
                memory: Memory::Mmap,
                count: 3,
            },
            Op::Reqbufs {
                file: A,
                queue: CAP,
                memory: Memory::Mmap,
                count: 3,
            },
            Op::Streamon {
                file: A,
                queue: OUT,
            },
            Op::Streamon {
                file: A,
                queue: CAP,
            },
        ]
    };
    let actions = proptest::collection::vec(action, 0..60);
    (node, actions).prop_map(move |(node, mut actions)| {
        actions.splice(0..0, begin(node).into_iter().map(Action::Call));
        actions
    })
}

fn play(actions: Vec<Action>) -> Machine {
    let mut machine = Machine::new();
    for action in actions {
        match action {
            Action::Job(file, fails, gives) => machine.end_job(file, fails, gives),
            Action::Call(op) => {
                let stops = matches!(op, Op::Streamoff { .. });
                let fine = machine.call(op.clone()).is_ok();
                if let (true, true, &Op::Streamoff { file, queue }) = (stops, fine, &op) {
                    let content = machine.world.files[&file.0].queue(queue);
                    assert!(!content.has_queued() && !content.streaming);
                }
            }
        }
        check(&machine.world);
    }
    machine
}

/// Errors that depend on what the model does not know: the memory that is left, what the kernel was built with, and where the
/// pages of an exporter lie.
fn depends(op: &Op, errno: i32) -> bool {
    match op {
        _ if errno == errno::ENOMEM => true,
        Op::SwSync { .. } | Op::Allocate { .. } => errno == errno::ENOENT,
        Op::Qbuf { dmabuf, .. } | Op::PrepareBuf { dmabuf, .. } => {
            errno == errno::EFAULT && dmabuf.is_some()
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_model_agrees_with_a_kernel_that_does_what_it_says(actions in actions()) {
        let machine = play(actions);
        let story = follow(Driver::Double, &machine.program, &machine.trace);
        prop_assert_eq!(&story.differences, &Vec::new());
        prop_assert_eq!(story.calls as usize, machine.program.steps.len());
    }

    #[test]
    fn a_wrong_answer_is_told_and_does_no_harm(actions in actions(), at in any::<prop::sample::Index>(), errno in 1..40i32) {
        let mut machine = play(actions);
        let calls = machine.trace.events.iter_mut().filter_map(|event| match event {
            Event::Call(call) => Some(call),
            _ => None,
        });
        let mut calls: Vec<_> = calls.collect();
        let place = at.index(calls.len());
        let honest = std::mem::replace(&mut calls[place].result, Err(errno));
        let number = calls[place].op;
        let story = follow(Driver::Double, &machine.program, &machine.trace);
        let told = story.differences.iter().any(|difference| difference.op == number);
        let op = &machine.program.steps[usize::from(number)].op;
        let open = honest == Err(errno::ENOMEM) || depends(op, errno);
        prop_assert!(told || honest == Err(errno) || open, "{op:?} answered {honest:?}, {:?}", story.unknown);
    }
}
