//! Oracles of arming and finite time: each has a trace that trips it and one that comes near and does not.

mod support;

use judge::Invariant::{I1, I7, I10, I11, I12, I13, I14, I17, I18, I26};
use judge::{Expectation, judge_with};
use support::*;
use trace::*;

#[test]
fn a_good_run_is_clean() {
    whole().clean();
}

// I1

#[test]
fn i1_a_fence_that_is_pending_for_ever() {
    let run = whole().without(|event| {
        !is(event, |kind| {
            matches!(kind, Kind::Signal { fence: DST, .. })
        })
    });
    let violation = run.finds(I1);
    assert_eq!(violation.fence, Some(DST));
    assert_eq!(
        violation.expected,
        "the fence of CAPTURE buffer 0 ends within 3000.000000 ms"
    );
    assert_eq!(
        violation.observed,
        "it is still pending after 3005.000000 ms"
    );
}

#[test]
fn i1_a_fence_that_takes_longer_than_any_watchdog() {
    let mut run = exported();
    run.wait(3001 * MS).cut(-5).ok("advance 4s");
    run.finds_only(I1);
}

#[test]
fn i1_a_watchdog_at_its_longest_is_in_time() {
    let mut run = exported();
    run.wait(2001 * MS).cut(-5).ok("advance 4s");
    run.clean();
}

#[test]
fn i1_a_job_that_started_late_may_still_run_when_all_is_quiet() {
    let mut run = prepared();
    run.mark(Mark::ProgramEnd)
        .wait(2000 * MS)
        .queue(CAP0)
        .start();
    run.wait(1000 * MS).mark(Mark::Quiet);
    run.clean();
}

#[test]
fn i1_a_poll_that_waited_in_vain() {
    let mut run = exported();
    run.wait(3000 * MS).call("poll s0 3s", polled(0));
    run.finds(I1);
}

#[test]
fn i1_a_poll_of_an_empty_slot_waits_for_its_timeout() {
    let mut run = exported();
    run.ok("close s0")
        .wait(2000 * MS)
        .call("poll s0 3s", polled(0));
    run.clean();
}

#[test]
fn i1_a_streamoff_that_never_returns() {
    let mut run = exported();
    let op = run.begin("streamoff a cap");
    run.stuck(op);
    assert_eq!(run.finds_only(I1).title(), "I1: streamoff never returned");
}

#[test]
fn i1_a_dqbuf_may_wait_for_a_frame_that_never_comes() {
    let mut run = prepared();
    let op = run.begin("dqbuf a cap wait");
    run.stuck(op).clean();
}

// I7

#[test]
fn i7_an_export_that_shows_a_signalled_fence_as_pending() {
    let mut run = dequeued();
    run.call("s2 = export_sync d0 rw", sync(pending(DST)));
    run.finds_only(I7);
}

#[test]
fn i7_a_poll_that_is_not_ready_though_all_is_signalled() {
    let mut run = dequeued();
    run.call("poll d0 in", polled(0));
    run.finds_only(I7);
}

#[test]
fn i7_after_dqbuf_everything_is_ready() {
    let mut run = dequeued();
    run.call("s2 = export_sync d0 rw", sync(stub()));
    run.call("poll d0 in", polled(1))
        .call("poll d0 out", polled(4));
    run.look(Look::Poll {
        slot: 0,
        revents: 5,
    });
    run.clean();
}

// I11

#[test]
fn i11_a_fence_without_a_job() {
    let mut run = prepared();
    run.ok("advance 1ms");
    run.call("qbuf a cap 0", Err(22)).arm(DST, CAP0);
    run.ok("advance 1ms").ok("advance 1ms");
    let violation = run.finds_only(I11);
    assert_eq!(violation.observed, "it was attached and no job started");
}

#[test]
fn i11_a_job_that_was_cut_short_before_it_started() {
    let mut run = prepared();
    run.ok("fail a error 1");
    run.queue(CAP0)
        .arm(SRC, OUT0)
        .arm(DST, CAP0)
        .cut(-5)
        .ok("streamon a cap");
    run.ok("advance 1ms").ok("advance 1ms");
    run.clean();
}

