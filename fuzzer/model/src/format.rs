//! Formats of frames: sizes in pixels, and the bytes of each memory.
//!
//! Driver sources: the double's `formats.rs` and `pixels.rs`

use program::Pixels;

/// Most memories of a frame.
pub(crate) const MAX_PLANES: usize = 3;

/// The memories of a pixel format: bytes of four pixels, each.
pub(crate) type Shares = &'static [u32];

const GREY: Shares = &[4];
const NV12: Shares = &[6];
const NM12: Shares = &[4, 2];
const YM12: Shares = &[4, 1, 1];

/// What a coded frame has room for: one byte a pixel.
pub(crate) const CODED: Shares = &[4];

/// The memories of the raw format that the double makes of what it is asked for; only a multi-planar queue has several.
pub(crate) fn raw(pixels: Pixels, multi: bool) -> Shares {
    match pixels {
        Pixels::Nv12 => NV12,
        Pixels::Nm12 if multi => NM12,
        Pixels::Ym12 if multi => YM12,
        _ => GREY,
    }
}

/// The format of one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    width: u32,
    height: u32,
    /// None for a driver whose sizes the model only learns.
    shares: Option<Shares>,
    bytes: [u32; MAX_PLANES],
}

impl Format {
    /// The format that the double makes of a size: `Size::new()` in its `formats.rs`.
    pub(crate) fn of(shares: Shares, (width, height): (u32, u32)) -> Self {
        let fit = |side: u32| side.clamp(16, 4096).next_multiple_of(8);
        let (width, height) = (fit(width), fit(height));
        let mut bytes = [0; MAX_PLANES];
        for (bytes, share) in bytes.iter_mut().zip(shares) {
            *bytes = width * height / 4 * share;
        }
        Self {
            width,
            height,
            shares: Some(shares),
            bytes,
        }
    }

    /// What a driver told of a format of its own, of one memory.
    pub(crate) fn told_by_driver((width, height, size): (u32, u32, u32)) -> Self {
        Self {
            width,
            height,
            shares: None,
            bytes: [size, 0, 0],
        }
    }

    /// The same pixels in another size.
    pub(crate) fn resized(self, size: (u32, u32)) -> Self {
        self.shares.map_or(self, |shares| Self::of(shares, size))
    }

    /// Width and height.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// What G_FMT tells; of several memories the size of the first.
    pub(crate) fn told(&self) -> (u32, u32, u32) {
        (self.width, self.height, self.bytes[0])
    }

    /// Bytes of each memory.
    pub(crate) fn bytes(&self) -> &[u32] {
        &self.bytes[..self.shares.map_or(1, <[u32]>::len)]
    }

    /// Bytes of all memories.
    pub(crate) fn sum(&self) -> u32 {
        self.bytes.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_has_as_many_memories_as_its_queue_can_have() {
        let bytes = |pixels, multi| Format::of(raw(pixels, multi), (33, 16)).bytes().to_vec();
        assert_eq!(bytes(Pixels::Ym12, true), [640, 160, 160]);
        assert_eq!(bytes(Pixels::Ym12, false), [640]);
        assert_eq!(bytes(Pixels::Nv12, false), [960]);
        assert_eq!(Format::of(NM12, (1, 9999)).told(), (16, 4096, 65536));
    }
}
