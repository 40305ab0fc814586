//! The scope's text, the model's answers, and what is told of a trace.

use explorer::{Scope, World, digest, divergence, explore, outcome};
use program::Program;
use trace::{BufferId, Call, Event, FenceId, Kind, Mark, Out, Record, SyncInfo, Trace};

const SCOPE: &str = "\
scope tiny
states one buffer is queued
depth 2
buffers out 1 cap 2

setup
  a = open double
  reqbufs a cap mmap 2

symbol give
  qbuf a cap $cap
symbol both
  qbuf a cap 0 ; qbuf a cap 0 ; qbuf a cap 1
observe
  check d31
";

fn error(from: &str, to: &str) -> String {
    assert!(SCOPE.contains(from), "{from}");
    let text = SCOPE.replacen(from, to, 1);
    text.parse::<Scope>().unwrap_err().to_string()
}

#[test]
fn what_is_no_scope_is_refused_with_its_line() {
    assert_eq!(
        error("depth 2", "depth two"),
        "line 3: expected a number, found `two`"
    );
    assert!(error("scope tiny", "scoop tiny").starts_with("line 1: `scoop` is none of"));
    assert!(error("qbuf a cap $cap", "qbof a cap $cap").starts_with("line 11: `qbof a cap $cap`"));
    assert!(error("qbuf a cap $cap", "dqevent a").contains("the model does not know `dqevent a`"));
    assert!(
        error("  reqbufs", "  qbuf a cap 0 ; reqbufs").contains("does not get as far as `reqbufs")
    );
    assert!(error("check d31", "check d@a:cup:0").contains("is not like `d@a:cap:0`"));
    assert!(error("depth 2\n", "").contains("nothing to explore"));
    assert!(
        error("symbol both\n", "symbol both\nsymbol none\n").contains("symbol both does nothing")
    );
}

#[test]
fn a_symbol_ends_at_the_call_that_fails() {
    let scope: Scope = SCOPE.parse().unwrap();
    let both = scope.choices().last().unwrap();
    let (mut world, setup) = scope.begin();
    assert_eq!(setup.len(), 2);
    let steps = scope.take(&mut world, both).unwrap();
    let text: Vec<_> = steps.iter().map(ToString::to_string).collect();
    assert_eq!(text, ["qbuf a cap 0", "qbuf a cap 0"]);
}

#[test]
fn a_small_scope_has_the_states_that_one_counts_by_hand() {
    let scope: Scope = SCOPE.parse().unwrap();
    let graph = explore(&scope, 100).unwrap();
    // No buffer queued, one, both; and the three symbols in each state that two symbols leave room for.
    assert_eq!((graph.states(), graph.edges().len()), (3, 6));
    assert!(!graph.is_closed());
    let longer: Scope = SCOPE.replace("depth 2", "depth 3").parse().unwrap();
    let graph = explore(&longer, 100).unwrap();
    assert_eq!((graph.states(), graph.edges().len()), (3, 9));
    assert!(graph.is_closed());
    assert!(explore(&longer, 5).is_err());
}

/// What the model says of each step, in its own words.
fn told(text: &str) -> Vec<String> {
    let program: Program = text.parse().unwrap();
    let mut world = World::new();
    let steps = program.steps.iter();
    steps
        .map(|step| format!("{:?}", world.apply(step)))
        .collect()
}

#[test]
fn a_job_ends_as_the_hardware_has_it() {
    let setup = "a = open double\nwatchdog a 40ms\ngate a close 2\nreqbufs a out mmap 1\nreqbufs a cap mmap 1\n\
                 qbuf a out 0\nqbuf a cap 0\nstreamon a out\nstreamon a cap\n";
    for (events, error) in [
        ("gate a open\nadvance 2ms\n", false),
        ("advance 42ms\n", true),
        ("fail a error 1\nadvance 42ms\n", true),
        ("streamoff a out\n", true),
    ] {
        let told = told(&format!("{setup}{events}dqbuf a cap\n"));
        let expected = format!("Ok(Buffer {{ index: 0, error: {error}, last: false }})");
        assert_eq!(told.last(), Some(&expected), "{events}");
    }
    let pending = told(&format!("{setup}advance 2ms\ndqbuf a cap\n"));
    assert_eq!(pending.last().map(String::as_str), Some("Err(11)"));
}

