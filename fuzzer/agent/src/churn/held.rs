//! Descriptors that outlive the process that made them.

use anyhow::{Result, ensure};
use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;
use program::Choose;

use crate::sys::clock::SECOND;
use crate::sys::memory::Mapping;
use crate::sys::{file, sync_file};

/// What a descriptor is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Video,
    Dmabuf,
    Sync,
}

/// A descriptor that is closed when it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) kind: Kind,
    fd: i32,
}

impl Held {
    /// Takes over a descriptor.
    pub(super) fn own(kind: Kind, fd: i32) -> Self {
        Self { kind, fd }
    }

    /// The descriptor's number.
    pub(super) fn fd(&self) -> i32 {
        self.fd
    }

    /// Gets a copy of another process's descriptor.
    pub(super) fn take(pid: Pid, kind: Kind, fd: i32) -> Result<Self> {
        // SAFETY: no pointers are passed.
        let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
        let pidfd = Errno::result(pidfd)? as i32;
        // SAFETY: no pointers are passed.
        let taken = unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd, fd, 0) };
        let taken = Errno::result(taken);
        file::close(pidfd)?;
        Ok(Self::own(kind, taken? as i32))
    }

    /// Asks it for what it must answer when its job is over and the driver gone.
    pub(super) fn answers(&self) -> Result<()> {
        match self.kind {
            Kind::Video => {}
            Kind::Sync => {
                let ready = file::poll(self.fd, libc::POLLIN, SECOND)?;
                let status = sync_file::info(self.fd)?.status;
                ensure!(
                    ready == libc::POLLIN as u16 && status != 0,
                    "a sync_file without a driver: poll {ready:#x}, status {status}"
                );
            }
            Kind::Dmabuf => {
                let both = libc::POLLIN | libc::POLLOUT;
                let ready = file::poll(self.fd, both, SECOND)?;
                ensure!(
                    ready == both as u16,
                    "a dma-buf without a driver: poll {ready:#x}"
                );
                // Its memory is there, and it is whose it was: KASAN would tell.
                let memory = Mapping::new(self.fd, file::size(self.fd)? as usize, false)?;
                let _ = memory.word(0) ^ memory.word(memory.words() - 1);
            }
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A descriptor that cannot be closed is missed when descriptors are counted.
        let _ = file::close(self.fd);
    }
}

/// Brings things into an order of no account.
pub(super) fn shuffle<T>(choose: &mut dyn Choose, things: &mut [T]) {
    for last in (1..things.len()).rev() {
        things.swap(last, choose.below(last + 1));
    }
}
