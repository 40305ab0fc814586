//! Oracles of the lives of fences: each has a trace that trips it and one that comes near and does not.

mod support;

use judge::Invariant::{I2, I3, I4, I5, I15, I20, I21, I28};
use support::*;
use trace::*;

// I2

#[test]
fn i2_a_fence_signalled_twice() {
    let mut run = finished();
    run.ledger(Kind::Signal {
        fence: DST,
        error: 0,
    })
    .ok("advance 1ms");
    assert_eq!(run.finds(I2).fence, Some(DST));
}

#[test]
fn i2_a_sync_file_that_says_signalled_without_a_signal() {
    let mut run = exported();
    run.call("file_info s0", sync(signalled(1, run.now)));
    run.finds_only(I2);
}

#[test]
fn i2_fences_of_an_earlier_run_are_not_judged() {
    let mut run = whole();
    let old = FenceId {
        context: 9,
        seqno: 1,
    };
    run.ledger(Kind::Signal {
        fence: old,
        error: 0,
    })
    .ledger(Kind::Destroy { fence: old });
    run.clean();
}

// I4

#[test]
fn i4_a_fence_destroyed_while_pending() {
    let mut run = exported();
    run.ledger(Kind::Destroy { fence: DST }).ok("advance 1ms");
    run.finds_only(I4);
}

#[test]
fn i4_destroyed_right_after_the_signal_is_in_order() {
    let mut run = finished();
    run.ledger(Kind::Destroy { fence: DST }).ok("advance 1ms");
    run.clean();
}

// I5

#[test]
fn i5_a_fence_that_outlives_everything() {
    let run =
        whole().without(|event| !is(event, |kind| matches!(kind, Kind::Destroy { fence: DST })));
    assert_eq!(run.finds_only(I5).fence, Some(DST));
}

#[test]
fn i5_a_fence_that_is_held_while_something_is_open() {
    let run = whole().without(|event| {
        !is(event, |kind| matches!(kind, Kind::Destroy { .. }))
            && !matches!(
                event,
                Event::Mark {
                    mark: Mark::AllClosed,
                    ..
                }
            )
    });
    run.clean();
}

// I15

#[test]
fn i15_an_id_used_twice() {
    let mut run = finished();
    run.ledger(Kind::Init { fence: DST }).ok("advance 1ms");
    run.finds(I15);
}

#[test]
fn i15_two_pending_buffers_that_share_a_context() {
    let mut run = prepared();
    run.queue(CAP0)
        .arm(SRC, OUT0)
        .arm(FenceId { seqno: 2, ..SRC }, CAP0);
    run.phase(OUT0, JOB, Phase::Start)
        .phase(CAP0, JOB, Phase::Start)
        .ok("streamon a cap");
    assert_eq!(
        run.finds_only(I15).observed,
        "it shares its context with the pending fence of OUTPUT buffer 0"
    );
}

#[test]
fn i15_a_buffer_s_own_context_goes_on_counting() {
    let mut run = dequeued();
    run.call("qbuf a cap 0", buffer(0, 0))
        .queue(CAP0)
        .ok("advance 1ms");
    run.ledger(Kind::Init {
        fence: FenceId { seqno: 2, ..DST },
    })
    .ok("advance 1ms");
    run.clean();
}

// I20, I21

#[test]
fn i21_a_sync_file_that_cannot_be_looked_at() {
    let mut run = dequeued();
    run.ok("close a").look(Look::Failed {
        what: Looked::Sync,
        slot: 0,
        errno: 9,
    });
    run.finds_only(I21);
    let mut run = dequeued();
    run.ok("close a")
        .ok("reload double")
        .call("file_info s0", Err(5));
    run.finds_only(I21);
}

#[test]
fn i21_an_empty_slot_may_fail() {
    let mut run = dequeued();
    run.ok("close s0")
        .call("file_info s0", Err(9))
        .call("file_info s9", Err(9));
    run.clean();
}

#[test]
fn i20_orphaned_memory_that_cannot_be_mapped() {
    let mut run = dequeued();
    run.ok("close a").look(Look::Failed {
        what: Looked::Dmabuf,
        slot: 0,
        errno: 14,
    });
    run.finds_only(I20);
}

// I3

#[test]
fn i3_a_second_call_to_signal() {
    let mut run = finished();
    run.ledger(Kind::Again { fence: DST }).ok("advance 1us");
    assert_eq!(run.finds_only(I3).fence, Some(DST));
}

#[test]
fn i3_one_call_a_fence_and_fences_of_an_earlier_run() {
    let mut run = finished();
    run.ledger(Kind::Again {
        fence: FenceId { context: 9, ..DST },
    })
    .ok("advance 1us");
    run.clean();
}

// I28

#[test]
fn i28_what_is_left_when_everything_is_closed() {
    for (dmabufs, users) in [(1, 0), (0, 2)] {
        let mut run = whole();
        run.look(Look::Objects { dmabufs, users });
        run.finds_only(I28);
    }
}

#[test]
fn i28_a_driver_that_cannot_be_unloaded() {
    let mut run = dequeued();
    run.ok("close a").call("reload double", Err(11));
    run.finds_only(I28);
}

#[test]
fn i28_what_is_open_may_be_there() {
    let mut run = dequeued();
    run.call("reload double", Err(11)).clean();
    let mut run = whole();
    run.look(Look::Objects {
        dmabufs: -1,
        users: 0,
    });
    run.clean();
    let mut run = dequeued();
    let op = run.begin("poll a in 1s");
    run.ok("close a").call("reload double", Err(11));
    run.stuck(op).look(Look::Objects {
        dmabufs: 0,
        users: 1,
    });
    run.clean();
}
