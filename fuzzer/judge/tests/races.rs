//! Traces of programs that race, share memory, close early and use things in the wrong order. All are a correct kernel's.

mod support;

use support::*;
use trace::*;

/// The OUTPUT buffer of another file, which reads what the first one writes.
const READER: BufferId = BufferId {
    queue: 3,
    output: true,
    index: 0,
};
/// Its fence.
const FENCE: FenceId = FenceId {
    context: 3,
    seqno: 1,
};

/// The other file has the plane, and a job that reads it is armed.
fn read_along(run: &mut Run) {
    run.ok("b = open double")
        .call("reqbufs b out dmabuf 1", buffers(1))
        .ok("streamon b out");
    run.queue(READER).call("qbuf b out 0 d0", buffer(0, 0));
    run.arm(FENCE, READER)
        .phase(READER, 50, Phase::Start)
        .ok("streamon b cap");
}

/// A second file that uses the CAPTURE plane of the first as its OUTPUT: in place, or in a row.
#[test]
fn a_plane_that_one_file_writes_and_another_reads() {
    let mut run = armed();
    run.share(READER, CAP0);
    read_along(&mut run);
    // Either fence may be told of; a reader waits for the writer alone.
    let both = SyncInfo {
        status: 0,
        fences: vec![support::fence(None, 0, 0); 2],
    };
    run.call("s0 = export_sync d0 rw", sync(both))
        .call("s1 = export_sync d0 r", sync(pending(DST)));
    run.wait(5 * MS).finish().ok("advance 5ms");
    run.call("s2 = export_sync d0 w", sync(pending(FENCE)));
    run.call("s3 = export_sync d0 r", sync(stub()))
        .call("poll d0 in", polled(1));
    run.call("poll d0 out", polled(0));
    run.wait(MS).give(FENCE, READER, 0).ok("advance 1ms");
    run.call("poll d0 out", polled(4)).clean();
}

/// The same with a reservation object for each of the two buffers: a reader would wait for nothing.
#[test]
fn a_plane_whose_fences_are_in_two_places() {
    let mut run = armed();
    read_along(&mut run);
    let mut shared = run.clone();
    run.finds(judge::Invariant::I12);
    let attach = shared.trace.events.iter_mut().rev().find_map(resv);
    *attach.expect("an attachment") = CAP0.queue * 8;
    shared.clean();
}

fn resv(event: &mut Event) -> Option<&mut u32> {
    match event {
        Event::Ledger(Record {
            kind: Kind::Attach { resv, .. },
            ..
        }) => Some(resv),
        _ => None,
    }
}

#[test]
fn an_in_place_job_whose_buffers_share_a_plane() {
    let mut run = Run::default();
    run.share(CAP0, OUT0);
    run.ok("b = open double")
        .call("reqbufs b cap mmap 1", buffers(1));
    run.call("d0 = expbuf b cap 0", Ok(Out::Exported { size: 4096 }));
    run.ok("a = open double")
        .call("reqbufs a out dmabuf 1", buffers(1));
    run.call("reqbufs a cap dmabuf 1", buffers(1))
        .ok("streamon a out")
        .ok("streamon a cap");
    run.queue(OUT0).call("qbuf a out 0 d0", buffer(0, 0));
    run.queue(CAP0)
        .start()
        .call("qbuf a cap 0 d0", buffer(0, 0));
    run.call("poll d0 in", polled(0))
        .wait(MS)
        .finish()
        .ok("advance 1ms");
    let time = run.now;
    run.call("dqbuf a cap", buffer(0, 0));
    run.look(Look::Dmabuf {
        slot: 0,
        content: content(JOB, time),
    });
    run.call("s0 = export_sync d0 rw", sync(stub())).clean();
    run.look(Look::Dmabuf {
        slot: 0,
        content: Content {
            good_words: 1,
            ..content(JOB, time)
        },
    });
    run.finds(judge::Invariant::I8);
}

#[test]
fn a_prepared_buffer_keeps_the_memory_that_it_was_prepared_with() {
    let mut run = Run::default();
    run.ok("b = open double")
        .call("reqbufs b cap mmap 2", buffers(2));
    run.call("d0 = expbuf b cap 0", Ok(Out::Exported { size: 4096 }));
    run.call("d1 = expbuf b cap 1", Ok(Out::Exported { size: 4096 }));
    run.ok("a = open double")
        .call("reqbufs a cap dmabuf 1", buffers(1))
        .ok("streamon a cap");
    run.call("prepare_buf a cap 0 d0", buffer(0, 0));
    run.queue(CAP0).call("qbuf a cap 0 d1", buffer(0, 0));
    run.arm(DST, CAP0)
        .phase(CAP0, JOB, Phase::Start)
        .ok("streamon a out");
    run.call("s0 = export_sync d0 rw", sync(pending(DST)));
    run.call("s1 = export_sync d1 rw", sync(stub())).clean();
    run.call("s1 = export_sync d0 rw", sync(stub()));
    run.finds(judge::Invariant::I12);
}

#[test]
fn a_streamoff_beside_a_running_job() {
    let mut run = exported();
    let op = run.begin("streamoff a cap");
    run.call("poll s0", polled(0))
        .wait(5 * MS)
        .call("poll d0 in", polled(0));
    run.stores()
        .give(DST, CAP0, 0)
        .give(SRC, OUT0, 0)
        .ok("gate a open");
    run.end(op, Ok(Out::Done)).ok("join");
    let time = run.now;
    run.call("poll s0", sync(signalled(1, time)))
        .call("poll d0 in", polled(1))
        .clean();
}

