//! The drivers under test: what each is called, how large its frames are, and which operations it knows. The double has a
//! knob for everything; a driver of the kernel's own has none, but real streams.

use crate::op::Queue;
use crate::syntax::OpKind;

/// A mem2mem driver that programs are made for. `open double` in a program opens the device under test, whichever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Driver {
    /// The lab's own, with hardware that does as it is told.
    #[default]
    Double,
    /// `vim2m`: copies frames in a workqueue.
    Vim2m,
    /// The stateful encoder of `vicodec`.
    VicodecEncoder,
    /// The stateful decoder of `vicodec`.
    VicodecDecoder,
}

/// Sizes of the streams that the decoder under test can be fed with; each stream begins with the first. A `source_change`
/// to one of them goes there, one to any other size to the next stream of the list.
pub const STREAMS: [(u32, u32); 3] = [(640, 368), (704, 384), (656, 368)];

/// `struct fwht_cframe_hdr`
const FWHT_HEADER: u64 = 44;
/// Sides of the codec's frames are multiples of this.
const CODED_BLOCK: u32 = 16;
/// A page: memory is not given in smaller pieces.
pub(crate) const PAGE: u64 = 4096;

impl Driver {
    /// Every driver.
    pub const ALL: [Self; 4] = [
        Self::Double,
        Self::Vim2m,
        Self::VicodecEncoder,
        Self::VicodecDecoder,
    ];

    /// What it is called on command lines and in findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::Vim2m => "vim2m",
            Self::VicodecEncoder => "vicodec-encoder",
            Self::VicodecDecoder => "vicodec-decoder",
        }
    }

    /// The driver of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|driver| driver.name() == name)
    }

    /// Most bytes that a program's buffers may hold at once. The codec takes no small frames.
    pub fn most_bytes(self) -> u64 {
        match self {
            Self::Double | Self::Vim2m => crate::limits::MAX_BYTES,
            Self::VicodecEncoder | Self::VicodecDecoder => 3 * crate::limits::MAX_BYTES,
        }
    }

    /// How long a job takes at most, in microseconds, unless a program says otherwise. The lab gives the codec's jobs 5 ms,
    /// vim2m takes 40 ms; both count in ticks.
    pub fn job_micros(self) -> u64 {
        match self {
            Self::Double => 1_000,
            Self::Vim2m => 50_000,
            Self::VicodecEncoder | Self::VicodecDecoder => 20_000,
        }
    }

    /// Whether it knows an operation at all. All drivers know the operations that are no ioctls of theirs.
    pub fn knows(self, kind: OpKind) -> bool {
        use OpKind::*;
        match kind {
            GateClose | GateOpen | JobTime | Chunks | Completion | Watchdog | Fail | SetKnob => {
                self == Self::Double
            }
            SourceChange => matches!(self, Self::Double | Self::VicodecDecoder),
            AllocRequest | QueueRequest | ReinitRequest | PollRequest | CloseRequest => {
                matches!(self, Self::Double | Self::Vim2m)
            }
            DecoderCmd | EncoderCmd | Subscribe | Unsubscribe | Dqevent | RemoveBufs => {
                self != Self::Vim2m
            }
            _ => true,
        }
    }

    /// Whether S_FMT on OUTPUT is also the format of CAPTURE.
    pub(crate) fn formats_both(self) -> bool {
        matches!(self, Self::Double | Self::VicodecEncoder)
    }

    /// Whether CAPTURE has a format of its own that programs should set.
    pub(crate) fn formats_capture(self) -> bool {
        self == Self::Vim2m
    }

    /// Size of both queues before the first S_FMT.
    pub(crate) fn default_size(self) -> (u32, u32) {
        match self {
            Self::Double => (64, 64),
            Self::Vim2m => (640, 480),
            Self::VicodecEncoder | Self::VicodecDecoder => (1280, 720),
        }
    }

    /// Smallest and largest size of a frame; S_FMT makes others fit.
    fn bounds(self) -> [(u32, u32); 2] {
        match self {
            Self::Double => [(1, 1), (4096, 4096)],
            Self::Vim2m => [(32, 32), (640, 480)],
            Self::VicodecEncoder | Self::VicodecDecoder => [(640, 360), (4096, 2160)],
        }
    }

    /// The size that S_FMT makes of this one.
    pub(crate) fn fit(self, (width, height): (u32, u32)) -> (u32, u32) {
        let [least, most] = self.bounds();
        let multiple = match self {
            Self::Double | Self::Vim2m => 1,
            Self::VicodecEncoder | Self::VicodecDecoder => CODED_BLOCK,
        };
        let fit = |side: u32, least: u32, most| side.clamp(least, most).next_multiple_of(multiple);
        (fit(width, least.0, most.0), fit(height, least.1, most.1))
    }

    /// Bytes of a buffer for frames of this size.
    pub(crate) fn frame_bytes(self, queue: Queue, size: (u32, u32)) -> u64 {
        let (width, height) = self.fit(size);
        let pixels = u64::from(width) * u64::from(height);
        let coded = 4 * pixels + FWHT_HEADER;
        let bytes = match (self, queue) {
            (Self::Double, _) => pixels,
            (Self::Vim2m, _) => 2 * pixels,
            (Self::VicodecEncoder, Queue::Capture) | (Self::VicodecDecoder, Queue::Output) => coded,
            (Self::VicodecEncoder | Self::VicodecDecoder, _) => pixels * 3 / 2,
        };
        bytes.max(PAGE)
    }

    /// The sizes that programs set and streams change to, the most useful first.
    pub(crate) fn sizes(self) -> &'static [(u32, u32)] {
        match self {
            Self::Double | Self::Vim2m => &SIZES,
            Self::VicodecEncoder => &CODED_SIZES,
            Self::VicodecDecoder => &STREAM_SIZES,
        }
    }

    /// The size to which a `source_change` to this one leads at most.
    pub(crate) fn announced(self, size: (u32, u32)) -> (u32, u32) {
        match self {
            Self::VicodecDecoder => STREAMS[1],
            _ => size,
        }
    }
}

const SIZES: [(u32, u32); 8] = [
    (64, 64),
    (32, 32),
    (16, 16),
    (128, 64),
    (64, 128),
    (128, 128),
    (48, 33),
    (320, 240),
];

/// What the codec makes of small sizes is its smallest one.
const CODED_SIZES: [(u32, u32); 4] = [(640, 368), (656, 368), (64, 64), (704, 384)];

const STREAM_SIZES: [(u32, u32); 4] = [STREAMS[0], STREAMS[1], STREAMS[2], (64, 64)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_driver_is_found_by_its_name() {
        for driver in Driver::ALL {
            assert_eq!(Driver::named(driver.name()), Some(driver));
        }
        assert_eq!(Driver::named("vicodec"), None);
    }

    #[test]
    fn the_largest_stream_is_the_one_that_is_announced() {
        let driver = Driver::VicodecDecoder;
        let bytes = |size| driver.frame_bytes(Queue::Capture, size);
        let most = STREAMS.into_iter().map(bytes).max();
        assert_eq!(most, Some(bytes(driver.announced((64, 64)))));
        assert!(STREAMS.into_iter().all(|size| driver.fit(size) == size));
    }
}
