//! The rules of v4l2-compliance, asked of the model. After `v4l2-test-buffers.cpp`, which is not ours.

use program::{
    Control, DecoderCmd, Dmabuf, Driver, File, Knob, MAX_FILES, Memory, Micros, Node, Op, Queue,
    Request, Wait,
};
use trace::{Event, Out};

use crate::errno;
use crate::follow;
use crate::machine::{A, CAP, Gives, Machine, OUT, in_request};
use crate::part::Parts;

/// Sets up a file with buffers on both queues.
fn ready() -> Machine {
    let mut machine = Machine::new();
    machine.call(Op::open(A)).expect("opened");
    for queue in [OUT, CAP] {
        machine.call(reqbufs(queue, 2)).expect("allocated");
    }
    machine
}

fn reqbufs(queue: Queue, count: u32) -> Op {
    let memory = Memory::Mmap;
    Op::Reqbufs {
        file: A,
        queue,
        memory,
        count,
    }
}

fn query(queue: Queue, index: u32) -> Op {
    Op::Querybuf {
        file: A,
        queue,
        index,
    }
}

fn qbuf(queue: Queue, index: u32) -> Op {
    Op::qbuf(A, queue, index, None)
}

fn dqbuf(queue: Queue) -> Op {
    let wait = Wait::Not;
    Op::Dqbuf {
        file: A,
        queue,
        wait,
    }
}

fn prepare(queue: Queue, index: u32) -> Op {
    Op::prepare_buf(A, queue, index, None)
}

fn streamon(queue: Queue) -> Op {
    Op::Streamon { file: A, queue }
}

fn streamoff(queue: Queue) -> Op {
    Op::Streamoff { file: A, queue }
}

fn create(queue: Queue, count: u32) -> Op {
    let memory = Memory::Mmap;
    Op::CreateBufs {
        file: A,
        queue,
        memory,
        count,
    }
}

fn remove(queue: Queue, index: u32, count: u32) -> Op {
    Op::RemoveBufs {
        file: A,
        queue,
        index,
        count,
    }
}

/// The state flags of an answer.
fn flags(answer: Result<Out, i32>) -> u32 {
    match answer {
        Ok(Out::Buffer { flags, .. }) => {
            let state = crate::answer::QUEUED | crate::answer::DONE | crate::answer::ERROR;
            flags & (state | crate::answer::PREPARED | crate::answer::LAST)
        }
        other => panic!("{other:?} is no buffer"),
    }
}

/// `testReqBufs()`
#[test]
fn reqbufs_of_none_frees_and_is_always_fine_while_nothing_streams() {
    let mut machine = ready();
    assert_eq!(machine.errno(reqbufs(CAP, 0)), 0);
    assert_eq!(machine.errno(reqbufs(CAP, 0)), 0);
    assert_eq!(machine.errno(query(CAP, 0)), errno::EINVAL);
    assert_eq!(
        machine.call(reqbufs(CAP, 1)),
        Ok(Out::Buffers { index: 0, count: 1 })
    );
    assert_eq!(machine.errno(query(CAP, 1)), errno::EINVAL);
    let format = |queue| Op::size(A, queue, (32, 32));
    assert_eq!(machine.errno(format(CAP)), errno::EBUSY);
    assert_eq!(machine.errno(reqbufs(CAP, 0)), 0);
    assert_eq!(machine.errno(format(CAP)), 0);
}

/// `testReqBufs()`, the part of CREATE_BUFS
#[test]
fn create_bufs_of_none_tells_the_next_index() {
    let mut machine = ready();
    assert_eq!(
        machine.call(create(OUT, 0)),
        Ok(Out::Buffers { index: 2, count: 0 })
    );
    assert_eq!(
        machine.call(create(OUT, 1)),
        Ok(Out::Buffers { index: 2, count: 1 })
    );
    assert_eq!(
        machine.call(create(OUT, 40)),
        Ok(Out::Buffers {
            index: 3,
            count: 29
        })
    );
    assert_eq!(machine.errno(create(OUT, 1)), errno::ENOBUFS);
}

