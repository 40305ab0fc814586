//! What a driver decides by itself: formats of frames, numbers of buffers, its own ioctls.

use program::{Driver, EventKind, Fault, Knob, Node, Op, Pixels, Queue};

use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::errno::{EBUSY, EINVAL, ENOTTY};
use crate::format::{CODED, Format, raw};
use crate::handle::Handle;
use crate::knobs::Knobs;

/// `MAX_MEMORY` of the double: the most that one call allocates.
const MOST_MEMORY: u32 = 64 << 20;
/// `MEM2MEM_VID_MEM_LIMIT` of vim2m
const VIM2M_MEMORY: u32 = 16 << 20;

const SECOND: u32 = 1_000_000;
const MOST_CHUNKS: u32 = 64;
/// Frames a second of the double's encoder, which no operation changes: `frame_bytes()` in its `encoder.rs`.
const FRAME_RATE: u32 = 25;
/// The least that it writes of a frame.
const LEAST_CODED: u32 = 64;

/// What an open file is a file of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    /// The double's stateful decoder.
    Decoder { multi: bool },
    /// Its stateful encoder.
    Encoder { multi: bool },
    /// Its converter, which takes requests and may hold CAPTURE buffers.
    Converter { multi: bool },
    /// Another driver.
    Other(Driver),
}

impl Device {
    /// The device behind this node.
    pub(crate) fn of(driver: Driver, node: Node) -> Self {
        match node {
            Node::Double if driver != Driver::Double => Self::Other(driver),
            Node::Double => Self::Decoder { multi: false },
            Node::DecoderMplane => Self::Decoder { multi: true },
            Node::Encoder => Self::Encoder { multi: false },
            Node::EncoderMplane => Self::Encoder { multi: true },
            Node::M2m => Self::Converter { multi: false },
            Node::M2mMplane => Self::Converter { multi: true },
        }
    }

