//! `linux/dma-buf.h`

use super::{ioctls, plain};

/// `DMA_BUF_SYNC_READ`
pub const SYNC_READ: u32 = 1;
/// `DMA_BUF_SYNC_WRITE`
pub const SYNC_WRITE: u32 = 2;
/// `DMA_BUF_SYNC_END`
pub const SYNC_END: u32 = 4;

/// `struct dma_buf_sync`
#[repr(C)]
pub struct CpuSync {
    pub flags: u64,
}

/// `struct dma_buf_export_sync_file` and `struct dma_buf_import_sync_file`, which are alike.
#[repr(C)]
pub struct SyncFile {
    pub flags: u32,
    pub fd: i32,
}

plain! {
    CpuSync = 8;
    SyncFile = 8;
}

ioctls! { b'b';
    /// `DMA_BUF_IOCTL_SYNC`
    SYNC = request_code_write(0, CpuSync);
    /// `DMA_BUF_IOCTL_EXPORT_SYNC_FILE`
    EXPORT_SYNC_FILE = request_code_readwrite(2, SyncFile);
    /// `DMA_BUF_IOCTL_IMPORT_SYNC_FILE`
    IMPORT_SYNC_FILE = request_code_write(3, SyncFile);
}
