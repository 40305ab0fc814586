//! What makes sense next: every operation that suits the state, with a weight for how much it suits. What a job still lacks
//! weighs most, so that programs get somewhere.

use super::{controls, fences, requests};
use crate::choose::Choose;
use crate::driver::Driver;
use crate::model::{BufferState, FileModel, Model, QueueModel};
use crate::op::{
    Completion, DecoderCmd, Dmabuf, EventKind, Fault, File, Interest, Knob, Memory, Micros,
    MorePlanes, Node, Op, Pixels, Queue, Wait,
};
use crate::profile::Profile;

/// Weight of an operation that suits, but that nothing waits for.
pub(super) const NORMAL: u32 = 12;
/// Slots of each kind that are considered; more would drown the rest.
const SLOTS: usize = 4;
/// Exports that a program makes before it is thought to have enough.
const ENOUGH_EXPORTS: usize = 5;

/// The operations to choose from.
pub(super) struct Bag<'p> {
    pub(super) profile: &'p Profile,
    weights: Vec<u32>,
    ops: Vec<Op>,
}

impl Bag<'_> {
    pub(super) fn add(&mut self, fit: u32, op: Op) {
        let weight = self.profile.weight(op.kind()) * fit;
        if weight > 0 {
            self.weights.push(weight);
            self.ops.push(op);
        }
    }

    /// Adds alternatives that share one weight.
    pub(super) fn add_each(&mut self, fit: u32, ops: impl IntoIterator<Item = Op>) {
        let ops: Vec<Op> = ops.into_iter().collect();
        let share = (fit / ops.len().max(1) as u32).max(u32::from(fit > 0));
        ops.into_iter().for_each(|op| self.add(share, op));
    }
}

/// One of the operations that suit; its numbers are still to be filled in.
pub(super) fn pick_op(model: &Model, choose: &mut dyn Choose, profile: &Profile) -> Option<Op> {
    let mut bag = Bag {
        profile,
        weights: Vec::new(),
        ops: Vec::new(),
    };
    globals(&mut bag, model);
    for file in model.open_files() {
        if let Some(state) = model.file(file) {
            knobs(&mut bag, file, state);
            events(&mut bag, file, state);
            controls::operations(&mut bag, model.driver, file, state);
            if let Some(slot) = model.free_file() {
                let second = Op::DupFile {
                    file: slot,
                    from: file,
                };
                bag.add(if state.in_flight() { 4 } else { 1 }, second);
            }
            Queue::ALL
                .iter()
                .for_each(|queue| buffers(&mut bag, model, file, state, *queue));
        }
    }
    requests::operations(&mut bag, model);
    fences::dmabufs(&mut bag, model);
    fences::syncs(&mut bag, model);
    fences::maps(&mut bag, model);
    let index = choose.weighted(&bag.weights);
    (index < bag.ops.len()).then(|| bag.ops.swap_remove(index))
}

fn globals(bag: &mut Bag<'_>, model: &Model) {
    let open = model.open_files().len();
    if let Some(file) = model.free_file() {
        let fit = match open {
            0 => 100 * NORMAL,
            _ if open < usize::from(bag.profile.max_files) => 1,
            _ => 0,
        };
        opens(bag, fit, file, model.driver);
    }
    let unused = model.stale_files().len() > open;
    bag.add(if unused { 2 * NORMAL } else { 1 }, Op::Reload);
    bag.add(if unused && open == 0 { NORMAL / 2 } else { 1 }, Op::Unload);
    bag.add(if model.unloaded { 1000 * NORMAL } else { 1 }, Op::Load);
    bag.add(2 * NORMAL, Op::FailNth { nth: 1 });
    bag.add(if model.pending > 0 { 2 * NORMAL } else { 0 }, Op::Join);
    bag.add(
        if model.in_flight() { NORMAL } else { 2 },
        Op::Advance { time: Micros(0) },
    );
}

/// The device under test mostly; the double's other nodes have their turn.
fn opens(bag: &mut Bag<'_>, fit: u32, file: File, driver: Driver) {
    bag.add(fit, Op::open(file));
    if driver == Driver::Double {
        let others = Node::ALL.iter().filter(|node| **node != Node::Double);
        let open = |node: &Node| Op::Open { file, node: *node };
        bag.add(fit / 4, open(&Node::M2m));
        bag.add_each(fit / 4, others.map(open));
    }
}

