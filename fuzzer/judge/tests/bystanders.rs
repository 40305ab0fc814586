//! Oracles of those who have no part in a job: other files, orphaned memory, fences of others, and the buffers' own books.
//! Each has a trace that trips it and one that comes near and does not.

mod support;

use judge::Invariant::{I8, I19, I20, I22, I25, I26};
use support::*;
use trace::*;

const OTHER_OUT: BufferId = BufferId { queue: 3, ..OUT0 };
const OTHER_CAP: BufferId = BufferId { queue: 4, ..CAP0 };
const OTHER_SRC: FenceId = FenceId {
    context: 3,
    seqno: 1,
};
const OTHER_DST: FenceId = FenceId {
    context: 4,
    seqno: 1,
};
const OTHER_JOB: u64 = 77;

/// As [`exported`], with a second file `b` whose job is held by its gate as well; `d2` is its CAPTURE plane.
fn two_files() -> Run {
    let mut run = exported();
    run.ok("b = open double").ok("gate b close");
    run.call("reqbufs b out mmap 1", buffers(1))
        .call("reqbufs b cap mmap 1", buffers(1));
    run.call("d2 = expbuf b cap 0", Ok(Out::Exported { size: 4096 }));
    run.call("qbuf b out 0", buffer(0, 0)).queue(OTHER_OUT);
    run.ok("streamon b out").call("qbuf b cap 0", buffer(0, 0));
    run.queue(OTHER_CAP);
    run.arm(OTHER_SRC, OTHER_OUT).arm(OTHER_DST, OTHER_CAP);
    run.phase(OTHER_OUT, OTHER_JOB, Phase::Start)
        .phase(OTHER_CAP, OTHER_JOB, Phase::Start);
    run.ok("streamon b cap");
    run
}

// I19

#[test]
fn i19_a_streamoff_that_ends_another_file_s_job() {
    for call in ["streamoff a cap", "reqbufs a cap mmap 0", "close a"] {
        let mut run = two_files();
        run.wait(MS).cut(-5);
        run.ledger(Kind::Signal {
            fence: OTHER_DST,
            error: -125,
        });
        run.ok(call);
        assert_eq!(run.finds_only(I19).fence, Some(OTHER_DST));
    }
}

#[test]
fn i19_another_file_s_job_may_end_meanwhile() {
    let mut run = two_files();
    run.wait(MS).cut(-5);
    run.phase(OTHER_CAP, OTHER_JOB, Phase::FirstStore)
        .phase(OTHER_CAP, OTHER_JOB, Phase::LastStore)
        .phase(OTHER_OUT, OTHER_JOB, Phase::End)
        .phase(OTHER_CAP, OTHER_JOB, Phase::End);
    run.give(OTHER_DST, OTHER_CAP, 0)
        .give(OTHER_SRC, OTHER_OUT, 0);
    run.ok("streamoff a cap");
    run.clean();
}

#[test]
fn i19_a_file_may_end_its_own_jobs() {
    let mut run = two_files();
    run.wait(MS).cut(-5).ok("streamoff a cap");
    run.clean();
}

// I20

/// As [`dequeued`], with the file closed: `d0` and `d1` are orphans.
fn orphaned() -> Run {
    let mut run = dequeued();
    run.ok("streamoff a cap").ok("streamoff a out");
    run.call("reqbufs a cap mmap 0", buffers(0)).ok("close a");
    run
}

#[test]
fn i20_orphaned_memory_that_cannot_be_used() {
    let mut run = orphaned();
    run.look(Look::Failed {
        what: Looked::Dmabuf,
        slot: 0,
        errno: 14,
    });
    run.finds_only(I20);
    let mut run = orphaned();
    run.call("s5 = export_sync d0 rw", Err(5));
    run.finds_only(I20);
    let mut run = orphaned();
    run.call("poll d1 in", polled(1 | 8));
    run.finds_only(I20);
}

#[test]
fn i20_orphaned_memory_with_a_pending_fence() {
    let mut run = orphaned();
    run.call("s5 = export_sync d0 rw", sync(pending(DST)));
    run.finds(I20);
    let mut run = orphaned();
    run.look(Look::Poll {
        slot: 0,
        revents: 0,
    });
    run.finds(I20);
}

