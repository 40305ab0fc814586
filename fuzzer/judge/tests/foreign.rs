//! Drivers that tell nothing of their jobs, and drivers that were told to attach no fence.

mod support;

use judge::{Expectation, Invariant::I11, judge_with};
use program::Driver;
use trace::*;

use support::*;

const CAP1: BufferId = BufferId { index: 1, ..CAP0 };
const OUT1: BufferId = BufferId { index: 1, ..OUT0 };
const OTHER: FenceId = FenceId {
    context: 3,
    seqno: 1,
};

/// What is expected of a driver, but for the answers of its calls, which these traces make up.
fn expected(driver: Driver, attaches: bool) -> Expectation {
    Expectation {
        model: None,
        ..Expectation::of(driver, attaches)
    }
}

/// What is found wrong with the run of a driver of the kernel's own.
fn found(run: &Run, attaches: bool) -> Vec<String> {
    let expectation = expected(Driver::Vim2m, attaches);
    let violations = judge_with(&expectation, &run.program, &run.trace);
    assert!(violations.iter().all(|found| found.invariant == I11));
    violations.into_iter().map(|found| found.observed).collect()
}

/// A job without a word of it.
fn job() -> Run {
    let mut run = prepared();
    run.queue(CAP0).arm(SRC, OUT0).arm(DST, CAP0);
    run.ok("streamon a cap");
    run.wait(40 * MS).give(SRC, OUT0, 0).give(DST, CAP0, 0);
    run.ok("advance 40ms");
    run
}

#[test]
fn a_job_that_is_not_told_is_no_fault() {
    assert!(found(&job(), true).is_empty());
}

#[test]
fn one_job_after_the_other_is_no_fault() {
    let mut run = job();
    let again = |fence: FenceId| FenceId { seqno: 2, ..fence };
    run.call("qbuf a out 0", buffer(0, 0)).queue(OUT0);
    run.queue(CAP0).arm(again(SRC), OUT0).arm(again(DST), CAP0);
    run.call("qbuf a cap 0", buffer(0, 0));
    assert!(found(&run, true).is_empty());
}

#[test]
fn a_decoder_may_attach_to_the_capture_buffer_alone() {
    let mut run = prepared();
    run.queue(CAP0).arm(DST, CAP0).ok("streamon a cap");
    assert!(found(&run, true).is_empty());
}

#[test]
fn a_fence_needs_a_buffer_of_the_other_queue() {
    let mut run = prepared();
    run.arm(SRC, OUT0).ok("advance 1ms");
    let found = found(&run, true);
    assert!(
        found[0].contains("no buffer of the other queue"),
        "{found:?}"
    );
}

#[test]
fn another_file_s_buffer_is_no_partner() {
    let mut run = prepared();
    run.ok("b = open double");
    run.call("reqbufs b cap mmap 1", buffers(1));
    run.call("qbuf b cap 0", buffer(0, 0));
    let other = BufferId { queue: 3, ..CAP0 };
    run.queue(other).ok("streamon b cap");
    run.arm(SRC, OUT0).ok("advance 1ms");
    assert_eq!(found(&run, true).len(), 1);
}

#[test]
fn two_jobs_at_once_are_one_too_many() {
    let mut run = prepared();
    run.queue(OUT1).queue(CAP0).queue(CAP1);
    run.arm(SRC, OUT0).arm(DST, CAP0);
    run.arm(OTHER, CAP1).ok("streamon a cap");
    let found = found(&run, true);
    assert_eq!(
        found,
        ["it was attached while another job of the device was running"]
    );
}

#[test]
fn a_buffer_that_userspace_has_is_no_job_s() {
    let mut run = job();
    run.arm(OTHER, CAP0).ok("advance 1ms");
    let found = found(&run, true);
    assert_eq!(
        found,
        ["it was attached to a buffer that the driver does not have"]
    );
}

#[test]
fn a_driver_that_was_told_to_attach_none_attaches_none() {
    let found = found(&job(), false);
    assert_eq!(found.len(), 2);
    let double = expected(Driver::Double, false);
    let run = dequeued();
    let violations = judge_with(&double, &run.program, &run.trace);
    assert_eq!(violations.len(), 2, "{violations:#?}");
}

#[test]
fn what_is_expected_of_the_double_is_the_default() {
    assert_eq!(expected(Driver::Double, true), Expectation::default());
}

#[test]
fn a_buffer_whose_memory_is_in_doubt_may_write_any() {
    let mut run = Run::default();
    run.ok("a = open double");
    run.call("reqbufs a cap mmap 1", buffers(1));
    run.call("d0 = expbuf a cap 0", Ok(Out::Exported { size: 4096 }));
    let look = |hash| Content { hash, ..EMPTY };
    run.call("check d0", Ok(Out::Content(look(1))));
    let sure = run.clone();
    let free = run.begin("reqbufs a cap mmap 0");
    // The driver writes in place of a job, which nobody tells of.
    let write = |run: &mut Run| {
        run.queue(CAP0).call("qbuf a cap 0", buffer(0, 0));
        run.wait(40 * MS).ledger(Kind::Done {
            buffer: CAP0,
            state: 5,
        });
        run.ok("advance 40ms");
        run.call("check d0", Ok(Out::Content(look(2))));
    };
    run.end(free, Err(16));
    write(&mut run);
    assert!(found(&run, true).is_empty());
    // Without a QBUF nobody may write, in doubt or not.
    let mut changed = sure;
    changed.call("check d0", Ok(Out::Content(look(2))));
    changed.finds(judge::Invariant::I8);
}
