//! What OUTPUT buffers are filled with: nothing that matters for the double, frames for a device that copies or encodes
//! them, a coded stream for a decoder.

use anyhow::Result;
use program::{Driver, STREAMS};

use crate::encode;

/// Bytes of a frame that differ from frame to frame.
const DIFFERENT: usize = 4096;

/// What a driver is fed with.
pub(crate) enum Feed {
    /// It does not look at its input.
    Nothing,
    /// Pictures.
    Frames,
    /// Streams of different sizes.
    Streams(Vec<Stream>),
}

/// A coded stream: what goes into one OUTPUT buffer after the other. After the last piece it begins again.
pub(crate) struct Stream {
    size: (u32, u32),
    pieces: Vec<Vec<u8>>,
}

/// Where a file is in its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    stream: usize,
    piece: usize,
    /// OUTPUT buffers until the stream changes, and to which.
    change: Option<(u32, usize)>,
}

impl Feed {
    /// What suits a driver. Streams are made by the encoder of the target.
    pub(crate) fn for_driver(driver: Option<Driver>) -> Result<Self> {
        Ok(match driver {
            None | Some(Driver::Double) => Self::Nothing,
            Some(Driver::Vim2m | Driver::VicodecEncoder) => Self::Frames,
            Some(Driver::VicodecDecoder) => {
                let streams = STREAMS.into_iter().map(Stream::make);
                Self::Streams(streams.collect::<Result<_>>()?)
            }
        })
    }

    /// What the next OUTPUT buffer of so many bytes holds, and where the file is afterwards. Of a frame this is only the
    /// part that differs from others.
    pub(crate) fn next(&self, position: Position, length: usize) -> (Vec<u8>, Position) {
        match self {
            Self::Nothing => (Vec::new(), position),
            Self::Frames => {
                let piece = position.piece.wrapping_add(1);
                let bytes = (0..length.min(DIFFERENT))
                    .map(|at| shade(piece, at))
                    .collect();
                (bytes, Position { piece, ..position })
            }
            Self::Streams(streams) => {
                let here = position.turn();
                let pieces = &streams[here.stream].pieces;
                let piece = (here.piece + 1) % pieces.len();
                let bytes = &pieces[here.piece];
                let fitting = &bytes[..bytes.len().min(length)];
                (fitting.to_vec(), Position { piece, ..here })
            }
        }
    }

    /// Makes the stream change at the `frame`-th OUTPUT buffer from now, or not at all for 0; false if there is no stream.
    pub(crate) fn change(&self, position: &mut Position, frame: u32, size: (u32, u32)) -> bool {
        let Self::Streams(streams) = self else {
            return false;
        };
        let named = streams.iter().position(|stream| stream.size == size);
        let next = (position.stream + 1) % streams.len();
        position.change = (frame > 0).then_some((frame, named.unwrap_or(next)));
        true
    }
}

impl Position {
    /// The next buffer begins with a frame that needs no other.
    pub(crate) fn restart(&mut self) {
        self.piece = 0;
    }

    /// Where the next piece comes from.
    fn turn(self) -> Self {
        match self.change {
            Some((0 | 1, stream)) => Self {
                stream,
                ..Self::default()
            },
            Some((frames, stream)) => Self {
                change: Some((frames - 1, stream)),
                ..self
            },
            None => self,
        }
    }
}

impl Stream {
    fn make(size: (u32, u32)) -> Result<Self> {
        Ok(Self::of(size, encode::frames(size)?))
    }

    /// One frame a buffer at first, then two in one buffer, then one in two.
    fn of(size: (u32, u32), frames: [Vec<u8>; encode::FRAMES]) -> Self {
        let [intra, second, third, fourth] = frames;
        let mut half = second.clone();
        let rest = half.split_off(second.len() / 2);
        let both = [third, fourth].concat();
        Self {
            size,
            pieces: vec![intra, second, both, half, rest],
        }
    }
}

/// Stripes that move from frame to frame.
fn shade(frame: usize, at: usize) -> u8 {
    (frame.wrapping_mul(29) + at / 64) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> Feed {
        let stream = |size, mark: u8| {
            let frame = |number| vec![mark + number; 4];
            Stream::of(size, [0, 1, 2, 3].map(frame))
        };
        Feed::Streams(vec![stream(STREAMS[0], 10), stream(STREAMS[1], 20)])
    }

    /// The first bytes of the next pieces.
    fn pieces(feed: &Feed, position: &mut Position, count: usize) -> Vec<(u8, usize)> {
        let mut next = || {
            let (bytes, after) = feed.next(*position, 100);
            *position = after;
            (bytes[0], bytes.len())
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn a_stream_has_two_frames_in_one_buffer_and_one_frame_in_two() {
        let mut position = Position::default();
        let seen = pieces(&streams(), &mut position, 6);
        assert_eq!(seen, [(10, 4), (11, 4), (12, 8), (11, 2), (11, 2), (10, 4)]);
    }

    #[test]
    fn a_change_comes_at_its_buffer_and_begins_with_an_intra_frame() {
        let feed = streams();
        let mut position = Position::default();
        pieces(&feed, &mut position, 1);
        assert!(feed.change(&mut position, 2, STREAMS[1]));
        assert_eq!(pieces(&feed, &mut position, 3), [(11, 4), (20, 4), (21, 4)]);
        // A size that no stream has is the next stream's.
        assert!(feed.change(&mut position, 1, (64, 64)));
        assert_eq!(pieces(&feed, &mut position, 1), [(10, 4)]);
    }

    #[test]
    fn a_change_can_be_called_off() {
        let feed = streams();
        let mut position = Position::default();
        feed.change(&mut position, 1, STREAMS[1]);
        feed.change(&mut position, 0, STREAMS[1]);
        assert_eq!(pieces(&feed, &mut position, 1), [(10, 4)]);
        assert!(!Feed::Frames.change(&mut position, 1, STREAMS[1]));
    }

    #[test]
    fn a_restart_begins_with_an_intra_frame() {
        let feed = streams();
        let mut position = Position::default();
        pieces(&feed, &mut position, 2);
        position.restart();
        assert_eq!(pieces(&feed, &mut position, 1), [(10, 4)]);
    }

    #[test]
    fn a_piece_is_cut_to_the_buffer_and_frames_differ() {
        let position = Position::default();
        assert_eq!(streams().next(position, 3).0.len(), 3);
        let (one, after) = Feed::Frames.next(position, 64);
        let (other, _) = Feed::Frames.next(after, 64);
        assert_eq!((one.len(), one == other), (64, false));
    }
}
