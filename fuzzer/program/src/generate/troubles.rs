//! Scenes in which something goes wrong, takes long or comes across: jobs that meet faults between others, jobs that hang while
//! somebody waits, jobs without memory for their fences, and buffers that come and go beside a job.

use super::script::Script;
use crate::model::BufferState;
use crate::op::{
    Access, Dmabuf, Fault, File, Interest, Knob, Memory, Micros, Op, Queue, Sync, SyncEdge,
};

/// One job of a row meets a fault; the others must not feel it.
pub(super) fn fault_in_a_row(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let jobs = 2 + script.choose.below(2) as u32;
    for queue in [Queue::Output, Queue::Capture] {
        script.allocate_some(file, queue, Memory::Mmap, jobs);
    }
    // The fault shows at the watchdog, so that one is not far.
    let time = Micros([2_000, 5_000, 20_000][script.choose.below(3)]);
    script.run(Op::Watchdog { file, time });
    let nth = 1 + script.choose.below(2) as u32;
    let fault = fault(script, file, nth);
    script.run(fault);
    let planes: Vec<Dmabuf> = (0..jobs)
        .filter_map(|index| script.export(file, Queue::Capture, index))
        .collect();
    for _ in 0..jobs {
        script.queue_one(file, Queue::Output);
        script.queue_one(file, Queue::Capture);
    }
    script.stream(file);
    for dmabuf in planes {
        script.dequeue(file, Queue::Capture);
        script.run(Op::Check { dmabuf });
    }
    Some(())
}

fn fault(script: &mut Script<'_>, file: File, job: u32) -> Op {
    let late = Op::SetKnob {
        file,
        knob: Knob::FailLate,
        value: job,
    };
    match script.choose.below(3) {
        0 => late,
        1 => Op::Fail {
            file,
            fault: Fault::Lost,
            job,
        },
        _ => Op::Fail {
            file,
            fault: Fault::Error,
            job,
        },
    }
}

/// Nobody opens the gate, and somebody waits: the watchdog has to end it, or a signal if that takes too long.
pub(super) fn hung_job(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let time = Micros([5_000, 50_000, 2_000_000][script.choose.weighted(&[1, 1, 2])]);
    script.run(Op::Watchdog { file, time });
    let (dmabuf, sync) = script.hold(file)?;
    wait(script, (file, dmabuf, sync), Micros(time.0 + 10_000));
    script.look(dmabuf, sync);
    script.dequeue(file, Queue::Capture);
    Some(())
}

/// One of the ways to wait for a job.
fn wait(script: &mut Script<'_>, job: (File, Dmabuf, Sync), timeout: Micros) {
    let (file, dmabuf, sync) = job;
    let access = Access::ALL[script.choose.below(Access::ALL.len())];
    let interest = Interest::ALL[script.choose.below(Interest::ALL.len())];
    let edge = SyncEdge::Start;
    match script.choose.weighted(&[1, 1, 2, 1]) {
        0 => script.run(Op::PollSync { sync, timeout }),
        1 => script.run(Op::PollDmabuf {
            dmabuf,
            interest,
            timeout,
        }),
        2 => script.run(Op::CpuSync {
            dmabuf,
            edge,
            access,
        }),
        _ => script.dequeue(file, Queue::Output),
    }
}

/// Memory runs out when a job is about to start.
pub(super) fn no_memory_for_a_job(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (last, first) = match script.choose.below(2) {
        0 => (Queue::Output, Queue::Capture),
        _ => (Queue::Capture, Queue::Output),
    };
    for queue in [first, last] {
        script.allocate(file, queue, Memory::Mmap);
    }
    let index = script.queue_one(file, Queue::Capture)?;
    let dmabuf = script.export(file, Queue::Capture, index)?;
    script.queue_one(file, Queue::Output);
    script.run(Op::Streamon { file, queue: first });
    let nth = 1 + script.choose.below(5) as u32;
    script.run(Op::FailNth { nth });
    script.run(Op::Streamon { file, queue: last });
    script.fence(dmabuf)?;
    script.dequeue(file, Queue::Capture);
    script.run(Op::Check { dmabuf });
    Some(())
}

/// Buffers are removed and made while a job has others of their queue.
pub(super) fn buffers_come_and_go(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (dmabuf, sync) = script.hold(file)?;
    let queue = Queue::ALL[script.choose.below(2)];
    let free = [BufferState::Dequeued, BufferState::Prepared];
    for index in script.model.queue(file, queue)?.in_state(&free) {
        let count = 1;
        script.run(Op::RemoveBufs {
            file,
            queue,
            index,
            count,
        });
    }
    if script.choose.chance(50) {
        let memory = Memory::Mmap;
        let count = 1;
        script.run(Op::CreateBufs {
            file,
            queue,
            memory,
            count,
        });
    }
    script.run(Op::FileInfo { sync });
    script.run(Op::GateOpen { file });
    script.dequeue(file, queue);
    script.look(dmabuf, sync);
    Some(())
}
