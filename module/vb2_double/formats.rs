// SPDX-License-Identifier: GPL-2.0

//! The formats of the double, their sizes, and the rules of TRY_FMT, S_FMT and the selections.

use crate::{
    v4l2::{
        format::{Colorimetry, Description, FrameSizes, Plane, Rect},
        Codec,
        Info,
        PixFormat, //
    },
    vb2::{Direction, Layout}, //
};
use kernel::bindings;

/// The sizes of all formats. The step keeps each plane a multiple of the writer's words.
pub(crate) const SIZES: FrameSizes = FrameSizes {
    min: 16,
    max: 4096,
    step: 8,
};

/// Most memories of a frame.
pub(crate) const MAX_PLANES: usize = 3;

/// A value for each memory of a frame; those that it does not have are at the end.
pub(crate) type PerPlane<T> = [T; MAX_PLANES];

const fn fourcc(code: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*code)
}

/// One memory of a frame, as a share of its pixels.
struct Share {
    /// Bytes of four pixels.
    bytes: u32,
    /// Pixels of a line to each byte of it; 0 if there are no lines.
    pixels: u32,
}

/// A pixel format.
struct Pixels {
    fourcc: u32,
    /// Its name, if the core does not know it.
    name: Option<&'static str>,
    shares: &'static [Share],
}

const WHOLE: Share = Share {
    bytes: 4,
    pixels: 1,
};
const HALF: Share = Share {
    bytes: 2,
    pixels: 1,
};
const QUARTER: Share = Share {
    bytes: 1,
    pixels: 2,
};

/// Coded formats. Their frames may hold anything. The first is the double's [own](is_own).
static CODED: [Pixels; 2] = [
    Pixels {
        fourcc: fourcc(b"V2DB"),
        name: Some("vb2 double coded frame"),
        shares: &[Share {
            bytes: 4,
            pixels: 0,
        }],
    },
    Pixels {
        fourcc: fourcc(b"H264"),
        name: None,
        shares: &[Share {
            bytes: 4,
            pixels: 0,
        }],
    },
];

/// Raw formats; those after [`RAW_SINGLE`] have several memories.
static RAW: [Pixels; 4] = [
    Pixels {
        fourcc: fourcc(b"GREY"),
        name: None,
        shares: &[WHOLE],
    },
    Pixels {
        fourcc: fourcc(b"NV12"),
        name: None,
        shares: &[Share {
            bytes: 6,
            pixels: 1,
        }],
    },
    Pixels {
        fourcc: fourcc(b"NM12"),
        name: None,
        shares: &[WHOLE, HALF],
    },
    Pixels {
        fourcc: fourcc(b"YM12"),
        name: None,
        shares: &[WHOLE, QUARTER, QUARTER],
    },
];
const RAW_SINGLE: usize = 2;

/// Whether the stream is first of all of the double's own format, whose frames tell nothing. The
/// other nodes do not have it: programs that know all coded formats of a device expect more of it.
pub(crate) fn is_own(node: &Info) -> bool {
    node.codec == Codec::Decoder && node.layout == Layout::Single
}

/// The formats of one queue of a node.
fn all(node: &Info, direction: Direction) -> &'static [Pixels] {
    match (node.codec, direction, node.layout) {
        (Codec::Decoder, Direction::Output, _) | (Codec::Encoder, Direction::Capture, _) => {
            &CODED[usize::from(!is_own(node))..]
        }
        (_, _, Layout::Single) => &RAW[..RAW_SINGLE],
        (_, _, Layout::Multi) => &RAW,
    }
}

/// Width and height of a frame.
///
/// # Invariants
///
/// Both are among [`SIZES`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// The size that is used for a frame of `width` and `height`: rounded up, within bounds.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let fit = |side: u32| {
            side.clamp(SIZES.min, SIZES.max)
                .next_multiple_of(SIZES.step)
        };

        // INVARIANT: The bounds are multiples of the step.
        Self {
            width: fit(width),
            height: fit(height),
        }
    }

    /// All of the frame.
    fn whole(self) -> Rect {
        Rect {
            left: 0,
            top: 0,
            width: self.width,
            height: self.height,
        }
    }

    /// What comes next to a rectangle and lies in the frame.
    fn fit(self, rect: Rect) -> Rect {
        let side = |asked: u32, all: u32| asked.clamp(SIZES.min, all);
        let (width, height) = (side(rect.width, self.width), side(rect.height, self.height));

        Rect {
            left: rect.left.clamp(0, (self.width - width) as i32),
            top: rect.top.clamp(0, (self.height - height) as i32),
            width,
            height,
        }
    }
}

