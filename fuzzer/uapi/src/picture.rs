//! Pictures to feed encoders with: their frames tell one from another, and coding them is cheap.

/// Side of the squares: large ones take few bytes when they are coded.
const SQUARE: u32 = 64;

/// Squares that change their grey from picture to picture, as YUV 4:2:0. The eighth is followed by the first again.
pub fn squares((width, height): (u32, u32), number: u32) -> Vec<u8> {
    let luma = (0..height).flat_map(|y| {
        (0..width).map(move |x| (64 + 16 * ((x / SQUARE + y / SQUARE + number) % 8)) as u8)
    });
    let chroma = std::iter::repeat_n(128, (width * height / 2) as usize);
    luma.chain(chroma).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_whole_and_differ() {
        let size = (640, 368);
        assert_eq!(squares(size, 0).len(), 640 * 368 * 3 / 2);
        assert_ne!(squares(size, 0), squares(size, 1));
    }
}