fn knobs(bag: &mut Bag<'_>, file: File, state: &FileModel) {
    let streaming = Queue::ALL.iter().any(|queue| state.queue(*queue).streaming);
    let fit = if streaming { 6 } else { 12 };
    let time = Micros(0);
    bag.add(fit, Op::JobTime { file, time });
    bag.add(
        fit,
        Op::Chunks {
            file,
            count: 1,
            delay: time,
        },
    );
    bag.add(
        if state.gated { NORMAL } else { fit },
        Op::Watchdog { file, time },
    );
    bag.add_each(
        fit,
        Completion::ALL.iter().map(|context| Op::Completion {
            file,
            context: *context,
        }),
    );
    bag.add_each(
        fit,
        Fault::ALL.iter().map(|fault| Op::Fail {
            file,
            fault: *fault,
            job: 1,
        }),
    );
    let other = |knob: &Knob| Op::SetKnob {
        file,
        knob: *knob,
        value: 1,
    };
    // What keeps jobs from running does so until the knob is turned back.
    let back = [Knob::NotReady, Knob::Suspend];
    bag.add_each(
        if state.is_blocked() { 8 * NORMAL } else { 0 },
        back.iter().map(|knob| Op::SetKnob {
            file,
            knob: *knob,
            value: 0,
        }),
    );
    bag.add_each(fit / 2, Knob::ALL.iter().map(other));
    bag.add(
        fit,
        Op::SourceChange {
            file,
            frame: 1,
            width: 0,
            height: 0,
        },
    );
    if state.gated {
        bag.add(NORMAL, Op::GateOpen { file });
    } else {
        bag.add(NORMAL, Op::GateClose { file, chunk: 1 });
    }
}

fn events(bag: &mut Bag<'_>, file: File, state: &FileModel) {
    if state.subscribed {
        bag.add(
            if state.changed {
                2 * NORMAL
            } else {
                NORMAL / 2
            },
            Op::Dqevent { file },
        );
        let unsubscribe = |event: &EventKind| Op::Unsubscribe {
            file,
            event: *event,
        };
        bag.add_each(3 * NORMAL, EventKind::ALL.iter().map(unsubscribe));
    } else {
        let subscribe = |event: &EventKind| Op::Subscribe {
            file,
            event: *event,
        };
        bag.add_each(NORMAL / 2, EventKind::ALL.iter().map(subscribe));
    }
    let streaming = state.queue(Queue::Output).streaming;
    let stop = Op::DecoderCmd {
        file,
        cmd: DecoderCmd::Stop,
    };
    bag.add(
        if streaming && !state.drained {
            NORMAL / 2
        } else {
            0
        },
        stop,
    );
    let start = Op::DecoderCmd {
        file,
        cmd: DecoderCmd::Start,
    };
    bag.add(
        if state.drained || state.changed {
            2 * NORMAL
        } else {
            0
        },
        start,
    );
    let encodes = matches!(state.node, Node::Encoder | Node::EncoderMplane);
    let command = |cmd: &DecoderCmd| Op::EncoderCmd { file, cmd: *cmd };
    bag.add_each(
        if encodes { NORMAL } else { 1 },
        DecoderCmd::ALL.iter().map(command),
    );
    let rare = [DecoderCmd::Pause, DecoderCmd::Resume, DecoderCmd::Flush];
    bag.add_each(2, rare.map(|cmd| Op::DecoderCmd { file, cmd }));
    let poll = |interest: &Interest| {
        let timeout = Micros(0);
        Op::PollFile {
            file,
            interest: *interest,
            timeout,
        }
    };
    bag.add_each(
        if streaming { NORMAL / 2 } else { 1 },
        Interest::ALL.iter().map(poll),
    );
    bag.add(
        if state.in_flight() { NORMAL } else { 4 },
        Op::CloseFile { file },
    );
}

