//! What goes into the device: nothing that matters for the double, pictures that change from frame to frame for a device that
//! copies or encodes them, and for a decoder the stream that the encoder made of such pictures.

use std::os::fd::AsRawFd;

use anyhow::{Context, Result, ensure};
use nix::libc;
use program::Driver;
use uapi::clock::SECOND;
use uapi::{file, picture};

use crate::device::{Device, Queue, SIZE};

/// Pictures; then they begin again. The first coded frame needs no other, the others build on the one before.
const PICTURES: u32 = 8;

/// Frames to feed a device with.
pub(crate) struct Input {
    frames: Vec<Vec<u8>>,
}

impl Input {
    /// What suits a driver. A stream is made by the encoder of the target.
    pub(crate) fn of(driver: Driver) -> Result<Self> {
        let pictures = (0..PICTURES).map(|number| picture::squares(SIZE, number));
        let frames = match driver {
            Driver::Double => vec![Vec::new()],
            Driver::Vim2m | Driver::VicodecEncoder => pictures.collect(),
            Driver::VicodecDecoder => encoded(pictures).context("encoding the stream")?,
        };
        Ok(Self { frames })
    }

    /// The input of a frame.
    pub(crate) fn frame(&self, number: u32) -> &[u8] {
        &self.frames[number as usize % self.frames.len()]
    }
}

fn encoded(pictures: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Vec<u8>>> {
    let mut encoder = Device::start(Driver::VicodecEncoder, &[])?;
    let frames = pictures.map(|picture| encode(&mut encoder, &picture));
    frames.collect()
}

fn encode(encoder: &mut Device, picture: &[u8]) -> Result<Vec<u8>> {
    encoder.output[0].memory.store(picture);
    encoder.queue(Queue::Output, 0, picture.len())?;
    encoder.queue(Queue::Capture, 0, 0)?;
    file::poll(encoder.fd().as_raw_fd(), libc::POLLIN, SECOND)?;
    let done = encoder.dequeue(Queue::Capture)?;
    let done = done.context("no frame comes out")?;
    ensure!(!done.error, "the encoder failed");
    encoder
        .dequeue(Queue::Output)?
        .context("no picture comes back")?;
    Ok(encoder.capture[done.index].memory.load(done.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_whole_and_differ_from_their_neighbours() {
        let input = Input::of(Driver::Vim2m).unwrap();
        assert_eq!(input.frame(0).len(), 640 * 368 * 3 / 2);
        for number in 0..2 * PICTURES {
            assert_ne!(input.frame(number), input.frame(number + 1));
        }
        assert!(Input::of(Driver::Double).unwrap().frame(7).is_empty());
    }
}
