//! `linux/videodev2.h`: the single-planar structures and ioctls that programs use.

use super::{ioctls, plain};

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`
pub(crate) const TYPE_CAPTURE: u32 = 1;
/// `V4L2_BUF_TYPE_VIDEO_OUTPUT`
pub(crate) const TYPE_OUTPUT: u32 = 2;
/// `V4L2_MEMORY_MMAP`
pub(crate) const MEMORY_MMAP: u32 = 1;
/// `V4L2_MEMORY_DMABUF`
pub(crate) const MEMORY_DMABUF: u32 = 4;
/// `V4L2_FIELD_NONE`
pub(crate) const FIELD_NONE: u32 = 1;
/// `V4L2_CAP_VIDEO_M2M`
pub(crate) const CAP_VIDEO_M2M: u32 = 0x8000;
/// `V4L2_EVENT_EOS`
pub(crate) const EVENT_EOS: u32 = 2;
/// `V4L2_EVENT_SOURCE_CHANGE`
pub(crate) const EVENT_SOURCE_CHANGE: u32 = 5;
/// `V4L2_DEC_CMD_START`
pub(crate) const DEC_CMD_START: u32 = 0;
/// `V4L2_DEC_CMD_STOP`
pub(crate) const DEC_CMD_STOP: u32 = 1;

/// `struct v4l2_capability`
#[repr(C)]
pub(crate) struct Capability {
    pub(crate) driver: [u8; 16],
    pub(crate) card: [u8; 32],
    pub(crate) bus_info: [u8; 32],
    pub(crate) version: u32,
    pub(crate) capabilities: u32,
    pub(crate) device_caps: u32,
    pub(crate) reserved: [u32; 3],
}

/// `struct v4l2_format` with its `pix` member.
#[repr(C, align(8))]
pub(crate) struct Format {
    pub(crate) kind: u32,
    pub(crate) padding: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixelformat: u32,
    pub(crate) field: u32,
    pub(crate) bytesperline: u32,
    pub(crate) sizeimage: u32,
    pub(crate) rest: [u32; 44],
}

/// `struct v4l2_requestbuffers`
#[repr(C)]
pub(crate) struct RequestBuffers {
    pub(crate) count: u32,
    pub(crate) kind: u32,
    pub(crate) memory: u32,
    pub(crate) capabilities: u32,
    pub(crate) flags: u8,
    pub(crate) reserved: [u8; 3],
}

/// `struct v4l2_create_buffers`
#[repr(C)]
pub(crate) struct CreateBuffers {
    pub(crate) index: u32,
    pub(crate) count: u32,
    pub(crate) memory: u32,
    pub(crate) padding: u32,
    pub(crate) format: Format,
    pub(crate) capabilities: u32,
    pub(crate) flags: u32,
    pub(crate) max_num_buffers: u32,
    pub(crate) reserved: [u32; 5],
}

/// `struct v4l2_remove_buffers`
#[repr(C)]
pub(crate) struct RemoveBuffers {
    pub(crate) index: u32,
    pub(crate) count: u32,
    pub(crate) kind: u32,
    pub(crate) reserved: [u32; 13],
}

/// `struct v4l2_buffer`; `m` is the union, of which the low half is `fd` or `offset`.
#[repr(C)]
pub(crate) struct Buffer {
    pub(crate) index: u32,
    pub(crate) kind: u32,
    pub(crate) bytesused: u32,
    pub(crate) flags: u32,
    pub(crate) field: u32,
    pub(crate) padding: u32,
    pub(crate) timestamp: [i64; 2],
    pub(crate) timecode: [u32; 4],
    pub(crate) sequence: u32,
    pub(crate) memory: u32,
    pub(crate) m: i64,
    pub(crate) length: u32,
    pub(crate) reserved2: u32,
    pub(crate) request_fd: i32,
    pub(crate) end_padding: u32,
}

/// `struct v4l2_exportbuffer`
#[repr(C)]
pub(crate) struct ExportBuffer {
    pub(crate) kind: u32,
    pub(crate) index: u32,
    pub(crate) plane: u32,
    pub(crate) flags: u32,
    pub(crate) fd: i32,
    pub(crate) reserved: [u32; 11],
}

/// `struct v4l2_decoder_cmd`
#[repr(C)]
pub(crate) struct DecoderCommand {
    pub(crate) cmd: u32,
    pub(crate) flags: u32,
    pub(crate) raw: [u64; 8],
}

/// `struct v4l2_event_subscription`
#[repr(C)]
pub(crate) struct EventSubscription {
    pub(crate) kind: u32,
    pub(crate) id: u32,
    pub(crate) flags: u32,
    pub(crate) reserved: [u32; 5],
}

/// `struct v4l2_event`; the first word of the union is `src_change.changes` for a source change.
#[repr(C)]
pub(crate) struct Event {
    pub(crate) kind: u32,
    pub(crate) padding: u32,
    pub(crate) union: [u32; 16],
    pub(crate) pending: u32,
    pub(crate) sequence: u32,
    pub(crate) timestamp: [i64; 2],
    pub(crate) id: u32,
    pub(crate) reserved: [u32; 8],
    pub(crate) end_padding: u32,
}

plain! {
    Capability = 104;
    Format = 208;
    RequestBuffers = 20;
    CreateBuffers = 256;
    RemoveBuffers = 64;
    Buffer = 88;
    ExportBuffer = 64;
    DecoderCommand = 72;
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
    /// `VIDIOC_DQEVENT`
    DQEVENT = request_code_read(89, Event);
    /// `VIDIOC_SUBSCRIBE_EVENT`
    SUBSCRIBE_EVENT = request_code_write(90, EventSubscription);
    /// `VIDIOC_CREATE_BUFS`
    CREATE_BUFS = request_code_readwrite(92, CreateBuffers);
    /// `VIDIOC_PREPARE_BUF`
    PREPARE_BUF = request_code_readwrite(93, Buffer);
    /// `VIDIOC_DECODER_CMD`
    DECODER_CMD = request_code_readwrite(96, DecoderCommand);
    /// `VIDIOC_REMOVE_BUFS`
    REMOVE_BUFS = request_code_readwrite(104, RemoveBuffers);
}
