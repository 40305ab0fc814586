//! From where the time of a call is taken.

use std::arch::x86_64::{_mm_lfence, _rdtsc};

use anyhow::{Context, Result};

use crate::sys::call_timer::CallTimer;
use crate::sys::{Ioctl, Plain};

/// From where.
pub(crate) enum Way {
    /// Before and after the system call, as the program sees it.
    Outside,
    /// In the kernel, where the way in and the way out do not count.
    Inside(CallTimer),
}

impl Way {
    /// The way through the kernel module.
    pub(crate) fn inside() -> Result<Self> {
        let timer = CallTimer::open().context("/dev/call_timer: load the module call_timer")?;
        Ok(Self::Inside(timer))
    }

    /// Makes a call that must succeed, and tells how many ticks it took.
    pub(crate) fn call<T: Plain>(
        &self,
        ioctl: &Ioctl<T>,
        fd: i32,
        argument: &mut T,
    ) -> nix::Result<u64> {
        match self {
            Self::Inside(timer) => timer.time(ioctl, fd, argument),
            Self::Outside => {
                let begin = ticks();
                let result = ioctl.call(fd, argument);
                let end = ticks();
                result.map(|_| end - begin)
            }
        }
    }
}

/// The time stamp counter, after everything before it is done.
pub(crate) fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has both instructions, and Linux forbids neither.
    unsafe {
        _mm_lfence();
        _rdtsc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::dma_buf::EXPORT_SYNC_FILE;

    #[test]
    fn a_call_that_fails_is_no_sample() {
        let mut argument = Plain::zeroed();
        let called = Way::Outside.call(&EXPORT_SYNC_FILE, -1, &mut argument);
        assert!(called.is_err());
    }
}
