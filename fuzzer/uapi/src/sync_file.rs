//! `linux/sync_file.h`

use nix::errno::Errno;

use super::{Plain, ioctls, plain};

/// `struct sync_merge_data`
#[repr(C)]
pub struct MergeData {
    pub name: [u8; 32],
    pub fd2: i32,
    pub fence: i32,
    pub flags: u32,
    pub pad: u32,
}

/// `struct sync_fence_info`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FenceInfo {
    pub obj_name: [u8; 32],
    pub driver_name: [u8; 32],
    pub status: i32,
    pub flags: u32,
    pub timestamp_ns: u64,
}

/// `struct sync_file_info`
#[repr(C)]
pub struct FileInfo {
    pub name: [u8; 32],
    pub status: i32,
    pub flags: u32,
    pub num_fences: u32,
    pub pad: u32,
    pub sync_fence_info: u64,
}

/// `struct sync_set_deadline`
#[repr(C)]
pub struct SetDeadline {
    pub deadline_ns: u64,
    pub pad: u64,
}

plain! {
    MergeData = 48;
    FenceInfo = 80;
    FileInfo = 56;
    SetDeadline = 16;
}

ioctls! { b'>';
    /// `SYNC_IOC_MERGE`
    MERGE = request_code_readwrite(3, MergeData);
    /// `SYNC_IOC_FILE_INFO`
    FILE_INFO = request_code_readwrite(4, FileInfo);
    /// `SYNC_IOC_SET_DEADLINE`
    SET_DEADLINE = request_code_write(5, SetDeadline);
}

/// Fences asked for at first; a sync_file with more costs two further calls.
const USUAL_FENCES: usize = 32;

/// What `SYNC_IOC_FILE_INFO` told of one sync_file.
pub struct Info {
    /// Its name, which the kernel makes from the fence.
    pub name: [u8; 32],
    /// Its status.
    pub status: i32,
    /// Its fences.
    pub fences: Vec<FenceInfo>,
}

/// Asks for a sync_file's state and fences.
pub fn info(fd: i32) -> nix::Result<Info> {
    match info_of_up_to(fd, USUAL_FENCES) {
        Err(Errno::EINVAL) => {
            let mut count = FileInfo::zeroed();
            FILE_INFO.call(fd, &mut count)?;
            info_of_up_to(fd, count.num_fences as usize)
        }
        result => result,
    }
}

fn info_of_up_to(fd: i32, capacity: usize) -> nix::Result<Info> {
    let mut fences = vec![FenceInfo::zeroed(); capacity];
    let mut argument = FileInfo::zeroed();
    argument.num_fences = capacity as u32;
    argument.sync_fence_info = fences.as_mut_ptr() as u64;
    // The kernel writes at most `num_fences` elements, which is the length of the vector.
    FILE_INFO.call(fd, &mut argument)?;
    fences.truncate(argument.num_fences as usize);
    Ok(Info {
        name: argument.name,
        status: argument.status,
        fences,
    })
}

/// A C string in a fixed field, up to its first zero byte.
pub fn text(field: &[u8]) -> &str {
    let end = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).unwrap_or("?")
}