#[test]
fn i11_a_fence_attached_long_before_its_job() {
    let mut run = prepared();
    run.arm(SRC, OUT0)
        .wait(5 * MS)
        .ok("advance 5ms")
        .ok("advance 1ms");
    run.queue(CAP0).arm(DST, CAP0);
    run.phase(OUT0, JOB, Phase::Start)
        .phase(CAP0, JOB, Phase::Start)
        .ok("streamon a cap");
    run.finds_only(I11);
}

#[test]
fn i11_a_driver_that_tells_no_jobs_is_not_asked() {
    let mut run = prepared();
    run.arm(SRC, OUT0)
        .ok("advance 5ms")
        .ok("advance 1ms")
        .ok("advance 1ms");
    run.finds(I11);
    let silent = Expectation {
        tells_jobs: false,
        ..Expectation::default()
    };
    assert_eq!(judge_with(&silent, &run.program, &run.trace), []);
}

#[test]
fn i11_an_export_that_is_pending_before_anything_was_armed() {
    let mut run = prepared();
    run.call(
        "s0 = export_sync d0 rw",
        sync(pending(FenceId {
            context: 5,
            seqno: 1,
        })),
    );
    run.finds_only(I11);
}

#[test]
fn i11_a_fence_that_the_program_imported_may_show() {
    let mut run = exported();
    run.call(
        "create_bufs a cap mmap 1",
        Ok(Out::Buffers { index: 1, count: 1 }),
    );
    run.call("d2 = expbuf a cap 1", Ok(Out::Exported { size: 4096 }));
    run.ok("import_sync d2 s0 w")
        .call("s2 = export_sync d2 rw", sync(pending(DST)));
    run.clean();
}

// I12

#[test]
fn i12_an_export_that_does_not_show_the_fence() {
    let mut run = armed();
    run.call("s0 = export_sync d0 rw", sync(stub()));
    let violation = run.finds_only(I12);
    assert_eq!(
        violation.expected,
        "the export shows the pending fence of CAPTURE buffer 0"
    );
}

#[test]
fn i12_an_export_made_after_arming_shows_the_fence_too() {
    let mut run = armed();
    run.call("d5 = expbuf a cap 0", Ok(Out::Exported { size: 4096 }));
    run.call("s0 = export_sync d5 r", sync(stub()));
    run.finds_only(I12);
}

#[test]
fn i12_a_dma_buf_that_is_readable_while_its_buffer_is_armed() {
    let mut run = armed();
    run.call("poll d0 in", polled(1));
    run.finds_only(I12);
}

#[test]
fn i12_a_poll_during_which_the_fence_ends_may_be_ready() {
    let mut run = armed();
    run.wait(5 * MS).finish().call("poll d0 in 10ms", polled(1));
    run.clean();
}

#[test]
fn i12_a_job_without_a_fence() {
    let mut run = prepared();
    run.queue(CAP0)
        .phase(OUT0, JOB, Phase::Start)
        .phase(CAP0, JOB, Phase::Start)
        .ok("streamon a cap");
    run.finds_only(I12);
    let plain = Expectation {
        opted_in: false,
        ..Expectation::default()
    };
    assert_eq!(judge_with(&plain, &run.program, &run.trace), []);
}

#[test]
fn i12_a_job_whose_fences_could_not_be_attached() {
    let mut run = prepared();
    run.queue(CAP0).ledger(Kind::Done {
        buffer: CAP0,
        state: 6,
    });
    run.ledger(Kind::Done {
        buffer: OUT0,
        state: 6,
    })
    .ok("streamon a cap");
    run.call("s0 = export_sync d0 rw", sync(stub()));
    // That there was no reason to fail is another invariant's.
    run.finds_only(I17);
}

// I13

#[test]
fn i13_a_capture_buffer_with_a_read_fence() {
    let run = exported().with(|event| {
        if let Event::Ledger(Record {
            kind: Kind::Attach {
                fence: DST, usage, ..
            },
            ..
        }) = event
        {
            *usage = 2;
        }
    });
    assert_eq!(run.finds_only(I13).observed, "it was added as READ");
}

