//! Oracles of those who wait, and of jobs that cannot get their fences. Each has a trace that trips it and some that come
//! near and do not.

mod support;

use judge::Invariant::{I23, I31, I32};
use support::*;
use trace::*;

// I23

#[test]
fn i23_a_wait_that_cannot_be_interrupted() {
    let mut run = exported();
    run.wait(1600 * MS).call("sync d0 start r", Err(4));
    run.finds_only(I23);
    let mut run = exported();
    let op = run.begin("sync d0 start rw");
    run.ok("advance 1ms").stuck(op);
    run.finds(I23);
}

#[test]
fn i23_a_wait_that_goes_on_after_the_signal() {
    let mut run = exported();
    run.wait(5 * MS).finish().wait(100 * MS);
    run.ok("sync d0 start r");
    run.finds_only(I23);
}

#[test]
fn i23_a_wait_that_ends_at_the_signal_or_at_the_interruption() {
    let mut run = exported();
    run.wait(500 * MS).finish().ok("sync d0 start r");
    run.clean();
    let mut run = exported();
    run.ok("watchdog a 2s");
    run.wait(1500 * MS).call("sync d0 start r", Err(4));
    run.clean();
}

// I31

/// Both buffers are given back with an error, without a job; the OUTPUT buffer had a fence. Then this returns.
fn refused(call: &str, capture_too: bool) -> Run {
    let mut run = prepared();
    run.queue(CAP0).arm(SRC, OUT0);
    if capture_too {
        run.arm(DST, CAP0).ledger(Kind::Signal {
            fence: DST,
            error: -5,
        });
    }
    run.ledger(Kind::Done {
        buffer: CAP0,
        state: 6,
    });
    run.give(SRC, OUT0, -5).ok(call);
    run
}

fn finds_i31(run: &Run) -> bool {
    run.judge().iter().any(|found| found.invariant == I31)
}

#[test]
fn i31_a_fence_of_a_job_that_could_not_have_both() {
    refused("streamon a cap", false).finds(I31);
}

#[test]
fn i31_a_job_that_was_refused_with_both_or_with_none() {
    assert!(!finds_i31(&refused("streamon a cap", true)));
    let mut run = prepared();
    run.queue(CAP0);
    for buffer in [CAP0, OUT0] {
        run.ledger(Kind::Done { buffer, state: 6 });
    }
    run.ok("streamon a cap");
    assert!(!finds_i31(&run));
    // STREAMOFF gives back what was not armed yet together with what was.
    assert!(!finds_i31(&refused("streamoff a cap", false)));
}

// I32

#[test]
fn i32_a_job_that_waits_for_a_lock_with_its_first_fence_out() {
    let mut run = prepared();
    run.queue(CAP0).arm(SRC, OUT0).wait(20 * MS).arm(DST, CAP0);
    run.phase(OUT0, JOB, Phase::Start)
        .phase(CAP0, JOB, Phase::Start)
        .ok("advance 20ms");
    run.finds_only(I32);
}

#[test]
fn i32_a_job_that_waits_before_its_first_fence_is_out() {
    let mut run = prepared();
    run.queue(CAP0).wait(20 * MS).start().ok("advance 20ms");
    run.clean();
}
