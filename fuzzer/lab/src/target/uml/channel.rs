//! The host's end of the byte stream to the agent.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use serde::{Serialize, de::DeserializeOwned};

/// No message is longer; a length beyond is garbage, not a request for memory.
const LONGEST: usize = 64 << 20;

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
    buffer: Vec<u8>,
}

impl Channel {
    /// A channel, and the descriptor for the other side.
    pub fn pair() -> io::Result<(Channel, UnixStream)> {
        let (stream, other) = UnixStream::pair()?;
        Ok((
            Channel {
                stream,
                buffer: Vec::new(),
            },
            other,
        ))
    }

    /// Sends a message.
    pub fn send<T: Serialize>(&mut self, message: &T) -> Result<(), Failed> {
        self.buffer.clear();
        self.buffer.extend([0; 4]);
        let buffer = postcard::to_extend(message, std::mem::take(&mut self.buffer));
        self.buffer = buffer.map_err(|error| Failed::Protocol(error.to_string()))?;
        let length = u32::try_from(self.buffer.len() - 4)
            .map_err(|error| Failed::Protocol(error.to_string()))?;
        self.buffer[..4].copy_from_slice(&length.to_le_bytes());
        self.stream
            .write_all(&self.buffer)
            .map_err(|_| Failed::Closed)
    }

    /// Waits for a message, at most so long.
    pub fn receive<T: DeserializeOwned>(&mut self, limit: Duration) -> Result<T, Failed> {
        let deadline = Instant::now() + limit;
        let mut length = [0; 4];
        self.fill(&mut length, deadline)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST {
            return Err(Failed::Protocol(format!("a message of {length} bytes")));
        }
        let mut message = std::mem::take(&mut self.buffer);
        message.resize(length, 0);
        let filled = self.fill(&mut message, deadline);
        self.buffer = message;
        filled?;
        postcard::from_bytes(&self.buffer).map_err(|error| Failed::Protocol(error.to_string()))
    }

    fn fill(&mut self, mut rest: &mut [u8], deadline: Instant) -> Result<(), Failed> {
        while !rest.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failed::Late);
            }
            self.stream
                .set_read_timeout(Some(left))
                .map_err(|_| Failed::Closed)?;
            match self.stream.read(rest) {
                Ok(0) => return Err(Failed::Closed),
                Ok(count) => rest = &mut rest[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(Failed::Late);
                }
                Err(_) => return Err(Failed::Closed),
            }
        }
        Ok(())
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
        let mut agent = Channel {
            stream: other,
            buffer: Vec::new(),
        };
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
        agent.write_all(&[9, 0, 0, 0, 1]).unwrap();
        drop(agent);
        assert_eq!(host.receive::<Hello>(SOON), Err(Failed::Closed));
        assert_eq!(host.send(&1_u32), Err(Failed::Closed));
    }
}
