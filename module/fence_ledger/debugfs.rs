// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/fence_ledger`: the ledger as text, for people.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)

use crate::{
    area::CAPACITY,
    ledger::Ledger,
    record::{Kind, Record, F_ATOMIC},
    shim,
    table::MAX_FENCES, //
};
use core::ptr;
use kernel::{bindings, fmt, prelude::*, seq_file::SeqFile, seq_print, sync::Arc};

/// `records` shows at most this many, the newest.
const SHOWN: u64 = 256;

/// The directory with its files.
///
/// # Invariants
///
/// `dir` is what `ledger_debugfs_create()` returned for `_ledger`.
pub(crate) struct Debugfs {
    dir: *mut bindings::dentry,
    _ledger: Arc<Ledger>,
}

// SAFETY: Any thread may remove the directory, and nothing else is done with the pointer.
unsafe impl Send for Debugfs {}
// SAFETY: A shared `Debugfs` does nothing.
unsafe impl Sync for Debugfs {}

impl Debugfs {
    /// Creates the files. As everywhere, a debugfs that does not work is not an error.
    pub(crate) fn new(ledger: Arc<Ledger>) -> Self {
        let data = ptr::from_ref::<Ledger>(&ledger).cast_mut().cast();
        // INVARIANT: The files get the pointer of the ledger that is kept here.
        Self {
            // SAFETY: The ledger outlives the files, which are gone before `_ledger` is dropped.
            dir: unsafe { shim::ledger_debugfs_create(data) },
            _ledger: ledger,
        }
    }
}

impl Drop for Debugfs {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant. This waits for readers of the files.
        unsafe { shim::ledger_debugfs_remove(self.dir) }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let atomic = if self.flags & F_ATOMIC != 0 { '*' } else { ' ' };
        let kind = self.kind.name();
        write!(f, "{:8} {:16} {kind:7}{atomic}", self.seq, self.time_ns)?;
        match self.kind {
            Kind::Init | Kind::Destroy => self.fmt_fence(f),
            Kind::Signal => {
                self.fmt_fence(f)?;
                write!(f, " error {}", self.error)
            }
            Kind::Attach => {
                self.fmt_fence(f)?;
                self.fmt_buffer(f)?;
                write!(f, " plane {} usage {}", self.plane, self.value)
            }
            Kind::Queue => self.fmt_buffer(f),
            Kind::Done => {
                self.fmt_buffer(f)?;
                write!(f, " state {}", self.value)
            }
            Kind::Job => {
                self.fmt_buffer(f)?;
                write!(f, " job {} phase {}", self.context, self.value)
            }
        }
    }
}

impl Record {
    fn fmt_fence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " fence {}-{}", self.context, self.seqno)
    }

    fn fmt_buffer(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            queue,
            type_,
            index,
            ..
        } = self;
        write!(f, " queue {queue:x} type {type_} index {index}")
    }
}

/// # Safety
///
/// Only for `shim.c`: `ledger` is what the files were created with, `m` is being shown.
#[no_mangle]
unsafe extern "C" fn ledger_show_records(ledger: *mut c_void, m: *mut bindings::seq_file) {
    // SAFETY: By the contract of this function and the invariant of `Debugfs`, whose removal waits
    // for this call.
    let (ledger, m) = unsafe { (&*ledger.cast::<Ledger>(), SeqFile::from_raw(m)) };
    let head = ledger.summary().header.head;
    // One record at a time, so that the lock is never held for long.
    for record in (head.saturating_sub(SHOWN)..head).filter_map(|n| ledger.record(n)) {
        seq_print!(m, "{record}\n");
    }
}

/// # Safety
///
/// Only for `shim.c`: `ledger` is what the files were created with, `m` is being shown.
#[no_mangle]
unsafe extern "C" fn ledger_show_summary(ledger: *mut c_void, m: *mut bindings::seq_file) {
    // SAFETY: As in `ledger_show_records()`.
    let (ledger, m) = unsafe { (&*ledger.cast::<Ledger>(), SeqFile::from_raw(m)) };
    let summary = ledger.summary();
    let h = &summary.header;
    seq_print!(m, "records   {} (the ring holds {CAPACITY})\n", h.head);
    seq_print!(m, "live      {} (at most {MAX_FENCES})\n", summary.live);
    seq_print!(m, "untracked {}\n", h.untracked);
    seq_print!(m, "inits     {}\n", h.inits);
    seq_print!(m, "attaches  {}\n", h.attaches);
    seq_print!(m, "signals   {}\n", h.signals);
    seq_print!(m, "destroys  {}\n", h.destroys);
}
