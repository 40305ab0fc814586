//! Damaged traces, of a file and on the wire: they are refused with a reason that says where, or mean what they say.

use program::Program;
use proptest::{collection::vec, prelude::*, sample::Index};
use trace::{
    file::{self, FileError},
    wire::{self, Executed, FrameReader, Hello, Reply, Report, Request, Study},
    *,
};

const PROGRAM: &str = include_str!("golden/async-streamoff.vb2");
const FILE: &str = include_str!("golden/async-streamoff.trace");

/// What happens to bytes.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Double(Index, usize),
    Cut(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), 1..=u8::MAX).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        (any::<Index>(), vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Damage::Double(at, count)),
        any::<Index>().prop_map(Damage::Cut),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let stretch = |at: &Index, count: usize| {
            let begin = at.index(bytes.len());
            begin..(begin + count).min(bytes.len())
        };
        match self {
            Damage::Flip(at, bits) => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            Damage::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Damage::Remove(at, count) => drop(bytes.drain(stretch(at, *count))),
            Damage::Double(at, count) => {
                let stretch = stretch(at, *count);
                let again = bytes[stretch.clone()].to_vec();
                bytes.splice(stretch.start..stretch.start, again);
            }
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        damage.apply(&mut bytes);
    }
    bytes
}

fn program() -> Program {
    PROGRAM.parse().unwrap()
}

fn trace() -> Trace {
    file::parse(FILE).unwrap().trace
}

/// A message of each kind that the host reads.
fn replies() -> Vec<Reply> {
    let executed = Executed {
        end: wire::Ended::Exited(3),
        output: b"out".to_vec(),
        errors: b"err".to_vec(),
        trace: trace(),
        fences: wire::FenceCounts::default(),
    };
    let report = Report {
        trace: trace(),
        coverage: vec![(1, 2), (3, 4)],
        fences: wire::FenceCounts::default(),
    };
    let study = Study {
        modules: vec!["vb2_double".into()],
        places: vec![(0, 1), (1, 2)],
        compared: vec![(3, 4)],
    };
    vec![
        Reply::Ran(Box::new(report)),
        Reply::Studied(Box::new(study)),
        Reply::Leaks(Some(vec!["unreferenced object".into()])),
        Reply::Looped { calls: 7 },
        Reply::Executed(Box::new(executed)),
    ]
}

/// A message of each kind that the agent reads.
fn requests() -> Vec<Request> {
    let program = program();
    vec![
        Request::Run {
            program: program.clone(),
            coverage: true,
        },
        Request::Study {
            program: program.clone(),
        },
        Request::Kmemleak,
        Request::Loop { program, times: 3 },
        Request::Exec {
            argv: vec!["/bin/true".into()],
            limit_ms: 5,
        },
        Request::PowerOff,
    ]
}

/// Reads everything that a peer sent; says how much of it was messages.
fn read_all<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> usize {
    let mut reader = FrameReader::new();
    reader.push(bytes);
    let mut read = 0;
    while let Ok(Some(_)) = reader.next_message::<T>() {
        read += 1;
    }
    read
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_trace_file_that_was_cut_is_refused(cut in any::<Index>()) {
        let text = &FILE[..FILE.floor_char_boundary(cut.index(FILE.len()))];
        let error = file::parse(text).unwrap_err();
        prop_assert!(!error.to_string().is_empty());
        let right = matches!(error, FileError::Foreign | FileError::Truncated { .. });
        prop_assert!(right, "{}", error);
    }

    #[test]
    fn a_damaged_trace_file_is_refused_with_its_line_or_is_a_trace(damages in vec(damage(), 1..5)) {
        let text = String::from_utf8_lossy(&damaged(FILE.into(), &damages)).into_owned();
        match file::parse(&text) {
            // What was damaged was a number, say.
            Ok(read) => prop_assert_eq!(&file::parse(&file::print(read.program, &read.trace)).unwrap(), &read),
            Err(FileError::Line { line, .. } | FileError::Trailing { line }) => {
                prop_assert!((1..=text.lines().count()).contains(&line));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn what_is_read_of_a_damaged_trace_can_be_rendered(damages in vec(damage(), 1..5)) {
        let text = String::from_utf8_lossy(&damaged(FILE.into(), &damages)).into_owned();
        if let Ok(read) = file::parse(&text) {
            let _ = render(&program(), &read.trace);
        }
    }

    #[test]
    fn any_bytes_are_no_trace_file(bytes in vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(file::parse(&text).is_err());
    }

    #[test]
    fn damaged_messages_are_refused_or_read(damages in vec(damage(), 1..5)) {
        for reply in replies() {
            let frame = wire::encode(&reply).unwrap();
            let bytes = damaged(frame.clone(), &damages);
            let _ = read_all::<Reply>(&bytes);
            let _ = wire::decode::<Reply>(&damaged(frame[4..].to_vec(), &damages));
        }
        for request in requests() {
            let frame = wire::encode(&request).unwrap();
            let _ = read_all::<Request>(&damaged(frame.clone(), &damages));
            let _ = wire::decode::<Request>(&damaged(frame[4..].to_vec(), &damages));
        }
    }

    #[test]
    fn a_message_that_was_cut_is_none(cut in any::<Index>()) {
        for reply in replies() {
            let frame = wire::encode(&reply).unwrap();
            let cut = cut.index(frame.len());
            prop_assert_eq!(read_all::<Reply>(&frame[..cut]), 0);
            if cut > 4 {
                prop_assert!(wire::decode::<Reply>(&frame[4..cut]).is_err());
            }
        }
    }

    #[test]
    fn any_bytes_are_taken_as_any_message(bytes in vec(any::<u8>(), 0..400)) {
        let _ = read_all::<Reply>(&bytes);
        let _ = read_all::<Request>(&bytes);
        let _ = read_all::<Hello>(&bytes);
        let _ = wire::decode::<Reply>(&bytes);
        let _ = wire::decode::<Request>(&bytes);
        let _ = wire::decode::<Hello>(&bytes);
    }
}
