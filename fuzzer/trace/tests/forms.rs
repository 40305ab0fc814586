//! The forms of a trace: file, wire, and rendering. The golden trace is a real one.

use program::Program;
use proptest::prelude::*;
use trace::file::{self, FileError, TraceFile};
use trace::wire::{self, FrameReader, Reply, Report, Request, WireError};
use trace::*;

const PROGRAM: &str = include_str!("golden/async-streamoff.vb2");
const FILE: &str = include_str!("golden/async-streamoff.trace");

fn program() -> Program {
    PROGRAM.parse().unwrap()
}

fn golden() -> TraceFile {
    file::parse(FILE).unwrap()
}

#[test]
fn a_real_trace_is_printed_as_it_was_read() {
    let TraceFile {
        program: hash,
        trace,
    } = golden();
    assert_eq!(hash, ProgramHash::of(&program()));
    assert_eq!(file::print(hash, &trace), FILE);
}

#[test]
fn a_real_trace_is_rendered() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("async-streamoff", render(&program(), &golden().trace));
    });
}

#[test]
fn a_hash_tells_programs_apart_and_not_their_comments() {
    let commented: Program = format!("# a comment\n{PROGRAM}\n\n# another\n")
        .parse()
        .unwrap();
    assert_eq!(ProgramHash::of(&commented), ProgramHash::of(&program()));
    let mut shorter = program();
    shorter.steps.pop();
    assert_ne!(ProgramHash::of(&shorter), ProgramHash::of(&program()));
    assert_eq!(
        ProgramHash::of(&Program::default()).to_string(),
        "cbf29ce484222325"
    );
}

#[test]
fn a_hash_is_sixteen_lower_case_digits() {
    let hash = ProgramHash(0xabc);
    assert_eq!(hash.to_string().parse(), Ok(hash));
    for other in [
        "abc",
        "0000000000000ABC",
        "+000000000000abc",
        "0000000000000abg",
        "",
    ] {
        assert!(other.parse::<ProgramHash>().is_err(), "{other}");
    }
}

#[test]
fn a_cut_trace_is_refused_wherever_it_was_cut() {
    let header = FILE.find('\n').unwrap() + 1;
    for end in (header..FILE.len())
        .rev()
        .step_by(11)
        .filter(|end| FILE.is_char_boundary(*end))
    {
        let error = file::parse(&FILE[..end]).unwrap_err();
        assert!(
            matches!(error, FileError::Truncated { .. }),
            "{end}: {error}"
        );
    }
}

#[test]
fn what_is_no_trace_is_refused() {
    for text in [
        "",
        "hello\n",
        "{}\n",
        "[1,2]\n",
        "{\"vb2-fence-lab trace\":\"one\"}\n",
    ] {
        assert!(
            matches!(file::parse(text), Err(FileError::Foreign)),
            "{text}"
        );
    }
    let header = "{\"vb2-fence-lab trace\":2,\"program\":\"short\"}\n{\"events\":0}\n";
    assert!(matches!(
        file::parse(header),
        Err(FileError::Line { line: 1, .. })
    ));
}

#[test]
fn a_newer_trace_says_so() {
    let newer = FILE.replacen("trace\":2,", "trace\":3,\"novelty\":[],", 1);
    let error = file::parse(&newer).unwrap_err();
    assert!(matches!(error, FileError::Version { found: 3 }));
    assert!(
        error
            .to_string()
            .contains("version 3, this lab reads version 2"),
        "{error}"
    );
}

#[test]
fn lines_lost_from_the_middle_are_missed() {
    let lines: Vec<&str> = FILE.split_inclusive('\n').collect();
    let without: String = lines[..5].iter().chain(&lines[6..]).copied().collect();
    assert!(matches!(
        file::parse(&without),
        Err(FileError::Count { .. })
    ));
}

#[test]
fn a_broken_line_is_named() {
    let broken = FILE.replacen("\"Call\"", "\"Cull\"", 1);
    let error = file::parse(&broken).unwrap_err();
    let FileError::Line { line, .. } = error else {
        panic!("{error}")
    };
    assert!(FILE.lines().nth(line - 1).unwrap().contains("\"Call\""));
}

#[test]
fn text_behind_the_end_is_refused() {
    let twice = format!("{FILE}{FILE}");
    let end = FILE.lines().count() + 1;
    assert!(matches!(file::parse(&twice), Err(FileError::Trailing { line }) if line == end));
}

#[test]
fn an_empty_trace_has_two_lines() {
    let text = file::print(ProgramHash(1), &Trace::default());
    let expected = "{\"vb2-fence-lab trace\":2,\"program\":\"0000000000000001\"}\n{\"events\":0}\n";
    assert_eq!(text, expected);
}