#[test]
fn a_qbuf_beside_a_dqbuf_may_arm_the_buffer_again_at_once() {
    let again = FenceId { seqno: 2, ..DST };
    let mut run = finished();
    let op = run.begin("qbuf a cap 0");
    run.call("dqbuf a cap", buffer(0, 0));
    run.queue(CAP0)
        .arm(again, CAP0)
        .phase(CAP0, 8, Phase::Start)
        .phase(OUT0, 8, Phase::Start);
    run.end(op, buffer(0, 0));
    run.look(Look::Dmabuf {
        slot: 0,
        content: EMPTY,
    });
    let violations = run.judge();
    // The OUTPUT buffer has no fence in this trace; nothing else may be said.
    assert!(
        violations
            .iter()
            .all(|violation| violation.observed.contains("OUTPUT")),
        "{violations:#?}"
    );
}

#[test]
fn a_poll_whose_slot_was_filled_again_meanwhile() {
    let mut run = exported();
    let op = run.begin("poll s0 5s");
    run.ok("close s0")
        .call("s0 = export_sync d1 w", sync(pending(SRC)));
    run.wait(5 * MS)
        .stores()
        .give(DST, CAP0, 0)
        .ok("advance 5ms");
    let time = run.now;
    run.end(op, sync(signalled(1, time))).ok("join");
    run.clean();
}

#[test]
fn two_files_whose_queues_cannot_be_told_apart() {
    let mut run = Run::default();
    for file in ["a", "b"] {
        run.ok(&format!("{file} = open double"));
        run.call(&format!("reqbufs {file} cap mmap 1"), buffers(1))
            .ok(&format!("streamon {file} cap"));
    }
    run.call("d0 = expbuf a cap 0", Ok(Out::Exported { size: 4096 }));
    run.call("d1 = expbuf b cap 0", Ok(Out::Exported { size: 4096 }));
    let op = run.begin("qbuf b cap 0");
    run.queue(CAP0)
        .arm(DST, CAP0)
        .phase(CAP0, JOB, Phase::Start)
        .call("qbuf a cap 0", buffer(0, 0));
    run.end(op, buffer(0, 0));
    // Whose buffer it is cannot be known, so neither state of either dma-buf is wrong.
    run.call("s0 = export_sync d0 rw", sync(stub()))
        .call("s1 = export_sync d0 rw", sync(pending(DST)));
    run.call("poll d1 in", polled(0))
        .call("poll d1 in", polled(1))
        .clean();
}

#[test]
fn a_queue_number_of_a_closed_file_may_be_another_file_s() {
    let mut run = dequeued();
    run.ok("streamoff a cap")
        .ok("streamoff a out")
        .ok("close a");
    run.ok("b = open double")
        .call("reqbufs b cap mmap 1", buffers(1))
        .ok("streamon b cap");
    run.call("d9 = expbuf b cap 0", Ok(Out::Exported { size: 4096 }));
    let fence = FenceId {
        context: 9,
        seqno: 1,
    };
    run.queue(CAP0)
        .arm(fence, CAP0)
        .phase(CAP0, 70, Phase::Start);
    run.call("qbuf b cap 0", buffer(0, 0));
    run.call("s9 = export_sync d9 rw", sync(pending(fence)));
    run.call("s8 = export_sync d0 rw", sync(stub())).clean();
    run.ok("streamoff b cap");
    run.finds_all(&[judge::Invariant::I18, judge::Invariant::I26]);
}

#[test]
fn a_close_while_a_call_holds_the_file_open() {
    let mut run = exported();
    let op = run.begin("dqbuf a cap wait");
    run.ok("close a").wait(5 * MS).finish().ok("advance 5ms");
    run.end(op, buffer(0, 0)).clean();
}

#[test]
fn an_asynchronous_reqbufs_leaves_open_what_the_buffers_are() {
    let mut run = dequeued();
    let op = run.begin("reqbufs a cap mmap 1");
    run.end(op, buffers(1)).call("qbuf a cap 0", buffer(0, 0));
    run.queue(CAP0)
        .ok("advance 1ms")
        .look(Look::Dmabuf {
            slot: 0,
            content: EMPTY,
        })
        .clean();
}

/// The main thread empties the slot that a call of another thread looks at, and returns after it.
#[test]
fn a_slot_that_is_being_filled_again_may_be_empty() {
    let refill = |text: &str| {
        let mut run = dequeued();
        let op = run.begin("poll s0 15us");
        run.end(op, Err(9)).ok(text);
        run
    };
    refill("close s0").clean();
    refill("s0 = merge s1 s1").clean();
    refill("close s1").finds_only(judge::Invariant::I21);
}

#[test]
fn a_failed_export_leaves_the_slot_in_doubt() {
    let mut run = armed();
    run.call("s0 = export_sync d0 rw", sync(pending(DST)));
    run.call("s0 = export_sync d9 rw", Err(9))
        .call("file_info s0", Err(9));
    run.call("d0 = expbuf a cap 9", Err(22))
        .call("poll d0 in", polled(0x20))
        .clean();
}

#[test]
fn the_start_of_a_job_that_ran_during_a_look_is_no_early_store() {
    let mut run = finished();
    let time = run.now;
    run.call("check d0", Ok(Out::Content(content(JOB, time))));
    run.call("dqbuf a cap", buffer(0, 0));
    run.call("qbuf a cap 0", buffer(0, 0))
        .queue(CAP0)
        .wait(MS)
        .ok("advance 1ms");
    run.phase(OUT0, 8, Phase::End).look(Look::Dmabuf {
        slot: 0,
        content: EMPTY,
    });
    run.clean();
}
