//! What makes sense with media requests: make one, put OUTPUT buffers into it, queue it, wait for it, use it again.

use super::controls;
use super::fit::{Bag, NORMAL};
use super::script::Script;
use crate::model::{BufferState, Model, RequestModel};
use crate::op::{Dmabuf, File, Memory, Micros, MorePlanes, Node, Op, Queue, Request};

/// Requests that a program makes before it is thought to have enough.
const ENOUGH: usize = 3;

/// The operations that suit the requests that there are.
pub(super) fn operations(bag: &mut Bag<'_>, model: &Model) {
    let takers: Vec<File> = takers(model).collect();
    let live = model.live_requests();
    if let Some(request) = model.free_request() {
        let fit = match live.len() {
            0 => 12 * NORMAL,
            ENOUGH.. => 1,
            _ => NORMAL,
        };
        let make = |file: &File| Op::AllocRequest {
            request,
            file: *file,
        };
        bag.add_each(fit, takers.iter().map(make));
    }
    for request in live {
        if let Some(state) = model.request(request) {
            on_request(bag, request, state);
            let fill = |file: &File| fills(model, *file, request);
            let fit = if state.queued { 1 } else { 10 * NORMAL };
            let same = |file: &&File| model.file(**file).is_some_and(|f| f.node == state.node);
            bag.add_each(fit, takers.iter().filter(same).flat_map(fill));
            for file in takers.iter().filter(same) {
                controls::in_request(bag, *file, request, state.queued);
            }
        }
    }
}

/// The files whose OUTPUT buffers may go into requests.
fn takers(model: &Model) -> impl Iterator<Item = File> {
    let files = model.open_files().into_iter();
    files.filter(|file| {
        model
            .file(*file)
            .is_some_and(|state| state.takes_requests())
    })
}

fn on_request(bag: &mut Bag<'_>, request: Request, state: &RequestModel) {
    let filled = !state.buffers.is_empty();
    let timeout = Micros(0);
    let queue = if filled && !state.queued {
        12 * NORMAL
    } else {
        1
    };
    bag.add(queue, Op::QueueRequest { request });
    let again = if state.queued { 2 * NORMAL } else { 1 };
    bag.add(again, Op::ReinitRequest { request });
    let wait = if state.queued { NORMAL } else { 1 };
    bag.add(wait, Op::PollRequest { request, timeout });
    bag.add(NORMAL / 3, Op::CloseRequest { request });
}

/// QBUF of each free OUTPUT buffer into the request. A queue that takes buffers directly takes none in requests.
fn fills(model: &Model, file: File, request: Request) -> Vec<Op> {
    let Some(content) = model.queue(file, Queue::Output) else {
        return Vec::new();
    };
    let free = content.in_state(&[BufferState::Dequeued, BufferState::Prepared]);
    let fill = |index: &u32| Op::Qbuf {
        file,
        queue: Queue::Output,
        index: *index,
        dmabuf: None,
        more: MorePlanes::default(),
        hold: false,
        stamp: Micros(0),
        request: Some(request),
    };
    let usable = content.takes_requests() && content.takes_bare_buffers();
    free.iter().filter(|_| usable).take(2).map(fill).collect()
}

/// Opens a converter that is ready for requests, and exports its first CAPTURE buffer.
pub(super) fn set_up(script: &mut Script<'_>, file: File) -> Option<Dmabuf> {
    let node = Node::M2m;
    script.run(Op::Open { file, node });
    for queue in [Queue::Output, Queue::Capture] {
        script.allocate(file, queue, Memory::Mmap);
    }
    script.export(file, Queue::Capture, 0)
}

/// Puts a free OUTPUT buffer into the request, and queues that.
pub(super) fn queue(script: &mut Script<'_>, file: File, request: Request) -> Option<()> {
    let fill = fills(&script.model, file, request);
    script.run(fill.first()?.clone());
    script.run(Op::QueueRequest { request });
    Some(())
}

/// A job whose OUTPUT buffer comes in a request, which is used again afterwards.
pub(super) fn in_requests(script: &mut Script<'_>) -> Option<()> {
    let file = script.model.free_file()?;
    let request = script.model.free_request()?;
    let dmabuf = set_up(script, file)?;
    script.run(Op::AllocRequest { request, file });
    script.stream(file);
    for _ in 0..2 {
        script.queue_one(file, Queue::Capture);
        queue(script, file, request)?;
        script.fence(dmabuf)?;
        let timeout = Micros(20_000);
        script.run(Op::PollRequest { request, timeout });
        script.run(Op::ReinitRequest { request });
        script.dequeue(file, Queue::Output);
    }
    script.run(Op::CloseRequest { request });
    Some(())
}
