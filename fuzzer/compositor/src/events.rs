//! The event loop's sources: a clock that ticks with every frame of input, the video node, and whatever the compositor waits
//! for.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use uapi::clock::{self, MILLISECOND, timespec};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Input for the next frame is there.
    Tick,
    /// The device has something to give back.
    Video,
    /// What is waited for before this CAPTURE buffer is used is over.
    Ready(usize),
}

const TICK: u64 = u64::MAX;
const VIDEO: u64 = u64::MAX - 1;

/// The sources.
pub(crate) struct Events {
    epoll: Epoll,
    timer: TimerFd,
}

impl Events {
    /// Ticks from now on, first in one period.
    pub(crate) fn start(period: u64) -> Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create")?;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC)
            .context("timerfd_create")?;
        let first = TimeSpec::from(timespec(clock::now() + period));
        let expiration = Expiration::IntervalDelayed(first, timespec(period).into());
        timer
            .set(expiration, TimerSetTimeFlags::TFD_TIMER_ABSTIME)
            .context("timerfd_settime")?;
        epoll
            .add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TICK))
            .context("epoll_ctl")?;
        Ok(Self { epoll, timer })
    }

    /// No more ticks.
    pub(crate) fn stop_clock(&self) -> Result<()> {
        self.timer.unset().context("timerfd_settime")
    }

    /// Listens to the video node, once. A node without a queued buffer is always in error, so nobody listens then.
    pub(crate) fn watch_video(&self, fd: impl AsFd) -> Result<()> {
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLONESHOT;
        let mut event = EpollEvent::new(flags, VIDEO);
        match self.epoll.modify(fd.as_fd(), &mut event) {
            Err(nix::errno::Errno::ENOENT) => self.epoll.add(fd, event),
            result => result,
        }
        .context("epoll_ctl")
    }

    /// Listens to what a buffer waits for.
    pub(crate) fn watch(&self, fd: BorrowedFd<'_>, buffer: usize) -> Result<()> {
        let event = EpollEvent::new(EpollFlags::EPOLLIN, buffer as u64);
        self.epoll.add(fd, event).context("epoll_ctl")
    }

    /// Does so no longer.
    pub(crate) fn forget(&self, fd: BorrowedFd<'_>) -> Result<()> {
        self.epoll.delete(fd).context("epoll_ctl")
    }

    /// Waits for something to happen, until that time at most.
    pub(crate) fn next(&self, until: u64) -> Result<Vec<Event>> {
        let mut entries = [EpollEvent::empty(); 8];
        let left = until.saturating_sub(clock::now()).div_ceil(MILLISECOND);
        let left = EpollTimeout::try_from(left).unwrap_or(EpollTimeout::MAX);
        let count = self.epoll.wait(&mut entries, left).context("epoll_wait")?;
        let events = entries[..count].iter().map(|entry| match entry.data() {
            TICK => Event::Tick,
            VIDEO => Event::Video,
            buffer => Event::Ready(buffer as usize),
        });
        let events: Vec<_> = events.collect();
        if events.contains(&Event::Tick) {
            self.timer.wait().context("timerfd")?;
        }
        Ok(events)
    }
}