fn buffers(bag: &mut Bag<'_>, model: &Model, file: File, state: &FileModel, queue: Queue) {
    let content = state.queue(queue);
    allocation(bag, model, file, queue, content);
    queueing(bag, model, file, queue, content);
    exports(bag, model, file, queue, content);
    mappings(bag, model, file, queue, content);
    let on = match (
        content.streaming,
        content.has_buffers(),
        content.queued_count(),
    ) {
        (true, ..) | (_, false, _) => 0,
        (_, _, 0) => NORMAL / 2,
        _ => 8 * NORMAL,
    };
    bag.add(on, Op::Streamon { file, queue });
    let restart = if state.changed && queue == Queue::Capture {
        3 * NORMAL
    } else {
        NORMAL / 3
    };
    let off = if state.in_flight() { NORMAL } else { restart };
    bag.add(
        if content.streaming { off } else { 0 },
        Op::Streamoff { file, queue },
    );
    let wait = !state.gated && (state.in_flight() || content.has_done());
    let dq = match (content.has_done(), state.in_flight()) {
        (true, _) => 3 * NORMAL,
        (_, true) => NORMAL,
        _ => u32::from(content.streaming),
    };
    let ways = if wait {
        [Wait::Not, Wait::Poll, Wait::Poll, Wait::Block]
    } else {
        [Wait::Not; 4]
    };
    bag.add_each(dq, ways.map(|wait| Op::Dqbuf { file, queue, wait }));
}

fn allocation(bag: &mut Bag<'_>, model: &Model, file: File, queue: Queue, content: &QueueModel) {
    let (width, height) = content.size;
    let empty = !content.has_buffers();
    let format = match (empty, content.is_formatted(), queue) {
        // The size that a device starts with is but one of many.
        (true, false, Queue::Output) => 30 * NORMAL,
        (true, false, Queue::Capture) if model.driver.formats_capture() => 30 * NORMAL,
        (true, false, Queue::Capture) => NORMAL / 2,
        (true, true, _) => 1,
        _ => 0,
    };
    bag.add(format, Op::size(file, queue, (width, height)));
    if model
        .file(file)
        .is_some_and(|state| state.takes_planes(queue))
    {
        let several = [Pixels::Nm12, Pixels::Ym12, Pixels::Ym12, Pixels::Nv12];
        let with = |pixels: &Pixels| Op::SetFormat {
            file,
            queue,
            width,
            height,
            pixels: *pixels,
        };
        bag.add_each(2 * format, several.iter().map(with));
    }
    bag.add(2, Op::GetFormat { file, queue });
    bag.add(
        2,
        Op::TryFormat {
            file,
            queue,
            width,
            height,
            pixels: Pixels::First,
        },
    );
    let reqbufs = |memory, count| Op::Reqbufs {
        file,
        queue,
        memory,
        count,
    };
    if empty {
        bag.add(8 * NORMAL, reqbufs(Memory::Mmap, 1));
        let import = if model.live_dmabufs().is_empty() {
            2
        } else {
            NORMAL
        };
        bag.add(import, reqbufs(Memory::Dmabuf, 1));
        bag.add(NORMAL / 4, reqbufs(Memory::Userptr, 1));
    } else if !content.streaming {
        bag.add_each(
            NORMAL / 2,
            [reqbufs(Memory::Mmap, 1), reqbufs(Memory::Mmap, 0)],
        );
    }
    let memory = content.memory.unwrap_or(Memory::Mmap);
    let create = if content.buffers.len() < 6 {
        NORMAL / 3
    } else {
        0
    };
    bag.add(
        create,
        Op::CreateBufs {
            file,
            queue,
            memory,
            count: 1,
        },
    );
}

