// SPDX-License-Identifier: GPL-2.0

//! The controls of each kind of node.

use crate::{
    context::{Context, Handle},
    encoder::{MAX_BITRATE, MIN_BITRATE},
    pixels,
    v4l2::{
        ctrl::{Range, Setup},
        Codec,
        Info, //
    },
};
use kernel::bindings;

/// Most frames between two that stand alone.
const MAX_GOP: i64 = 1 << 16;

/// Makes the controls of a file.
pub(crate) fn add(node: &Info, controls: &mut Setup<'_, Context>) {
    match node.codec {
        Codec::Decoder => add_decoder(node, controls),
        Codec::Encoder => add_encoder(controls),
        Codec::None => add_m2m(controls),
    }
}

/// Says which streams there are.
fn add_h264(controls: &mut Setup<'_, Context>) {
    controls
        .menu(
            bindings::V4L2_CID_MPEG_VIDEO_H264_PROFILE,
            bindings::v4l2_mpeg_video_h264_profile_V4L2_MPEG_VIDEO_H264_PROFILE_HIGH as u8,
            0,
            bindings::v4l2_mpeg_video_h264_profile_V4L2_MPEG_VIDEO_H264_PROFILE_MAIN as u8,
        )
        .menu(
            bindings::V4L2_CID_MPEG_VIDEO_H264_LEVEL,
            bindings::v4l2_mpeg_video_h264_level_V4L2_MPEG_VIDEO_H264_LEVEL_5_1 as u8,
            0,
            bindings::v4l2_mpeg_video_h264_level_V4L2_MPEG_VIDEO_H264_LEVEL_4_0 as u8,
        );
}

fn add_decoder(node: &Info, controls: &mut Setup<'_, Context>) {
    // Where there is a format that nobody knows, v4l2-compliance takes the device for no decoder,
    // which must not have this.
    if !pixels::is_own(node) {
        controls.std(
            bindings::V4L2_CID_MIN_BUFFERS_FOR_CAPTURE,
            Range::constant(1),
        );
    }
    add_h264(controls);
}

fn add_encoder(controls: &mut Setup<'_, Context>) {
    controls
        .std(
            bindings::V4L2_CID_MIN_BUFFERS_FOR_OUTPUT,
            Range::constant(1),
        )
        .std(
            bindings::V4L2_CID_MPEG_VIDEO_BITRATE,
            Range {
                min: MIN_BITRATE.into(),
                max: MAX_BITRATE.into(),
                step: 1,
                default: MAX_BITRATE.into(),
            },
        )
        .std(
            bindings::V4L2_CID_MPEG_VIDEO_GOP_SIZE,
            Range {
                min: 0,
                max: MAX_GOP,
                step: 1,
                default: 12,
            },
        )
        .std(bindings::V4L2_CID_MPEG_VIDEO_B_FRAMES, Range::constant(0))
        .std(bindings::V4L2_CID_MPEG_VIDEO_FORCE_KEY_FRAME, Range::BUTTON)
        .menu(
            bindings::V4L2_CID_MPEG_VIDEO_HEADER_MODE,
            bindings::v4l2_mpeg_video_header_mode_V4L2_MPEG_VIDEO_HEADER_MODE_JOINED_WITH_1ST_FRAME
                as u8,
            0,
            bindings::v4l2_mpeg_video_header_mode_V4L2_MPEG_VIDEO_HEADER_MODE_JOINED_WITH_1ST_FRAME
                as u8,
        );
    add_h264(controls);
}

fn add_m2m(controls: &mut Setup<'_, Context>) {
    controls
        .std(bindings::V4L2_CID_HFLIP, Range::SWITCH)
        .std(bindings::V4L2_CID_VFLIP, Range::SWITCH);
}

/// A control gets a value. Most of them are there to be set.
pub(crate) fn set(this: &Handle, id: u32, value: i32) {
    if id == bindings::V4L2_CID_MPEG_VIDEO_BITRATE {
        this.state.lock().encoder.set_bitrate(value);
    }
}
