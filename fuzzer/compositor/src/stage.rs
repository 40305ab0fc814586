//! The compositor's side: what it is handed over, waits for, and uses.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use anyhow::{Context, Result};
use compositor::{HandOver, Options, Wait};
use nix::libc;
use uapi::clock::{self, SECOND};
use uapi::dma_buf::{self, SyncFile};
use uapi::file;

use crate::device::Plane;
use crate::events::Events;
use crate::plane::Sight;
use crate::tally::Tally;

/// A wait that takes longer never ends.
const PATIENCE: u64 = 5 * SECOND;

/// A buffer in the compositor's hands.
pub(crate) struct Handed {
    since: u64,
    wait: Waiting,
}

/// What it waits for.
enum Waiting {
    /// A sync_file of its own.
    Fence(OwnedFd),
    /// The buffer's dma-buf, which the producer owns.
    Dmabuf,
}

/// What became of a hand-over at once.
pub(crate) enum Received {
    /// The compositor has to wait.
    Waits(Handed),
    /// It used the frame.
    Used(Sight),
    /// There was no fence although one is what the hand-over rests on.
    WithoutFence,
}

impl Handed {
    /// When the wait is given up.
    pub(crate) fn deadline(&self) -> u64 {
        self.since + PATIENCE
    }

    /// Stops waiting.
    pub(crate) fn end(&self, plane: &Plane, events: &Events) -> Result<()> {
        events.forget(self.descriptor(plane)?)
    }

    /// Uses the frame after the wait.
    pub(crate) fn used(&self, plane: &Plane, tally: &mut Tally) -> Result<Sight> {
        let sight = Sight::of_synced(plane).context("DMA_BUF_IOCTL_SYNC")?;
        tally.after_hand_over.push(sight.time - self.since);
        Ok(sight)
    }

    fn descriptor<'a>(&'a self, plane: &'a Plane) -> Result<BorrowedFd<'a>> {
        match &self.wait {
            Waiting::Fence(fence) => Ok(fence.as_fd()),
            Waiting::Dmabuf => Ok(dmabuf(plane)?.as_fd()),
        }
    }
}

/// The producer hands a buffer over.
pub(crate) fn receive(
    options: &Options,
    plane: &Plane,
    buffer: usize,
    events: &Events,
    tally: &mut Tally,
) -> Result<Received> {
    let since = clock::now();
    let wait = match options.wait {
        Wait::None => {
            // DMA_BUF_IOCTL_SYNC would wait.
            let sight = Sight::of(plane);
            tally.after_hand_over.push(sight.time - since);
            return Ok(Received::Used(sight));
        }
        Wait::Fence => Waiting::Fence(export_fence(plane)?),
        Wait::Poll => Waiting::Dmabuf,
    };
    let handed = Handed { since, wait };
    tally.waits += 1;
    if !is_ready(handed.descriptor(plane)?)? {
        tally.pending += 1;
        events.watch(handed.descriptor(plane)?, buffer)?;
        return Ok(Received::Waits(handed));
    }
    tally.stub += 1;
    if options.hand_over == HandOver::Qbuf {
        tally.without_fence += 1;
        return Ok(Received::WithoutFence);
    }
    Ok(Received::Used(handed.used(plane, tally)?))
}

fn dmabuf(plane: &Plane) -> Result<&OwnedFd> {
    plane.dmabuf.as_ref().context("a plane without a dma-buf")
}

/// What the last writer of the plane leaves to wait for.
fn export_fence(plane: &Plane) -> Result<OwnedFd> {
    let mut argument = SyncFile {
        flags: dma_buf::SYNC_READ,
        fd: -1,
    };
    dma_buf::EXPORT_SYNC_FILE
        .call(dmabuf(plane)?.as_raw_fd(), &mut argument)
        .context("DMA_BUF_IOCTL_EXPORT_SYNC_FILE")?;
    // SAFETY: the descriptor is fresh and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(argument.fd) })
}

fn is_ready(fd: BorrowedFd<'_>) -> Result<bool> {
    let ready = file::poll(fd.as_raw_fd(), libc::POLLIN, 0).context("poll")?;
    Ok(ready & libc::POLLIN as u16 != 0)
}
