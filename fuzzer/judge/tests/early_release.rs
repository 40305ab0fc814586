//! Oracles of early release: each has a trace that trips it and one that comes near and does not.

mod support;

use judge::Invariant::{I6, I8, I9, I10, I16};
use support::*;
use trace::*;

// I6

#[test]
fn i6_dqbuf_before_the_signal() {
    let mut run = exported();
    run.wait(5 * MS).stores().ledger(Kind::Done {
        buffer: CAP0,
        state: 5,
    });
    run.call("dqbuf a cap", buffer(0, 0));
    run.ledger(Kind::Signal {
        fence: DST,
        error: 0,
    })
    .ok("advance 1ms");
    run.finds(I6);
    run.finds(I10);
}

#[test]
fn i6_a_sync_file_that_is_pending_after_dqbuf() {
    let mut run = finished();
    run.call("dqbuf a cap", buffer(0, 0)).look(Look::Sync {
        slot: 0,
        info: pending(DST),
    });
    run.finds_only(I6);
}

#[test]
fn i6_a_signal_time_in_the_future() {
    let mut run = finished();
    let later = run.now + 1;
    run.call("dqbuf a cap", buffer(0, 0)).look(Look::Sync {
        slot: 0,
        info: signalled(1, later),
    });
    run.finds_only(I6);
}

#[test]
fn i6_the_next_arming_of_the_buffer_may_be_pending() {
    let mut run = dequeued();
    run.call("dqbuf a out", buffer(0, 0));
    run.call("qbuf a cap 0", buffer(0, 0)).queue(CAP0);
    run.queue(OUT0)
        .arm(FenceId { seqno: 2, ..SRC }, OUT0)
        .arm(FenceId { seqno: 2, ..DST }, CAP0);
    run.phase(OUT0, 8, Phase::Start)
        .phase(CAP0, 8, Phase::Start);
    run.call("qbuf a out 0", buffer(0, 0));
    run.call(
        "s2 = export_sync d0 rw",
        sync(pending(FenceId { seqno: 2, ..DST })),
    );
    run.clean();
}

// I8

#[test]
fn i8_a_signal_before_the_last_store() {
    let mut run = exported();
    run.wait(5 * MS).phase(CAP0, JOB, Phase::FirstStore);
    run.give(DST, CAP0, 0)
        .phase(CAP0, JOB, Phase::LastStore)
        .give(SRC, OUT0, 0)
        .ok("advance 5ms");
    let violation = run.finds_only(I8);
    assert_eq!(
        violation.observed,
        "it was signalled while the job was still storing"
    );
}

#[test]
fn i8_an_aborted_job_may_leave_half_a_frame() {
    let mut run = exported();
    run.wait(5 * MS)
        .phase(CAP0, JOB, Phase::FirstStore)
        .cut(-5)
        .ok("streamoff a cap");
    run.look(Look::Dmabuf {
        slot: 0,
        content: Content {
            good_words: 9,
            ..EMPTY
        },
    });
    run.clean();
}

#[test]
fn i8_a_frame_that_is_not_whole() {
    let mut run = finished();
    let half = Content {
        good_words: 9,
        ..content(JOB, run.now)
    };
    run.call("check d0", Ok(Out::Content(half)));
    run.finds_only(I8);
}

#[test]
fn i8_a_frame_of_another_job() {
    let mut run = finished();
    let time = run.now;
    run.call("check d0", Ok(Out::Content(content(JOB - 1, time))));
    run.finds_only(I8);
}

#[test]
fn i8_a_store_that_nobody_recorded_shows_in_the_content() {
    let mut run = dequeued();
    let other = Content {
        hash: 1,
        ..content(JOB, run.now)
    };
    run.ok("streamoff a cap").wait(5 * MS).ok("advance 5ms");
    run.look(Look::Dmabuf {
        slot: 0,
        content: other,
    });
    let violation = run.finds_only(I8);
    assert_eq!(
        violation.observed,
        "the plane changed although no buffer of it was queued"
    );
}

#[test]
fn i8_the_plane_may_change_once_the_buffer_is_queued_again() {
    let mut run = dequeued();
    run.call("qbuf a cap 0", buffer(0, 0))
        .queue(CAP0)
        .ok("advance 1ms");
    run.look(Look::Dmabuf {
        slot: 0,
        content: EMPTY,
    });
    run.clean();
}

#[test]
fn i8_the_plane_may_change_while_another_buffer_imports_it() {
    let mut run = dequeued();
    run.ok("b = open double")
        .call("reqbufs b cap dmabuf 1", buffers(1));
    run.call("qbuf b cap 0 d0", buffer(0, 0));
    run.call("check d0", Ok(Out::Content(EMPTY)));
    run.clean();
}

#[test]
fn i8_orphaned_memory_stays_as_it_is() {
    let mut run = dequeued();
    run.ok("streamoff a cap")
        .call("reqbufs a cap mmap 0", buffers(0))
        .wait(5 * MS)
        .ok("advance 5ms");
    let same = content(JOB, 0);
    run.look(Look::Dmabuf {
        slot: 0,
        content: same,
    });
    run.clean();
    run.look(Look::Dmabuf {
        slot: 0,
        content: EMPTY,
    });
    run.finds(I8);
}

// I9

#[test]
fn i9_a_stamp_later_than_the_signal() {
    let mut run = finished();
    let late = content(JOB, run.now + 1000);
    run.call("check d0", Ok(Out::Content(late)));
    let violation = run.finds_only(I9);
    assert_eq!(
        violation.observed,
        "it was signalled 0.001000 ms before the stamp"
    );
}

#[test]
fn i9_a_last_store_recorded_later_than_the_signal() {
    let mut run = exported();
    run.wait(5 * MS)
        .phase(CAP0, JOB, Phase::FirstStore)
        .give(DST, CAP0, 0);
    run.wait(MS)
        .phase(CAP0, JOB, Phase::LastStore)
        .give(SRC, OUT0, 0)
        .ok("advance 6ms");
    run.finds(I9);
    run.finds(I8);
}

#[test]
fn i9_a_stamp_at_the_same_instant_is_in_order() {
    let mut run = finished();
    let now = content(JOB, run.now);
    run.call("check d0", Ok(Out::Content(now)));
    run.clean();
}

#[test]
fn i9_a_sync_file_with_a_time_before_the_stamp() {
    let mut run = finished();
    let time = run.now;
    run.call("poll s0", sync(signalled(1, time - 1)));
    run.call("check d0", Ok(Out::Content(content(JOB, time))));
    run.finds_only(I9);
}

// I16

#[test]
fn i16_a_merge_that_is_signalled_too_early() {
    let mut run = exported();
    let both = SyncInfo {
        status: 0,
        fences: vec![fence(None, 0, 0), fence(None, 0, 0)],
    };
    run.call("s2 = merge s0 s1", sync(both.clone()))
        .wait(5 * MS)
        .stores()
        .give(DST, CAP0, 0);
    run.ok("advance 5ms").call("file_info s2", sync(both));
    run.clean();
    run.call("file_info s2", sync(signalled(1, run.now)));
    run.finds_only(I16);
}

#[test]
fn i16_a_merge_that_waits_for_the_last() {
    let mut run = exported();
    let both = SyncInfo {
        status: 0,
        fences: vec![fence(None, 0, 0), fence(None, 0, 0)],
    };
    run.call("s2 = merge s0 s1", sync(both)).wait(5 * MS);
    run.finish().ok("advance 5ms");
    run.call("file_info s2", sync(signalled(1, run.now)));
    run.clean();
}
