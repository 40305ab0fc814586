//! `linux/kcov.h`: the pointer-less ioctls of a KCOV descriptor.

use nix::libc;

use super::checked;

/// `KCOV_INIT_TRACE`
const INIT_TRACE: libc::c_ulong =
    nix::request_code_read!(b'c', 1, std::mem::size_of::<libc::c_ulong>()) as libc::c_ulong;
/// `KCOV_ENABLE`
const ENABLE: libc::c_ulong = nix::request_code_none!(b'c', 100) as libc::c_ulong;
/// `KCOV_DISABLE`
const DISABLE: libc::c_ulong = nix::request_code_none!(b'c', 101) as libc::c_ulong;
/// `KCOV_TRACE_PC`
const TRACE_PC: libc::c_ulong = 0;
/// `KCOV_TRACE_CMP`
const TRACE_CMP: libc::c_ulong = 1;

/// Sets the size of the buffer in words.
pub fn init_trace(fd: i32, words: usize) -> nix::Result<()> {
    call(fd, INIT_TRACE, words as libc::c_ulong)
}

/// Traces the calling thread's program counters.
pub fn enable(fd: i32) -> nix::Result<()> {
    call(fd, ENABLE, TRACE_PC)
}

/// Traces what the calling thread compares. Fails if the kernel was built without.
pub fn enable_comparisons(fd: i32) -> nix::Result<()> {
    call(fd, ENABLE, TRACE_CMP)
}

/// Stops it.
pub fn disable(fd: i32) -> nix::Result<()> {
    call(fd, DISABLE, 0)
}

fn call(fd: i32, request: libc::c_ulong, value: libc::c_ulong) -> nix::Result<()> {
    // SAFETY: these requests take their argument by value.
    checked(unsafe { libc::ioctl(fd, request as _, value) }).map(drop)
}
