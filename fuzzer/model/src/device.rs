//! What a driver decides by itself: sizes of frames, numbers of buffers, its own ioctls.

use program::{Completion, Driver, EventKind, Fault, Op, Queue};

use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::errno::{EINVAL, ENOTTY};

/// A frame's format: width, height, bytes.
pub(crate) type Format = (u32, u32, u32);

/// `MAX_MEMORY` of the double: the most that one call allocates.
const MOST_MEMORY: u32 = 64 << 20;
/// `MEM2MEM_VID_MEM_LIMIT` of vim2m
const VIM2M_MEMORY: u32 = 16 << 20;

const SECOND: u32 = 1_000_000;
const MOST_CHUNKS: u32 = 64;

/// The format that the double makes of a size: `Size::new()` in its `formats.rs`, one byte a pixel.
pub(crate) fn double_format(width: u32, height: u32) -> Format {
    let fit = |side: u32| side.clamp(16, 4096).next_multiple_of(8);
    let (width, height) = (fit(width), fit(height));
    (width, height, width * height)
}

/// The formats of a file that was just opened, as far as they are known.
pub(crate) fn first_format(driver: Driver) -> Option<Format> {
    (driver == Driver::Double).then(|| double_format(64, 64))
}

/// Most buffers of planes of this size that `queue_setup` allows, if that is known.
pub(crate) fn most_buffers(driver: Driver, size: Option<u32>) -> Option<u32> {
    match driver {
        Driver::Double => Some(MOST_MEMORY / size?.max(1)),
        Driver::Vim2m => Some(VIM2M_MEMORY / size?.max(1)),
        Driver::VicodecEncoder | Driver::VicodecDecoder => Some(u32::MAX),
    }
}

/// What becomes of the format of CAPTURE when that of OUTPUT is set.
pub(crate) fn formats_follow(driver: Driver) -> bool {
    driver != Driver::Vim2m
}

/// Whether the driver has this ioctl.
pub(crate) fn lacks(driver: Driver, op: &Op) -> Option<Guess> {
    let kind = op.kind();
    let has = driver.knows(kind) || !is_ioctl(op);
    (!has).then(|| fails(ENOTTY, "is_valid_ioctl(): the driver has no such ioctl"))
}

/// Whether the operation is one ioctl of the driver. SUBSCRIBE_EVENT and DQEVENT come with controls.
fn is_ioctl(op: &Op) -> bool {
    matches!(
        op,
        Op::DecoderCmd { .. } | Op::EncoderCmd { .. } | Op::RemoveBufs { .. }
    ) || matches!(op, Op::SourceChange { .. })
        || is_knob(op)
}

fn is_knob(op: &Op) -> bool {
    matches!(
        op,
        Op::GateClose { .. }
            | Op::GateOpen { .. }
            | Op::JobTime { .. }
            | Op::Chunks { .. }
            | Op::Completion { .. }
            | Op::Watchdog { .. }
            | Op::Fail { .. }
    )
}

/// `VB2_DOUBLE_S_KNOB`: which values `Knobs::set()` takes.
pub(crate) fn knob(driver: Driver, op: &Op) -> Guess {
    if driver != Driver::Double {
        return ok(Told::Done, "the feeder changes the stream");
    }
    if let Op::Completion {
        context: Completion::Lock | Completion::Pipelined,
        ..
    } = op
    {
        return unknown("whether this node's jobs can end like that");
    }
    let fits = match *op {
        Op::GateClose { chunk, .. } => chunk <= MOST_CHUNKS,
        Op::JobTime { time, .. } => time.0 <= 10 * SECOND,
        Op::Chunks { count, delay, .. } => (1..=MOST_CHUNKS).contains(&count) && delay.0 <= SECOND,
        Op::Watchdog { time, .. } => (1_000..=2 * SECOND).contains(&time.0),
        Op::Fail {
            fault: Fault::Error | Fault::Lost,
            ..
        }
        | Op::GateOpen { .. }
        | Op::Completion { .. } => true,
        Op::SourceChange {
            frame,
            width,
            height,
            ..
        } => {
            let side = |side: u32| (16..=4096).contains(&side);
            frame == 0 || (side(width) && side(height))
        }
        _ => return unknown("an operation that the model has not learnt"),
    };
    if fits {
        ok(Told::Done, "the value is in the range of the double's knob")
    } else {
        fails(EINVAL, "the value is out of the range of the double's knob")
    }
}

/// SUBSCRIBE_EVENT.
pub(crate) fn subscribe(driver: Driver, event: EventKind) -> Guess {
    let sends = match driver {
        Driver::Double | Driver::VicodecDecoder => true,
        Driver::VicodecEncoder => event == EventKind::Eos,
        Driver::Vim2m => false,
    };
    if sends {
        ok(Told::Done, "the driver sends such events")
    } else {
        fails(EINVAL, "the driver sends no such events")
    }
}

/// Whether a queue's `buf_prepare` compares the plane with the frame.
pub(crate) fn wants_room(driver: Driver, queue: Queue) -> bool {
    let _ = queue;
    driver == Driver::Double
}
