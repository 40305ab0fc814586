//! open, close, read, poll and friends on plain descriptor numbers.

use std::ffi::CStr;

use nix::errno::Errno;
use nix::libc;

use super::clock::timespec;
use super::{checked, fault};

/// open(2) with `O_CLOEXEC`.
pub fn open(path: &CStr, flags: libc::c_int) -> nix::Result<i32> {
    // SAFETY: `path` is a valid C string.
    fault::within(|| checked(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC) }))
}

/// dup(2) with `O_CLOEXEC`.
pub fn duplicate(fd: i32) -> nix::Result<i32> {
    // SAFETY: fcntl takes no pointers here.
    fault::within(|| checked(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) }))
}

/// Sets or clears `O_NONBLOCK` of the open file behind a descriptor.
pub fn set_nonblocking(fd: i32, nonblocking: bool) -> nix::Result<()> {
    let flags = libc::O_RDWR | if nonblocking { libc::O_NONBLOCK } else { 0 };
    // SAFETY: fcntl takes no pointers here.
    checked(unsafe { libc::fcntl(fd, libc::F_SETFL, flags) }).map(drop)
}

/// close(2)
pub fn close(fd: i32) -> nix::Result<()> {
    // SAFETY: the number came from a slot, which gives it up here; nothing else owns it.
    checked(unsafe { libc::close(fd) }).map(drop)
}

/// The size of what stands behind a descriptor, by lseek(2), as a dma-buf tells it.
pub fn size(fd: i32) -> nix::Result<u64> {
    // SAFETY: lseek takes no pointers.
    let end = unsafe { libc::lseek(fd, 0, libc::SEEK_END) };
    let size = Errno::result(end)?;
    checked(0)?;
    Ok(size as u64)
}

/// read(2)
pub fn read(fd: i32, buffer: &mut [u8]) -> nix::Result<usize> {
    // SAFETY: the buffer is borrowed mutably for the call and its length is told.
    let count = unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    Errno::result(count).map(|count| count as usize)
}

/// pread(2)
pub fn read_at(fd: i32, buffer: &mut [u8], offset: u64) -> nix::Result<usize> {
    // SAFETY: the buffer is borrowed mutably for the call and its length is told.
    let count = unsafe {
        libc::pread(
            fd,
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            offset as libc::off_t,
        )
    };
    Errno::result(count).map(|count| count as usize)
}

/// write(2) until all is written.
pub fn write_all(fd: i32, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the bytes are borrowed for the call and their length is told.
        let count = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        match Errno::result(count) {
            Ok(0) => return Err(Errno::EPIPE),
            Ok(count) => bytes = &bytes[count as usize..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// poll(2) on one descriptor with a time limit in nanoseconds. A closed slot is `EBADF`, where poll(2) would ignore it.
pub fn poll(fd: i32, events: i16, nanoseconds: u64) -> nix::Result<u16> {
    if fd < 0 {
        return Err(Errno::EBADF);
    }
    let mut entry = [libc::pollfd {
        fd,
        events,
        revents: 0,
    }];
    poll_all(&mut entry, nanoseconds)?;
    Ok(entry[0].revents as u16)
}

/// poll(2) on many descriptors.
pub fn poll_all(entries: &mut [libc::pollfd], nanoseconds: u64) -> nix::Result<()> {
    let limit = timespec(nanoseconds);
    // SAFETY: the entries are borrowed mutably and counted; the signal mask stays as it is.
    checked(unsafe {
        libc::ppoll(
            entries.as_mut_ptr(),
            entries.len() as libc::nfds_t,
            &limit,
            std::ptr::null(),
        )
    })
    .map(drop)
}
