//! Oracles of what has no reason, a job that fails and a call that waits: each has traces that trip it and some that come
//! near and do not.

mod support;

use judge::Invariant::{I17, I19, I24};
use support::*;
use trace::*;

// I17: a reason to fail

fn cut_short(mut run: Run) -> Run {
    run.wait(MS).cut(-5).ok("advance 1ms");
    run
}

#[test]
fn i17_a_job_that_fails_for_no_reason() {
    let violation = cut_short(exported()).finds_only(I17);
    assert_eq!(
        violation.observed,
        "its job ended with an error that nobody asked for"
    );
}

#[test]
fn i17_a_job_that_could_not_be_started() {
    let mut run = prepared();
    run.queue(CAP0).ledger(Kind::Done {
        buffer: CAP0,
        state: 6,
    });
    run.ok("streamon a cap");
    let violation = run.finds(I17);
    assert!(violation.observed.contains("no job was started"));
}

#[test]
fn i17_a_job_that_was_told_to_fail() {
    cut_short(failing()).clean();
}

#[test]
fn i17_a_job_of_another_file_that_was_told_to_fail() {
    let mut run = exported();
    run.ok("b = open double").ok("fail b error 1");
    cut_short(run).finds_only(I17);
}

#[test]
fn i17_a_buffer_that_may_be_too_small() {
    for larger in ["source_change a 1 128x64", "s_fmt a out 128x128"] {
        let mut run = exported();
        run.ok(larger);
        cut_short(run).clean();
    }
}

#[test]
fn i17_a_job_that_was_stopped() {
    for stop in ["streamoff a out", "close a", "a = open double"] {
        let mut run = exported();
        run.wait(MS).cut(-5).ok(stop);
        run.clean();
    }
}

#[test]
fn i17_a_job_that_another_thread_stops() {
    let mut run = exported();
    let op = run.begin("streamoff a cap");
    let mut run = cut_short(run);
    run.end(op, Ok(Out::Done)).clean();
}

#[test]
fn i17_a_file_that_a_call_held_open() {
    let mut run = exported();
    let op = run.begin("dqbuf a cap wait");
    run.ok("close a");
    run.wait(MS).cut(-5).end(op, Err(9)).ok("join").clean();
}

#[test]
fn i17_another_file_that_was_stopped() {
    let mut run = exported();
    run.ok("b = open double");
    run.wait(MS).cut(-5).ok("streamoff b cap");
    run.finds_all(&[I17, I19]);
}

#[test]
fn i17_a_job_that_the_watchdog_ended() {
    let mut run = exported();
    run.wait(1000 * MS).cut(-110).ok("advance 1s");
    run.clean();
    let mut run = exported();
    run.ok("watchdog a 5ms");
    run.wait(5 * MS).cut(-110).ok("advance 5ms");
    run.clean();
}

// I24

#[test]
fn i24_a_call_that_takes_time() {
    for call in ["qbuf a cap 0", "streamon a cap"] {
        let mut run = prepared();
        run.wait(5 * MS).ok(call);
        let violation = run.finds_only(I24);
        assert!(violation.observed.ends_with("took 5.000000 ms"));
    }
}

#[test]
fn i24_calls_that_may_take_time() {
    let mut run = prepared();
    run.wait(5 * MS).ok("streamoff a cap");
    run.wait(5 * MS).ok("advance 5ms").clean();
    let mut inline = prepared();
    inline.ok("completion a inline");
    inline.wait(5 * MS).ok("streamon a cap").clean();
}

#[test]
fn i24_a_call_beside_another_one() {
    let mut run = prepared();
    let op = run.begin("streamoff a out");
    run.wait(5 * MS).ok("streamon a cap");
    run.end(op, Ok(Out::Done)).clean();
}

#[test]
fn i24_a_call_that_began_while_another_thread_slept() {
    let mut run = prepared();
    let op = run.begin("poll a out 5ms");
    run.wait(5 * MS).end(op, polled(0));
    run.ok("streamon a cap").clean();
}
