// SPDX-License-Identifier: GPL-2.0

//! The rules of a stateful encoder: it is drained, and it fills less of a frame if it is told to.
//!
//! Specification:
//! [`dev-encoder.rst`](srctree/Documentation/userspace-api/media/v4l/dev-encoder.rst)

use crate::{
    context::Handle,
    drain,
    v4l2::format::{Fraction, FrameIntervals}, //
};
use kernel::{bindings, prelude::*};

/// The bit rate at first: enough for the largest frame as often as it can come.
pub(crate) const MAX_BITRATE: i32 = i32::MAX;
/// The lowest bit rate.
pub(crate) const MIN_BITRATE: i32 = 8_000;

/// Frames may take from a thousandth of a second to a second.
pub(crate) const INTERVALS: FrameIntervals = FrameIntervals {
    min: Fraction {
        numerator: 1,
        denominator: 1_000,
    },
    max: Fraction {
        numerator: 1,
        denominator: 1,
    },
};

/// Least bytes of a coded frame: its stamp and something after it.
const MIN_FRAME: u64 = 64;

/// What an encoder was told.
pub(crate) struct Encoder {
    bitrate: i32,
    interval: Fraction,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            bitrate: MAX_BITRATE,
            interval: Fraction {
                numerator: 1,
                denominator: 25,
            },
        }
    }
}

impl Encoder {
    /// Sets bits per second.
    pub(crate) fn set_bitrate(&mut self, bitrate: i32) {
        self.bitrate = bitrate;
    }

    /// The time that a frame takes.
    pub(crate) fn interval(&self) -> Fraction {
        self.interval
    }

    /// Sets the time that a frame takes, to what comes next to it.
    pub(crate) fn set_interval(&mut self, asked: Fraction) -> Fraction {
        let (numerator, denominator) = (u64::from(asked.numerator), u64::from(asked.denominator));

        self.interval = if numerator == 0 || denominator == 0 {
            Self::default().interval
        } else if numerator * 1_000 < denominator {
            INTERVALS.min
        } else if numerator > denominator {
            INTERVALS.max
        } else {
            asked
        };
        self.interval
    }

    /// Bytes of a coded frame for which there are so many, and of so many pixels.
    pub(crate) fn frame_bytes(&self, room: u32, pixels: u32) -> u32 {
        let (numerator, denominator) = (
            u64::from(self.interval.numerator),
            u64::from(self.interval.denominator),
        );
        let by_rate = self.bitrate as u64 / 8 * numerator / denominator;
        let bytes = by_rate.min(pixels.into()).max(MIN_FRAME) & !7;

        bytes.min(room.into()) as u32
    }
}

/// ENCODER_CMD. Without effect unless both queues stream.
pub(crate) fn command(this: &Handle, command: &mut bindings::v4l2_encoder_cmd) -> Result {
    if !drain::is_streaming(this) {
        return Ok(());
    }
    if command.cmd == bindings::V4L2_ENC_CMD_STOP {
        return drain::stop(this, || this.m2m().encoder_cmd(command));
    }

    this.m2m().encoder_cmd(command)?;
    drain::start(this);
    Ok(())
}
