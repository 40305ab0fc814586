//! `/proc/thread-self/fail-nth`: the n-th allocation that a thread makes inside the kernel fails.

use std::cell::Cell;
use std::fs;

use nix::errno::Errno;
use nix::libc;

use crate::file;

/// How failslab is set up: allocations that may sleep fail as well, and none of it is logged.
const SET_UP: [(&str, &str); 2] = [
    ("/sys/kernel/debug/failslab/ignore-gfp-wait", "N"),
    ("/sys/kernel/debug/failslab/verbose", "0"),
];

thread_local! {
    /// Allocations until one fails, counted over the system calls that follow; 0 for none.
    static LEFT: Cell<u32> = const { Cell::new(0) };
    /// The thread's own file; the kernel lets nobody else write it.
    static FILE: Cell<i32> = const { Cell::new(-1) };
}

/// Has the n-th allocation of this thread's next system calls fail.
pub fn arm(nth: u32) -> nix::Result<()> {
    if FILE.get() < 0 {
        for (path, value) in SET_UP {
            fs::write(path, value).map_err(|_| Errno::ENOENT)?;
        }
        FILE.set(file::open(c"/proc/thread-self/fail-nth", libc::O_RDWR)?);
    }
    LEFT.set(nth);
    Ok(())
}

/// Has none fail any more; true if one has.
pub fn disarm() -> bool {
    LEFT.replace(0) == 0
}

/// Makes one system call, in which an allocation fails if that was asked for.
pub(crate) fn within<T>(call: impl FnOnce() -> T) -> T {
    let left = LEFT.get();
    if left == 0 {
        return call();
    }
    write(left);
    let result = call();
    LEFT.set(read());
    write(0);
    result
}

fn write(nth: u32) {
    let text = nth.to_string();
    // SAFETY: the bytes are borrowed for the call and their length is told.
    unsafe { libc::pwrite(FILE.get(), text.as_ptr().cast(), text.len(), 0) };
}

fn read() -> u32 {
    let mut text = [0u8; 16];
    // SAFETY: the buffer is borrowed mutably for the call and its length is told.
    let length = unsafe { libc::pread(FILE.get(), text.as_mut_ptr().cast(), text.len(), 0) };
    let digits = &text[..usize::try_from(length).unwrap_or(0)];
    std::str::from_utf8(digits).map_or(0, |text| text.trim().parse().unwrap_or(0))
}
