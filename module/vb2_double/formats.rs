// SPDX-License-Identifier: GPL-2.0

//! The two formats of the double, their sizes, and the rules of TRY_FMT and S_FMT.

use crate::{
    v4l2::{
        format::{Colorimetry, Description, FrameSizes},
        PixFormat, //
    },
    vb2::Direction, //
};
use kernel::bindings;

/// The coded format: its frames may hold anything.
const CODED: u32 = fourcc(b"V2DB");
/// `V4L2_PIX_FMT_GREY`: one byte a pixel.
const GREY: u32 = fourcc(b"GREY");

/// The sizes of both formats. The step keeps each frame a multiple of the writer's words.
pub(crate) const SIZES: FrameSizes = FrameSizes {
    min: 16,
    max: 4096,
    step: 8,
};

const fn fourcc(code: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*code)
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

    /// Bytes of a frame, in both formats.
    pub(crate) fn bytes(self) -> u32 {
        self.width * self.height
    }
}

/// The current formats of an open file.
pub(crate) struct Formats {
    coded: Size,
    decoded: Size,
    colorimetry: Colorimetry,
}

impl Default for Formats {
    fn default() -> Self {
        Self {
            coded: Size::new(64, 64),
            decoded: Size::new(64, 64),
            colorimetry: Colorimetry {
                colorspace: bindings::v4l2_colorspace_V4L2_COLORSPACE_REC709,
                ycbcr_enc: 0,
                quantization: 0,
                xfer_func: 0,
            },
        }
    }
}

/// The format of one direction; there is one each.
pub(crate) fn describe(direction: Direction, index: u32) -> Option<Description> {
    let description = match direction {
        Direction::Output => Description {
            fourcc: CODED,
            coded: Some("vb2 double coded frame"),
        },
        Direction::Capture => Description {
            fourcc: GREY,
            coded: None,
        },
    };

    (index == 0).then_some(description)
}

/// The sizes of a format.
pub(crate) fn sizes_of(fourcc: u32) -> Option<FrameSizes> {
    matches!(fourcc, CODED | GREY).then_some(SIZES)
}

impl Formats {
    /// The size of frames on one queue.
    pub(crate) fn size(&self, direction: Direction) -> Size {
        match direction {
            Direction::Output => self.coded,
            Direction::Capture => self.decoded,
        }
    }

    /// The stream goes on with frames of this size.
    pub(crate) fn set_decoded(&mut self, size: Size) {
        self.decoded = size;
    }

    /// G_FMT.
    pub(crate) fn get(&self, direction: Direction, format: &mut PixFormat<'_>) {
        describe_frame(direction, self.size(direction), format);
        format.set_colorimetry(self.colorimetry);
    }

    /// TRY_FMT. What colours mean is decided by the stream, that is by OUTPUT.
    pub(crate) fn adjust(&self, direction: Direction, format: &mut PixFormat<'_>) {
        let (width, height) = format.size();

        describe_frame(direction, Size::new(width, height), format);
        match direction {
            Direction::Output => format.set_colorimetry(known(format.colorimetry())),
            Direction::Capture => format.set_colorimetry(self.colorimetry),
        }
    }

    /// S_FMT, with a format that [`adjust`](Self::adjust) made. A new coded size is the size of
    /// decoded frames too, unless `keep_decoded`, because there are buffers of the old one.
    pub(crate) fn set(&mut self, direction: Direction, format: &PixFormat<'_>, keep_decoded: bool) {
        let (width, height) = format.size();
        let size = Size::new(width, height);

        match direction {
            Direction::Capture => self.decoded = size,
            Direction::Output => {
                self.coded = size;
                self.colorimetry = format.colorimetry();
                if !keep_decoded {
                    self.decoded = size;
                }
            }
        }
    }
}

fn describe_frame(direction: Direction, size: Size, format: &mut PixFormat<'_>) {
    let (fourcc, bytesperline) = match direction {
        // A coded frame has no lines.
        Direction::Output => (CODED, 0),
        Direction::Capture => (GREY, size.width),
    };

    format.set(
        fourcc,
        (size.width, size.height),
        bytesperline,
        size.bytes(),
    );
}

/// Userspace may leave the colorspace to the driver.
fn known(mut asked: Colorimetry) -> Colorimetry {
    if asked.colorspace == bindings::v4l2_colorspace_V4L2_COLORSPACE_DEFAULT {
        asked.colorspace = bindings::v4l2_colorspace_V4L2_COLORSPACE_REC709;
    }
    asked
}
