//! Fences that only the program ends, and memory that no video device made: neither is the driver's business, but what the
//! driver does to them is. Each trace that trips an oracle has one beside it that comes near and does not.

mod support;

use judge::Invariant::{I1, I7, I8, I23, I25};
use support::*;
use trace::*;

/// A pending fence of a software timeline, and what else is in its sync_file.
fn software(others: &[FenceInfo]) -> SyncInfo {
    let fence = FenceInfo {
        driver: "sw_sync".to_owned(),
        status: 0,
        timestamp: 0,
        id: None,
    };
    let mut fences = vec![fence];
    fences.extend_from_slice(others);
    SyncInfo { status: 0, fences }
}

/// The fence of a software timeline is imported into the CAPTURE plane of a job, which then ends.
fn imported(access: &str) -> Run {
    let mut run = exported();
    run.call("s2 = sw_sync", sync(software(&[])));
    run.ok(&format!("import_sync d0 s2 {access}"));
    run.ok("gate a open").wait(5 * MS).finish();
    run.ok("advance 5ms");
    run
}

// I25

#[test]
fn i25_a_software_fence_that_the_job_ended() {
    let mut run = imported("w");
    let time = run.now;
    run.call("file_info s2", sync(signalled(1, time)));
    run.finds_only(I25);
    let mut run = imported("w");
    run.call("s3 = merge s2 s0", sync(software(&[])));
    run.call("poll s3", sync(signalled(1, time)));
    run.finds_only(I25);
}

/// Without the opt-in each export of a plane has a reservation object of its own.
#[test]
fn i25_a_software_fence_that_another_export_does_not_show() {
    let mut run = Run::default();
    run.ok("a = open double")
        .call("reqbufs a cap mmap 1", buffers(1));
    run.call("d0 = expbuf a cap 0", Ok(Out::Exported { size: 4096 }))
        .call("s2 = sw_sync", sync(software(&[])));
    run.ok("import_sync d0 s2 w")
        .call("d1 = expbuf a cap 0", Ok(Out::Exported { size: 4096 }))
        .call("poll d1 in", polled(1));
    run.finds_only(I25);
    let plain = judge::Expectation::of(program::Driver::Vim2m, false);
    assert_eq!(judge::judge_with(&plain, &run.program, &run.trace), []);
}

/// A slot's new timeline ends the fence of its old one, and with an error; the merge still waits for the other.
#[test]
fn i25_a_merge_of_a_software_fence_that_ended_and_one_that_did_not() {
    let pending = software(&[]).fences.remove(0);
    let cut = FenceInfo {
        status: -2,
        ..pending.clone()
    };
    let merged = |fences: [&FenceInfo; 2]| SyncInfo {
        status: -2,
        fences: fences.map(Clone::clone).to_vec(),
    };
    let mut run = Run::default();
    run.call("s0 = sw_sync", sync(software(&[])))
        .call("s1 = sw_sync", sync(software(&[])))
        .call(
            "s3 = merge s0 s1",
            sync(software(std::slice::from_ref(&pending))),
        )
        .call("s0 = sw_sync", sync(software(&[])));
    let mut ended = run.clone();
    run.call("file_info s3", sync(merged([&cut, &pending])));
    run.clean();
    ended.call("file_info s3", sync(merged([&cut, &cut])));
    ended.finds_only(I25);
}

#[test]
fn i25_a_software_fence_that_is_lost() {
    let mut run = imported("w");
    run.call("s3 = export_sync d0 r", sync(stub()));
    run.finds_only(I25);
    let mut run = imported("r");
    run.call("poll d0 out", polled(4));
    run.finds_only(I25);
}

#[test]
fn i25_a_software_fence_that_is_there() {
    let mut run = imported("w");
    run.call("s3 = export_sync d0 r", sync(software(&[])))
        .call("poll d0 in", polled(0))
        .call("file_info s2", sync(software(&[])));
    run.clean();
    // Readers do not wait for readers.
    let mut run = imported("r");
    run.call("s3 = export_sync d0 r", sync(stub()))
        .call("poll d0 in", polled(1));
    run.clean();
}

#[test]
fn i25_the_program_ends_its_fences() {
    let mut run = imported("w");
    run.ok("signal s2");
    let time = run.now;
    run.call("file_info s2", sync(signalled(1, time)))
        .call("s3 = export_sync d0 rw", sync(stub()))
        .clean();
    // A new timeline takes the place of the old one.
    let mut run = imported("w");
    run.ok("s3 = dup s2");
    run.call("s2 = sw_sync", sync(software(&[])));
    run.call("file_info s3", sync(signalled(-2, time)))
        .call("s4 = export_sync d0 rw", sync(stub()))
        .call("poll s2", polled(0))
        .clean();
    // Closing the sync_file is no end.
    let mut run = imported("w");
    run.ok("close s2");
    run.call("s3 = export_sync d0 r", sync(stub()));
    run.finds_only(I25);
}

#[test]
fn i25_another_thread_may_have_ended_it() {
    let mut run = imported("w");
    let signal = run.begin("signal s2");
    run.call("s3 = export_sync d0 rw", sync(stub()));
    run.call("s4 = export_sync d0 rw", sync(software(&[])));
    run.clean();
    run.end(signal, Ok(Out::Done));
    run.call("s5 = export_sync d0 rw", sync(stub())).clean();
    run.call("s6 = export_sync d0 rw", sync(software(&[])));
    run.finds_only(I7);
}

#[test]
fn i25_a_call_that_may_move_either_of_two_timelines() {
    let mut run = imported("w");
    let signal = run.begin("signal s2");
    run.ok("s3 = dup s2");
    run.call("s2 = sw_sync", sync(software(&[])));
    let time = run.now;
    // The thread keeps the old timeline open, or has moved the new one.
    run.call("s4 = export_sync d0 rw", sync(software(&[])));
    run.call("file_info s2", sync(signalled(1, time)));
    run.end(signal, Ok(Out::Done));
    run.clean();
}