#[test]
fn i20_orphaned_memory_that_is_written_to() {
    let frame = |time| Look::Dmabuf {
        slot: 0,
        content: content(JOB, time),
    };
    let mut run = orphaned();
    let time = run.now;
    run.look(frame(time)).wait(MS).ok("advance 1ms");
    let Look::Dmabuf { slot, mut content } = frame(time) else {
        unreachable!("it was made above")
    };
    content.hash += 1;
    run.look(Look::Dmabuf { slot, content });
    run.finds_all(&[I20, I8]);
}

#[test]
fn i20_orphaned_memory_that_nobody_touches() {
    let mut run = orphaned();
    let time = run.now - 1;
    run.call("s5 = export_sync d0 rw", sync(stub()))
        .call("poll d0 in", polled(1));
    run.call("s6 = export_sync d9 rw", Err(9));
    run.look(Look::Dmabuf {
        slot: 0,
        content: content(JOB, time),
    });
    run.clean();
}

#[test]
fn i20_orphaned_memory_that_another_buffer_imports() {
    let mut run = orphaned();
    run.share(OTHER_OUT, CAP0).share(OTHER_CAP, CAP0);
    run.ok("b = open double")
        .call("reqbufs b cap dmabuf 1", buffers(1))
        .call("qbuf b cap 0 d0", buffer(0, 0));
    run.queue(OTHER_CAP).arm(OTHER_DST, OTHER_CAP);
    run.phase(OTHER_CAP, OTHER_JOB, Phase::Start)
        .ok("streamon b cap");
    run.call("s5 = export_sync d0 rw", sync(pending(OTHER_DST)))
        .call("poll d0 in", polled(0));
    run.clean();
}

// I22

#[test]
fn i22_a_second_fence_on_an_armed_buffer() {
    let mut run = exported();
    let second = FenceId { context: 9, ..DST };
    run.arm(second, CAP0).ok("advance 1us");
    assert_eq!(run.finds(I22).fence, Some(second));
}

#[test]
fn i22_the_next_job_s_fence_and_an_importer_s() {
    let mut run = dequeued();
    run.call("qbuf a cap 0", buffer(0, 0))
        .call("qbuf a out 0", buffer(0, 0));
    let again = |fence: FenceId| FenceId { seqno: 2, ..fence };
    run.queue(OUT0).queue(CAP0);
    run.share(OTHER_CAP, CAP0);
    run.arm(again(SRC), OUT0).arm(again(DST), CAP0);
    run.phase(OUT0, JOB + 1, Phase::Start)
        .phase(CAP0, JOB + 1, Phase::Start);
    run.ok("advance 1us");
    run.ok("b = open double")
        .call("reqbufs b cap dmabuf 1", buffers(1))
        .call("qbuf b cap 0 d0", buffer(0, 0));
    run.queue(OTHER_CAP).arm(OTHER_DST, OTHER_CAP);
    run.phase(OTHER_CAP, OTHER_JOB, Phase::Start)
        .ok("streamon b cap");
    run.clean();
}

/// A job after the other on the same two buffers; the fences of a job are destroyed when the next one's come, or never.
fn cycles(destroyed: bool) -> Run {
    let mut run = prepared();
    run.queue(CAP0).start().ok("streamon a cap");
    let at = |fence: FenceId, seqno| FenceId { seqno, ..fence };
    for job in 1..4 {
        run.wait(MS).stores();
        run.give(at(DST, job), CAP0, 0).give(at(SRC, job), OUT0, 0);
        run.ok("advance 1ms");
        run.queue(OUT0).queue(CAP0);
        for (fence, buffer) in [(SRC, OUT0), (DST, CAP0)] {
            run.arm(at(fence, job + 1), buffer);
            if destroyed {
                run.ledger(Kind::Destroy {
                    fence: at(fence, job),
                });
            }
            run.phase(buffer, JOB, Phase::Start);
        }
        run.ok("advance 1us");
    }
    run
}