    /// Whether it is one of the double.
    pub(crate) fn is_double(self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// Whether its queues are multi-planar.
    pub(crate) fn is_multi(self) -> bool {
        matches!(
            self,
            Self::Decoder { multi: true }
                | Self::Encoder { multi: true }
                | Self::Converter { multi: true }
        )
    }

    pub(crate) fn is_converter(self) -> bool {
        matches!(self, Self::Converter { .. })
    }

    /// Whether the stream of this decoder tells its size when it begins. That of the single-planar one is of the double's
    /// own format, which tells nothing.
    pub(crate) fn tells_size(self) -> bool {
        self == Self::Decoder { multi: true }
    }

    /// The formats of a file that was just opened, OUTPUT and CAPTURE, as far as they are known.
    pub(crate) fn first_formats(self) -> [Option<Format>; 2] {
        [Queue::Output, Queue::Capture].map(|queue| self.format(queue, Pixels::First, (64, 64)))
    }

    /// The format that S_FMT makes of what is asked for, before what the other queue says.
    fn format(self, queue: Queue, pixels: Pixels, size: (u32, u32)) -> Option<Format> {
        let shares = match (self, queue) {
            (Self::Other(_), _) => return None,
            (Self::Decoder { .. }, Queue::Output) | (Self::Encoder { .. }, Queue::Capture) => CODED,
            _ => raw(pixels, self.is_multi()),
        };
        Some(Format::of(shares, size))
    }

    /// As [`format`](Self::format), where the format of OUTPUT is `output`: it is the size of what an encoder makes.
    pub(crate) fn set_format(
        self,
        queue: Queue,
        pixels: Pixels,
        size: (u32, u32),
        output: Option<Format>,
    ) -> Option<Format> {
        let encoded = matches!(self, Self::Encoder { .. }) && queue == Queue::Capture;
        let size = if encoded { output?.size() } else { size };
        self.format(queue, pixels, size)
    }

    /// What becomes of the format of CAPTURE when that of OUTPUT is set.
    pub(crate) fn formats_follow(self) -> bool {
        !matches!(self, Self::Converter { .. } | Self::Other(Driver::Vim2m))
    }

    /// Most buffers of this format that `queue_setup` allows, if that is known.
    pub(crate) fn most_buffers(self, format: Option<Format>) -> Option<u32> {
        let within = |memory: u32| format.map(|format| memory / format.sum().max(1));
        match self {
            Self::Other(Driver::Vim2m) => within(VIM2M_MEMORY),
            Self::Other(_) => Some(u32::MAX),
            _ => within(MOST_MEMORY),
        }
    }

    /// Whether `buf_prepare` compares the plane with the frame.
    pub(crate) fn wants_room(self) -> bool {
        self.is_double()
    }

    /// Bytes that the next job writes to the first memory of its CAPTURE buffer, at this bit rate.
    pub(crate) fn payload(
        self,
        [output, capture]: [Option<Format>; 2],
        bitrate: Option<i32>,
    ) -> Option<u32> {
        let room = capture?.bytes()[0];
        let Self::Encoder { .. } = self else {
            return Some(room);
        };
        let (width, height) = output?.size();
        let by_rate = u32::try_from(bitrate?).ok()? / 8 / FRAME_RATE;
        let bytes = by_rate.min(width * height).max(LEAST_CODED) & !7;
        Some(bytes.min(room))
    }

    /// Whether the driver has this ioctl.
    pub(crate) fn lacks(self, op: &Op) -> Option<Guess> {
        let has = match (self, op) {
            (Self::Other(driver), _) => driver.knows(op.kind()) || !is_ioctl(op),
            (Self::Decoder { .. }, _) => !matches!(op, Op::EncoderCmd { .. }),
            (Self::Encoder { .. }, _) => !matches!(op, Op::DecoderCmd { .. }),
            _ => !matches!(op, Op::DecoderCmd { .. } | Op::EncoderCmd { .. }),
        };
        (!has).then(|| fails(ENOTTY, "is_valid_ioctl(): the driver has no such ioctl"))
    }

    /// SUBSCRIBE_EVENT.
    pub(crate) fn subscribe(self, event: EventKind) -> Guess {
        let sends = match self {
            Self::Decoder { .. } | Self::Other(Driver::Double | Driver::VicodecDecoder) => true,
            Self::Encoder { .. } | Self::Other(Driver::VicodecEncoder) => event == EventKind::Eos,
            Self::Converter { .. } | Self::Other(Driver::Vim2m) => false,
        };
        if sends {
            ok(Told::Done, "the driver sends such events")
        } else {
            fails(EINVAL, "the driver sends no such events")
        }
    }
}

/// Whether the operation is one ioctl of the driver. SUBSCRIBE_EVENT and DQEVENT come with controls.
fn is_ioctl(op: &Op) -> bool {
    matches!(
        op,
        Op::DecoderCmd { .. } | Op::EncoderCmd { .. } | Op::RemoveBufs { .. }
    ) || program::knobs::settings(op).is_some()
}

/// `VB2_DOUBLE_S_KNOB`: which values `Knobs::set()` takes, and when.
pub(crate) fn knob(handle: &Handle, op: &Op) -> Guess {
    if !handle.device.is_double() {
        return ok(Told::Done, "the feeder changes the stream");
    }
    match fits(handle.device, op) {
        None => unknown("an operation that the model has not learnt"),
        Some(false) => fails(EINVAL, "the value is out of the range of the double's knob"),
        Some(true) => settle(handle, op),
    }
}

/// Whether the value is in range, and one for this node.
fn fits(device: Device, op: &Op) -> Option<bool> {
    Some(match *op {
        Op::GateClose { chunk, .. } => chunk <= MOST_CHUNKS,
        Op::JobTime { time, .. } => time.0 <= 10 * SECOND,
        Op::Chunks { count, delay, .. } => (1..=MOST_CHUNKS).contains(&count) && delay.0 <= SECOND,
        Op::Watchdog { time, .. } => (1_000..=2 * SECOND).contains(&time.0),
        Op::Fail {
            fault: Fault::Error | Fault::Lost,
            ..
        }
        | Op::GateOpen { .. } => true,
        // What a drain needs on its ready list must not be taken off it early.
        Op::Completion { context, .. } => {
            context != program::Completion::Pipelined || device.is_converter()
        }
        Op::SourceChange {
            frame,
            width,
            height,
            ..
        } => {
            let side = |side: u32| (16..=4096).contains(&side);
            let decodes = matches!(device, Device::Decoder { .. });
            decodes && (frame == 0 || (side(width) && side(height)))
        }
        Op::SetKnob { knob, value, .. } => match knob {
            Knob::Frames => (1..=16).contains(&value),
            Knob::NotReady | Knob::Suspend | Knob::Abort => value <= 1,
            Knob::FailLate => true,
            Knob::MinQueued => value <= 0xffff && value & 0xff <= 8 && value >> 8 <= 8,
        },
        _ => return None,
    })
}

/// A value in range, which may come at the wrong time.
fn settle(handle: &Handle, op: &Op) -> Guess {
    let done = ok(Told::Done, "the value is in the range of the double's knob");
    let mut knobs = handle.knobs;
    knobs.set(op);
    if let Op::SetKnob {
        knob: Knob::MinQueued,
        ..
    } = op
    {
        return min_queued(handle, &knobs).unwrap_or(done);
    }
    let turns = handle.device.is_converter() && knobs.is_plain() != handle.knobs.is_plain();
    if turns && handle.output.busy {
        return fails(
            EBUSY,
            "set_may_hold_capture() wants an OUTPUT queue without buffers",
        );
    }
    done
}

fn min_queued(handle: &Handle, knobs: &Knobs) -> Option<Guess> {
    if handle.capture.busy || handle.output.busy {
        return Some(fails(
            EBUSY,
            "set_min_queued() wants queues without buffers",
        ));
    }
    (handle.device.is_converter() && knobs.min_queued[0] > 0)
        .then(|| fails(EINVAL, "set_min_queued(): QBUF of a request must not fail"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_writes_less_than_there_is_room() {
        let encoder = Device::Encoder { multi: false };
        let formats = |side| {
            [Queue::Output, Queue::Capture]
                .map(|queue| encoder.format(queue, Pixels::Nv12, (side, side)))
        };
        let most = Some(i32::MAX);
        assert_eq!(encoder.payload(formats(64), most), Some(4096));
        assert_eq!(encoder.payload(formats(4096), most), Some(10_737_416));
        assert_eq!(encoder.payload(formats(64), Some(100_000)), Some(496));
        assert_eq!(encoder.payload(formats(64), Some(8_000)), Some(64));
        assert_eq!(encoder.payload(formats(64), None), None);
        let decoder = Device::Decoder { multi: false };
        assert_eq!(decoder.payload(formats(4096), None), Some(4096 * 4096));
    }

    #[test]
    fn an_encoder_s_capture_frame_has_the_size_of_its_output_frame() {
        let encoder = Device::Encoder { multi: true };
        let output = encoder.set_format(Queue::Output, Pixels::Nm12, (32, 32), None);
        let capture = encoder.set_format(Queue::Capture, Pixels::First, (640, 480), output);
        assert_eq!(capture.map(|format| format.told()), Some((32, 32, 1024)));
    }
}