/// What goes through one queue.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pixels: &'static Pixels,
    size: Size,
}

impl Frame {
    /// Number of memories.
    pub(crate) fn planes(&self) -> usize {
        self.pixels.shares.len()
    }

    /// Bytes of each memory.
    pub(crate) fn bytes(&self) -> PerPlane<u32> {
        let mut bytes = [0; MAX_PLANES];

        for (bytes, share) in bytes.iter_mut().zip(self.pixels.shares) {
            *bytes = self.size.width * self.size.height / 4 * share.bytes;
        }
        bytes
    }

    /// Whether planes of these sizes may be allocated for such frames: they have room for one, and
    /// not for more than two of the largest.
    pub(crate) fn fits(&self, sizes: &[u32]) -> bool {
        let largest = Self {
            size: Size::new(SIZES.max, SIZES.max),
            ..*self
        };
        let ranges = self.bytes().into_iter().zip(largest.bytes());

        sizes.len() == self.planes()
            && sizes
                .iter()
                .zip(ranges)
                .all(|(size, (least, most))| (least..=2 * most).contains(size))
    }

    fn describe(&self, format: &mut PixFormat<'_>) {
        let mut planes = [Plane::default(); MAX_PLANES];

        for ((plane, share), bytes) in planes.iter_mut().zip(self.pixels.shares).zip(self.bytes()) {
            plane.bytesperline = self.size.width.checked_div(share.pixels).unwrap_or(0);
            plane.sizeimage = bytes;
        }
        format.set(
            self.pixels.fourcc,
            (self.size.width, self.size.height),
            &planes[..self.planes()],
        );
    }
}

/// The current formats of an open file.
pub(crate) struct Formats {
    node: &'static Info,
    output: Frame,
    capture: Frame,
    colorimetry: Colorimetry,
    /// What of an OUTPUT frame is used.
    crop: Rect,
    /// Where it goes in a CAPTURE frame.
    compose: Rect,
}

/// The format number `index` of a queue.
pub(crate) fn describe(node: &Info, direction: Direction, index: u32) -> Option<Description> {
    let pixels = all(node, direction).get(index as usize)?;
    let mut flags = 0;

    if pixels.name.is_some() {
        flags |= bindings::V4L2_FMT_FLAG_COMPRESSED;
    }
    if direction == Direction::Output && node.codec == Codec::Decoder {
        flags |= bindings::V4L2_FMT_FLAG_DYN_RESOLUTION;
    }
    Some(Description {
        fourcc: pixels.fourcc,
        name: pixels.name,
        flags,
    })
}

/// The sizes of a format.
pub(crate) fn sizes_of(node: &Info, fourcc: u32) -> Option<FrameSizes> {
    let is_known = [Direction::Output, Direction::Capture]
        .into_iter()
        .flat_map(|direction| all(node, direction))
        .any(|pixels| pixels.fourcc == fourcc);

    is_known.then_some(SIZES)
}

impl Formats {
    /// Those of a file that is being opened.
    pub(crate) fn new(node: &'static Info) -> Self {
        let size = Size::new(64, 64);
        let frame = |direction| Frame {
            pixels: &all(node, direction)[0],
            size,
        };

        Self {
            node,
            output: frame(Direction::Output),
            capture: frame(Direction::Capture),
            colorimetry: Colorimetry {
                colorspace: bindings::v4l2_colorspace_V4L2_COLORSPACE_REC709,
                ycbcr_enc: 0,
                quantization: 0,
                xfer_func: 0,
            },
            crop: size.whole(),
            compose: size.whole(),
        }
    }

    /// What goes through one queue.
    pub(crate) fn frame(&self, direction: Direction) -> &Frame {
        match direction {
            Direction::Output => &self.output,
            Direction::Capture => &self.capture,
        }
    }

    /// Whether the stream that goes into a decoder tells the size of its frames.
    pub(crate) fn tells_size(&self) -> bool {
        self.node.codec == Codec::Decoder && self.output.pixels.name.is_none()
    }

    /// Pixels that are encoded.
    pub(crate) fn cropped(&self) -> u32 {
        self.crop.width * self.crop.height
    }

    /// The stream goes on with frames of this size.
    pub(crate) fn set_decoded(&mut self, size: Size) {
        self.capture.size = size;
    }

    /// G_FMT.
    pub(crate) fn get(&self, direction: Direction, format: &mut PixFormat<'_>) {
        self.frame(direction).describe(format);
        format.set_colorimetry(self.colorimetry);
    }

