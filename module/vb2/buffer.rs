// SPDX-License-Identifier: GPL-2.0

//! `struct vb2_v4l2_buffer`.
//!
//! C header: [`include/media/videobuf2-v4l2.h`](srctree/include/media/videobuf2-v4l2.h)

use super::{shim, Queue};
use core::{ops::Deref, ptr::NonNull};
use kernel::{bindings, prelude::*, types::Opaque};

/// `enum vb2_buffer_state`, as far as a driver may give a buffer back in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The buffer holds what it should.
    Done,
    /// It does not.
    Error,
}

impl State {
    /// The `enum vb2_buffer_state`.
    pub(crate) fn as_raw(self) -> bindings::vb2_buffer_state {
        match self {
            Self::Done => bindings::vb2_buffer_state_VB2_BUF_STATE_DONE,
            Self::Error => bindings::vb2_buffer_state_VB2_BUF_STATE_ERROR,
        }
    }
}

/// Memory of a plane that the kernel has mapped.
///
/// # Invariants
///
/// `addr` is valid for writes of `len` bytes, and aligned to a page, as long as the buffer it came
/// from is [active](ActiveBuffer).
pub(crate) struct Plane {
    addr: NonNull<u8>,
    len: usize,
}

// SAFETY: The memory is the kernel's, not a thread's.
unsafe impl Send for Plane {}

impl Plane {
    /// # Safety
    ///
    /// `addr` and `len` meet the type's invariant.
    pub(crate) unsafe fn from_raw(addr: NonNull<u8>, len: usize) -> Self {
        // INVARIANT: By the caller.
        Self { addr, len }
    }

    /// Bytes in the plane.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Stores the 64-bit word number `index`, in this order and with one store: userspace may look
    /// at any time. Nothing is stored past the plane's end.
    ///
    /// # Safety
    ///
    /// The buffer that the plane came from is active.
    pub(crate) unsafe fn store(&self, index: usize, word: u64) {
        if index >= self.len / size_of::<u64>() {
            return;
        }

        // SAFETY: By the type's invariant and the caller the memory is valid, and by the check
        // above the word is in it. Others may read and write it, hence a volatile access and no
        // reference.
        unsafe { self.addr.cast::<u64>().add(index).write_volatile(word) };
    }

    /// Copies as many bytes as fit from the start of another plane, and tells how many. Both may
    /// be the same memory.
    ///
    /// # Safety
    ///
    /// The buffers that the planes came from are active.
    pub(crate) unsafe fn copy_from(&self, other: &Plane) -> usize {
        let len = self.len.min(other.len);

        // SAFETY: By the types' invariants and the caller both are valid for `len` bytes.
        unsafe { self.addr.copy_from(other.addr, len) };
        len
    }
}

/// A buffer of a [`Queue`].
///
/// # Invariants
///
/// It is the `struct vb2_v4l2_buffer` in a `struct v4l2_m2m_buffer`.
#[repr(transparent)]
pub(crate) struct Buffer(Opaque<bindings::vb2_v4l2_buffer>);

