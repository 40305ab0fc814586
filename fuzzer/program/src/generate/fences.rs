//! What makes sense with dma-bufs and sync_files.

use super::fit::{Bag, NORMAL, recent};
use crate::model::Model;
use crate::op::{Access, Dmabuf, Exporter, Interest, Map, Micros, Op, Sync, SyncEdge};

/// What can be done with the dma-bufs that there are.
pub(super) fn dmabufs(bag: &mut Bag<'_>, model: &Model) {
    let slots = recent(model.live_dmabufs());
    let syncs = recent(model.live_syncs());
    let busy = model.in_flight();
    let (watch, look) = if busy {
        (3 * NORMAL, NORMAL)
    } else {
        (NORMAL, NORMAL / 2)
    };
    let all = |make: &dyn Fn(Dmabuf) -> Vec<Op>| slots.iter().flat_map(|d| make(*d)).collect();
    let each = |bag: &mut Bag<'_>, fit, ops: Vec<Op>| bag.add_each(fit, ops);
    if let Some(sync) = model.free_sync() {
        let export = |dmabuf| {
            with_access(|access| Op::ExportSync {
                sync,
                dmabuf,
                access,
            })
        };
        each(bag, watch, all(&export));
    }
    for sync in syncs {
        let import = |dmabuf| {
            with_access(|access| Op::ImportSync {
                dmabuf,
                sync,
                access,
            })
        };
        each(bag, NORMAL, all(&import));
    }
    allocations(bag, model);
    each(bag, look, all(&cpu_syncs));
    each(bag, look, all(&dmabuf_polls));
    each(bag, look, all(&|dmabuf| vec![Op::Check { dmabuf }]));
    each(
        bag,
        NORMAL / 2,
        all(&|dmabuf| vec![Op::CloseDmabuf { dmabuf }]),
    );
    if let Some(dmabuf) = model.free_dmabuf() {
        let dup = |from| vec![Op::DupDmabuf { dmabuf, from }];
        each(bag, NORMAL / 3, all(&dup));
    }
    if let Some(map) = model.free_map() {
        each(
            bag,
            look,
            all(&|dmabuf| vec![Op::MmapDmabuf { map, dmabuf }]),
        );
    }
}

/// dma-bufs that no video device made. Where a queue imports its planes, they are what it takes.
fn allocations(bag: &mut Bag<'_>, model: &Model) {
    let Some(dmabuf) = model.free_dmabuf() else {
        return;
    };
    let live = model.dmabufs.iter().filter_map(|slot| slot.live());
    let fit = match live.filter(|export| export.place.is_none()).count() {
        0 | 1 => NORMAL / 2,
        _ => 1,
    };
    let bytes = model.import_bytes();
    let allocate = |exporter: &Exporter| Op::Allocate {
        dmabuf,
        exporter: *exporter,
        bytes,
    };
    bag.add_each(fit, Exporter::ALL.iter().map(allocate));
}

/// What can be done with the mappings that there are.
pub(super) fn maps(bag: &mut Bag<'_>, model: &Model) {
    let slots = recent(model.live_maps());
    let each = |bag: &mut Bag<'_>, fit, make: &dyn Fn(Map) -> Op| {
        bag.add_each(fit, slots.iter().map(|map| make(*map)).collect::<Vec<_>>());
    };
    each(bag, NORMAL, &|map| Op::Touch { map });
    each(bag, NORMAL / 2, &|map| Op::Munmap { map });
}

fn with_access(make: impl Fn(Access) -> Op) -> Vec<Op> {
    Access::ALL.iter().map(|access| make(*access)).collect()
}

fn cpu_syncs(dmabuf: Dmabuf) -> Vec<Op> {
    let edge = |edge: SyncEdge| {
        with_access(|access| Op::CpuSync {
            dmabuf,
            edge,
            access,
        })
    };
    SyncEdge::ALL
        .iter()
        .flat_map(|which| edge(*which))
        .collect()
}

fn dmabuf_polls(dmabuf: Dmabuf) -> Vec<Op> {
    let timeout = Micros(0);
    let interests = [Interest::In, Interest::Out];
    interests
        .map(|interest| Op::PollDmabuf {
            dmabuf,
            interest,
            timeout,
        })
        .to_vec()
}

/// What can be done with the sync_files that there are.
pub(super) fn syncs(bag: &mut Bag<'_>, model: &Model) {
    let slots = recent(model.live_syncs());
    let each = |bag: &mut Bag<'_>, fit, make: &dyn Fn(Sync) -> Op| {
        bag.add_each(
            fit,
            slots.iter().map(|sync| make(*sync)).collect::<Vec<_>>(),
        );
    };
    let watch = if model.in_flight() {
        NORMAL
    } else {
        NORMAL / 2
    };
    each(bag, watch, &|sync| Op::PollSync {
        sync,
        timeout: Micros(0),
    });
    each(bag, watch, &|sync| Op::FileInfo { sync });
    each(bag, NORMAL, &|sync| Op::SetDeadline {
        sync,
        after: Micros(0),
    });
    each(bag, NORMAL, &|sync| Op::CloseSync { sync });
    let timelines = recent(model.live_timelines());
    bag.add_each(
        NORMAL,
        timelines.iter().map(|sync| Op::Signal { sync: *sync }),
    );
    if let Some(sync) = model.free_sync() {
        each(bag, NORMAL / 3, &|from| Op::DupSync { sync, from });
        let fit = if timelines.is_empty() { NORMAL / 2 } else { 1 };
        bag.add(fit, Op::SwSync { sync });
    }
    if let Some(merged) = model.free_sync() {
        let other = slots.first().copied();
        each(bag, NORMAL / 2, &|sync| Op::Merge {
            sync: merged,
            a: other.unwrap_or(sync),
            b: sync,
        });
    }
}