fn reply() -> Reply {
    Reply::Ran(Box::new(Report {
        trace: golden().trace,
        ..Report::default()
    }))
}

#[test]
fn a_frame_is_length_and_payload() {
    let frame = wire::encode(&Request::PowerOff).unwrap();
    assert_eq!(frame, [1, 0, 0, 0, 5]);
    assert_eq!(
        wire::decode::<Request>(&frame[4..]).unwrap(),
        Request::PowerOff
    );
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_the_payload_comes() {
    let mut reader = FrameReader::new();
    reader.push(&(wire::MAX_FRAME as u32 + 1).to_le_bytes());
    let error = reader.next_message::<Reply>().unwrap_err();
    assert!(matches!(error, WireError::TooLong { length } if length == wire::MAX_FRAME + 1));
}

#[test]
fn a_message_too_long_is_not_sent() {
    let long = vec![0u8; wire::MAX_FRAME];
    assert!(matches!(
        wire::encode(&long),
        Err(WireError::TooLong { .. })
    ));
}

#[test]
fn a_payload_of_another_type_is_refused() {
    let frame = wire::encode(&Request::Kmemleak).unwrap();
    assert!(matches!(
        wire::decode::<Reply>(&frame[4..]),
        Err(WireError::Malformed(_))
    ));
    assert!(matches!(
        wire::decode::<Request>(&[2, 9]),
        Err(WireError::Trailing { extra: 1 })
    ));
}

#[test]
fn an_incomplete_frame_stays_pending() {
    let frame = wire::encode(&reply()).unwrap();
    let mut reader = FrameReader::new();
    reader.push(&frame[..frame.len() - 1]);
    assert!(reader.next_message::<Reply>().unwrap().is_none());
    assert_eq!(reader.pending(), frame.len() - 1);
    reader.push(&frame[frame.len() - 1..]);
    assert_eq!(reader.next_message().unwrap(), Some(reply()));
    assert_eq!(reader.pending(), 0);
}

/// Any stretch of the real trace, in any order: enough to have every kind of event in every place.
fn trace() -> impl Strategy<Value = Trace> {
    let event = proptest::sample::select(golden().trace.events);
    let log = (0..8u8, ".{0,30}").prop_map(|(level, text)| Event::Log { level, text });
    let stuck = any::<u16>().prop_map(|op| Event::Stuck { op });
    let lost = any::<u64>().prop_map(|count| Event::LedgerLost { count });
    let died = Just(Event::Died { how: Death::Hang });
    let event = prop_oneof![8 => event, 1 => log, 1 => stuck, 1 => lost, 1 => died];
    proptest::collection::vec(event, 0..40).prop_map(|events| Trace { events })
}

proptest! {
    #[test]
    fn any_trace_survives_the_file(trace in trace(), hash in any::<u64>()) {
        let text = file::print(ProgramHash(hash), &trace);
        let read = file::parse(&text).unwrap();
        prop_assert_eq!(file::print(read.program, &read.trace), text);
        prop_assert_eq!(read, TraceFile { program: ProgramHash(hash), trace });
    }

    #[test]
    fn any_text_is_parsed_without_a_panic(text in "\\PC{0,80}", lines in proptest::collection::vec(".{0,30}", 0..4)) {
        let _ = file::parse(&text);
        let header = FILE.lines().next().unwrap();
        let _ = file::parse(&format!("{header}\n{}\n", lines.join("\n")));
    }

    #[test]
    fn messages_come_out_however_they_were_cut(
        traces in proptest::collection::vec(trace(), 0..4),
        cuts in proptest::collection::vec(1..200usize, 1..20),
    ) {
        let replies = traces.into_iter().map(|trace| {
            Reply::Ran(Box::new(Report { trace, ..Report::default() }))
        });
        let replies: Vec<Reply> = replies.collect();
        let bytes: Vec<u8> = replies.iter().flat_map(|reply| wire::encode(reply).unwrap()).collect();
        let (mut reader, mut read, mut rest) = (FrameReader::new(), Vec::new(), &bytes[..]);
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            reader.push(now);
            while let Some(reply) = reader.next_message::<Reply>().unwrap() {
                read.push(reply);
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(read, replies);
        prop_assert_eq!(reader.pending(), 0);
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut reader = FrameReader::new();
        reader.push(&bytes);
        while let Ok(Some(_)) = reader.next_message::<Reply>() {}
    }

    #[test]
    fn each_event_is_one_line_of_the_rendering(trace in trace()) {
        let one_line = |event: &Event| !matches!(event, Event::Log { text, .. } if text.contains(['\n', '\r']));
        prop_assume!(trace.events.iter().all(one_line));
        prop_assert_eq!(render(&program(), &trace).lines().count(), trace.events.len());
    }
}
