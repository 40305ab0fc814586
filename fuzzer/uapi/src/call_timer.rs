//! `module/include/call_timer.h`: how long an ioctl takes in the kernel.

use nix::libc;

use super::{Ioctl, Plain, file, ioctls, plain};

/// `struct call_timer_run`
#[repr(C)]
pub struct Run {
    fd: i32,
    request: u32,
    argument: u64,
    ticks: u64,
}

plain! {
    Run = 24;
}

ioctls! { 0xb2;
    /// `CALL_TIMER_RUN`
    RUN = request_code_readwrite(0, Run);
}

/// The open device; closed on drop.
pub struct CallTimer(i32);

impl CallTimer {
    /// Opens it.
    pub fn open() -> nix::Result<Self> {
        file::open(c"/dev/call_timer", libc::O_RDWR).map(Self)
    }

    /// Calls an ioctl, which must succeed, and tells what it took in the kernel, in ticks of the time stamp counter.
    pub fn time<T: Plain>(&self, ioctl: &Ioctl<T>, fd: i32, argument: &mut T) -> nix::Result<u64> {
        let mut run = Run {
            fd,
            request: ioctl.request as u32,
            // The kernel reads and writes a `T` there, as in `Ioctl::call`.
            argument: argument as *mut T as u64,
            ticks: 0,
        };
        RUN.call(self.0, &mut run)?;
        Ok(run.ticks)
    }
}

impl Drop for CallTimer {
    fn drop(&mut self) {
        // Nothing can be done about a failure.
        let _ = file::close(self.0);
    }
}