#[test]
fn i22_an_object_that_collects_signalled_fences() {
    cycles(false).finds_only(I22);
}

#[test]
fn i22_signalled_fences_make_room() {
    cycles(true).clean();
    // A sync_file may keep any of them.
    let mut run = cycles(false);
    run.call(
        "s5 = export_sync d0 r",
        sync(pending(FenceId { seqno: 4, ..DST })),
    );
    run.clean();
}

// I25

/// The fence of `b`, held by a gate, is imported into the CAPTURE plane of `a`, whose job then ends.
fn imported(access: &str) -> Run {
    let mut run = two_files();
    run.call("s2 = export_sync d2 rw", sync(pending(OTHER_DST)));
    run.ok(&format!("import_sync d0 s2 {access}"));
    run.ok("gate a open")
        .wait(5 * MS)
        .finish()
        .ok("advance 5ms");
    run
}

#[test]
fn i25_a_foreign_fence_that_is_lost() {
    let mut run = imported("w");
    run.call("s5 = export_sync d0 r", sync(stub()));
    assert_eq!(run.finds_only(I25).fence, Some(OTHER_DST));
    let mut run = imported("r");
    run.call("poll d0 out", polled(4));
    run.finds_only(I25);
}

#[test]
fn i25_a_foreign_fence_that_is_there() {
    let mut run = imported("w");
    run.call("s5 = export_sync d0 r", sync(pending(OTHER_DST)))
        .call("poll d0 in", polled(0));
    run.clean();
    // Readers do not wait for readers.
    let mut run = imported("r");
    run.call("s5 = export_sync d0 r", sync(stub()))
        .call("poll d0 in", polled(1));
    run.clean();
}

#[test]
fn i25_a_foreign_fence_that_was_signalled() {
    let mut run = imported("w");
    run.ok("gate b open").wait(5 * MS);
    run.phase(OTHER_CAP, OTHER_JOB, Phase::FirstStore).phase(
        OTHER_CAP,
        OTHER_JOB,
        Phase::LastStore,
    );
    run.give(OTHER_DST, OTHER_CAP, 0)
        .give(OTHER_SRC, OTHER_OUT, 0)
        .ok("advance 5ms");
    run.call("s5 = export_sync d0 rw", sync(stub())).clean();
}

// I26

#[test]
fn i26_a_buffer_that_the_driver_gets_twice() {
    let mut run = exported();
    run.queue(CAP0).ok("advance 1us");
    run.finds_only(I26);
}

#[test]
fn i26_a_buffer_that_is_given_back_twice() {
    let mut run = finished();
    run.ledger(Kind::Done {
        buffer: OUT0,
        state: 5,
    })
    .ok("advance 1us");
    run.finds_only(I26);
}

#[test]
fn i26_a_last_buffer_that_is_given_back_twice() {
    let last = Kind::Done {
        buffer: CAP0,
        state: 5,
    };
    let mut run = dequeued();
    run.ledger(last).ok("decoder_cmd a stop");
    run.call("dqbuf a cap", buffer(0, 0)).clean();
    let mut again = run.clone();
    again
        .ledger(last)
        .call("qbuf a cap 0", buffer(0, 0))
        .clean();
    run.ledger(last).ledger(last);
    run.call("qbuf a cap 0", buffer(0, 0)).finds_only(I26);
}

#[test]
fn i26_a_buffer_that_is_removed_while_the_driver_has_it() {
    let mut run = prepared();
    run.ok("remove_bufs a out 0 1");
    run.finds_only(I26);
}

#[test]
fn i26_buffers_go_round() {
    let mut run = dequeued();
    run.call("qbuf a cap 0", buffer(0, 0)).queue(CAP0);
    run.ledger(Kind::Done {
        buffer: CAP0,
        state: 6,
    })
    .ok("streamoff a cap");
    run.ok("remove_bufs a cap 0 1").clean();
    // The last buffer of a drain need never have been with the driver.
    let mut run = dequeued();
    run.ledger(Kind::Done {
        buffer: CAP0,
        state: 5,
    })
    .ok("decoder_cmd a stop");
    run.clean();
}