/// A job with a software fence on its CAPTURE plane could start, and does not. 20 ms pass.
fn delayed() -> Run {
    let mut run = prepared();
    run.call("s2 = sw_sync", sync(software(&[])));
    run.ok("import_sync d0 s2 w");
    run.queue(CAP0).ok("streamon a cap");
    run.wait(20 * MS).ok("advance 20ms");
    run
}

#[test]
fn i25_a_job_that_waits_for_a_software_fence() {
    let mut run = delayed();
    run.call("file_info s2", sync(software(&[])));
    run.start().ok("signal s2");
    assert_eq!(run.finds_only(I25).fence, Some(DST));
    let mut run = delayed();
    run.start();
    run.call("s2 = sw_sync", sync(software(&[])));
    run.finds_only(I25);
}

#[test]
fn i25_a_job_that_something_else_may_have_started() {
    // A call just before.
    let mut run = delayed();
    run.ok("knob a not_ready 0").start().ok("signal s2");
    run.clean();
    // The call that started it was another.
    let mut run = delayed();
    run.start().ok("advance 1us").ok("signal s2");
    run.clean();
    // The fence was on another plane.
    let mut run = prepared();
    run.call("s2 = sw_sync", sync(software(&[])));
    run.queue(CAP0).ok("streamon a cap");
    run.wait(20 * MS).ok("advance 20ms");
    run.start().ok("signal s2");
    run.clean();
    // The program has threads.
    let mut run = delayed();
    let wait = run.begin("poll s2 1ms");
    run.wait(20 * MS).ok("advance 20ms");
    run.start().ok("signal s2");
    let time = run.now;
    run.end(wait, sync(signalled(1, time)));
    run.clean();
}

// I7

#[test]
fn i7_an_export_that_waits_for_a_software_fence_which_ended() {
    let mut run = imported("w");
    run.ok("signal s2");
    run.call("s3 = export_sync d0 rw", sync(software(&[])));
    run.finds_only(I7);
}

#[test]
fn i7_a_software_fence_may_be_waited_for() {
    let mut run = imported("w");
    run.call("dqbuf a cap", buffer(0, 0));
    run.call("s3 = export_sync d0 rw", sync(software(&[])))
        .call("poll d0 out", polled(0));
    run.clean();
}

// I1

#[test]
fn i1_a_software_fence_may_stay_pending() {
    let mut run = imported("w");
    run.wait(4000 * MS).call("poll s2 4s", polled(0)).clean();
    // Of an export nobody knows what is in it.
    run.call("s3 = export_sync d0 rw", sync(software(&[])));
    run.wait(4000 * MS).call("poll s3 4s", polled(0)).clean();
}

#[test]
fn i1_a_driver_s_fence_may_not_although_there_is_a_software_fence() {
    let mut run = exported();
    run.call("s2 = sw_sync", sync(software(&[])));
    run.wait(4000 * MS).call("poll s0 4s", polled(0));
    run.finds(I1);
}

// I23

#[test]
fn i23_a_wait_that_goes_on_after_a_software_fence_ended() {
    let mut run = imported("w");
    let wait = run.begin("sync d0 start r");
    run.wait(10 * MS).ok("signal s2");
    run.wait(100 * MS)
        .ok("advance 100ms")
        .end(wait, Ok(Out::Done));
    run.finds_only(I23);
}

#[test]
fn i23_a_wait_for_a_software_fence_ends_with_it_or_is_interrupted() {
    let mut run = imported("w");
    let wait = run.begin("sync d0 start r");
    run.wait(1000 * MS).ok("signal s2");
    run.end(wait, Ok(Out::Done));
    run.clean();
    let mut run = imported("w");
    run.wait(1500 * MS).call("sync d0 start r", Err(4));
    run.clean();
    // Of what came from an export that shows one nobody knows when it ends.
    let mut run = imported("w");
    run.call("s3 = export_sync d0 rw", sync(software(&[])));
    run.ok("import_sync d1 s3 w");
    run.wait(1000 * MS).ok("sync d1 start r");
    run.clean();
}

// I8

/// As [`finished`], with the CAPTURE buffer standing on a dma-buf of a heap.
fn on_a_heap() -> Run {
    let mut run = Run::default();
    run.ok("a = open double");
    run.call("reqbufs a out mmap 1", buffers(1))
        .call("reqbufs a cap dmabuf 1", buffers(1));
    run.call("d0 = heap 4096", Ok(Out::Exported { size: 4096 }))
        .call("d1 = udmabuf 4096", Ok(Out::Exported { size: 4096 }));
    run.call("qbuf a out 0", buffer(0, 0)).queue(OUT0);
    run.ok("streamon a out");
    run.call("qbuf a cap 0 d0", buffer(0, 0)).queue(CAP0);
    run.start().ok("streamon a cap");
    run.wait(5 * MS).finish().ok("advance 5ms");
    run
}

#[test]
fn i8_a_frame_on_a_heap_that_is_not_whole() {
    let mut run = on_a_heap();
    run.call("dqbuf a cap", buffer(0, 0));
    run.call("check d0", Ok(Out::Content(EMPTY)));
    run.finds(I8);
}

#[test]
fn i8_a_frame_on_a_heap_and_memory_that_no_job_has() {
    let mut run = on_a_heap();
    let time = run.now;
    run.call("dqbuf a cap", buffer(0, 0));
    run.call("check d0", Ok(Out::Content(content(JOB, time))))
        .call("check d1", Ok(Out::Content(EMPTY)));
    run.clean();
}
