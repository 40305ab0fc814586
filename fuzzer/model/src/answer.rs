//! What the model says that a call must answer, and whether it did.

use std::fmt;

use trace::Out;

use crate::errno;

/// `V4L2_BUF_FLAG_MAPPED`
pub(crate) const MAPPED: u32 = 0x1;
/// `V4L2_BUF_FLAG_QUEUED`
pub(crate) const QUEUED: u32 = 0x2;
/// `V4L2_BUF_FLAG_DONE`
pub(crate) const DONE: u32 = 0x4;
/// `V4L2_BUF_FLAG_ERROR`
pub(crate) const ERROR: u32 = 0x40;
/// `V4L2_BUF_FLAG_IN_REQUEST`
pub(crate) const IN_REQUEST: u32 = 0x80;
/// `V4L2_BUF_FLAG_PREPARED`
pub(crate) const PREPARED: u32 = 0x400;
/// `V4L2_BUF_FLAG_TIMESTAMP_COPY`
pub(crate) const TIMESTAMP_COPY: u32 = 0x4000;
/// `V4L2_BUF_FLAG_TIMESTAMP_MASK`
const TIMESTAMP_MASK: u32 = 0xe000;
/// `V4L2_BUF_FLAG_LAST`
pub(crate) const LAST: u32 = 0x0010_0000;
/// `V4L2_BUF_FLAG_REQUEST_FD`
pub(crate) const REQUEST_FD: u32 = 0x0080_0000;

/// The flags that videobuf2 sets by itself in any case.
const ALWAYS: u32 = QUEUED | DONE | ERROR | IN_REQUEST | PREPARED | TIMESTAMP_MASK | REQUEST_FD;

const NAMES: [(u32, &str); 8] = [
    (MAPPED, "MAPPED"),
    (QUEUED, "QUEUED"),
    (DONE, "DONE"),
    (ERROR, "ERROR"),
    (IN_REQUEST, "IN_REQUEST"),
    (PREPARED, "PREPARED"),
    (LAST, "LAST"),
    (REQUEST_FD, "REQUEST_FD"),
];

/// Flags of `struct v4l2_buffer`, as far as the model knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) value: u32,
    /// The bits that are known.
    known: u32,
}

impl Flags {
    /// What the state of a buffer says; whether it is mapped or the last one is not known yet.
    pub(crate) fn new(value: u32) -> Self {
        Self {
            value,
            known: ALWAYS,
        }
    }

    /// Sets or clears a flag, if it is known whether it is set.
    pub(crate) fn with(mut self, flag: u32, set: Option<bool>) -> Self {
        if let Some(set) = set {
            self.known |= flag;
            self.value = if set {
                self.value | flag
            } else {
                self.value & !flag
            };
        }
        self
    }

    /// Forgets in which state the buffer is.
    pub(crate) fn without_state(mut self) -> Self {
        self.known &= !(QUEUED | DONE | ERROR | LAST);
        self
    }

    /// Forgets who holds the buffer's memory.
    fn without_holds(mut self) -> Self {
        self.known &= !MAPPED;
        self.value &= !MAPPED;
        self
    }

    fn agree(self, seen: u32) -> bool {
        (self.value ^ seen) & self.known == 0
    }
}

/// What a buffer must look like. What is `None` is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) index: u32,
    pub(crate) flags: Flags,
    pub(crate) bytesused: Option<u32>,
    pub(crate) length: Option<u32>,
    pub(crate) sequence: Option<u32>,
}

/// What a call that succeeds must tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing but success.
    Done,
    /// A format; the numbers if they are known.
    Format(Option<(u32, u32, u32)>),
    Buffers {
        index: u32,
        count: u32,
    },
    Buffer(Look),
    /// The size of a dma-buf, if it is known.
    Exported(Option<u64>),
    /// The state of a sync_file.
    Sync,
    /// The state of a sync_file, or that it is still pending.
    SyncOrNothing,
    /// Some of these events of poll(2).
    SomeOf(u16),
    /// Just these events of poll(2).
    Polled(u16),
    Content,
    /// `v4l2_event`: type, changes, sequence.
    Event(u32, u32, u32),
    /// The value of a control, if it is known.
    Value(Option<i32>),
    /// `v4l2_query_ext_ctrl`: type; minimum, maximum and default.
    Control(u32, [i64; 3]),
}

/// What a call must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Ok(Told),
    Err(i32),
    /// The model does not know.
    Unknown,
}