#[test]
fn a_request_takes_its_buffer_away_and_gives_it_back() {
    let setup = "a = open m2m\nreqbufs a out mmap 2\nreqbufs a cap mmap 1\nr0 = request a\nqbuf a out 0 in r0\n";
    for (rest, expected) in [
        // A buffer, or a queue, is used in one way at a time.
        ("qbuf a out 0\n", "Err(16)"),
        ("qbuf a out 1\n", "Err(16)"),
        ("qbuf a out 0 in r0\n", "Err(22)"),
        ("reinit r0\nqbuf a out 1\n", "Err(16)"),
        ("streamoff a out\nqbuf a out 1\n", "Ok(Done)"),
        ("reinit r0\nqueue r0\n", "Err(2)"),
        ("qbuf a out 1 in r0\nqueue r0\n", "Err(22)"),
        ("queue r0\nreinit r0\n", "Err(16)"),
        ("poll r0\n", "Ok(Polled(8))"),
        ("queue r0\npoll r0\n", "Ok(Polled(0))"),
        ("queue r0\nstreamoff a out\npoll r0\n", "Ok(Polled(2))"),
        ("queue r0\nclose a\npoll r0\n", "Ok(Polled(2))"),
    ] {
        let told = told(&format!("{setup}{rest}"));
        assert_eq!(told.last().map(String::as_str), Some(expected), "{rest}");
    }
}

#[test]
fn an_event_at_the_end_of_a_wait_is_nobodys_guess() {
    let text = "a = open double\nreqbufs a out mmap 1\nreqbufs a cap mmap 1\nqbuf a out 0\nqbuf a cap 0\nstreamon a out\n\
                streamon a cap\nadvance 1ms\n";
    let mut world = World::new();
    let program: Program = text.parse().unwrap();
    for step in &program.steps {
        assert!(!world.is_uncertain());
        world.apply(step).unwrap();
    }
    assert!(world.is_uncertain());
}

const FENCE: FenceId = FenceId {
    context: 1,
    seqno: 1,
};

fn buffer(index: u32) -> BufferId {
    BufferId {
        queue: 1,
        output: false,
        index,
    }
}

fn call(op: u16, result: Result<Out, i32>) -> Event {
    let (start, end) = (u64::from(op), u64::from(op) + 1);
    Event::Call(Call {
        op,
        start,
        end,
        result,
    })
}

fn record(time: u64, kind: Kind) -> Event {
    let irqs = trace::Irqs::On;
    Event::Ledger(Record { time, irqs, kind })
}

#[test]
fn a_kernel_that_answers_something_else_is_told() {
    let program: Program = "a = open double\nqbuf a cap 0\n".parse().unwrap();
    let open = call(0, Ok(Out::Done));
    let agrees = Trace {
        events: vec![open.clone(), call(1, Err(22))],
    };
    assert_eq!(divergence(&program, &agrees, true), None);
    let other = Trace {
        events: vec![open.clone(), call(1, Err(16))],
    };
    assert!(
        divergence(&program, &other, true)
            .unwrap()
            .starts_with("operation 2, qbuf a cap 0")
    );
    let attach = Kind::Attach {
        fence: FENCE,
        buffer: buffer(0),
        plane: 0,
        usage: 1,
        resv: 0,
    };
    let fence = Trace {
        events: vec![open, record(1, attach), call(1, Err(22))],
    };
    assert!(
        divergence(&program, &fence, true)
            .unwrap()
            .contains("pending fences on CAPTURE 0")
    );
    assert_eq!(divergence(&program, &fence, false), None);
}

