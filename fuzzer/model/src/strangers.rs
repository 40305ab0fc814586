//! The rules of what no video device makes: other exporters' dma-bufs, and software timelines.

use program::{Access, Dmabuf, Driver, Exporter, Memory, Op, Sync, SyncEdge};
use trace::{Event, Out};

use crate::errno;
use crate::follow;
use crate::machine::{A, CAP, Machine, OUT};

fn allocate(exporter: Exporter, bytes: u32) -> Op {
    let dmabuf = Dmabuf(0);
    Op::Allocate {
        dmabuf,
        exporter,
        bytes,
    }
}

/// A machine whose CAPTURE queue imports its buffers, for frames of this size.
fn importer(size: (u32, u32)) -> Machine {
    let mut machine = Machine::new();
    machine.call(Op::open(A)).expect("opened");
    machine.call(Op::size(A, OUT, size)).expect("taken");
    let import = Op::Reqbufs {
        file: A,
        queue: CAP,
        memory: Memory::Dmabuf,
        count: 1,
    };
    machine.call(import).expect("allocated");
    machine
}

/// `udmabuf_create()`, `dma_heap_ioctl_allocate()`
#[test]
fn exporters_that_are_no_video_devices_give_whole_pages() {
    let mut machine = Machine::new();
    for exporter in [Exporter::Udmabuf, Exporter::Heap] {
        assert_eq!(machine.errno(allocate(exporter, 0)), errno::EINVAL);
        let size = 8192;
        let told = machine.call(allocate(exporter, 8192));
        assert_eq!(told, Ok(Out::Exported { size }));
    }
    let rounded = machine.call(allocate(Exporter::Heap, 4097));
    assert_eq!(rounded, Ok(Out::Exported { size: 8192 }));
    let refused = allocate(Exporter::Udmabuf, 4097);
    assert_eq!(machine.errno(refused), errno::EINVAL);
    // What was in the slot is gone.
    let check = Op::Check { dmabuf: Dmabuf(0) };
    assert_eq!(machine.errno(check), errno::EBADF);
}

/// `__prepare_dmabuf()`
#[test]
fn a_queue_takes_memory_of_others_that_is_large_enough() {
    let mut machine = importer((128, 64));
    for (bytes, told) in [(4096, errno::EINVAL), (8192, 0)] {
        assert!(machine.call(allocate(Exporter::Heap, bytes)).is_ok());
        let given = Op::qbuf(A, CAP, 0, Some(Dmabuf(0)));
        assert_eq!(machine.errno(given), told);
    }
}

/// `end_cpu_udmabuf()`
#[test]
fn an_access_to_an_udmabuf_ends_only_after_one_began() {
    let mut machine = Machine::new();
    let access = |edge| Op::CpuSync {
        dmabuf: Dmabuf(0),
        edge,
        access: Access::Read,
    };
    for (exporter, early) in [(Exporter::Udmabuf, errno::EINVAL), (Exporter::Heap, 0)] {
        assert!(machine.call(allocate(exporter, 4096)).is_ok());
        assert_eq!(machine.errno(access(SyncEdge::End)), early);
        assert_eq!(machine.errno(access(SyncEdge::Start)), 0);
        assert_eq!(machine.errno(access(SyncEdge::End)), 0);
    }
}

/// `sw_sync_ioctl_inc()`
#[test]
fn a_timeline_stays_when_its_sync_file_goes() {
    let mut machine = Machine::new();
    let sync = Sync(0);
    assert_eq!(machine.errno(Op::Signal { sync }), errno::EBADF);
    assert!(machine.call(Op::SwSync { sync }).is_ok());
    assert_eq!(machine.errno(Op::CloseSync { sync }), 0);
    assert_eq!(machine.errno(Op::FileInfo { sync }), errno::EBADF);
    assert_eq!(machine.errno(Op::Signal { sync }), 0);
}

/// `vb2_dc_map_dmabuf()`
#[test]
fn pages_of_others_may_lie_anywhere() {
    let differences = |bytes| {
        let mut machine = importer((64, 64));
        let heap = allocate(Exporter::Heap, bytes);
        machine.call(heap).expect("allocated");
        let given = Op::qbuf(A, CAP, 0, Some(Dmabuf(0)));
        machine.call(given).expect("queued");
        let mut trace = machine.trace.clone();
        if let Some(Event::Call(call)) = trace.events.last_mut() {
            call.result = Err(errno::EFAULT);
        }
        let story = follow(Driver::Double, &machine.program, &trace);
        story.differences.len()
    };
    // One page lies beside itself.
    assert_eq!((differences(4096), differences(8192)), (1, 0));
}
