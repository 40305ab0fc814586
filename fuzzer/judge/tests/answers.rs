//! M1 on real traces of a correct kernel: every call is predicted, and an answer that is tampered with is told.

use judge::{Expectation, Invariant, Violation, judge_with, story};
use program::{Driver, Op, Program, parse};
use trace::{Call, Event, Out, Trace, file};

const V4L2_BUF_FLAG_MAPPED: u32 = 0x1;
const V4L2_BUF_FLAG_ERROR: u32 = 0x40;

macro_rules! recorded {
    ($name:literal) => {
        (
            include_str!(concat!("golden/", $name, ".vb2")),
            include_str!(concat!("golden/", $name, ".trace")),
        )
    };
}

/// Program and trace, as the lab recorded them.
const GOLDEN: [(&str, &str); 3] = [
    recorded!("drain"),
    recorded!("reconfig-resize"),
    recorded!("import-pending"),
];

fn expectation() -> Expectation {
    Expectation::of(Driver::Double, true)
}

fn golden() -> impl Iterator<Item = (Program, Trace)> {
    GOLDEN.into_iter().map(|(program, trace)| {
        let parsed = parse(program).expect("a program");
        let trace = file::parse(trace).expect("a trace").trace;
        (parsed.program, trace)
    })
}

/// What the model says once each answer for which `tamper` returns true was changed by it, one at a time.
fn each_tampered(tamper: impl Fn(&Op, &mut Call) -> bool) {
    let mut count = 0;
    for (program, trace) in golden() {
        for index in 0..trace.events.len() {
            let mut tampered = trace.clone();
            let Event::Call(call) = &mut tampered.events[index] else {
                continue;
            };
            let number = call.op;
            if !tamper(&program.steps[usize::from(number)].op, call) {
                continue;
            }
            count += 1;
            let found = judge_with(&expectation(), &program, &tampered);
            let told = |violation: &Violation| {
                violation.invariant == Invariant::M1 && violation.op == Some(number)
            };
            assert!(found.iter().any(told), "operation {number}: {found:#?}");
        }
    }
    assert!(count > 3, "{count}");
}

#[test]
fn every_call_of_a_correct_kernel_is_as_predicted() {
    for (program, trace) in golden() {
        let story = story(&expectation(), &program, &trace);
        assert_eq!(story.differences, []);
        assert_eq!((story.predicted, story.unknown.len()), (story.calls, 0));
        let calls = trace.events.iter();
        let calls = calls.filter(|event| matches!(event, Event::Call(_)));
        assert_eq!(story.calls as usize, calls.count());
    }
}

/// How often the model and a trace differ, of which these flags are flipped in each buffer that such a call tells of.
fn differences_with(names: (&str, &str), flip: u32, calls: fn(&Op) -> bool) -> usize {
    let parsed = parse(names.0).expect("a program");
    let mut trace = file::parse(names.1).expect("a trace").trace;
    for event in &mut trace.events {
        let Event::Call(Call {
            op,
            result: Ok(Out::Buffer { flags, .. }),
            ..
        }) = event
        else {
            continue;
        };
        let flipped = calls(&parsed.program.steps[usize::from(*op)].op);
        *flags ^= if flipped { flip } else { 0 };
    }
    let story = story(&expectation(), &parsed.program, &trace);
    story.differences.len()
}

fn nothing_differs(recorded: (&str, &str)) {
    assert_eq!(differences_with(recorded, 0, |_| false), 0);
}

/// Of the buffers that such calls tell of the holds alone are open.
fn only_holds_are_open(recorded: (&str, &str), calls: fn(&Op) -> bool) {
    let differences = |flip| differences_with(recorded, flip, calls);
    assert_eq!([0, V4L2_BUF_FLAG_MAPPED].map(differences), [0, 0]);
    assert_eq!(differences(V4L2_BUF_FLAG_ERROR), 1);
}

/// A dma-buf is closed while DQBUF in another thread fills in whether the buffer is MAPPED: before or after nobody can tell, but
/// the rest of the answer is certain.
#[test]
fn only_the_holds_on_a_buffer_are_open_while_another_thread_drops_one() {
    let dequeues = |op: &Op| matches!(op, Op::Dqbuf { .. });
    only_holds_are_open(recorded!("closed-beside"), dequeues);
}

/// A call of another thread that waits for a fence keeps the dma-buf whose slot is emptied: `__fget_light()`.
#[test]
fn a_call_that_waits_may_hold_what_is_closed() {
    let queues = |op: &Op| matches!(op, Op::Qbuf { .. });
    only_holds_are_open(recorded!("held-by-a-call"), queues);
}

/// A poll of another thread keeps the dma-buf until the fence ends that it found: its slot is emptied, and it returns before that.
#[test]
fn a_poll_that_has_returned_may_hold_what_is_closed() {
    let dequeues = |op: &Op| matches!(op, Op::Dqbuf { .. });
    only_holds_are_open(recorded!("held-by-a-poll"), dequeues);
}

/// A poll that has waited looks its descriptor up again, which is gone, though another keeps the file open.
#[test]
fn a_poll_may_miss_its_descriptor_when_it_wakes() {
    nothing_differs(recorded!("closed-under-poll"));
}

/// STREAMOFF of OUTPUT ends a drain with an empty CAPTURE buffer while another thread is in DQBUF.
#[test]
fn whether_a_buffer_is_the_last_is_open_while_another_thread_ends_the_drain() {
    nothing_differs(recorded!("streamoff-beside-dqbuf"));
}

/// A drain without a frame gives an empty CAPTURE buffer back, as a change of the stream does, while another thread is in DQBUF.
#[test]
fn what_a_command_gave_a_buffer_back_for_is_open_beside_another_thread() {
    nothing_differs(recorded!("stop-beside-dqbuf"));
}

/// A call that fails lets others run before it returns: what it met is older than what they saw.
#[test]
fn a_call_may_have_met_what_was_before_another_thread_returned() {
    nothing_differs(recorded!("refused-beside-poll"));
}

#[test]
fn another_buffer_than_the_first_that_was_done_is_told() {
    each_tampered(|op, call| match (op, &mut call.result) {
        (Op::Dqbuf { .. }, Ok(Out::Buffer { index, .. })) => {
            *index += 1;
            true
        }
        _ => false,
    });
}

#[test]
fn a_lost_flag_is_told() {
    const QUEUED: u32 = 2;
    each_tampered(|op, call| match (op, &mut call.result) {
        (Op::Qbuf { .. }, Ok(Out::Buffer { flags, .. })) if *flags & QUEUED != 0 => {
            *flags &= !QUEUED;
            true
        }
        _ => false,
    });
}

#[test]
fn a_call_that_fails_for_no_reason_is_told() {
    const EIO: i32 = 5;
    each_tampered(|_, call| {
        let fine = call.result.is_ok();
        call.result = Err(EIO);
        fine
    });
}

#[test]
fn what_the_contract_says_comes_before_what_the_model_says() {
    let (program, mut trace) = golden().next().expect("a trace");
    for event in &mut trace.events {
        if let Event::Call(call) = event {
            call.result = Err(5);
        }
    }
    trace.events.push(Event::Log {
        level: 4,
        text: "WARNING: CPU: 0 PID: 1 at mm/slub.c:1 f+0x1/0x2".into(),
    });
    let found = judge_with(&expectation(), &program, &trace);
    let model = |violation: &Violation| violation.invariant == Invariant::M1;
    assert!(found.iter().any(model) && !model(&found[0]), "{found:#?}");
    assert!(found.is_sorted_by_key(model));
}