/// A run that began otherwise, at another time, with other names.
fn run(late: u64, fence: FenceId, index: u32) -> Trace {
    let sync = Out::Sync(SyncInfo {
        status: 0,
        fences: Vec::new(),
    });
    Trace {
        events: vec![
            call(0, Ok(Out::Done)),
            record(late, Kind::Init { fence }),
            record(
                late + 1,
                Kind::Queue {
                    buffer: buffer(index),
                },
            ),
            call(1, Ok(sync)),
            Event::Mark {
                mark: Mark::ProgramEnd,
                time: late + 5,
            },
        ],
    }
}

#[test]
fn outcomes_of_two_ways_are_equal_up_to_names() {
    let program: Program = "a = open double\ns0 = export_sync d0 rw\n".parse().unwrap();
    let other_fence = FenceId {
        context: 7,
        seqno: 3,
    };
    let one = outcome(&program, &run(10, FENCE, 0), 1, |_, index| index);
    let other = outcome(&program, &run(99, other_fence, 1), 1, |_, index| 1 - index);
    assert_eq!(one, other);
    assert_eq!(digest(&one), digest(&other));
    let unlike = outcome(&program, &run(10, FENCE, 1), 1, |_, index| index);
    assert_ne!(one, unlike);
    assert_ne!(digest(&one), digest(&unlike));
}

/// A STREAMOFF that another thread waits in is before the cut, whenever it returns.
#[test]
fn what_follows_an_asynchronous_call_does_not_wait_for_it() {
    let program: Program = "a = open double\nasync streamoff a cap\ns0 = export_sync d0 rw\n"
        .parse()
        .unwrap();
    let sync = Out::Sync(SyncInfo {
        status: 0,
        fences: Vec::new(),
    });
    let signal = Kind::Signal {
        fence: FENCE,
        error: -5,
    };
    let trace = Trace {
        events: vec![
            call(0, Ok(Out::Done)),
            Event::Begin { op: 1, time: 100 },
            record(9_000, Kind::Init { fence: FENCE }),
            Event::Call(Call {
                op: 2,
                start: 10_100,
                end: 10_356,
                result: Ok(sync),
            }),
            record(20_000, signal),
            call(1, Ok(Out::Done)),
        ],
    };
    assert_eq!(
        outcome(&program, &trace, 2, |_, index| index),
        [
            "export ExportSync sync 0 of 0 []",
            "signal 0 -5",
            "before Streamoff Done"
        ]
    );
}

#[test]
fn a_streamoff_that_waits_holds_the_lock_and_ends_with_the_job() {
    let setup = "a = open double\nknob a abort 1\nwatchdog a 40ms\ngate a close 2\nreqbufs a out mmap 1\nreqbufs a cap mmap 1\n\
                 d0 = expbuf a cap 0\nqbuf a out 0\nqbuf a cap 0\nstreamon a out\nstreamon a cap\nasync streamoff a cap\n";
    for (rest, expected) in [
        ("s0 = export_sync d0 rw\n", "Ok(Waits(true))"),
        // It waits for the lock, and so until the watchdog bites.
        ("dqbuf a cap\ns0 = export_sync d0 rw\n", "Ok(Waits(false))"),
        ("dqbuf a cap\n", "Err(22)"),
        ("gate a open\nadvance 2ms\ndqbuf a cap\n", "Err(22)"),
        ("close a\ndqbuf a cap\n", "Err(9)"),
        ("close a\ns0 = export_sync d0 rw\n", "Ok(Waits(true))"),
        ("join\nreqbufs a cap mmap 0\n", "Ok(Count(0))"),
    ] {
        let told = told(&format!("{setup}{rest}"));
        assert_eq!(told.last().map(String::as_str), Some(expected), "{rest}");
    }
}
