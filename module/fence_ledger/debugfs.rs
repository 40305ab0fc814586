// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/fence_ledger`: the ledger as text, for people.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)

use crate::{
    area::CAPACITY,
    ledger::Ledger,
    record::{Kind, Record, F_HARDIRQ, F_IRQS_OFF},
    shim,
    table::SLOTS, //
};
use core::ptr;
use kernel::{
    bindings, fmt,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::{
        atomic::{Acquire, Relaxed},
        Arc,
    },
};

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
        let mark = |flag, sign| if self.flags & flag != 0 { sign } else { '.' };
        let (hardirq, irqs_off) = (mark(F_HARDIRQ, 'H'), mark(F_IRQS_OFF, 'd'));
        let kind = self.kind.name();
        write!(f, "{:8} {:16} ", self.seq, self.time_ns)?;
        write!(f, "{hardirq}{irqs_off} {kind:7}")?;
        match self.kind {
            Kind::Lost => Ok(()),
            Kind::Init | Kind::Destroy | Kind::Again => self.fmt_fence(f),
            Kind::Signal => {
                self.fmt_fence(f)?;
                write!(f, " error {}", self.error)
            }
            Kind::Attach => {
                self.fmt_fence(f)?;
                self.fmt_buffer(f)?;
                write!(f, " plane {} usage {}", self.plane, self.value)?;
                write!(f, " resv {:x}", self.resv)
            }
            Kind::Queue | Kind::Userptr => self.fmt_buffer(f),
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
    let head = ledger.header().head.load(Acquire);
    seq_print!(
        m,
        "     seq          time_ns in kind    (H: hard interrupt, d: interrupts off)\n"
    );
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
    let h = ledger.header();
    let head = h.head.load(Relaxed);
    let overwritten = head.saturating_sub(CAPACITY);
    seq_print!(m, "records     {head} (the ring holds {CAPACITY})\n");
    seq_print!(m, "overwritten {overwritten}\n");
    seq_print!(m, "lost        {}\n", h.lost.load(Relaxed));
    seq_print!(m, "live        {} (there are {SLOTS} places)\n", h.live());
    seq_print!(m, "untracked   {}\n", h.untracked.load(Relaxed));
    seq_print!(m, "inits       {}\n", h.inits.load(Relaxed));
    seq_print!(m, "attaches    {}\n", h.attaches.load(Relaxed));
    seq_print!(m, "signals     {}\n", h.signals.load(Relaxed));
    seq_print!(m, "destroys    {}\n", h.destroys.load(Relaxed));
}
