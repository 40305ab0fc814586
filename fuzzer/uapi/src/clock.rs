//! CLOCK_MONOTONIC, sleeping on it, and the alarm that ends an interruptible wait.

use std::cell::OnceCell;
use std::sync::OnceLock;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;

use super::checked;
use super::memory::Mapping;

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: u64 = 1_000_000;

/// A page of the kernel whose first word is the virtual time.
struct Shown {
    page: Mapping,
    /// What CLOCK_MONOTONIC is ahead of it.
    ahead: u64,
}

// SAFETY: the mapping is only read, word by word, and lives as long as the process.
unsafe impl Sync for Shown {}

static SHOWN: OnceLock<Shown> = OnceLock::new();

/// CLOCK_MONOTONIC shows the virtual time in these steps.
const STEP: u64 = 256;

impl Shown {
    fn new(page: Mapping) -> Option<Self> {
        let now = asked();
        let shown = page.word(0);
        // Without virtual time the word stays zero.
        let ahead = now.checked_sub(shown / STEP * STEP).filter(|_| shown > 0)?;
        Some(Self { page, ahead })
    }

    fn now(&self) -> u64 {
        self.page.word(0) / STEP * STEP + self.ahead
    }
}

/// From now on the time is read from a page that shows it, if it does: no system call, and no virtual time, which a call
/// takes. Returns true if it does.
pub fn read_from(page: Mapping) -> bool {
    let Some(shown) = Shown::new(page) else {
        return false;
    };
    SHOWN.set(shown).is_ok()
}

/// True if the page still shows what the kernel tells; without a page it does.
pub fn is_right() -> bool {
    SHOWN.get().is_none_or(|shown| {
        // Asking takes a step, and the page is read after that.
        let asked = asked();
        asked == shown.now()
    })
}

/// The time in nanoseconds.
pub fn now() -> u64 {
    SHOWN.get().map_or_else(asked, Shown::now)
}

fn asked() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec. The call cannot fail for this clock.
    let _ = checked(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) });
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}

/// A duration as the kernel takes it.
pub fn timespec(nanoseconds: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (nanoseconds / SECOND) as libc::time_t,
        tv_nsec: (nanoseconds % SECOND) as libc::c_long,
    }
}

/// Sleeps until the clock shows `time`.
pub fn sleep_until(time: u64) {
    sleep_with(libc::TIMER_ABSTIME, time);
}

/// Sleeps for so many nanoseconds.
pub fn sleep(nanoseconds: u64) {
    sleep_with(0, nanoseconds);
}

fn sleep_with(flags: libc::c_int, nanoseconds: u64) {
    let time = timespec(nanoseconds);
    // SAFETY: `time` is valid, and no remainder is asked for. No signal comes to a thread that sleeps here.
    let _ = checked(unsafe {
        libc::clock_nanosleep(libc::CLOCK_MONOTONIC, flags, &time, std::ptr::null_mut())
    });
}

/// A POSIX timer on CLOCK_MONOTONIC that sends a signal to one thread.
pub struct Timer(libc::timer_t);

// SAFETY: a timer id is a number that belongs to the process, not to a thread.
unsafe impl Send for Timer {}
// SAFETY: as above; timer_settime is thread-safe.
unsafe impl Sync for Timer {}

impl Timer {
    /// Makes a timer that sends `signal` to the thread `tid`.
    pub fn for_thread(tid: libc::pid_t, signal: libc::c_int) -> nix::Result<Self> {
        // SAFETY: sigevent is a C structure for which zero bytes are valid.
        let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal;
        event.sigev_notify_thread_id = tid;
        let mut timer: libc::timer_t = std::ptr::null_mut();
        // SAFETY: both pointers are valid for the call.
        Errno::result(unsafe {
            libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer)
        })?;
        Ok(Self(timer))
    }

    /// What the kernel knows it as. glibc's number is the kernel's, if the timer sends a signal.
    pub(crate) fn id(&self) -> u64 {
        self.0 as u64
    }

    /// Lets it expire once, so many nanoseconds from now.
    pub fn arm(&self, nanoseconds: u64) {
        self.set(nanoseconds.max(1));
    }

    /// Stops it.
    pub fn disarm(&self) {
        self.set(0);
    }

    fn set(&self, nanoseconds: u64) {
        let value = libc::itimerspec {
            it_interval: timespec(0),
            it_value: timespec(nanoseconds),
        };
        // SAFETY: the timer exists as long as the process; the old value is not asked for.
        let _ = checked(unsafe { libc::timer_settime(self.0, 0, &value, std::ptr::null_mut()) });
    }
}

thread_local! {
    static ALARM: OnceCell<Option<Timer>> = const { OnceCell::new() };
}

/// The calling thread's kernel id.
pub fn thread_id() -> libc::pid_t {
    // SAFETY: gettid has no arguments and cannot fail.
    unsafe { libc::gettid() }
}

/// Runs an interruptible wait and ends it with `EINTR` after `limit`.
pub fn interrupted_after<T>(limit: Duration, wait: impl FnOnce() -> T) -> T {
    ALARM.with(|alarm| {
        let timer = alarm.get_or_init(|| Timer::for_thread(thread_id(), libc::SIGALRM).ok());
        if let Some(timer) = timer {
            timer.arm(limit.as_nanos() as u64);
        }
        let result = wait();
        if let Some(timer) = timer {
            timer.disarm();
        }
        result
    })
}

extern "C" fn ignore(_: libc::c_int) {}

/// Makes `SIGALRM` interrupt system calls and do nothing else.
pub fn install_alarm() -> nix::Result<()> {
    // SAFETY: sigaction is a C structure for which zero bytes are valid: no flags (so no SA_RESTART), empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = ignore as *const () as libc::sighandler_t;
    // SAFETY: the handler does nothing, so it is async-signal-safe.
    Errno::result(unsafe { libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut()) })
        .map(drop)
}
