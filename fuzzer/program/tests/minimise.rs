//! The minimiser: what it finds, and how often it asks.

use std::collections::HashSet;

use program::{Op, Program, Seeded, minimise};

fn program(text: &str) -> Program {
    text.parse().unwrap()
}

/// Minimises and checks on the way that nothing empty and nothing known is asked.
fn shrink(start: &Program, test: impl Fn(&Program) -> bool) -> (Program, usize) {
    let mut asked = HashSet::new();
    let small = minimise(start, &mut |candidate| {
        assert!(
            !candidate.steps.is_empty(),
            "the empty program proves nothing"
        );
        assert!(candidate.check().is_ok());
        assert!(asked.insert(candidate.clone()), "asked twice:\n{candidate}");
        test(candidate)
    });
    (small, asked.len())
}

/// Whether the lines of `wanted` stand in `program` in this order.
fn contains_in_order(program: &Program, wanted: &[&str]) -> bool {
    let mut lines = wanted.iter().peekable();
    for step in &program.steps {
        if lines
            .peek()
            .is_some_and(|line| step.to_string().starts_with(**line))
        {
            lines.next();
        }
    }
    lines.peek().is_none()
}

const RECONFIG: &str = include_str!("../../../corpus/seeds/02-reconfig-resize.vb2");

#[test]
fn three_lines_of_many_remain() {
    let wanted = ["gate a close", "streamoff a cap", "check d0"];
    let start = program(RECONFIG);
    let (small, asked) = shrink(&start, |candidate| contains_in_order(candidate, &wanted));
    assert_eq!(
        small.to_string(),
        "gate a close 0\nstreamoff a cap\ncheck d0\n"
    );
    assert!(asked < 120, "{asked} tests");
}

#[test]
fn the_result_is_minimal() {
    let wanted = [
        "a = open",
        "reqbufs a out",
        "qbuf a out",
        "streamon a out",
        "close a",
    ];
    for seed in 0..20 {
        let mut start = program(RECONFIG);
        start.steps.push(program("close a").steps.remove(0));
        let noise = Program::any(&mut Seeded::new(seed), 40);
        start.steps.extend(noise.steps);
        let (small, _) = shrink(&start, |candidate| contains_in_order(candidate, &wanted));
        assert_eq!(small.steps.len(), wanted.len(), "{small}");
    }
}

#[test]
fn what_does_not_hold_is_returned_as_it_is() {
    let start = program(RECONFIG);
    let (same, asked) = shrink(&start, |_| false);
    assert_eq!(same, start);
    assert_eq!(asked, 1);
}

#[test]
fn the_empty_program_is_never_asked() {
    let (same, asked) = shrink(&Program::default(), |_| true);
    assert_eq!((same, asked), (Program::default(), 0));
    let (one, _) = shrink(&program("join ; join ; join"), |_| true);
    assert_eq!(one, program("join"));
}

#[test]
fn steps_that_are_superfluous_together_go_together() {
    let start = program("gate a close ; streamon a out ; gate a open");
    let balanced = |candidate: &Program| {
        let count = |prefix: &str| {
            candidate
                .steps
                .iter()
                .filter(|step| step.to_string().starts_with(prefix))
                .count()
        };
        count("streamon") == 1 && count("gate a close") == count("gate a open")
    };
    let (small, _) = shrink(&start, balanced);
    assert_eq!(small, program("streamon a out"));
}

#[test]
fn everything_about_one_file_goes_at_once() {
    let text = "a = open double ; b = open double ; reqbufs b out mmap 1 ; qbuf b out 0 ; close a";
    let start = program(text);
    let of_b = |line: &String| line.starts_with('b') || line.contains(" b");
    // Half of what is done to b is worse than all of it.
    let (small, asked) = shrink(&start, |candidate| {
        let lines = candidate.steps.iter().map(ToString::to_string);
        let whole = matches!(lines.filter(of_b).count(), 0 | 3..);
        whole && contains_in_order(candidate, &["a = open", "close a"])
    });
    assert_eq!(small, program("a = open double ; close a"));
    assert!(asked < 12, "{asked} tests");
}

#[test]
fn async_and_numbers_become_plain() {
    let start = program("async reqbufs a out mmap 37 ; async poll s0 750ms ; advance 99ms");
    let enough = |candidate: &Program| {
        let [first, second, third] = candidate.steps.as_slice() else {
            return false;
        };
        let count = matches!(first.op, Op::Reqbufs { count: 3.., .. });
        let polls = matches!(second.op, Op::PollSync { .. });
        count && polls && matches!(third.op, Op::Advance { time } if time.0 >= 10)
    };
    let (small, _) = shrink(&start, enough);
    let Op::Reqbufs { count, .. } = small.steps[0].op else {
        panic!("{small}")
    };
    let Op::Advance { time } = small.steps[2].op else {
        panic!("{small}")
    };
    assert_eq!((count, small.steps[1].to_string().as_str()), (3, "poll s0"));
    assert!((10..20).contains(&time.0), "{small}");
    assert!(small.steps.iter().all(|step| !step.asynchronous));
}

/// Whether a buffer of one queue is in the driver's hands two operations before both queues stream.
fn waits(candidate: &Program) -> bool {
    let lines: Vec<String> = candidate.steps.iter().map(ToString::to_string).collect();
    let at = |line: &str| lines.iter().position(|other| other.starts_with(line));
    let queue = |name: &str| {
        let on = at(&format!("streamon a {name}"))?;
        let queued = at(&format!("qbuf a {name} 0"))?;
        let made = at(&format!("reqbufs a {name} mmap"))?;
        (at("a = open")? < made && made < queued && queued < on).then_some(on)
    };
    let (Some(output), Some(capture)) = (queue("out"), queue("cap")) else {
        return false;
    };
    let second = at("qbuf a out 1").is_some() && at("qbuf a cap 1").is_some();
    output.abs_diff(capture) > 1 || second
}

#[test]
fn a_second_buffer_is_not_needed_if_the_queues_are_set_up_one_after_the_other() {
    let text = "a = open double ; reqbufs a out mmap 2 ; reqbufs a cap mmap 2 ; qbuf a out 0 ; qbuf a out 1 ; \
                qbuf a cap 0 ; qbuf a cap 1 ; streamon a out ; streamon a cap";
    let (small, asked) = shrink(&program(text), waits);
    assert_eq!(small.steps.len(), 7, "{small}");
    assert!(asked < 150, "{asked} tests");
}

#[test]
fn another_order_alone_is_no_gain() {
    let start = program("qbuf a cap 0 ; qbuf a out 0");
    let all = |candidate: &Program| candidate.steps.len() == 2;
    let (same, _) = shrink(&start, all);
    assert_eq!(same, start);
}
