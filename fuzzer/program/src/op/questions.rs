//! Controls, and questions that change nothing.

use serde::{Deserialize, Serialize};

/// A control, by the name that programs have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Control {
    /// `hflip`: `V4L2_CID_HFLIP`, a switch
    Hflip,
    /// `vflip`: `V4L2_CID_VFLIP`, a switch
    Vflip,
    /// `bitrate`: `V4L2_CID_MPEG_VIDEO_BITRATE`, a number
    Bitrate,
    /// `gop`: `V4L2_CID_MPEG_VIDEO_GOP_SIZE`, a number
    Gop,
    /// `b_frames`: `V4L2_CID_MPEG_VIDEO_B_FRAMES`, a number
    Bframes,
    /// `key_frame`: `V4L2_CID_MPEG_VIDEO_FORCE_KEY_FRAME`, a button
    KeyFrame,
    /// `header_mode`: `V4L2_CID_MPEG_VIDEO_HEADER_MODE`, a menu
    HeaderMode,
    /// `profile`: `V4L2_CID_MPEG_VIDEO_H264_PROFILE`, a menu
    Profile,
    /// `level`: `V4L2_CID_MPEG_VIDEO_H264_LEVEL`, a menu
    Level,
    /// `min_capture`: `V4L2_CID_MIN_BUFFERS_FOR_CAPTURE`, which can only be read
    MinCapture,
    /// `min_output`: `V4L2_CID_MIN_BUFFERS_FOR_OUTPUT`, which can only be read
    MinOutput,
    /// `contrast`: `V4L2_CID_CONTRAST`, which no device here has
    Contrast,
}

/// A question to a file that changes nothing, by the name of its ioctl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Question {
    /// `querycap`
    Querycap,
    /// `g_priority`
    GetPriority,
    /// `enuminput`, which mem2mem devices lack
    EnumInput,
    /// `log_status`
    LogStatus,
}

/// A question about a queue that changes nothing, by the name of its ioctl. Whatever can be counted is asked for its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QueueQuestion {
    /// `enum_fmt`
    EnumFormat,
    /// `enum_framesizes`: of the queue's current format
    EnumFramesizes,
    /// `enum_frameintervals`: of the queue's current format and size
    EnumFrameintervals,
    /// `g_parm`
    GetParm,
    /// `g_selection`: the crop rectangle of OUTPUT, the compose rectangle of CAPTURE
    GetSelection,
}
