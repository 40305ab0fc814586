//! The oracle of requests: a trace that trips it and some that come near and do not.

mod support;

use judge::Invariant::I29;
use support::*;
use trace::*;

/// An OUTPUT buffer in `r0`, queued, with a job that runs.
fn running() -> Run {
    let mut run = Run::default();
    run.ok("a = open m2m");
    run.call("reqbufs a out mmap 2", buffers(2))
        .call("reqbufs a cap mmap 1", buffers(1));
    run.ok("streamon a out").ok("streamon a cap");
    run.call("qbuf a cap 0", buffer(0, 0));
    run.ok("r0 = request a")
        .call("qbuf a out 0 in r0", buffer(0, 0));
    run.queue(OUT0).queue(CAP0).start().ok("queue r0");
    run
}

#[test]
fn i29_a_complete_request_with_a_pending_fence() {
    let mut run = running();
    run.stores().give(DST, CAP0, 0);
    run.call("poll r0 5ms", polled(2));
    assert_eq!(run.finds_only(I29).fence, Some(SRC));
}

#[test]
fn i29_a_request_that_is_not_complete() {
    let mut run = running();
    run.call("poll r0", polled(0)).clean();
}

#[test]
fn i29_the_capture_buffer_may_come_later() {
    let mut run = running();
    run.stores().give(SRC, OUT0, 0);
    run.call("poll r0 5ms", polled(2));
    run.clean();
}

#[test]
fn i29_the_buffer_s_next_job_is_another_request_s() {
    let mut run = running();
    run.stores().give(DST, CAP0, 0).give(SRC, OUT0, 0);
    run.call("poll r0 5ms", polled(2));
    run.call("dqbuf a out", buffer(0, 0)).ok("r1 = request a");
    run.call("qbuf a out 0 in r1", buffer(0, 0));
    run.call("qbuf a cap 0", buffer(0, 0)).queue(CAP0);
    let again = |fence: FenceId| FenceId { seqno: 2, ..fence };
    run.queue(OUT0);
    run.arm(again(SRC), OUT0).arm(again(DST), CAP0);
    run.phase(OUT0, JOB + 1, Phase::Start)
        .phase(CAP0, JOB + 1, Phase::Start)
        .ok("queue r1");
    run.call("poll r0 5ms", polled(2));
    run.clean();
}

/// STREAMOFF took the buffer out of the request, which is complete since then; its first job came later, without a request.
#[test]
fn i29_a_request_that_streamoff_completed() {
    let mut run = Run::default();
    run.ok("a = open m2m");
    run.call("reqbufs a out mmap 1", buffers(1))
        .call("reqbufs a cap mmap 1", buffers(1));
    run.ok("streamon a cap");
    run.call("qbuf a cap 0", buffer(0, 0)).queue(CAP0);
    run.ok("r0 = request a")
        .call("qbuf a out 0 in r0", buffer(0, 0))
        .ok("queue r0")
        .ok("streamoff a out");
    run.call("qbuf a out 0", buffer(0, 0));
    run.queue(OUT0).start().ok("streamon a out");
    run.call("poll r0", polled(2)).clean();
}
