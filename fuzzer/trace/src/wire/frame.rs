//! Frames of the wire form over byte buffers. Whoever owns the descriptor does the reading and writing.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Longest message, in bytes. A trace of [`program::MAX_OPS`] operations with full coverage stays far below; a length above
/// it means that the two sides have lost each other.
pub const MAX_FRAME: usize = 64 << 20;

const HEADER: usize = size_of::<u32>();

/// Why bytes are not a message.
#[derive(Debug, Error)]
pub enum WireError {
    /// The message is longer than [`MAX_FRAME`].
    #[error(
        "message of {length} bytes, at most {MAX_FRAME} are allowed: the peer speaks another protocol"
    )]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// The payload is not of the expected type.
    #[error("message cannot be read, host and agent were built from different sources: {0}")]
    Malformed(#[from] postcard::Error),
    /// The payload is longer than the message in it.
    #[error("{extra} bytes follow the message, host and agent were built from different sources")]
    Trailing {
        /// Bytes left over.
        extra: usize,
    },
}

/// The message as one frame: length, then payload.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, WireError> {
    let mut frame = postcard::to_extend(message, vec![0; HEADER])?;
    let length = frame.len() - HEADER;
    if length > MAX_FRAME {
        return Err(WireError::TooLong { length });
    }
    frame[..HEADER].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(frame)
}

/// The message in a frame's payload (the bytes after the length).
pub fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, WireError> {
    let (message, rest) = postcard::take_from_bytes(payload)?;
    match rest.len() {
        0 => Ok(message),
        extra => Err(WireError::Trailing { extra }),
    }
}

/// Takes bytes as they arrive and gives messages as they become complete.
#[derive(Debug, Default)]
pub struct FrameReader {
    bytes: Vec<u8>,
    /// Bytes before this were given out already; they are dropped at the next [`FrameReader::push`].
    taken: usize,
}

impl FrameReader {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was read from the peer.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next complete message, or `None` if more bytes are needed. After an error the stream cannot be used further.
    pub fn next_message<T: DeserializeOwned>(&mut self) -> Result<Option<T>, WireError> {
        let Some(end) = self.frame_end()? else {
            return Ok(None);
        };
        let message = decode(&self.bytes[self.taken + HEADER..end])?;
        self.taken = end;
        Ok(Some(message))
    }

    /// Bytes taken in that belong to no message given out yet. At the end of a stream they tell that it was cut.
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.taken
    }

    fn frame_end(&self) -> Result<Option<usize>, WireError> {
        let unread = &self.bytes[self.taken..];
        let Some(header) = unread.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*header) as usize;
        if length > MAX_FRAME {
            return Err(WireError::TooLong { length });
        }
        Ok((unread.len() >= HEADER + length).then_some(self.taken + HEADER + length))
    }
}
