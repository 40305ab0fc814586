//! Real traces of a correct kernel: clean as they are, and no longer clean once a record of them is tampered with.

mod support;

use judge::{Invariant, Violation, judge};
use program::Program;
use trace::{Event, Kind, Phase, Record, Trace, file};

macro_rules! golden {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("golden/", $name, ".vb2")), include_str!(concat!("golden/", $name, ".trace")))),+]
    };
}

/// Name, program and trace, as the lab recorded them.
const GOLDEN: &[(&str, &str, &str)] = golden![
    "reconfig-resize",
    "merge",
    "in-place",
    "out-of-order",
    "drain",
    "async-dqbuf",
    "foreign-fence",
    "import-pending",
];

/// Clean runs that look at too little to show each record that was tampered with.
const TERSE: &[(&str, &str, &str)] = golden!["held-shared", "import-unsure"];

/// Calls `check` with the name, the program and the trace of every golden run.
fn each(check: impl FnMut(&str, &Program, &Trace)) {
    each_of(GOLDEN, check);
}

fn each_of(runs: &[(&str, &str, &str)], mut check: impl FnMut(&str, &Program, &Trace)) {
    for (name, program, trace) in runs {
        let program: Program = program.parse().unwrap();
        let recorded = file::parse(trace).unwrap();
        assert_eq!(
            recorded.program,
            trace::ProgramHash::of(&program),
            "{name} was edited"
        );
        check(name, &program, &recorded.trace);
    }
}

/// Tampers with every record in turn for which `tamper` returns true. Each time the judge must find one of `any`.
fn each_tampered(any: &[Invariant], tamper: impl Fn(&mut Trace, usize, Kind) -> bool) {
    let mut count = 0;
    each(|name, program, trace| {
        for (index, event) in trace.events.iter().enumerate() {
            let Event::Ledger(Record { kind, .. }) = *event else {
                continue;
            };
            let mut tampered = trace.clone();
            if tamper(&mut tampered, index, kind) {
                count += 1;
                let found = judge(program, &tampered);
                let expected = |violation: &Violation| any.contains(&violation.invariant);
                assert!(
                    found.iter().any(expected),
                    "{name}, event {index} {kind}: {found:#?}"
                );
            }
        }
    });
    assert!(count > 0, "nothing was tampered with");
}

/// Moves an event behind the next one for which `behind` is true.
fn delay(trace: &mut Trace, index: usize, behind: impl Fn(&Kind) -> bool) -> bool {
    let later = trace.events[index + 1..]
        .iter()
        .position(|event| support::is(event, &behind));
    let Some(distance) = later else { return false };
    let event = trace.events.remove(index);
    trace.events.insert(index + 1 + distance, event);
    true
}

fn remove(trace: &mut Trace, index: usize) -> bool {
    trace.events.remove(index);
    true
}

#[test]
fn a_correct_kernel_is_clean() {
    let clean = |name: &str, program: &_, trace: &_| {
        assert_eq!(judge(program, trace), [], "{name}");
    };
    each(clean);
    each_of(TERSE, clean);
}

#[test]
fn a_fence_that_is_never_signalled() {
    use Invariant::*;
    each_tampered(&[I1, I2, I18], |trace, index, kind| {
        matches!(kind, Kind::Signal { .. }) && remove(trace, index)
    });
    each_tampered(&[I4], |trace, index, kind| {
        matches!(kind, Kind::Signal { .. }) && remove(trace, index)
    });
}

#[test]
fn a_fence_that_is_signalled_twice() {
    each_tampered(&[Invariant::I2], |trace, index, kind| {
        let event = trace.events[index].clone();
        trace.events.insert(index, event);
        matches!(kind, Kind::Signal { .. })
    });
}

#[test]
fn a_fence_that_is_leaked() {
    each_tampered(&[Invariant::I5], |trace, index, kind| {
        matches!(kind, Kind::Destroy { .. }) && remove(trace, index)
    });
}

#[test]
fn a_fence_with_the_other_outcome() {
    each_tampered(&[Invariant::I17], |trace, index, kind| {
        let Event::Ledger(Record {
            kind: Kind::Signal { error, .. },
            ..
        }) = &mut trace.events[index]
        else {
            return false;
        };
        *error = if *error == 0 { -5 } else { 0 };
        matches!(kind, Kind::Signal { .. })
    });
}

#[test]
fn a_fence_signalled_after_its_buffer_was_given_back() {
    each_tampered(&[Invariant::I10], |trace, index, kind| {
        matches!(kind, Kind::Signal { .. })
            && delay(trace, index, |kind| matches!(kind, Kind::Done { .. }))
    });
}

#[test]
fn a_job_whose_fence_was_not_attached() {
    each_tampered(&[Invariant::I12], |trace, index, kind| {
        matches!(kind, Kind::Attach { .. }) && remove(trace, index)
    });
}

#[test]
fn a_fence_of_the_wrong_usage() {
    each_tampered(&[Invariant::I13], |trace, index, kind| {
        let Event::Ledger(Record {
            kind: Kind::Attach { usage, .. },
            ..
        }) = &mut trace.events[index]
        else {
            return false;
        };
        *usage = 3 - *usage;
        matches!(kind, Kind::Attach { .. })
    });
}

#[test]
fn a_store_behind_the_signal() {
    each_tampered(&[Invariant::I8], |trace, index, kind| {
        let Kind::Job {
            buffer,
            phase: Phase::LastStore,
            ..
        } = kind
        else {
            return false;
        };
        delay(
            trace,
            index,
            |later| matches!(later, Kind::Done { buffer: done, .. } if *done == buffer),
        )
    });
}

#[test]
fn a_fence_without_a_job() {
    each_tampered(&[Invariant::I11], |trace, index, kind| {
        let Kind::Job {
            phase: Phase::Start,
            ..
        } = kind
        else {
            return false;
        };
        // A job that ends in the same go cannot be told from one that was cut short before it started.
        let slow = |event: &Event| matches!(event, Event::Call(_));
        let next = trace.events[index..]
            .iter()
            .take_while(|event| !support::is(event, |kind| matches!(kind, Kind::Signal { .. })));
        next.filter(|event| slow(event)).count() > 2 && remove(trace, index)
    });
}
