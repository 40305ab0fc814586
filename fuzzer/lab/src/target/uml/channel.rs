//! The host's end of the byte stream to the agent.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use serde::{Serialize, de::DeserializeOwned};
use trace::wire::{self, FrameReader};

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// The other side closed the stream.
    #[error("the channel was closed")]
    Closed,
    /// It did not answer in time.
    #[error("no answer within the wall-clock limit")]
    Late,
    /// It answered something that is no message.
    #[error("{0}")]
    Protocol(String),
}

/// Messages over a stream socket.
#[derive(Debug)]
pub struct Channel {
    stream: UnixStream,
    reader: FrameReader,
    /// What one call reads goes here.
    chunk: Box<[u8]>,
}

/// Bytes read in one call; most answers are shorter.
const CHUNK: usize = 64 << 10;

impl Channel {
    /// A channel, and the descriptor for the other side.
    pub fn pair() -> io::Result<(Channel, UnixStream)> {
        let (stream, other) = UnixStream::pair()?;
        Ok((Channel::over(stream), other))
    }

    fn over(stream: UnixStream) -> Channel {
        Channel {
            stream,
            reader: FrameReader::new(),
            chunk: vec![0; CHUNK].into(),
        }
    }

    /// Sends a message.
    pub fn send<T: Serialize>(&mut self, message: &T) -> Result<(), Failed> {
        let frame = wire::encode(message).map_err(|error| Failed::Protocol(error.to_string()))?;
        self.stream.write_all(&frame).map_err(|_| Failed::Closed)
    }

    /// Waits for a message, at most so long.
    pub fn receive<T: DeserializeOwned>(&mut self, limit: Duration) -> Result<T, Failed> {
        let deadline = Instant::now() + limit;
        loop {
            match self.reader.next_message() {
                Ok(Some(message)) => return Ok(message),
                Ok(None) => self.read(deadline)?,
                Err(error) => return Err(Failed::Protocol(error.to_string())),
            }
        }
    }

    /// Reads what is there; waits for something until the deadline.
    fn read(&mut self, deadline: Instant) -> Result<(), Failed> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failed::Late);
        }
        self.stream
            .set_read_timeout(Some(left))
            .map_err(|_| Failed::Closed)?;
        match self.stream.read(&mut self.chunk) {
            Ok(0) => Err(Failed::Closed),
            Ok(count) => {
                self.reader.push(&self.chunk[..count]);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Failed::Late),
            Err(_) => Err(Failed::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use trace::wire::{Hello, VERSION};

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    #[test]
    fn messages_pass_whole() {
        let (mut host, other) = Channel::pair().unwrap();
        let mut agent = Channel::over(other);
        let hello = Hello {
            version: VERSION,
            kernel: "7.3.4".into(),
            features: vec!["kcov".into()],
        };
        agent.send(&hello).unwrap();
        agent.send(&hello).unwrap();
        assert_eq!(host.receive::<Hello>(SOON), Ok(hello.clone()));
        assert_eq!(host.receive::<Hello>(SOON), Ok(hello));
    }

    #[test]
    fn silence_death_and_garbage_are_told_apart() {
        let (mut host, mut agent) = Channel::pair().unwrap();
        assert_eq!(host.receive::<Hello>(SOON), Err(Failed::Late));
        agent.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert!(matches!(
            host.receive::<Hello>(SOON),
            Err(Failed::Protocol(_))
        ));
        // What follows garbage means nothing: nobody goes on with that channel.
        let (mut host, mut agent) = Channel::pair().unwrap();
        agent.write_all(&[9, 0, 0, 0, 1]).unwrap();
        drop(agent);
        assert_eq!(host.receive::<Hello>(SOON), Err(Failed::Closed));
        assert_eq!(host.send(&1_u32), Err(Failed::Closed));
    }
}