fn queueing(bag: &mut Bag<'_>, model: &Model, file: File, queue: Queue, content: &QueueModel) {
    let mut free = content.in_state(&[BufferState::Dequeued, BufferState::Prepared]);
    free.truncate(SLOTS);
    let imports: Vec<Option<Dmabuf>> = match content.memory {
        Some(Memory::Dmabuf) => recent(model.live_dmabufs()).into_iter().map(Some).collect(),
        _ => vec![None],
    };
    let each = |make: &dyn Fn(u32, Option<Dmabuf>) -> Op| -> Vec<Op> {
        let pairs = free
            .iter()
            .flat_map(|index| imports.iter().map(move |d| (*index, *d)));
        pairs.map(|(index, dmabuf)| make(index, dmabuf)).collect()
    };
    let plain = content.takes_plain_buffers();
    let fit = match content.queued_count() {
        _ if !plain => 1,
        0 => 8 * NORMAL,
        1 => NORMAL,
        _ => NORMAL / 2,
    };
    bag.add_each(
        fit,
        each(&|index, dmabuf| {
            let mut op = Op::qbuf(file, queue, index, dmabuf);
            if let Op::Qbuf { more, .. } = &mut op {
                *more = more_planes(model, content, dmabuf);
            }
            op
        }),
    );
    let prepare = |index, dmabuf| Op::PrepareBuf {
        file,
        queue,
        index,
        dmabuf,
        more: more_planes(model, content, dmabuf),
    };
    bag.add_each(NORMAL / 3, each(&prepare));
    let remove = |index: &u32| Op::RemoveBufs {
        file,
        queue,
        index: *index,
        count: 1,
    };
    bag.add_each(NORMAL / 3, free.iter().map(remove));
    if content.has_buffers() {
        bag.add(
            1,
            Op::Querybuf {
                file,
                queue,
                index: 0,
            },
        );
    }
}

fn exports(bag: &mut Bag<'_>, model: &Model, file: File, queue: Queue, content: &QueueModel) {
    let Some(dmabuf) = model.free_dmabuf() else {
        return;
    };
    if content.memory != Some(Memory::Mmap) {
        return;
    }
    use BufferState::{Dequeued, Done, Prepared, Queued};
    let mut present = if model.in_flight() {
        content.in_state(&[Queued])
    } else {
        content.in_state(&[Queued, Dequeued, Prepared, Done])
    };
    present.truncate(SLOTS);
    let mine = model.dmabufs.iter().filter_map(|slot| slot.live());
    let exported = mine
        .filter(|export| export.place == Some((file, queue)))
        .count();
    let fit = match (exported, model.in_flight()) {
        (ENOUGH_EXPORTS.., _) => 1,
        (0, _) => 2 * NORMAL,
        (_, true) => NORMAL,
        _ => NORMAL / 3,
    };
    bag.add_each(
        fit,
        planes(present, content).map(|(index, plane)| Op::Expbuf {
            dmabuf,
            file,
            queue,
            index,
            plane,
        }),
    );
}

/// The planes of these buffers: index of the buffer, number of the plane.
fn planes(buffers: Vec<u32>, content: &QueueModel) -> impl Iterator<Item = (u32, u32)> {
    let count = content.planes;
    buffers
        .into_iter()
        .flat_map(move |index| (0..count).map(move |plane| (index, plane)))
}

/// mmap() of the video node, of what userspace is going to look at.
fn mappings(bag: &mut Bag<'_>, model: &Model, file: File, queue: Queue, content: &QueueModel) {
    let Some(map) = model.free_map() else {
        return;
    };
    if content.memory != Some(Memory::Mmap) {
        return;
    }
    use BufferState::{Dequeued, Done, Prepared, Queued};
    let mut present = content.in_state(&[Queued, Dequeued, Prepared, Done]);
    present.truncate(SLOTS);
    let fit = if model.in_flight() {
        NORMAL / 2
    } else {
        NORMAL / 4
    };
    bag.add_each(
        fit,
        planes(present, content).map(|(index, plane)| Op::MmapFile {
            map,
            file,
            queue,
            index,
            plane,
        }),
    );
}

/// What an import names for the planes after the first: what was exported before it, round and round.
fn more_planes(model: &Model, content: &QueueModel, first: Option<Dmabuf>) -> MorePlanes {
    let live = model.live_dmabufs();
    let Some(at) = live.iter().position(|dmabuf| Some(*dmabuf) == first) else {
        return MorePlanes::default();
    };
    let nth = |plane: usize| Some(live[(at + plane) % live.len()]);
    MorePlanes {
        second: if content.planes > 1 { nth(1) } else { None },
        third: if content.planes > 2 { nth(2) } else { None },
    }
}

/// The slots that were made last.
pub(super) fn recent<T>(mut slots: Vec<T>) -> Vec<T> {
    let surplus = slots.len().saturating_sub(SLOTS);
    slots.split_off(surplus)
}
