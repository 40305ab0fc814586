//! The oracle of buffers on memory of user space: traces that trip it and some that come near and do not.

mod support;

use judge::Invariant::{I8, I12, I30};
use support::*;
use trace::*;

/// Both buffers on memory of user space, with a job that has started.
fn started() -> Run {
    let mut run = Run::default();
    run.ok("a = open double");
    for buffer in [OUT0, CAP0] {
        run.queue(buffer).ledger(Kind::Userptr { buffer });
    }
    run
}

fn job(run: &mut Run) -> &mut Run {
    run.phase(OUT0, JOB, Phase::Start)
        .phase(CAP0, JOB, Phase::Start)
        .ok("advance 1us")
}

#[test]
fn i30_a_fence_that_is_attached() {
    let mut run = started();
    run.arm(DST, CAP0);
    job(&mut run);
    assert_eq!(run.finds_only(I30).fence, Some(DST));
}

#[test]
fn i30_a_fence_that_is_made_and_attached_nowhere() {
    let mut run = started();
    run.ledger(Kind::Init { fence: DST });
    job(&mut run);
    assert_eq!(run.finds_only(I30).fence, Some(DST));
}

#[test]
fn i30_no_fence_at_all() {
    let mut run = started();
    job(&mut run).clean();
}

#[test]
fn i30_the_other_buffer_of_the_job_may_have_one() {
    let mut run = prepared();
    run.queue(CAP0).ledger(Kind::Userptr { buffer: CAP0 });
    run.arm(SRC, OUT0);
    job(&mut run).clean();
    // The next time it is on other memory.
    let mut run = prepared();
    run.queue(CAP0).ledger(Kind::Userptr { buffer: CAP0 });
    run.arm(SRC, OUT0);
    job(&mut run);
    run.give(SRC, OUT0, 0).ledger(Kind::Done {
        buffer: CAP0,
        state: 5,
    });
    run.queue(OUT0).queue(CAP0);
    run.arm(FenceId { seqno: 2, ..SRC }, OUT0);
    job(&mut run);
    run.finds_only(I12);
}

#[test]
fn i30_a_kernel_that_does_not_tell_of_attachments() {
    let mut run = prepared();
    run.queue(CAP0).ledger(Kind::Userptr { buffer: CAP0 });
    run.ledger(Kind::Init { fence: SRC });
    let found = run.judge();
    assert!(
        found.iter().all(|found| found.invariant != I30),
        "{found:#?}"
    );
}

/// A buffer on memory of user space cannot stand on what others share, so its jobs are no excuse for what changes there.
#[test]
fn i8_a_plane_that_changes_while_such_a_buffer_is_queued() {
    let mut run = dequeued();
    run.ok("b = open double")
        .call("reqbufs b cap userptr 1", buffers(1));
    run.call("qbuf b cap 0", buffer(0, 0));
    run.call("check d0", Ok(Out::Content(EMPTY)));
    run.finds_only(I8);
}