/// `testRemoveBufs()`
#[test]
fn remove_bufs_wants_buffers_that_are_there_and_dequeued() {
    let mut machine = ready();
    assert_eq!(machine.errno(remove(CAP, 0, 0)), 0);
    assert_eq!(machine.errno(remove(CAP, 0, 3)), errno::EINVAL);
    assert_eq!(machine.errno(remove(CAP, 1, 2)), errno::EINVAL);
    assert_eq!(machine.errno(qbuf(CAP, 1)), 0);
    assert_eq!(machine.errno(remove(CAP, 1, 1)), errno::EBUSY);
    assert_eq!(machine.errno(remove(CAP, 0, 1)), 0);
    assert_eq!(machine.errno(remove(CAP, 0, 1)), errno::EINVAL);
    assert_eq!(
        machine.call(create(CAP, 2)),
        Ok(Out::Buffers { index: 2, count: 2 })
    );
    assert_eq!(
        machine.call(create(CAP, 1)),
        Ok(Out::Buffers { index: 0, count: 1 })
    );
}

/// `testMmap()`, `bufferOutputErrorTest()`
#[test]
fn a_buffer_is_queued_and_prepared_once() {
    let mut machine = ready();
    assert_eq!(flags(machine.call(query(CAP, 0))), 0);
    assert_eq!(
        flags(machine.call(prepare(CAP, 0))),
        crate::answer::PREPARED
    );
    assert_eq!(flags(machine.call(query(CAP, 0))), crate::answer::PREPARED);
    assert_eq!(machine.errno(prepare(CAP, 0)), errno::EINVAL);
    assert_eq!(flags(machine.call(qbuf(CAP, 0))), crate::answer::QUEUED);
    assert_eq!(machine.errno(qbuf(CAP, 0)), errno::EINVAL);
    assert_eq!(machine.errno(prepare(CAP, 0)), errno::EINVAL);
    assert_eq!(machine.errno(qbuf(CAP, 2)), errno::EINVAL);
    assert_eq!(flags(machine.call(query(CAP, 0))), crate::answer::QUEUED);
}

/// `testMmap()`, `captureBufs()`: STREAMON twice is fine, STREAMOFF always is and takes all buffers back.
#[test]
fn streaming_starts_with_buffers_and_stops_with_none_queued() {
    let mut machine = ready();
    assert_eq!(machine.errno(dqbuf(CAP)), errno::EINVAL);
    assert_eq!(machine.errno(streamoff(CAP)), 0);
    assert_eq!(machine.errno(qbuf(CAP, 0)), 0);
    assert_eq!(
        (machine.errno(streamon(CAP)), machine.errno(streamon(CAP))),
        (0, 0)
    );
    assert_eq!(machine.errno(dqbuf(CAP)), errno::EAGAIN);
    assert_eq!(machine.errno(reqbufs(CAP, 0)), errno::EBUSY);
    assert_eq!(
        (machine.errno(streamoff(CAP)), machine.errno(streamoff(CAP))),
        (0, 0)
    );
    assert_eq!(flags(machine.call(query(CAP, 0))), 0);
    assert_eq!(machine.errno(reqbufs(CAP, 0)), 0);
    assert_eq!(machine.errno(streamon(CAP)), errno::EINVAL);
}

/// `captureBufs()`: what comes back first was done first, once, and its state is told.
#[test]
fn buffers_come_back_in_order() {
    let mut machine = ready();
    for queue in [OUT, CAP] {
        for index in [1, 0] {
            assert_eq!(machine.errno(qbuf(queue, index)), 0);
        }
        assert_eq!(machine.errno(streamon(queue)), 0);
    }
    machine.run_job(A, false);
    machine.run_job(A, true);
    let first = machine.handle().capture.done.clone();
    assert_eq!(
        flags(machine.call(query(CAP, first[1]))),
        crate::answer::DONE | crate::answer::ERROR
    );
    for (index, error) in first.into_iter().zip([0, crate::answer::ERROR]) {
        let answer = machine.call(dqbuf(CAP));
        assert!(matches!(answer, Ok(Out::Buffer { index: told, .. }) if told == index));
        assert_eq!(flags(answer), error);
        assert_eq!(flags(machine.call(query(CAP, index))), 0);
    }
    assert_eq!(machine.errno(dqbuf(CAP)), errno::EAGAIN);
}