impl Buffer {
    /// # Safety
    ///
    /// `ptr` is a valid buffer of a mem2mem queue, for `'a`.
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::vb2_buffer) -> &'a Self {
        // `vb2_buf` is the first member of `struct vb2_v4l2_buffer`.
        // SAFETY: By the caller.
        unsafe { &*ptr.cast::<Self>() }
    }

    /// The `struct vb2_v4l2_buffer`.
    pub(crate) fn as_v4l2(&self) -> *mut bindings::vb2_v4l2_buffer {
        self.0.get()
    }

    /// The `struct vb2_buffer`.
    pub(crate) fn as_vb2(&self) -> *mut bindings::vb2_buffer {
        // SAFETY: The type's invariant makes this a projection inside one object.
        unsafe { &raw mut (*self.0.get()).vb2_buf }
    }

    /// The queue of this buffer.
    pub(crate) fn queue(&self) -> &Queue {
        // SAFETY: A buffer belongs to a queue that outlives it.
        unsafe { Queue::from_raw((*self.as_vb2()).vb2_queue) }
    }

    /// `vb2_plane_size()`
    pub(crate) fn plane_size(&self, plane: u32) -> usize {
        // SAFETY: By the type's invariant. A plane number that is too large is answered with 0.
        unsafe { shim::rust_helper_vb2_plane_size(self.as_vb2(), plane) }
    }

    /// `vb2_set_plane_payload()`
    pub(crate) fn set_payload(&self, plane: u32, bytes: usize) {
        // SAFETY: By the type's invariant; the driver owns the payload of a buffer it was given.
        unsafe { shim::rust_helper_vb2_set_plane_payload(self.as_vb2(), plane, bytes) };
    }

    /// Number of planes.
    pub(crate) fn planes(&self) -> u32 {
        // SAFETY: By the type's invariant; the number does not change.
        unsafe { (*self.as_vb2()).num_planes }
    }

    /// Whether the planes are at least so large. Those that are not there need no room.
    pub(crate) fn has_room<const N: usize>(&self, bytes: [usize; N]) -> bool {
        (0..self.planes())
            .zip(bytes)
            .all(|(plane, bytes)| self.plane_size(plane) >= bytes)
    }

    /// Says that the buffer holds nothing.
    pub(crate) fn set_empty(&self) {
        for plane in 0..self.planes() {
            self.set_payload(plane, 0);
        }
    }

    /// `vb2_plane_vaddr()`. May sleep, and may take the dma_resv of an imported plane.
    pub(crate) fn plane(&self, plane: u32) -> Result<Plane> {
        // SAFETY: By the type's invariant.
        let addr = unsafe { bindings::vb2_plane_vaddr(self.as_vb2(), plane) };

        // INVARIANT: vb2 keeps this mapping, which is at least as large as the plane, while the
        // buffer is active.
        Ok(Plane {
            addr: NonNull::new(addr.cast()).ok_or(ENOMEM)?,
            len: self.plane_size(plane),
        })
    }

    /// The request that the buffer was queued with.
    pub(crate) fn request(&self) -> Option<NonNull<bindings::media_request>> {
        // SAFETY: By the type's invariant; it stays the same while the buffer is queued.
        NonNull::new(unsafe { (*self.as_vb2()).req_obj.req })
    }

    /// `vb2_v4l2_buffer.field`
    pub(crate) fn field(&self) -> u32 {
        // SAFETY: By the type's invariant.
        unsafe { (*self.0.get()).field }
    }

    /// Sets `vb2_v4l2_buffer.field`, which is the driver's in the callbacks that tell it of a
    /// buffer.
    pub(crate) fn set_field(&self, field: u32) {
        // SAFETY: By the type's invariant.
        unsafe { (*self.0.get()).field = field };
    }

    /// Sets `vb2_v4l2_buffer.sequence`.
    pub(crate) fn set_sequence(&self, sequence: u32) {
        // SAFETY: By the type's invariant.
        unsafe { (*self.0.get()).sequence = sequence };
    }

    /// Sets or clears `V4L2_BUF_FLAG_LAST`.
    pub(crate) fn set_last(&self, last: bool) {
        // SAFETY: By the type's invariant.
        let flags = unsafe { &mut (*self.0.get()).flags };

        *flags &= !bindings::V4L2_BUF_FLAG_LAST;
        if last {
            *flags |= bindings::V4L2_BUF_FLAG_LAST;
        }
    }

    /// `V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF`: the job of this OUTPUT buffer leaves the CAPTURE
    /// buffer to the next one. Stays as it is while the buffer is active.
    pub(crate) fn holds_capture(&self) -> bool {
        // SAFETY: By the type's invariant.
        unsafe { (*self.0.get()).flags & bindings::V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF != 0 }
    }

    /// `vb2_v4l2_buffer.is_held`: a job has left this CAPTURE buffer to the next one. For the
    /// buffer of the running job.
    pub(crate) fn is_held(&self) -> bool {
        // SAFETY: By the type's invariant.
        unsafe { (*self.0.get()).is_held }
    }

    /// `v4l2_m2m_buf_copy_metadata()` from this OUTPUT buffer.
    pub(crate) fn copy_metadata_to(&self, capture: &Buffer) {
        // SAFETY: By the types' invariants.
        unsafe { bindings::v4l2_m2m_buf_copy_metadata(self.as_v4l2(), capture.as_v4l2()) };
    }
}

/// A buffer that the driver alone holds and owes to vb2.
///
/// # Invariants
///
/// The buffer is `VB2_BUF_STATE_ACTIVE` and on no ready list.
#[must_use = "a buffer that is not given back is lost to userspace until STREAMOFF"]
pub(crate) struct ActiveBuffer(NonNull<Buffer>);

// SAFETY: A buffer may be used from any thread.
unsafe impl Send for ActiveBuffer {}

impl ActiveBuffer {
    /// # Safety
    ///
    /// `ptr` is valid, active, on no ready list, and nobody else has an `ActiveBuffer` of it.
    pub(crate) unsafe fn from_raw(ptr: *mut bindings::vb2_v4l2_buffer) -> Self {
        // INVARIANT: By the caller.
        // SAFETY: A valid pointer is not null.
        Self(unsafe { NonNull::new_unchecked(ptr.cast()) })
    }

    /// The buffer, which is given up: somebody else owes it to vb2 now.
    pub(crate) fn into_raw(self) -> *mut bindings::vb2_v4l2_buffer {
        self.as_v4l2()
    }

    /// `vb2_buffer_done()`: gives the buffer back to vb2, and signals its release fence.
    pub(crate) fn done(self, state: State) {
        // SAFETY: By the type's invariant; as this consumes `self`, it happens once.
        unsafe { bindings::vb2_buffer_done(self.as_vb2(), state.as_raw()) };
    }
}

impl Deref for ActiveBuffer {
    type Target = Buffer;

    fn deref(&self) -> &Buffer {
        // SAFETY: By the type's invariant.
        unsafe { self.0.as_ref() }
    }
}
