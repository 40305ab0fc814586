//! `drivers/dma-buf/sw_sync.c`, which has no header for user space: timelines that only their owner moves.

use std::ffi::CStr;

use nix::libc;

use super::{Plain, file, ioctls, plain};

/// Each open(2) of it is a timeline of its own.
const NODE: &CStr = c"/sys/kernel/debug/sync/sw_sync";

/// `struct sw_sync_create_fence_data`
#[repr(C)]
pub struct CreateFence {
    pub value: u32,
    pub name: [u8; 32],
    pub fence: i32,
}

/// The argument of `SW_SYNC_IOC_INC`.
#[repr(C)]
pub struct Steps {
    pub count: u32,
}

plain! {
    CreateFence = 40;
    Steps = 4;
}

ioctls! { b'W';
    /// `SW_SYNC_IOC_CREATE_FENCE`
    CREATE_FENCE = request_code_readwrite(0, CreateFence);
    /// `SW_SYNC_IOC_INC`
    INC = request_code_write(1, Steps);
}

/// A new timeline, at 0. Closing it ends its pending fences with `ENOENT`.
pub fn timeline() -> nix::Result<i32> {
    file::open(NODE, libc::O_RDWR)
}

/// A sync_file of the fence that ends when the timeline comes to `value`.
pub fn fence(timeline: i32, value: u32) -> nix::Result<i32> {
    let mut create = CreateFence {
        value,
        ..CreateFence::zeroed()
    };
    CREATE_FENCE.call(timeline, &mut create)?;
    Ok(create.fence)
}

/// Moves the timeline on by one.
pub fn advance(timeline: i32) -> nix::Result<()> {
    INC.call(timeline, &mut Steps { count: 1 }).map(drop)
}
