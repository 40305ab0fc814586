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

/// `SYNC_IOC_FILE_INFO` with room for fences.
pub struct Question {
    fences: Vec<FenceInfo>,
    argument: FileInfo,
}

impl Default for Question {
    fn default() -> Self {
        Self::about(USUAL_FENCES)
    }
}

impl Question {
    fn about(capacity: usize) -> Self {
        let mut fences = vec![FenceInfo::zeroed(); capacity];
        let mut argument = FileInfo::zeroed();
        argument.num_fences = capacity as u32;
        // The kernel writes at most `num_fences` elements, which is the length of the vector.
        argument.sync_fence_info = fences.as_mut_ptr() as u64;
        Self { fences, argument }
    }

    /// What the call is made with. The fences that it names live as long as the question.
    pub(crate) fn argument(&mut self) -> &mut FileInfo {
        &mut self.argument
    }

    /// The answer of a sync_file to this question, which was asked with that result.
    pub fn answered<T>(self, fd: i32, result: nix::Result<T>) -> nix::Result<Info> {
        match result {
            Err(Errno::EINVAL) => asked_twice(fd),
            result => result.map(|_| self.answer()),
        }
    }

    fn answer(mut self) -> Info {
        self.fences.truncate(self.argument.num_fences as usize);
        Info {
            name: self.argument.name,
            status: self.argument.status,
            fences: self.fences,
        }
    }
}

/// Asks for a sync_file's state and fences.
pub fn info(fd: i32) -> nix::Result<Info> {
    let mut question = Question::default();
    let result = FILE_INFO.call(fd, question.argument());
    question.answered(fd, result)
}

/// Asks how many fences there are, and then for them.
fn asked_twice(fd: i32) -> nix::Result<Info> {
    let mut count = FileInfo::zeroed();
    FILE_INFO.call(fd, &mut count)?;
    let mut question = Question::about(count.num_fences as usize);
    FILE_INFO.call(fd, question.argument())?;
    Ok(question.answer())
}

/// A C string in a fixed field, up to its first zero byte.
pub fn text(field: &[u8]) -> &str {
    let end = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).unwrap_or("?")
}
