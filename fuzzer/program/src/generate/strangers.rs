//! Scenes in which a job meets what is not its device's: fences of others on its planes, and planes on memory of others.

use super::script::Script;
use crate::choose::pick;
use crate::model::BufferState;
use crate::op::{
    Access, Completion, Dmabuf, Exporter, File, Interest, Memory, Micros, Node, Op, Queue, Sync,
};

/// A stranger's fence, which is another job's, is put on a plane before its own job, and outlives that.
pub(super) fn strangers_fence(script: &mut Script<'_>) -> Option<()> {
    let first = script.file()?;
    let (_, foreign) = script.hold(first)?;
    let file = other_device(script)?;
    let dmabuf = job_beside(script, file, foreign)?;
    script.run(Op::GateOpen { file: first });
    must_get_free(script, dmabuf);
    Some(())
}

/// A stranger's fence that only the program can end is on a plane of a job. It is ended in time, late, or never.
pub(super) fn software_fence(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let sync = script.model.free_sync()?;
    script.run(Op::SwSync { sync });
    let dmabuf = job_beside(script, file, sync)?;
    match script.choose.below(4) {
        0 => {}
        1 => script.run(Op::SwSync { sync }),
        2 => {
            script.later(Op::PollSync {
                sync,
                timeout: Micros(5_000),
            });
            script.run(Op::Signal { sync });
        }
        _ => script.run(Op::Signal { sync }),
    }
    must_get_free(script, dmabuf);
    Some(())
}

/// A job of this file runs although somebody else's fence is on one of its planes.
fn job_beside(script: &mut Script<'_>, file: File, foreign: Sync) -> Option<Dmabuf> {
    for queue in [Queue::Output, Queue::Capture] {
        script.allocate(file, queue, Memory::Mmap);
    }
    let queue = Queue::ALL[script.choose.below(2)];
    let free = [BufferState::Dequeued];
    let index = *script.model.queue(file, queue)?.in_state(&free).first()?;
    let dmabuf = script.export(file, queue, index)?;
    let access = Access::ALL[script.choose.below(Access::ALL.len())];
    script.run(Op::ImportSync {
        dmabuf,
        sync: foreign,
        access,
    });
    script.arm(file)?;
    script.fence(dmabuf)?;
    script.dequeue(file, queue);
    script.fence(dmabuf)?;
    Some(dmabuf)
}

fn must_get_free(script: &mut Script<'_>, dmabuf: Dmabuf) {
    let timeout = Micros(5_000);
    script.run(Op::PollDmabuf {
        dmabuf,
        interest: Interest::Out,
        timeout,
    });
}

/// A file whose jobs do not wait for those of the others: of another node, or of a device that starts several at once.
fn other_device(script: &mut Script<'_>) -> Option<File> {
    let file = script.model.free_file()?;
    let node = Node::ALL[script.choose.below(Node::ALL.len())];
    script.run(Op::Open { file, node });
    if script.choose.chance(20) {
        let context = Completion::Pipelined;
        script.run(Op::Completion { file, context });
    }
    Some(file)
}

/// A job reads from or writes to memory that no video device made, and that goes on when its buffer is gone.
pub(super) fn strangers_memory(script: &mut Script<'_>) -> Option<()> {
    let file = script.model.free_file()?;
    script.open(file);
    let queue = Queue::ALL[script.choose.below(2)];
    let other = match queue {
        Queue::Output => Queue::Capture,
        Queue::Capture => Queue::Output,
    };
    script.allocate(file, queue, Memory::Dmabuf);
    script.allocate(file, other, Memory::Mmap);
    let dmabuf = script.model.free_dmabuf()?;
    let bytes = script.model.import_bytes();
    let exporter = pick(script.choose, Exporter::ALL)?;
    script.run(Op::Allocate {
        dmabuf,
        exporter,
        bytes,
    });
    script.run(Op::qbuf(file, queue, 0, Some(dmabuf)));
    script.queue_one(file, other);
    script.stream(file);
    let sync = script.fence(dmabuf)?;
    script.dequeue(file, queue);
    script.look(dmabuf, sync);
    if script.choose.chance(50) {
        script.run(Op::CloseFile { file });
        script.look(dmabuf, sync);
    }
    Some(())
}
