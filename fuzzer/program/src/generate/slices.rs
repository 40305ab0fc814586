//! A frame of several slices: OUTPUT buffers of one timestamp share a CAPTURE buffer, which the device holds until the last of them.

use super::script::Script;
use crate::model::BufferState;
use crate::op::{File, Memory, Micros, MorePlanes, Node, Op, Queue};

/// The nodes of the double that decode slices.
const NODES: [Node; 2] = [Node::M2m, Node::M2mMplane];

/// A frame of two slices. The second one may be late, may belong to another frame, or may never come.
pub(super) fn slices(script: &mut Script<'_>) -> Option<()> {
    let file = script.model.free_file()?;
    let node = NODES[script.choose.below(NODES.len())];
    script.open_node(file, node);
    script.allocate_some(file, Queue::Output, Memory::Mmap, 2);
    script.allocate(file, Queue::Capture, Memory::Mmap);
    let dmabuf = script.export(file, Queue::Capture, 0)?;
    slice(script, file, true, Micros(0))?;
    script.queue_this(file, Queue::Capture, 0)?;
    script.stream(file);
    let sync = script.fence(dmabuf)?;
    script.dequeue(file, Queue::Output);
    script.look(dmabuf, sync);
    let stamp = Micros(1_000 * u32::from(script.choose.chance(25)));
    let hold = script.choose.chance(25);
    slice(script, file, hold, stamp)?;
    script.look(dmabuf, sync);
    script.dequeue(file, Queue::Capture);
    script.look(dmabuf, sync);
    Some(())
}

/// QBUF of one slice. `hold` promises that more slices of the frame follow.
fn slice(script: &mut Script<'_>, file: File, hold: bool, stamp: Micros) -> Option<()> {
    let queue = Queue::Output;
    let content = script.model.queue(file, queue)?;
    let free = content.in_state(&[BufferState::Dequeued, BufferState::Prepared]);
    script.run(Op::Qbuf {
        file,
        queue,
        index: *free.first()?,
        dmabuf: None,
        more: MorePlanes::default(),
        hold,
        stamp,
        request: None,
    });
    Some(())
}
