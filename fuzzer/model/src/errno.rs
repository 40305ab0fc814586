//! Error numbers that the model predicts, and their names.

/// Operation not permitted: a request for CAPTURE.
pub(crate) const EPERM: i32 = 1;
/// No such file or directory: DQEVENT has no event, MERGE no second sync_file.
pub(crate) const ENOENT: i32 = 2;
/// Interrupted system call.
pub(crate) const EINTR: i32 = 4;
/// Bad file descriptor.
pub(crate) const EBADF: i32 = 9;
/// Try again.
pub(crate) const EAGAIN: i32 = 11;
/// Out of memory.
pub(crate) const ENOMEM: i32 = 12;
/// Permission denied: a control can only be read, or only be written; a request is not complete.
pub(crate) const EACCES: i32 = 13;
/// Bad address: videobuf2-dma-contig finds pages that do not lie side by side.
pub(crate) const EFAULT: i32 = 14;
/// Device or resource busy.
pub(crate) const EBUSY: i32 = 16;
/// File exists: the module is loaded.
pub(crate) const EEXIST: i32 = 17;
/// No such device: the node is not there.
pub(crate) const ENODEV: i32 = 19;
/// Invalid argument.
pub(crate) const EINVAL: i32 = 22;
/// Not a typewriter: the driver has no such ioctl.
pub(crate) const ENOTTY: i32 = 25;
/// Broken pipe: the last buffer was dequeued.
pub(crate) const EPIPE: i32 = 32;
/// Out of range: a menu has no such item.
pub(crate) const ERANGE: i32 = 34;
/// Invalid request descriptor: the queue takes no requests.
pub(crate) const EBADR: i32 = 53;
/// No buffer space available.
pub(crate) const ENOBUFS: i32 = 105;

const NAMES: [(i32, &str); 17] = [
    (EFAULT, "EFAULT"),
    (EACCES, "EACCES"),
    (ERANGE, "ERANGE"),
    (EEXIST, "EEXIST"),
    (ENODEV, "ENODEV"),
    (EPERM, "EPERM"),
    (EBADR, "EBADR"),
    (ENOENT, "ENOENT"),
    (EINTR, "EINTR"),
    (EBADF, "EBADF"),
    (EAGAIN, "EAGAIN"),
    (ENOMEM, "ENOMEM"),
    (EBUSY, "EBUSY"),
    (EINVAL, "EINVAL"),
    (ENOTTY, "ENOTTY"),
    (EPIPE, "EPIPE"),
    (ENOBUFS, "ENOBUFS"),
];

/// What a maintainer calls it.
pub(crate) fn name(errno: i32) -> String {
    let named = NAMES.iter().find(|(number, _)| *number == errno);
    named.map_or_else(|| format!("error {errno}"), |(_, name)| (*name).to_owned())
}
