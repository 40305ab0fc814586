//! What a call does to one open file and to a buffer.

use program::{Driver, EventKind, Knob, Op, Queue};
use trace::Out;

use crate::answer;
use crate::buffer::Buffer;
use crate::device::Device;
use crate::event;
use crate::format::Format;
use crate::handle::Handle;

/// `V4L2_EVENT_*`
fn number(event: EventKind) -> u32 {
    match event {
        EventKind::Eos => event::EOS,
        EventKind::SourceChange => event::SOURCE_CHANGE,
    }
}

impl Handle {
    pub(super) fn followed(&mut self, op: &Op, out: &Out) {
        match (op, out) {
            (Op::SetFormat { queue, .. } | Op::GetFormat { queue, .. }, out) => {
                self.learn_format(*queue, out, op);
            }
            (Op::Querybuf { queue, index, .. }, out) => {
                if let Some(buffer) = self.queue_mut(*queue).get_mut(*index) {
                    buffer.learn(out);
                }
            }
            (Op::Dqbuf { queue, .. }, Out::Buffer { index, flags, .. }) => {
                let content = self.queue_mut(*queue);
                if let Some(buffer) = content.get_mut(*index) {
                    buffer.learn(out);
                }
                content.dequeue(*index);
                content.last_dequeued |= *queue == Queue::Capture && flags & answer::LAST != 0;
            }
            (Op::Streamon { queue, .. }, _) => {
                self.queue_mut(*queue).streaming = true;
                self.start_if_ready(*queue);
            }
            (Op::DecoderCmd { cmd, .. }, _) => self.commanded(*cmd),
            (Op::Subscribe { event, .. }, _) => self.events.subscribe(number(*event)),
            (Op::Unsubscribe { event, .. }, _) => self.events.unsubscribe(number(*event)),
            (Op::Dqevent { .. }, _) => self.events.take(),
            (
                Op::SourceChange {
                    frame,
                    width,
                    height,
                    ..
                },
                _,
            ) => {
                // The knob has 16 bits for each number.
                self.m2m.change = (*frame > 0).then_some((*width, *height));
                self.m2m.ordered = true;
            }
            (
                Op::SetKnob {
                    knob: Knob::MinQueued,
                    ..
                },
                _,
            ) => {
                self.knobs.set(op);
                let [output, capture] = self.knobs.min_queued;
                (self.output.min_queued, self.capture.min_queued) = (output, capture);
            }
            (Op::SetKnob { .. } | Op::Completion { .. }, _) => self.knobs.set(op),
            _ => {}
        }
    }

    fn learn_format(&mut self, queue: Queue, out: &Out, op: &Op) {
        let Out::Format {
            width,
            height,
            sizeimage,
        } = *out
        else {
            return;
        };
        let told = (width, height, sizeimage);
        if self.device.is_double() {
            return self.learn_double_format(queue, told, op);
        }
        // The stream of a real decoder decides about CAPTURE, and can change it at any time.
        let decoder = self.device == Device::Other(Driver::VicodecDecoder);
        let moves = decoder && queue == Queue::Capture;
        self.set_format(queue, (!moves).then(|| Format::told_by_driver(told)));
        let set = matches!(op, Op::SetFormat { .. });
        if set && queue == Queue::Output && self.device.formats_follow() {
            self.set_format(Queue::Capture, None);
        }
    }

    /// The number of memories is not told, but known from the pixels that were asked for.
    fn learn_double_format(&mut self, queue: Queue, told: (u32, u32, u32), op: &Op) {
        let Op::SetFormat {
            width,
            height,
            pixels,
            ..
        } = *op
        else {
            if self
                .format(queue)
                .is_none_or(|format| format.told() != told)
            {
                self.set_format(queue, None);
            }
            return;
        };
        let output = self.format(Queue::Output);
        let format = self
            .device
            .set_format(queue, pixels, (width, height), output);
        let format = format.filter(|format| format.told() == told);
        self.set_format(queue, format);
        if queue == Queue::Output && self.device.formats_follow() && !self.capture.busy {
            let follows = |capture: Format| Some(capture.resized(format?.size()));
            let capture = self.format(Queue::Capture).and_then(follows);
            self.set_format(Queue::Capture, capture);
        }
    }

    /// `vb2_start_streaming()`, if there are enough buffers.
    pub(crate) fn start_if_ready(&mut self, queue: Queue) {
        if !self.queue(queue).can_start() {
            return;
        }
        self.queue_mut(queue).started = true;
        self.m2m.sequences[usize::from(queue == Queue::Capture)] = Some(0);
        if queue == Queue::Output {
            self.m2m.last_src = None;
        }
    }

    pub(super) fn commanded(&mut self, cmd: program::DecoderCmd) {
        if !(self.output.streaming && self.capture.streaming) {
            return;
        }
        match cmd {
            program::DecoderCmd::Stop => {
                let last = self.output.ready.back().copied();
                self.m2m.drain(last, !self.capture.ready.is_empty());
            }
            program::DecoderCmd::Pause
            | program::DecoderCmd::Resume
            | program::DecoderCmd::Flush => {}
            program::DecoderCmd::Start => {
                self.m2m.go_on();
                self.capture.last_dequeued = false;
            }
        }
    }
}

impl Buffer {
    /// What a call told of it.
    pub(crate) fn learn(&mut self, out: &Out) {
        let Out::Buffer {
            flags,
            bytesused,
            length,
            sequence,
            ..
        } = *out
        else {
            return;
        };
        self.last = Some(flags & answer::LAST != 0);
        self.bytesused = Some(bytesused);
        self.sequence = Some(sequence);
        self.request_fd = flags & answer::REQUEST_FD != 0;
        let first = &mut self.planes_mut()[0];
        first.length = Some(length);
        first.min_length = first.min_length.or(Some(length));
    }
}
