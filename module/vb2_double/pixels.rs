// SPDX-License-Identifier: GPL-2.0

//! The pixel formats of the double.

use crate::{
    formats::SIZES,
    v4l2::{
        format::{Description, FrameSizes},
        Codec,
        Info, //
    },
    vb2::{Direction, Layout}, //
};
use kernel::bindings;

const fn fourcc(code: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*code)
}

/// One memory of a frame, as a share of its pixels.
pub(crate) struct Share {
    /// Bytes of four pixels.
    pub(crate) bytes: u32,
    /// Pixels of a line to each byte of it; 0 if there are no lines.
    pub(crate) pixels: u32,
}

/// A pixel format.
pub(crate) struct Pixels {
    /// Its code.
    pub(crate) fourcc: u32,
    /// Its name, if the core does not know it.
    pub(crate) name: Option<&'static str>,
    /// Its memories.
    pub(crate) shares: &'static [Share],
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

/// Raw formats; those after the first [`RAW_SINGLE`] have several memories.
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
pub(crate) fn all(node: &Info, direction: Direction) -> &'static [Pixels] {
    match (node.codec, direction, node.layout) {
        (Codec::Decoder, Direction::Output, _) | (Codec::Encoder, Direction::Capture, _) => {
            &CODED[usize::from(!is_own(node))..]
        }
        (_, _, Layout::Single) => &RAW[..RAW_SINGLE],
        (_, _, Layout::Multi) => &RAW,
    }
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