/// The drain of `dev-decoder.rst`, as `testCanStreamon()` of stateful codecs wants it: LAST, then EPIPE until START.
#[test]
fn after_the_last_buffer_comes_epipe_until_start() {
    let mut machine = ready();
    for queue in [OUT, CAP] {
        assert_eq!(machine.errno(qbuf(queue, 0)), 0);
        assert_eq!(machine.errno(streamon(queue)), 0);
    }
    let command = |cmd| Op::DecoderCmd { file: A, cmd };
    assert_eq!(machine.errno(command(DecoderCmd::Stop)), 0);
    assert_eq!(machine.errno(command(DecoderCmd::Stop)), errno::EBUSY);
    machine.run_job(A, false);
    assert_eq!(flags(machine.call(dqbuf(CAP))), crate::answer::LAST);
    assert_eq!(machine.errno(dqbuf(CAP)), errno::EPIPE);
    assert_eq!(machine.errno(command(DecoderCmd::Start)), 0);
    assert_eq!(machine.errno(dqbuf(CAP)), errno::EAGAIN);
}

/// `v4l2_m2m_force_last_buf_done()`: CAPTURE streams, but the driver wants more buffers than there are.
#[test]
fn before_streaming_starts_each_buffer_ends_the_drain_once() {
    let mut machine = Machine::new();
    machine.call(Op::open(A)).expect("opened");
    let at_least = |value| Op::SetKnob {
        file: A,
        knob: Knob::MinQueued,
        value,
    };
    assert_eq!(machine.errno(at_least(3 << 8)), 0);
    for queue in [OUT, CAP] {
        assert_eq!(machine.errno(reqbufs(queue, 4)), 0);
        assert_eq!(machine.errno(streamon(queue)), 0);
    }
    let command = |cmd| Op::DecoderCmd { file: A, cmd };
    let done = crate::answer::DONE | crate::answer::LAST;
    assert_eq!(machine.errno(qbuf(CAP, 1)), 0);
    assert_eq!(machine.errno(command(DecoderCmd::Stop)), 0);
    assert_eq!(flags(machine.call(query(CAP, 1))), crate::answer::QUEUED);
    // It is the first that comes back, and not the one that was just queued.
    assert_eq!(flags(machine.call(qbuf(CAP, 0))), crate::answer::QUEUED);
    assert_eq!(flags(machine.call(query(CAP, 1))), done);
    assert_eq!(flags(machine.call(query(CAP, 0))), crate::answer::QUEUED);
    assert_eq!(machine.errno(qbuf(CAP, 2)), 0);
    assert_eq!(flags(machine.call(query(CAP, 0))), done);
    assert_eq!(flags(machine.call(dqbuf(CAP))), crate::answer::LAST);
    assert_eq!(machine.errno(dqbuf(CAP)), errno::EPIPE);
    assert_eq!(machine.errno(command(DecoderCmd::Start)), 0);
    // One waits and two are done: that is not enough to start.
    assert_eq!(machine.errno(qbuf(CAP, 3)), 0);
    assert!(!machine.handle().capture.started);
    assert_eq!(machine.errno(dqbuf(CAP)), 0);
    assert_eq!(machine.errno(qbuf(CAP, 1)), 0);
    assert!(machine.handle().capture.started);
}

/// There are more open files than slots where descriptors were duplicated, and then two share their parts.
#[test]
fn a_file_that_is_opened_ends_no_doubt_about_another() {
    let mut world = ready().world;
    let (doubt, other) = (Parts::stream(A), File(A.0 + MAX_FILES));
    world.doubt = doubt;
    for file in [File(A.0 + 1), other] {
        world.follow(&Op::open(file), &Ok(Out::Done));
        assert_eq!(world.doubt, doubt);
    }
    world.follow(&Op::CloseFile { file: other }, &Ok(Out::Done));
    world.follow(&Op::open(A), &Ok(Out::Done));
    assert_eq!(world.doubt, Parts::NONE);
}

