//! `linux/videodev2.h`: the structures and ioctls that programs and drills use.

use super::{Ioctl, Plain, ioctls, plain};

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`
pub const TYPE_CAPTURE: u32 = 1;
/// `V4L2_BUF_TYPE_VIDEO_OUTPUT`
pub const TYPE_OUTPUT: u32 = 2;
/// `V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE`
pub const TYPE_CAPTURE_MPLANE: u32 = 9;
/// `V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE`
pub const TYPE_OUTPUT_MPLANE: u32 = 10;
/// `V4L2_MEMORY_MMAP`
pub const MEMORY_MMAP: u32 = 1;
/// `V4L2_MEMORY_USERPTR`
pub const MEMORY_USERPTR: u32 = 2;
/// `V4L2_MEMORY_DMABUF`
pub const MEMORY_DMABUF: u32 = 4;
/// `V4L2_MEMORY_OVERLAY`
pub const MEMORY_OVERLAY: u32 = 3;
/// `V4L2_BUF_TYPE_SDR_CAPTURE`
pub const TYPE_SDR_CAPTURE: u32 = 11;
/// `V4L2_FIELD_NONE`
pub const FIELD_NONE: u32 = 1;
/// `V4L2_CTRL_WHICH_CUR_VAL`
pub const CTRL_WHICH_CUR_VAL: u32 = 0;
/// `V4L2_CTRL_WHICH_REQUEST_VAL`
pub const CTRL_WHICH_REQUEST_VAL: u32 = 0x0f01_0000;
/// `V4L2_SEL_TGT_CROP`
pub const SEL_TGT_CROP: u32 = 0;
/// `V4L2_SEL_TGT_COMPOSE`
pub const SEL_TGT_COMPOSE: u32 = 0x100;
/// `V4L2_CID_BASE`
pub const CID_BASE: u32 = 0x0098_0900;
/// `V4L2_CID_CODEC_BASE`
pub const CID_CODEC_BASE: u32 = 0x0099_0900;
/// `V4L2_CAP_VIDEO_M2M`
pub const CAP_VIDEO_M2M: u32 = 0x8000;
/// `V4L2_CAP_VIDEO_M2M_MPLANE`
pub const CAP_VIDEO_M2M_MPLANE: u32 = 0x4000;
/// `V4L2_EVENT_EOS`
pub const EVENT_EOS: u32 = 2;
/// `V4L2_EVENT_SOURCE_CHANGE`
pub const EVENT_SOURCE_CHANGE: u32 = 5;
/// `V4L2_DEC_CMD_START`
pub const DEC_CMD_START: u32 = 0;
/// `V4L2_DEC_CMD_STOP`
pub const DEC_CMD_STOP: u32 = 1;
/// `V4L2_DEC_CMD_PAUSE`
pub const DEC_CMD_PAUSE: u32 = 2;
/// `V4L2_DEC_CMD_RESUME`
pub const DEC_CMD_RESUME: u32 = 3;
/// `V4L2_DEC_CMD_FLUSH`
pub const DEC_CMD_FLUSH: u32 = 4;
/// `V4L2_ENC_CMD_START`
pub const ENC_CMD_START: u32 = 0;
/// `V4L2_ENC_CMD_STOP`
pub const ENC_CMD_STOP: u32 = 1;
/// `V4L2_ENC_CMD_PAUSE`
pub const ENC_CMD_PAUSE: u32 = 2;
/// `V4L2_ENC_CMD_RESUME`
pub const ENC_CMD_RESUME: u32 = 3;
/// `V4L2_PIX_FMT_YUV420`
pub const PIX_FMT_YUV420: u32 = u32::from_le_bytes(*b"YU12");
/// `V4L2_PIX_FMT_YUV420M`
pub const PIX_FMT_YUV420M: u32 = u32::from_le_bytes(*b"YM12");
/// `V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF`
pub const BUF_FLAG_HOLD_CAPTURE: u32 = 0x200;
/// `V4L2_BUF_FLAG_REQUEST_FD`
pub const BUF_FLAG_REQUEST_FD: u32 = 0x0080_0000;
/// `V4L2_BUF_FLAG_LAST`
pub const BUF_FLAG_LAST: u32 = 0x0010_0000;
/// `V4L2_BUF_FLAG_ERROR`
pub const BUF_FLAG_ERROR: u32 = 0x40;
/// `V4L2_BUF_FLAG_QUEUED`, `_DONE`, `_IN_REQUEST` and `_PREPARED`: the buffer's content is not userspace's to change.
pub const BUF_FLAGS_TAKEN: u32 = 0x2 | 0x4 | 0x80 | 0x400;

/// `struct v4l2_capability`
#[repr(C)]
pub struct Capability {
    pub driver: [u8; 16],
    pub card: [u8; 32],
    pub bus_info: [u8; 32],
    pub version: u32,
    pub capabilities: u32,
    pub device_caps: u32,
    pub reserved: [u32; 3],
}

/// `struct v4l2_format` with its `pix` member.
#[repr(C, align(8))]
pub struct Format {
    pub kind: u32,
    pub padding: u32,
    pub width: u32,
    pub height: u32,
    pub pixelformat: u32,
    pub field: u32,
    pub bytesperline: u32,
    pub sizeimage: u32,
    pub rest: [u32; 44],
}

/// `struct v4l2_plane_pix_format`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PlaneFormat {
    pub sizeimage: u32,
    pub bytesperline: u32,
    pub reserved: [u16; 6],
}

/// `struct v4l2_format` with its `pix_mp` member.
#[repr(C, align(8))]
pub struct FormatMplane {
    pub kind: u32,
    pub padding: u32,
    pub width: u32,
    pub height: u32,
    pub pixelformat: u32,
    pub field: u32,
    pub colorspace: u32,
    pub planes: [PlaneFormat; 8],
    pub num_planes: u8,
    pub rest: [u8; 19],
}

/// `struct v4l2_requestbuffers`
#[repr(C)]
pub struct RequestBuffers {
    pub count: u32,
    pub kind: u32,
    pub memory: u32,
    pub capabilities: u32,
    pub flags: u8,
    pub reserved: [u8; 3],
}

/// `struct v4l2_create_buffers`
#[repr(C)]
pub struct CreateBuffers {
    pub index: u32,
    pub count: u32,
    pub memory: u32,
    pub padding: u32,
    pub format: Format,
    pub capabilities: u32,
    pub flags: u32,
    pub max_num_buffers: u32,
    pub reserved: [u32; 5],
}

/// `struct v4l2_remove_buffers`
#[repr(C)]
pub struct RemoveBuffers {
    pub index: u32,
    pub count: u32,
    pub kind: u32,
    pub reserved: [u32; 13],
}

/// `struct v4l2_buffer`; `m` is the union, which is `userptr`, or of which the low half is `fd` or `offset`.
#[repr(C)]
pub struct Buffer {
    pub index: u32,
    pub kind: u32,
    pub bytesused: u32,
    pub flags: u32,
    pub field: u32,
    pub padding: u32,
    pub timestamp: [i64; 2],
    pub timecode: [u32; 4],
    pub sequence: u32,
    pub memory: u32,
    pub m: i64,
    pub length: u32,
    pub reserved2: u32,
    pub request_fd: i32,
    pub end_padding: u32,
}

impl Buffer {
    /// Where to map an MMAP buffer's plane: `m.offset`.
    pub fn offset(&self) -> i64 {
        self.m & i64::from(u32::MAX)
    }
}

/// `struct v4l2_plane`; `m` is the union.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Plane {
    pub bytesused: u32,
    pub length: u32,
    pub m: u64,
    pub data_offset: u32,
    pub reserved: [u32; 11],
}

/// `struct v4l2_control`
#[repr(C)]
pub struct Control {
    pub id: u32,
    pub value: i32,
}

/// `struct v4l2_ext_control` with its `value` member; the structure is packed.
#[repr(C, packed)]
pub struct ExtControl {
    pub id: u32,
    pub size: u32,
    pub reserved2: u32,
    pub value: i32,
    pub rest: u32,
}

/// `struct v4l2_ext_controls`; `controls` is the address of as many controls as `count` says.
#[repr(C)]
pub struct ExtControls {
    pub which: u32,
    pub count: u32,
    pub error_idx: u32,
    pub request_fd: i32,
    pub reserved: u32,
    pub padding: u32,
    pub controls: u64,
}

impl ExtControls {
    /// The value of one control.
    pub fn of(control: &mut ExtControl, which: u32) -> Self {
        let mut controls = Self::zeroed();
        (controls.which, controls.count) = (which, 1);
        controls.controls = std::ptr::from_mut(control) as u64;
        controls
    }
}

/// `struct v4l2_query_ext_ctrl`
#[repr(C)]
pub struct QueryExtControl {
    pub id: u32,
    pub kind: u32,
    pub name: [u8; 32],
    pub minimum: i64,
    pub maximum: i64,
    pub step: u64,
    pub default_value: i64,
    pub flags: u32,
    pub elem_size: u32,
    pub elems: u32,
    pub nr_of_dims: u32,
    pub dims: [u32; 4],
    pub reserved: [u32; 32],
}

/// `struct v4l2_fmtdesc`
#[repr(C)]
pub struct FormatDescription {
    pub index: u32,
    pub kind: u32,
    pub flags: u32,
    pub description: [u8; 32],
    pub pixelformat: u32,
    pub mbus_code: u32,
    pub reserved: [u32; 3],
}

/// `struct v4l2_frmsizeenum`
#[repr(C)]
pub struct FrameSizes {
    pub index: u32,
    pub pixel_format: u32,
    pub kind: u32,
    pub sizes: [u32; 6],
    pub reserved: [u32; 2],
}

/// `struct v4l2_frmivalenum`
#[repr(C)]
pub struct FrameIntervals {
    pub index: u32,
    pub pixel_format: u32,
    pub width: u32,
    pub height: u32,
    pub kind: u32,
    pub intervals: [u32; 6],
    pub reserved: [u32; 2],
}

/// `struct v4l2_streamparm`
#[repr(C)]
pub struct StreamParm {
    pub kind: u32,
    pub parm: [u32; 50],
}

/// `struct v4l2_selection`
#[repr(C)]
pub struct Selection {
    pub kind: u32,
    pub target: u32,
    pub flags: u32,
    pub rect: [u32; 4],
    pub reserved: [u32; 9],
}

/// `struct v4l2_input`
#[repr(C)]
pub struct Input {
    pub index: u32,
    pub name: [u8; 32],
    pub kind: u32,
    pub audioset: u32,
    pub tuner: u32,
    pub std: u64,
    pub status: u32,
    pub capabilities: u32,
    pub reserved: [u32; 3],
    pub end_padding: u32,
}

/// `struct v4l2_exportbuffer`
#[repr(C)]
pub struct ExportBuffer {
    pub kind: u32,
    pub index: u32,
    pub plane: u32,
    pub flags: u32,
    pub fd: i32,
    pub reserved: [u32; 11],
}

/// `struct v4l2_decoder_cmd`
#[repr(C)]
pub struct DecoderCommand {
    pub cmd: u32,
    pub flags: u32,
    pub raw: [u64; 8],
}

/// `struct v4l2_encoder_cmd`
#[repr(C)]
pub struct EncoderCommand {
    pub cmd: u32,
    pub flags: u32,
    pub raw: [u32; 8],
}

/// `struct v4l2_event_subscription`
#[repr(C)]
pub struct EventSubscription {
    pub kind: u32,
    pub id: u32,
    pub flags: u32,
    pub reserved: [u32; 5],
}

/// `struct v4l2_event`; the first word of the union is `src_change.changes` for a source change.
#[repr(C)]
pub struct Event {
    pub kind: u32,
    pub padding: u32,
    pub union: [u32; 16],
    pub pending: u32,
    pub sequence: u32,
    pub timestamp: [i64; 2],
    pub id: u32,
    pub reserved: [u32; 8],
    pub end_padding: u32,
}

plain! {
    Capability = 104;
    Format = 208;
    FormatMplane = 208;
    PlaneFormat = 20;
    Plane = 64;
    RequestBuffers = 20;
    CreateBuffers = 256;
    RemoveBuffers = 64;
    Buffer = 88;
    Control = 8;
    ExtControl = 20;
    ExtControls = 32;
    QueryExtControl = 232;
    FormatDescription = 64;
    FrameSizes = 44;
    FrameIntervals = 52;
    StreamParm = 204;
    Selection = 64;
    Input = 80;
    ExportBuffer = 64;
    DecoderCommand = 72;
    EncoderCommand = 40;
    EventSubscription = 32;
    Event = 136;
}

ioctls! { b'V';
    /// `VIDIOC_QUERYCAP`
    QUERYCAP = request_code_read(0, Capability);
    /// `VIDIOC_G_FMT`
    G_FMT = request_code_readwrite(4, Format);
    /// `VIDIOC_S_FMT`
    S_FMT = request_code_readwrite(5, Format);
    /// `VIDIOC_G_FMT` of a multi-planar queue
    G_FMT_MPLANE = request_code_readwrite(4, FormatMplane);
    /// `VIDIOC_S_FMT` of a multi-planar queue
    S_FMT_MPLANE = request_code_readwrite(5, FormatMplane);
    /// `VIDIOC_REQBUFS`
    REQBUFS = request_code_readwrite(8, RequestBuffers);
    /// `VIDIOC_QUERYBUF`
    QUERYBUF = request_code_readwrite(9, Buffer);
    /// `VIDIOC_QBUF`
    QBUF = request_code_readwrite(15, Buffer);
    /// `VIDIOC_EXPBUF`
    EXPBUF = request_code_readwrite(16, ExportBuffer);
    /// `VIDIOC_DQBUF`
    DQBUF = request_code_readwrite(17, Buffer);
    /// `VIDIOC_STREAMON`
    STREAMON = request_code_write(18, nix::libc::c_int);
    /// `VIDIOC_STREAMOFF`
    STREAMOFF = request_code_write(19, nix::libc::c_int);
    /// `VIDIOC_TRY_FMT`
    TRY_FMT = request_code_readwrite(64, Format);
    /// `VIDIOC_S_CTRL`
    S_CTRL = request_code_readwrite(28, Control);
    /// `VIDIOC_ENUM_FMT`
    ENUM_FMT = request_code_readwrite(2, FormatDescription);
    /// `VIDIOC_G_PARM`
    G_PARM = request_code_readwrite(21, StreamParm);
    /// `VIDIOC_ENUMINPUT`
    ENUMINPUT = request_code_readwrite(26, Input);
    /// `VIDIOC_G_PRIORITY`
    G_PRIORITY = request_code_read(67, nix::libc::c_int);
    /// `VIDIOC_ENUM_FRAMESIZES`
    ENUM_FRAMESIZES = request_code_readwrite(74, FrameSizes);
    /// `VIDIOC_ENUM_FRAMEINTERVALS`
    ENUM_FRAMEINTERVALS = request_code_readwrite(75, FrameIntervals);
    /// `VIDIOC_G_SELECTION`
    G_SELECTION = request_code_readwrite(94, Selection);
    /// `VIDIOC_G_EXT_CTRLS`
    G_EXT_CTRLS = request_code_readwrite(71, ExtControls);
    /// `VIDIOC_S_EXT_CTRLS`
    S_EXT_CTRLS = request_code_readwrite(72, ExtControls);
    /// `VIDIOC_TRY_EXT_CTRLS`
    TRY_EXT_CTRLS = request_code_readwrite(73, ExtControls);
    /// `VIDIOC_QUERY_EXT_CTRL`
    QUERY_EXT_CTRL = request_code_readwrite(103, QueryExtControl);
    /// `VIDIOC_ENCODER_CMD`
    ENCODER_CMD = request_code_readwrite(77, EncoderCommand);
    /// `VIDIOC_DQEVENT`
    DQEVENT = request_code_read(89, Event);
    /// `VIDIOC_SUBSCRIBE_EVENT`
    SUBSCRIBE_EVENT = request_code_write(90, EventSubscription);
    /// `VIDIOC_UNSUBSCRIBE_EVENT`
    UNSUBSCRIBE_EVENT = request_code_write(91, EventSubscription);
    /// `VIDIOC_CREATE_BUFS`
    CREATE_BUFS = request_code_readwrite(92, CreateBuffers);
    /// `VIDIOC_PREPARE_BUF`
    PREPARE_BUF = request_code_readwrite(93, Buffer);
    /// `VIDIOC_DECODER_CMD`
    DECODER_CMD = request_code_readwrite(96, DecoderCommand);
    /// `VIDIOC_REMOVE_BUFS`
    REMOVE_BUFS = request_code_readwrite(104, RemoveBuffers);
}

// SAFETY: it takes no argument, so the kernel touches nothing.
/// `VIDIOC_LOG_STATUS`
pub const LOG_STATUS: Ioctl<nix::libc::c_int> =
    unsafe { Ioctl::new(nix::request_code_none!(b'V', 70)) };