/// An answer, and why the kernel gives it: the function that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guess {
    pub(crate) answer: Answer,
    pub(crate) why: &'static str,
}

/// The call succeeds.
pub(crate) fn ok(told: Told, why: &'static str) -> Guess {
    Guess {
        answer: Answer::Ok(told),
        why,
    }
}

/// It fails.
pub(crate) fn fails(errno: i32, why: &'static str) -> Guess {
    Guess {
        answer: Answer::Err(errno),
        why,
    }
}

/// The model does not know.
pub(crate) fn unknown(why: &'static str) -> Guess {
    Guess {
        answer: Answer::Unknown,
        why,
    }
}

impl Guess {
    pub(crate) fn is_unknown(&self) -> bool {
        self.answer == Answer::Unknown
    }

    /// The same, where it is not known who holds memory.
    pub(crate) fn without_holds(mut self) -> Self {
        if let Answer::Ok(Told::Buffer(look)) = &mut self.answer {
            look.flags = look.flags.without_holds();
        }
        self
    }

    /// Whether the kernel answered so.
    pub(crate) fn agrees(&self, seen: &Result<Out, i32>) -> bool {
        match (&self.answer, seen) {
            (Answer::Unknown, _) => true,
            (Answer::Err(expected), Err(seen)) => expected == seen,
            (Answer::Ok(told), Ok(out)) => told.agrees(out),
            _ => false,
        }
    }
}

fn same<T: PartialEq>(expected: Option<T>, seen: T) -> bool {
    expected.is_none_or(|expected| expected == seen)
}

impl Told {
    fn agrees(self, out: &Out) -> bool {
        match (self, out) {
            (Self::Done, Out::Done) | (Self::Content, Out::Content(_)) => true,
            (
                Self::Format(expected),
                &Out::Format {
                    width,
                    height,
                    sizeimage,
                },
            ) => same(expected, (width, height, sizeimage)),
            (Self::Buffers { index, count }, out) => *out == Out::Buffers { index, count },
            (Self::Buffer(look), out) => look.agrees(out),
            (Self::Exported(expected), Out::Exported { size }) => same(expected, *size),
            (Self::Sync | Self::SyncOrNothing, Out::Sync(_)) => true,
            (Self::SyncOrNothing, Out::Polled { revents }) => *revents == 0,
            (Self::Polled(expected), Out::Polled { revents }) => expected == *revents,
            (Self::SomeOf(mask), Out::Polled { revents }) => revents & !mask == 0,
            (
                Self::Event(kind, changes, sequence),
                &Out::Event {
                    kind: seen,
                    changes: told,
                    sequence: number,
                },
            ) => (kind, changes, sequence) == (seen, told, number),
            (Self::Value(expected), Out::Value { value }) => same(expected, *value),
            (Self::Control(..), out) => told(out) == self,
            _ => false,
        }
    }
}

impl Look {
    fn agrees(&self, out: &Out) -> bool {
        let Out::Buffer {
            index,
            flags,
            bytesused,
            length,
            sequence,
        } = *out
        else {
            return false;
        };
        self.index == index
            && self.flags.agree(flags)
            && same(self.bytesused, bytesused)
            && same(self.length, length)
            && same(self.sequence, sequence)
    }
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.answer {
            Answer::Unknown => write!(f, "anything"),
            Answer::Err(errno) => write!(f, "{}", errno::name(errno)),
            Answer::Ok(told) => told.fmt(f),
        }?;
        write!(f, ", because {}", self.why)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Done | Self::Format(None) | Self::Exported(None) => f.write_str("success"),
            Self::Format(Some((width, height, size))) => {
                write!(f, "{width}x{height} in {size} bytes")
            }
            Self::Buffers { index, count } => write!(f, "{count} buffers from index {index}"),
            Self::Buffer(look) => look.fmt(f),
            Self::Exported(Some(size)) => write!(f, "a dma-buf of {size} bytes"),
            Self::Sync => f.write_str("the state of a sync_file"),
            Self::SyncOrNothing => f.write_str("the state of a sync_file, or a time-out"),
            Self::SomeOf(mask) => write!(f, "no event but {mask:#x}"),
            Self::Polled(events) => write!(f, "events {events:#x}"),
            Self::Content => f.write_str("the content of the plane"),
            Self::Event(kind, changes, sequence) => {
                write!(f, "event {kind}, changes {changes:#x}, sequence {sequence}")
            }
            Self::Value(None) => f.write_str("a value"),
            Self::Value(Some(value)) => write!(f, "value {value}"),
            Self::Control(kind, [least, most, first]) => {
                write!(f, "type {kind}, {least} to {most}, at first {first}")
            }
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "buffer {}, ", self.index)?;
        flag_names(f, self.flags.value, self.flags.known)?;
        let mut number = |name: &str, value: Option<u32>| match value {
            Some(value) => write!(f, ", {name} {value}"),
            None => Ok(()),
        };
        number("bytesused", self.bytesused)?;
        number("length", self.length)?;
        number("sequence", self.sequence)
    }
}