/// `testExpBuf()`, and `V4L2_BUF_FLAG_MAPPED` with it
#[test]
fn expbuf_wants_mmap_memory_and_shows_in_the_flags() {
    let mut machine = ready();
    let export = |index| Op::expbuf(Dmabuf(0), A, CAP, index);
    let mapped = |machine: &mut Machine| match machine.call(query(CAP, 0)) {
        Ok(Out::Buffer { flags, .. }) => flags & crate::answer::MAPPED != 0,
        other => panic!("{other:?}"),
    };
    assert!(!mapped(&mut machine));
    assert_eq!(machine.call(export(0)), Ok(Out::Exported { size: 4096 }));
    assert!(mapped(&mut machine));
    assert_eq!(machine.errno(export(2)), errno::EINVAL);
    assert!(!mapped(&mut machine), "the slot was vacated");
    let dmabuf = Op::Reqbufs {
        file: A,
        queue: CAP,
        memory: Memory::Dmabuf,
        count: 1,
    };
    assert_eq!(machine.errno(dmabuf), 0);
    assert_eq!(machine.errno(export(0)), errno::EINVAL);
}

/// `testRequests()`: what is in a request goes to the driver when the request is queued, which is complete when it came back.
#[test]
fn a_request_is_complete_when_its_buffer_was_given_back() {
    let mut machine = Machine::new();
    let node = Node::M2m;
    machine.call(Op::Open { file: A, node }).expect("opened");
    for queue in [OUT, CAP] {
        machine.call(reqbufs(queue, 2)).expect("allocated");
        assert_eq!(machine.errno(streamon(queue)), 0);
    }
    let request = Request(0);
    let poll = Op::PollRequest {
        request,
        timeout: Micros(0),
    };
    let revents = |machine: &mut Machine| machine.call(poll.clone());
    assert_eq!(machine.errno(Op::AllocRequest { request, file: A }), 0);
    assert_eq!(machine.errno(Op::QueueRequest { request }), errno::ENOENT);
    assert_eq!(machine.errno(in_request(A, CAP, 0, request)), errno::EPERM);
    assert_eq!(machine.errno(in_request(A, OUT, 1, request)), 0);
    assert_eq!(machine.errno(in_request(A, OUT, 1, request)), errno::EINVAL);
    assert_eq!(machine.errno(qbuf(OUT, 0)), errno::EBUSY);
    assert_eq!(revents(&mut machine), Ok(Out::Polled { revents: 8 }));
    assert_eq!(machine.errno(Op::QueueRequest { request }), 0);
    assert_eq!(machine.errno(Op::ReinitRequest { request }), errno::EBUSY);
    assert_eq!(revents(&mut machine), Ok(Out::Polled { revents: 0 }));
    assert_eq!(machine.errno(qbuf(CAP, 0)), 0);
    machine.run_job(A, false);
    assert_eq!(revents(&mut machine), Ok(Out::Polled { revents: 2 }));
    assert_eq!(machine.errno(Op::QueueRequest { request }), errno::EBUSY);
    assert_eq!(machine.errno(Op::ReinitRequest { request }), 0);
    assert_eq!(revents(&mut machine), Ok(Out::Polled { revents: 8 }));
}

