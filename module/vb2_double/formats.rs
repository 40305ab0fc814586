// SPDX-License-Identifier: GPL-2.0

//! The frames that go through the double, and the rules of TRY_FMT, S_FMT and the selections.

use crate::{
    pixels::{all, Pixels},
    v4l2::{
        format::{Colorimetry, FrameSizes, Plane, Rect},
        Codec,
        Info,
        PixFormat, //
    },
    vb2::Direction, //
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
            colorimetry: Colorimetry::REC709,
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
                format.set_colorimetry(asked.or_rec709());
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
