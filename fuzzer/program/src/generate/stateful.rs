//! Scenes of a stateful codec: what happens to a stream beside frames.

use super::script::Script;
use crate::op::{DecoderCmd, EventKind, Knob, Memory, Micros, Op, Queue};

/// The stream ends, the last buffers come, and another stream begins: by a restart of both queues or by the command.
pub(super) fn end_of_stream(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    script.run(Op::Subscribe {
        file,
        event: EventKind::Eos,
    });
    let dmabuf = script.arm(file)?;
    script.queue_one(file, Queue::Output);
    script.queue_one(file, Queue::Capture);
    let sync = script.fence(dmabuf)?;
    script.run(Op::DecoderCmd {
        file,
        cmd: DecoderCmd::Stop,
    });
    for _ in 0..3 {
        script.dequeue(file, Queue::Capture);
    }
    script.run(Op::Dqevent { file });
    script.look(dmabuf, sync);
    if script.choose.chance(50) {
        script.run(Op::DecoderCmd {
            file,
            cmd: DecoderCmd::Start,
        });
    } else {
        for queue in [Queue::Capture, Queue::Output] {
            script.run(Op::Streamoff { file, queue });
        }
    }
    script.again(file)
}

/// The stream ends while the device still waits for buffers, and goes on when it has them.
pub(super) fn end_before_start(script: &mut Script<'_>) -> Option<()> {
    let file = script.model.free_file()?;
    script.open(file);
    let wanted = 2 + script.choose.below(2) as u32;
    script.run(Op::SetKnob {
        file,
        knob: Knob::MinQueued,
        value: wanted << 8,
    });
    for queue in [Queue::Output, Queue::Capture] {
        script.allocate(file, queue, Memory::Mmap);
    }
    let dmabuf = script.export(file, Queue::Capture, 0)?;
    script.stream(file);
    script.run(Op::DecoderCmd {
        file,
        cmd: DecoderCmd::Stop,
    });
    for _ in 0..wanted {
        script.queue_one(file, Queue::Capture);
    }
    script.dequeue(file, Queue::Capture);
    script.run(Op::DecoderCmd {
        file,
        cmd: DecoderCmd::Start,
    });
    script.queue_one(file, Queue::Output);
    script.dequeue(file, Queue::Capture);
    script.queue_one(file, Queue::Capture);
    script.run(Op::Check { dmabuf });
    Some(())
}

/// Userspace jumps to another place of the stream while a job runs: OUTPUT restarts, CAPTURE goes on.
pub(super) fn seek(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (dmabuf, sync) = script.hold(file)?;
    script.run(Op::Streamoff {
        file,
        queue: Queue::Output,
    });
    script.look(dmabuf, sync);
    script.again(file)
}

/// The new size comes while the frame before it is still decoded, and CAPTURE is torn down under that job.
pub(super) fn resize_under_job(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (old, sync) = script.hold(file)?;
    let sizes = script.model.driver.sizes();
    let (width, height) = sizes[script.choose.below(sizes.len())];
    script.run(Op::SourceChange {
        file,
        frame: 1,
        width,
        height,
    });
    script.queue_one(file, Queue::Output);
    let queue = Queue::Capture;
    script.queue_one(file, queue);
    if script.choose.chance(50) {
        script.advance();
    }
    script.run(Op::Streamoff { file, queue });
    script.look(old, sync);
    script.free(file, queue);
    script.run(Op::GetFormat { file, queue });
    script.again(file)?;
    script.run(Op::Check { dmabuf: old });
    Some(())
}

impl Script<'_> {
    /// One more job, and a fence of it.
    fn again(&mut self, file: crate::op::File) -> Option<()> {
        let dmabuf = self.arm(file)?;
        let sync = self.fence(dmabuf)?;
        self.run(Op::PollSync {
            sync,
            timeout: Micros(100_000),
        });
        self.dequeue(file, Queue::Capture);
        self.run(Op::Check { dmabuf });
        Some(())
    }
}
