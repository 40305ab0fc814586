//! Scenes in which buffers stand on memory of the program itself: nobody else can share it, so nobody waits for it.

use super::script::Script;
use crate::choose::pick;
use crate::driver::Driver;
use crate::op::{Dmabuf, File, Memory, Node, Op, Pixels, Queue};

/// A few jobs whose buffers are the program's memory, on one queue or on both. What the other queue has is shown to others, and has
/// its fences as ever.
pub(super) fn own_memory(script: &mut Script<'_>) -> Option<()> {
    let file = open(script)?;
    let shown = [Some(Queue::Output), Some(Queue::Capture), None][script.choose.below(3)];
    let gated = script.choose.chance(40);
    if gated {
        script.run(Op::GateClose { file, chunk: 1 });
    }
    let dmabuf = set_up(script, file, shown);
    for _ in 0..1 + script.choose.below(2) {
        for queue in [Queue::Output, Queue::Capture] {
            script.queue_one(file, queue);
        }
        script.stream(file);
        if let Some(dmabuf) = dmabuf {
            script.fence(dmabuf)?;
        }
        if gated {
            script.run(Op::GateOpen { file });
        }
        for queue in [Queue::Capture, Queue::Output] {
            script.dequeue(file, queue);
        }
    }
    give_up(script, file);
    Some(())
}

/// The device under test mostly; of the double's other nodes some have buffers of several planes.
fn open(script: &mut Script<'_>) -> Option<File> {
    let file = script.model.free_file()?;
    let others = script.model.driver == Driver::Double && script.choose.chance(30);
    let node = if others {
        pick(script.choose, Node::ALL)?
    } else {
        Node::Double
    };
    script.open_node(file, node);
    for queue in [Queue::Output, Queue::Capture] {
        let state = script.model.file(file)?;
        let (width, height) = state.queue(queue).size;
        if state.takes_planes(queue) {
            let pixels = pick(script.choose, Pixels::ALL)?;
            script.run(Op::SetFormat {
                file,
                queue,
                width,
                height,
                pixels,
            });
        }
    }
    Some(file)
}

/// Gives both queues buffers; those of the queue that is shown are the driver's, and one of them is exported.
fn set_up(script: &mut Script<'_>, file: File, shown: Option<Queue>) -> Option<Dmabuf> {
    for queue in [Queue::Output, Queue::Capture] {
        let memory = match shown {
            Some(shown) if shown == queue => Memory::Mmap,
            _ => Memory::Userptr,
        };
        script.allocate(file, queue, memory);
        if script.model.driver == Driver::VicodecDecoder && queue == Queue::Output {
            // It learns from the first buffer what CAPTURE has to look like.
            script.queue_one(file, queue);
            script.run(Op::Streamon { file, queue });
        }
    }
    script.export(file, shown?, 0)
}

/// The stream ends, or the file goes, with a job under way or without one.
fn give_up(script: &mut Script<'_>, file: File) {
    let queue = Queue::ALL[script.choose.below(2)];
    if script.choose.chance(40) {
        for queue in [Queue::Output, Queue::Capture] {
            script.queue_one(file, queue);
        }
    }
    match script.choose.below(3) {
        0 => script.run(Op::CloseFile { file }),
        1 => script.run(Op::Streamoff { file, queue }),
        _ => {
            script.run(Op::Streamoff { file, queue });
            script.free(file, queue);
        }
    }
}
