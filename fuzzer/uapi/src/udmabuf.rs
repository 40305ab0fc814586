//! `linux/udmabuf.h`

use std::ffi::CStr;

use nix::libc;

use super::{Plain, file, ioctls, memory, plain};

/// Where memfds become dma-bufs.
const NODE: &CStr = c"/dev/udmabuf";

/// `UDMABUF_FLAGS_CLOEXEC`
pub const FLAGS_CLOEXEC: u32 = 1;

/// `struct udmabuf_create`
#[repr(C)]
pub struct Create {
    pub memfd: u32,
    pub flags: u32,
    pub offset: u64,
    pub size: u64,
}

plain! {
    Create = 24;
}

ioctls! { b'u';
    /// `UDMABUF_CREATE`, which answers with the new descriptor.
    CREATE = request_code_write(0x42, Create);
}

/// A dma-buf of a new memfd of so many bytes.
pub fn create(bytes: u64) -> nix::Result<i32> {
    let memfd = memory::sealed(bytes)?;
    let outcome = of_memfd(memfd, bytes);
    // The dma-buf keeps the pages, not the file.
    let _ = file::close(memfd);
    outcome
}

fn of_memfd(memfd: i32, bytes: u64) -> nix::Result<i32> {
    let node = file::open(NODE, libc::O_RDWR)?;
    let mut create = Create {
        memfd: memfd as u32,
        flags: FLAGS_CLOEXEC,
        size: bytes,
        ..Create::zeroed()
    };
    let outcome = CREATE.call(node, &mut create);
    let _ = file::close(node);
    outcome
}