#[test]
fn i13_readers_do_not_wait_for_output_buffers() {
    let mut run = armed();
    run.call("s3 = export_sync d1 r", sync(stub()))
        .call("poll d1 in", polled(1));
    run.call("poll d1 out", polled(0)).clean();
}

#[test]
fn i13_a_reader_that_waits_for_an_output_buffer() {
    let mut run = armed();
    run.call("s3 = export_sync d1 r", sync(pending(SRC)));
    run.finds_only(I13);
    let mut run = armed();
    run.call("poll d1 in", polled(0));
    run.finds_only(I13);
}

// I14

#[test]
fn i14_an_export_that_names_another_fence() {
    let mut run = armed();
    run.call("s0 = export_sync d0 rw", sync(pending(SRC)));
    run.finds_only(I14);
}

#[test]
fn i14_a_dma_buf_shared_by_two_buffers_shows_either() {
    let mut run = armed();
    let importer = BufferId {
        queue: 3,
        output: false,
        index: 0,
    };
    let other = FenceId {
        context: 3,
        seqno: 1,
    };
    run.share(importer, CAP0);
    run.ok("b = open double")
        .call("reqbufs b cap dmabuf 1", buffers(1));
    run.call("qbuf b cap 0 d0", buffer(0, 0))
        .queue(importer)
        .arm(other, importer);
    run.phase(importer, 90, Phase::Start).ok("streamon b cap");
    run.call("s0 = export_sync d0 rw", sync(pending(other)));
    run.call("s2 = export_sync d0 rw", sync(pending(DST)));
    run.clean();
}

// I18

#[test]
fn i18_streamoff_with_a_pending_fence() {
    let mut run = exported();
    run.ok("streamoff a cap");
    let violation = run.finds_all(&[I18, I26]);
    assert_eq!(
        violation.observed,
        "STREAMOFF returned while the fence was pending"
    );
}

#[test]
fn i18_streamoff_that_waits_for_the_job() {
    let mut run = exported();
    run.wait(MS).cut(-5).ok("streamoff a cap").ok("close a");
    run.clean();
}

#[test]
fn i18_the_other_queue_s_streamoff_says_nothing_of_another_file() {
    let mut run = exported();
    run.ok("b = open double")
        .ok("streamoff b cap")
        .ok("close b");
    run.clean();
}

#[test]
fn i18_a_failed_streamoff_promises_nothing() {
    let mut run = exported();
    run.call("streamoff a cap", Err(22)).clean();
}

#[test]
fn i18_an_asynchronous_streamoff_is_judged_by_its_own_time() {
    let mut run = exported();
    let op = run.begin("streamoff a cap");
    run.wait(MS).cut(-5).ok("advance 1ms");
    run.end(op, Ok(Out::Done)).clean();
    let mut run = exported();
    let op = run.begin("streamoff a cap");
    run.end(op, Ok(Out::Done))
        .wait(MS)
        .cut(-5)
        .ok("advance 1ms");
    run.finds(I18);
}

#[test]
fn i18_closing_the_files_after_the_program() {
    let mut run = exported();
    run.mark(Mark::ProgramEnd).wait(MS).mark(Mark::VideoClosed);
    run.finds_all(&[I18, I26]);
}

// I10

#[test]
fn i10_a_signal_after_the_buffer_was_given_back() {
    let mut run = exported();
    run.stores().give(SRC, OUT0, 0);
    run.ledger(Kind::Done {
        buffer: CAP0,
        state: 5,
    });
    run.ledger(Kind::Signal {
        fence: DST,
        error: 0,
    })
    .ok("advance 1ms");
    assert_eq!(run.finds_only(I10).fence, Some(DST));
}

#[test]
fn i10_a_signal_just_before_the_buffer_is_given_back() {
    let mut run = exported();
    run.finish().ok("advance 1ms");
    run.clean();
}
