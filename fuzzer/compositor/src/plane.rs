//! What is in a CAPTURE plane: poison, part of a frame, or the frame.

use std::os::fd::AsRawFd;

use trace::Content;
use uapi::clock;
use uapi::content;
use uapi::dma_buf::{self, CpuSync};

use crate::device::Plane;

/// Stands in a plane before the device gets it: no frame looks like this.
const POISON: u64 = 0xdead_f00d_5a5a_0ff1;

/// Fills the plane, so that what was in it before cannot be taken for the next frame.
pub(crate) fn poison(plane: &mut Plane) {
    for index in 0..plane.memory.words() {
        plane.memory.set_word(index, POISON);
    }
}

/// What a reader found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    /// When it began to read.
    pub(crate) time: u64,
    content: Content,
}

impl Sight {
    /// Reads the whole plane.
    pub(crate) fn of(plane: &Plane) -> Self {
        Self {
            time: clock::now(),
            content: content::look(&plane.memory, 0),
        }
    }

    /// The same as a reader does it who keeps the rules: between the two DMA_BUF_IOCTL_SYNC. The first of them waits for
    /// pending fences itself, so it is not for somebody who does not want to wait.
    pub(crate) fn of_synced(plane: &Plane) -> nix::Result<Self> {
        sync(plane, dma_buf::SYNC_READ)?;
        let sight = Self::of(plane);
        sync(plane, dma_buf::SYNC_READ | dma_buf::SYNC_END)?;
        Ok(sight)
    }

    /// True if both readers found the same.
    pub(crate) fn agrees(&self, other: &Sight) -> bool {
        self.content.hash == other.content.hash
    }

    /// True if this is the double's whole frame with that number; the double's first job is number 1.
    pub(crate) fn is_whole(&self, frame: u32) -> bool {
        let Content {
            stamp,
            good_words,
            words,
            ..
        } = self.content;
        stamp.is_some_and(|stamp| stamp.job == u64::from(frame) + 1)
            && words > 0
            && good_words == words
    }

    /// When the double made its last store.
    pub(crate) fn last_write(&self) -> Option<u64> {
        self.content
            .stamp
            .and_then(|stamp| u64::try_from(stamp.time).ok())
    }
}

fn sync(plane: &Plane, flags: u32) -> nix::Result<()> {
    let Some(dmabuf) = &plane.dmabuf else {
        return Ok(());
    };
    let mut argument = CpuSync {
        flags: flags.into(),
    };
    dma_buf::SYNC
        .call(dmabuf.as_raw_fd(), &mut argument)
        .map(drop)
}