/// What a request holds beside its buffer takes effect with the job of that, and the request is complete with all of it.
#[test]
fn a_request_is_complete_when_the_controls_of_every_file_are() {
    let mut machine = Machine::new();
    let (node, other, request) = (Node::M2m, File(1), Request(0));
    for file in [A, other] {
        machine.call(Op::Open { file, node }).expect("opened");
    }
    for queue in [OUT, CAP] {
        machine.call(reqbufs(queue, 2)).expect("allocated");
        assert_eq!(machine.errno(streamon(queue)), 0);
    }
    let told = |value| Ok(Out::Value { value });
    let set = |machine: &mut Machine, file, control| {
        machine.call(Op::SetControl {
            file,
            control,
            value: 7,
            request: Some(request),
        })
    };
    let get = |machine: &mut Machine, file, request| {
        machine.call(Op::GetControl {
            file,
            control: Control::Hflip,
            request,
        })
    };
    let poll = |machine: &mut Machine| {
        let timeout = Micros(0);
        machine.call(Op::PollRequest { request, timeout })
    };
    assert_eq!(set(&mut machine, A, Control::Hflip), Err(errno::EINVAL));
    assert_eq!(machine.errno(Op::AllocRequest { request, file: A }), 0);
    assert_eq!(set(&mut machine, A, Control::Hflip), told(1));
    // The file is in the request from now on, whatever it wanted there.
    let lacking = set(&mut machine, other, Control::Bitrate);
    assert_eq!(lacking, Err(errno::EINVAL));
    assert_eq!(machine.errno(in_request(A, OUT, 0, request)), 0);
    assert_eq!(machine.errno(Op::QueueRequest { request }), 0);
    assert_eq!(set(&mut machine, A, Control::Vflip), Err(errno::EBUSY));
    let inside = Some(request);
    assert_eq!(get(&mut machine, A, inside), Err(errno::EACCES));
    assert_eq!(get(&mut machine, A, None), told(0));
    assert_eq!(machine.errno(qbuf(CAP, 0)), 0);
    machine.run_job(A, false);
    assert_eq!(get(&mut machine, A, None), told(1));
    assert_eq!(poll(&mut machine), Ok(Out::Polled { revents: 0 }));
    assert_eq!(machine.errno(Op::CloseFile { file: other }), 0);
    assert_eq!(poll(&mut machine), Ok(Out::Polled { revents: 2 }));
    assert_eq!(get(&mut machine, A, inside), told(1));
    assert_eq!(machine.errno(Op::ReinitRequest { request }), 0);
    assert_eq!(get(&mut machine, A, inside), Err(errno::EACCES));
}

/// Frames in slices: what the CAPTURE buffer is numbered counts once.
#[test]
fn a_held_buffer_is_one_frame() {
    let mut machine = Machine::new();
    let node = Node::M2mMplane;
    machine.call(Op::Open { file: A, node }).expect("opened");
    for queue in [OUT, CAP] {
        machine.call(reqbufs(queue, 3)).expect("allocated");
        for index in 0..3 {
            assert_eq!(machine.errno(qbuf(queue, index)), 0);
        }
        assert_eq!(machine.errno(streamon(queue)), 0);
    }
    for gives in [Gives::Source, Gives::Both, Gives::Both] {
        machine.end_job(A, false, gives);
    }
    let sequence = |machine: &mut Machine, queue| match machine.call(dqbuf(queue)) {
        Ok(Out::Buffer { sequence, .. }) => sequence,
        other => panic!("{other:?}"),
    };
    let frames = [CAP, CAP, OUT, OUT, OUT].map(|queue| sequence(&mut machine, queue));
    assert_eq!(frames, [0, 1, 0, 1, 2]);
}

/// After an allocation failed the model goes on from what the kernel answered.
#[test]
fn a_failed_allocation_is_no_difference() {
    let mut machine = ready();
    let export = Op::expbuf(Dmabuf(0), A, CAP, 0);
    machine.call(export).expect("exported");
    machine.call(qbuf(CAP, 0)).expect("queued");
    machine.call(query(CAP, 1)).expect("there");
    let fails = |op: usize, hit: bool| {
        let mut trace = machine.trace.clone();
        let place = trace
            .events
            .iter()
            .position(|event| matches!(event, Event::Call(call) if usize::from(call.op) == op));
        let place = place.expect("it was called");
        if let Event::Call(call) = &mut trace.events[place] {
            call.result = Err(errno::EINVAL);
        }
        let op = op as u16;
        trace.events.insert(place, Event::Fault { op, hit });
        follow(Driver::Double, &machine.program, &trace)
            .differences
            .len()
    };
    let last = machine.program.steps.len() - 1;
    assert_eq!((fails(last, true), fails(last, false)), (0, 1));
    assert_eq!(
        fails(last - 1, true),
        0,
        "and what follows is as it was answered"
    );
}