    fn adjusted(&self, direction: Direction, format: &mut PixFormat<'_>) -> Frame {
        let all = all(self.node, direction);
        let fourcc = format.fourcc();
        let (width, height) = format.size();
        let is_encoded = self.node.codec == Codec::Encoder && direction == Direction::Capture;

        Frame {
            pixels: all
                .iter()
                .find(|pixels| pixels.fourcc == fourcc)
                .unwrap_or(&all[0]),
            size: if is_encoded {
                self.output.size
            } else {
                Size::new(width, height)
            },
        }
    }

    /// TRY_FMT. What colours mean is decided by the source, that is by OUTPUT.
    pub(crate) fn adjust(&self, direction: Direction, format: &mut PixFormat<'_>) {
        self.adjusted(direction, format).describe(format);
        match direction {
            Direction::Output => {
                let asked = format.colorimetry();
                format.set_colorimetry(known(asked));
            }
            Direction::Capture => format.set_colorimetry(self.colorimetry),
        }
    }

    /// S_FMT, with a format that [`adjust`](Self::adjust) made. The size on one side of a codec is
    /// the size on the other side too, unless `keep_capture`, because there are buffers of the old
    /// one.
    pub(crate) fn set(
        &mut self,
        direction: Direction,
        format: &mut PixFormat<'_>,
        keep_capture: bool,
    ) {
        let frame = self.adjusted(direction, format);

        match direction {
            Direction::Capture => {
                self.capture = frame;
                self.compose = frame.size.whole();
            }
            Direction::Output => {
                self.output = frame;
                self.crop = frame.size.whole();
                self.colorimetry = format.colorimetry();
                if self.node.codec != Codec::None && !keep_capture {
                    self.capture.size = frame.size;
                }
            }
        }
    }

    /// The rectangle that G_SELECTION answers.
    pub(crate) fn selection(&self, direction: Direction, target: u32) -> Option<Rect> {
        let whole = self.frame(direction).size.whole();

        match (self.node.codec, direction, target) {
            (Codec::Decoder, Direction::Capture, _) => is_selection(target).then_some(whole),
            (Codec::Encoder | Codec::None, Direction::Output, bindings::V4L2_SEL_TGT_CROP) => {
                Some(self.crop)
            }
            (
                Codec::Encoder | Codec::None,
                Direction::Output,
                bindings::V4L2_SEL_TGT_CROP_DEFAULT | bindings::V4L2_SEL_TGT_CROP_BOUNDS,
            ) => Some(whole),
            (Codec::None, Direction::Capture, bindings::V4L2_SEL_TGT_COMPOSE) => Some(self.compose),
            (
                Codec::None,
                Direction::Capture,
                bindings::V4L2_SEL_TGT_COMPOSE_DEFAULT | bindings::V4L2_SEL_TGT_COMPOSE_BOUNDS,
            ) => Some(whole),
            _ => None,
        }
    }

    /// S_SELECTION. A decoder leaves the rectangle to the stream.
    pub(crate) fn select(&mut self, direction: Direction, target: u32, rect: Rect) -> Option<Rect> {
        let rect = self.frame(direction).size.fit(rect);
        let selected = match (self.node.codec, direction, target) {
            (Codec::Encoder | Codec::None, Direction::Output, bindings::V4L2_SEL_TGT_CROP) => {
                &mut self.crop
            }
            (Codec::None, Direction::Capture, bindings::V4L2_SEL_TGT_COMPOSE) => &mut self.compose,
            _ => return None,
        };

        *selected = rect;
        Some(rect)
    }
}

/// What a decoder tells of: the picture in its frame, which it fills.
fn is_selection(target: u32) -> bool {
    matches!(
        target,
        bindings::V4L2_SEL_TGT_CROP
            | bindings::V4L2_SEL_TGT_CROP_DEFAULT
            | bindings::V4L2_SEL_TGT_CROP_BOUNDS
            | bindings::V4L2_SEL_TGT_COMPOSE
            | bindings::V4L2_SEL_TGT_COMPOSE_DEFAULT
            | bindings::V4L2_SEL_TGT_COMPOSE_BOUNDS
            | bindings::V4L2_SEL_TGT_COMPOSE_PADDED
    )
}

/// Userspace may leave the colorspace to the driver.
fn known(mut asked: Colorimetry) -> Colorimetry {
    if asked.colorspace == bindings::v4l2_colorspace_V4L2_COLORSPACE_DEFAULT {
        asked.colorspace = bindings::v4l2_colorspace_V4L2_COLORSPACE_REC709;
    }
    asked
}
