// SPDX-License-Identifier: GPL-2.0

//! The memory that the kernel writes and user space maps: a page with the header, then the records.

use crate::{
    record::{Header, Record, MAGIC, VERSION},
    shim,
};
use core::ptr::NonNull;
use kernel::{error::to_result, mm::virt::VmaNew, page::PAGE_SIZE, prelude::*};

/// Number of records in the ring: 1 MiB, a power of two.
pub(crate) const CAPACITY: u64 = 16384;

const SIZE: usize = PAGE_SIZE + CAPACITY as usize * size_of::<Record>();

const _: () = assert!(CAPACITY.is_power_of_two());
const _: () = assert!(size_of::<Header>() <= PAGE_SIZE);

/// The mapped memory.
///
/// # Invariants
///
/// `base` points to `SIZE` bytes from `ledger_area_alloc()`, page aligned, owned by this object.
pub(crate) struct Area {
    base: NonNull<c_void>,
}

// SAFETY: The memory belongs to no thread.
unsafe impl Send for Area {}
// SAFETY: A shared `Area` gives out raw pointers only; whoever goes through them answers for that.
unsafe impl Sync for Area {}

impl Area {
    /// Allocates the area and fills the constant part of the header.
    pub(crate) fn new() -> Result<Self> {
        let base = NonNull::new(shim::ledger_area_alloc(SIZE)).ok_or(ENOMEM)?;
        // INVARIANT: `base` was just allocated with this size; vmalloc memory is page aligned.
        let area = Self { base };
        // SAFETY: By the type's invariant the header lies in the area; no one else knows it yet.
        unsafe {
            area.header().write(Header {
                magic: MAGIC,
                version: VERSION,
                record_size: size_of::<Record>() as u32,
                capacity: CAPACITY as u32,
                records_offset: PAGE_SIZE as u64,
                head: 0,
                untracked: 0,
                inits: 0,
                attaches: 0,
                signals: 0,
                destroys: 0,
            })
        };
        Ok(area)
    }

    /// The header; aligned and valid for reads and writes while `self` lives.
    pub(crate) fn header(&self) -> *mut Header {
        self.base.as_ptr().cast()
    }

    /// The place of record number `n`; aligned and valid for reads and writes while `self` lives.
    pub(crate) fn record(&self, n: u64) -> *mut Record {
        let slot = (n % CAPACITY) as usize;
        let records = self.base.as_ptr().wrapping_byte_add(PAGE_SIZE);
        records.cast::<Record>().wrapping_add(slot)
    }

    /// Maps the area into the new `vma`, read-only for good.
    pub(crate) fn map(&self, vma: &VmaNew) -> Result {
        vma.try_clear_maywrite()?;
        vma.try_clear_mayexec()?;
        // SAFETY: By the type's invariant the area is vmalloc memory for user space; `vma` is
        // being set up. The pages that it then holds outlive the area.
        to_result(unsafe { shim::ledger_area_map(self.base.as_ptr(), vma.as_ptr()) })
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant this object owns the memory.
        unsafe { shim::ledger_area_free(self.base.as_ptr()) }
    }
}
