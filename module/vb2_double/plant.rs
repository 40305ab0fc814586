// SPDX-License-Identifier: GPL-2.0

//! Planted bugs in which a job ends while its writer goes on.
//!
//! `abort_signals_early`: STREAMOFF and close end a job at once. `signals_before_last_write`: a job
//! ends when the hardware is done, and the CPU's share, its last chunk, follows.
//! `change_flushes_armed`: a change of the stream that comes while a job runs gives the armed buffers
//! back.
//!
//! The plane's memory is kept by a dma-buf of its own, so that the bug breaks the fence contract
//! and nothing else.

use crate::{
    clock,
    engine::Cause,
    vb2::{buffer::Plane, Buffer},
    writer::Writer, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::{from_err_ptr, Error},
    impl_has_work,
    new_spinlock_irq,
    new_work,
    prelude::*,
    sync::{Arc, SpinLockIrq},
    time::{delay::fsleep, Delta},
    workqueue::{Work, WorkItem}, //
};

/// Time between two chunks that an orphan writes.
const PACE: Delta = Delta::from_millis(1);

/// The memory of a plane, mapped.
///
/// # Invariants
///
/// Owns a reference to `dmabuf` and the mapping `map` of it.
struct Memory {
    dmabuf: NonNull<bindings::dma_buf>,
    map: bindings::iosys_map,
}

// SAFETY: A dma-buf may be used from any thread.
unsafe impl Send for Memory {}
// SAFETY: There is nothing to do with a shared reference but to read the pointers.
unsafe impl Sync for Memory {}

impl Memory {
    /// Keeps the memory of plane 0 of an active buffer.
    fn of(buffer: &Buffer) -> Result<Self> {
        // SAFETY: The buffer is valid; while it is active its plane does not change.
        let dmabuf = unsafe {
            let vb = buffer.as_vb2();
            let plane = &(*vb).planes[0];

            if plane.dbuf.is_null() {
                let export = (*(*(*vb).vb2_queue).mem_ops).get_dmabuf.ok_or(ENOTTY)?;
                from_err_ptr(export(vb, plane.mem_priv, bindings::O_RDWR as c_ulong))?
            } else {
                bindings::get_file((*plane.dbuf).file);
                plane.dbuf
            }
        };
        let dmabuf = NonNull::new(dmabuf).ok_or(EINVAL)?;
        let mut map = pin_init::zeroed();

        // SAFETY: The reference to the dma-buf is ours.
        let ret = unsafe { bindings::dma_buf_vmap_unlocked(dmabuf.as_ptr(), &mut map) };
        if ret != 0 {
            // SAFETY: As above.
            unsafe { bindings::dma_buf_put(dmabuf.as_ptr()) };
            return Err(Error::from_errno(ret));
        }
        // INVARIANT: Both were got above.
        Ok(Self { dmabuf, map })
    }

    /// The memory as a plane.
    ///
    /// # Safety
    ///
    /// It is used no longer than this exists.
    unsafe fn plane(&self) -> Option<Plane> {
        // SAFETY: The mapping of vmalloc memory is no I/O memory. It is as large as the dma-buf,
        // and kept by the caller.
        unsafe {
            let addr = NonNull::new(self.map.__bindgen_anon_1.vaddr)?;
            Some(Plane::from_raw(addr.cast(), (*self.dmabuf.as_ptr()).size))
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe {
            bindings::dma_buf_vunmap_unlocked(self.dmabuf.as_ptr(), &mut self.map);
            bindings::dma_buf_put(self.dmabuf.as_ptr());
        }
    }
}

/// A writer whose job has ended.
#[pin_data]
struct Orphan {
    #[pin]
    work: Work<Self>,
    #[pin]
    writer: SpinLockIrq<Option<Writer>>,
    // Dropped after the writer.
    memory: Memory,
}

impl_has_work! {
    impl HasWork<Self> for Orphan { self.work }
}

impl WorkItem for Orphan {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let Some(mut writer) = this.writer.lock().take() else {
            return;
        };

        loop {
            fsleep(PACE);
            if !writer.write_chunk(&|_| ()) {
                return;
            }
        }
    }
}

/// Whether a job that ends so leaves its writer behind.
fn leaves_writer(cause: Cause) -> bool {
    match cause {
        Cause::Aborted => cfg!(plant = "abort_signals_early"),
        Cause::Completed => cfg!(plant = "signals_before_last_write"),
        // A job that fails by itself has a writer that is through.
        Cause::Failed => cfg!(plant = "change_flushes_armed"),
        Cause::Watchdog | Cause::Refused => false,
    }
}

/// Where the writer of a job goes when the job ends.
pub(crate) struct Orphanage {
    orphan: Arc<Orphan>,
    queue: Arc<clock::Queue>,
}

impl Orphanage {
    /// Prepares for the end of a job that writes to `dst`. Without memory for it the bug does not
    /// show.
    pub(crate) fn new(dst: &Buffer, queue: &Arc<clock::Queue>) -> Option<Self> {
        let memory = Memory::of(dst).ok()?;
        let orphan = Arc::pin_init(
            pin_init!(Orphan {
                work <- new_work!("vb2_double::Orphan"),
                writer <- new_spinlock_irq!(None),
                memory,
            }),
            GFP_KERNEL,
        );

        Some(Self {
            orphan: orphan.ok()?,
            queue: queue.clone(),
        })
    }

    /// Takes the writer, and lets it go on if that is the bug. The memory is let go where one may
    /// sleep.
    pub(crate) fn take(self, mut writer: Writer, cause: Cause) {
        // SAFETY: The orphan drops the writer before its memory.
        let plane = unsafe { self.orphan.memory.plane() };

        if let (true, Some(plane)) = (leaves_writer(cause), plane) {
            // SAFETY: As above.
            unsafe { writer.move_to(plane) };
            *self.orphan.writer.lock() = Some(writer);
        }
        let _ = self.queue.items().enqueue(self.orphan);
    }
}
