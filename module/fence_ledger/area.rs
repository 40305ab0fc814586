// SPDX-License-Identifier: GPL-2.0

//! The memory that the kernel writes and user space maps: a page with the header, then the records.

use crate::{
    record::{Header, Words},
    shim,
};
use core::ptr::NonNull;
use kernel::{error::to_result, mm::virt::VmaNew, page::PAGE_SIZE, prelude::*};

/// Number of records in the ring, a power of two: a little more than 1 MiB.
pub(crate) const CAPACITY: u64 = 16384;

const SIZE: usize = PAGE_SIZE + CAPACITY as usize * size_of::<Words>();

const _: () = assert!(CAPACITY.is_power_of_two());
const _: () = assert!(size_of::<Header>() <= PAGE_SIZE);

/// The mapped memory.
///
/// # Invariants
///
/// `base` points to `SIZE` bytes from `ledger_area_alloc()`, page aligned, owned by this object.
/// They hold a [`Header`] and, a page further, `CAPACITY` times [`Words`]; the kernel changes
/// neither but through references to these.
pub(crate) struct Area {
    base: NonNull<c_void>,
}

// SAFETY: The memory belongs to no thread.
unsafe impl Send for Area {}
// SAFETY: What a shared `Area` gives out can be shared.
unsafe impl Sync for Area {}

impl Area {
    /// Allocates the area and fills the constant part of the header.
    pub(crate) fn new() -> Result<Self> {
        let base = NonNull::new(shim::ledger_area_alloc(SIZE)).ok_or(ENOMEM)?;
        // SAFETY: The memory was just allocated, is page aligned and large enough; no one else
        // knows it yet.
        unsafe {
            base.cast()
                .write(Header::new(CAPACITY as u32, PAGE_SIZE as u64))
        };
        // INVARIANT: `base` has this size and a header; vmalloc memory is page aligned, and zero,
        // which is a valid record.
        Ok(Self { base })
    }

    /// The header.
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: By the type's invariant it stands there while `self` lives.
        unsafe { self.base.cast().as_ref() }
    }

    /// The place of record number `n`.
    pub(crate) fn record(&self, n: u64) -> &Words {
        let slot = (n % CAPACITY) as usize;
        let records = self.base.as_ptr().wrapping_byte_add(PAGE_SIZE);
        // SAFETY: By the type's invariant there are `CAPACITY` of them while `self` lives.
        unsafe { &*records.cast::<Words>().wrapping_add(slot) }
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