fn flag_names(f: &mut fmt::Formatter<'_>, value: u32, known: u32) -> fmt::Result {
    f.write_str("flags")?;
    let named = NAMES.into_iter().filter(|(flag, _)| known & flag != 0);
    let mut none = true;
    for (flag, name) in named {
        if value & flag != 0 {
            write!(f, " {name}")?;
            none = false;
        }
    }
    if none { f.write_str(" none") } else { Ok(()) }
}

/// What the kernel answered, in the words of a [`Guess`].
pub(crate) fn observed(seen: &Result<Out, i32>) -> String {
    struct Seen<'a>(&'a Out);
    impl fmt::Display for Seen<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            told(self.0).fmt(f)
        }
    }
    match seen {
        Err(errno) => errno::name(*errno),
        Ok(out) => Seen(out).to_string(),
    }
}

/// What was told, all of it known.
fn told(out: &Out) -> Told {
    match *out {
        Out::Done => Told::Done,
        Out::Format {
            width,
            height,
            sizeimage,
        } => Told::Format(Some((width, height, sizeimage))),
        Out::Buffers { index, count } => Told::Buffers { index, count },
        Out::Buffer {
            index,
            flags,
            bytesused,
            length,
            sequence,
        } => Told::Buffer(Look {
            index,
            flags: Flags {
                value: flags,
                known: u32::MAX,
            },
            bytesused: Some(bytesused),
            length: Some(length),
            sequence: Some(sequence),
        }),
        Out::Exported { size } => Told::Exported(Some(size)),
        Out::Sync(_) => Told::Sync,
        Out::Polled { revents } => Told::Polled(revents),
        Out::Content(_) => Told::Content,
        Out::Event {
            kind,
            changes,
            sequence,
        } => Told::Event(kind, changes, sequence),
        Out::Value { value } => Told::Value(Some(value)),
        Out::Control {
            kind,
            minimum,
            maximum,
            default,
        } => Told::Control(kind, [minimum, maximum, default]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look {
        index: 1,
        flags: Flags {
            value: QUEUED | TIMESTAMP_COPY,
            known: ALWAYS,
        },
        bytesused: Some(0),
        length: None,
        sequence: Some(0),
    };

    fn seen(flags: u32, bytesused: u32) -> Result<Out, i32> {
        Ok(Out::Buffer {
            index: 1,
            flags,
            bytesused,
            length: 77,
            sequence: 0,
        })
    }

    #[test]
    fn only_what_is_known_is_compared() {
        let guess = ok(Told::Buffer(LOOK), "");
        assert!(guess.agrees(&seen(QUEUED | TIMESTAMP_COPY | LAST | MAPPED, 0)));
        assert!(!guess.agrees(&seen(TIMESTAMP_COPY, 0)));
        assert!(!guess.agrees(&seen(QUEUED | TIMESTAMP_COPY, 1)));
        let last = Look {
            flags: LOOK.flags.with(LAST, Some(false)),
            ..LOOK
        };
        assert!(!ok(Told::Buffer(last), "").agrees(&seen(QUEUED | TIMESTAMP_COPY | LAST, 0)));
        assert!(!guess.agrees(&Err(errno::EINVAL)));
    }

    #[test]
    fn what_was_expected_and_seen_is_told_in_the_same_words() {
        let guess = ok(Told::Buffer(LOOK), "f() says so");
        assert_eq!(
            guess.to_string(),
            "buffer 1, flags QUEUED, bytesused 0, sequence 0, because f() says so"
        );
        assert_eq!(
            observed(&seen(QUEUED | LAST, 4)),
            "buffer 1, flags QUEUED LAST, bytesused 4, length 77, sequence 0"
        );
        assert_eq!(observed(&Err(errno::EPIPE)), "EPIPE");
    }
}
