//! The rules of buffers on memory of user space.

use program::{Dmabuf, File, Map, Memory, Node, Op, Pixels, Queue, Request};
use trace::Out;

use crate::answer::{MAPPED, PREPARED, QUEUED};
use crate::errno;
use crate::machine::{A, CAP, Machine, OUT, in_request};

fn reqbufs(file: File, queue: Queue, count: u32) -> Op {
    Op::Reqbufs {
        file,
        queue,
        memory: Memory::Userptr,
        count,
    }
}

fn create(memory: Memory) -> Op {
    Op::CreateBufs {
        file: A,
        queue: CAP,
        memory,
        count: 1,
    }
}

fn query(queue: Queue, index: u32) -> Op {
    Op::Querybuf {
        file: A,
        queue,
        index,
    }
}

/// A file of this node with two such buffers on both queues.
fn ready(node: Node) -> Machine {
    let mut machine = Machine::new();
    machine.call(Op::Open { file: A, node }).expect("opened");
    for queue in [OUT, CAP] {
        machine.call(reqbufs(A, queue, 2)).expect("allocated");
    }
    machine
}

fn told(answer: Result<Out, i32>) -> (u32, u32) {
    match answer {
        Ok(Out::Buffer { flags, length, .. }) => (flags & (MAPPED | PREPARED | QUEUED), length),
        other => panic!("{other:?} is no buffer"),
    }
}

/// `vb2_core_expbuf()`, `vb2_queue_or_prepare_buf()`, `vb2_core_create_bufs()`
#[test]
fn nobody_shares_them_and_they_import_nothing() {
    let mut machine = ready(Node::Double);
    let export = Op::expbuf(Dmabuf(0), A, CAP, 0);
    let map = Op::MmapFile {
        map: Map(0),
        file: A,
        queue: CAP,
        index: 0,
        plane: 0,
    };
    let import = Op::qbuf(A, CAP, 0, Some(Dmabuf(0)));
    for refused in [export, map, import, create(Memory::Mmap)] {
        assert_eq!(machine.errno(refused.clone()), errno::EINVAL, "{refused:?}");
    }
    assert_eq!(machine.errno(create(Memory::Userptr)), 0);
    assert_eq!(told(machine.call(query(CAP, 2))), (0, 4096));
}

/// `__prepare_userptr()`
#[test]
fn they_are_prepared_and_queued_like_others() {
    let mut machine = ready(Node::Double);
    let prepare = Op::prepare_buf(A, CAP, 0, None);
    assert_eq!(told(machine.call(prepare.clone())), (PREPARED, 4096));
    assert_eq!(machine.errno(prepare), errno::EINVAL);
    for queue in [OUT, CAP] {
        let given = machine.call(Op::qbuf(A, queue, 0, None));
        assert_eq!(told(given), (QUEUED, 4096));
        assert_eq!(machine.errno(Op::Streamon { file: A, queue }), 0);
    }
    machine.run_job(A, false);
    assert_eq!(machine.handle().capture.done.len(), 1);
}

/// `vb2_req_queue()`
#[test]
fn what_a_request_brings_is_known() {
    let mut machine = ready(Node::M2m);
    let request = Request(0);
    assert_eq!(machine.errno(Op::AllocRequest { request, file: A }), 0);
    assert_eq!(machine.errno(in_request(A, OUT, 1, request)), 0);
    assert_eq!(machine.errno(Op::QueueRequest { request }), 0);
    assert_eq!(told(machine.call(query(OUT, 1))), (QUEUED, 4096));
}

/// The double's `buf_prepare` refuses what does not fit, and `__prepare_userptr()` lets go of the memory.
#[test]
fn a_buffer_that_is_too_small_has_no_length_any_more() {
    let mut machine = ready(Node::Double);
    let handle = machine.world.files.get_mut(&A.0).expect("opened");
    let large = handle
        .device
        .set_format(CAP, Pixels::First, (128, 64), None);
    handle.set_format(CAP, large);
    assert_eq!(machine.errno(Op::qbuf(A, CAP, 0, None)), errno::EINVAL);
    assert_eq!(told(machine.call(query(CAP, 0))), (0, 0));
    let handle = machine.world.files.get_mut(&A.0).expect("opened");
    let small = handle.device.set_format(CAP, Pixels::First, (64, 64), None);
    handle.set_format(CAP, small);
    assert_eq!(
        told(machine.call(Op::qbuf(A, CAP, 0, None))),
        (QUEUED, 4096)
    );
}
