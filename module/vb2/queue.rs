// SPDX-License-Identifier: GPL-2.0

//! `struct vb2_queue` and `struct vb2_ops`.
//!
//! C header: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h)

use super::{helper, shim, ActiveBuffer, Buffer, Memory};
use core::{marker::PhantomData, ops::Deref};
use kernel::{
    bindings,
    error::{from_result, to_result, VTABLE_DEFAULT_ERROR},
    prelude::*,
    types::Opaque, //
};

/// The two queues of a mem2mem device.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Userspace fills, the device reads.
    Output,
    /// The device writes, userspace reads.
    Capture,
}

/// Whether the planes of a frame lie in one memory or each in its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `V4L2_BUF_TYPE_VIDEO_{OUTPUT,CAPTURE}`
    Single,
    /// `V4L2_BUF_TYPE_VIDEO_{OUTPUT,CAPTURE}_MPLANE`
    Multi,
}

impl Direction {
    fn as_raw(self, layout: Layout) -> bindings::v4l2_buf_type {
        match (self, layout) {
            (Self::Output, Layout::Single) => bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_OUTPUT,
            (Self::Capture, Layout::Single) => bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE,
            (Self::Output, Layout::Multi) => {
                bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE
            }
            (Self::Capture, Layout::Multi) => {
                bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
            }
        }
    }
}

/// What a driver decides about a queue before it is initialised.
pub(crate) struct Config {
    /// The driver attaches release fences to the buffers of this queue.
    pub(crate) release_fences: bool,
    /// Where the memory of buffers comes from.
    pub(crate) memory: Memory,
    /// A job may leave its CAPTURE buffer to the next one:
    /// `VB2_V4L2_FL_SUPPORTS_M2M_HOLD_CAPTURE_BUF`. Of OUTPUT queues only, and then each job has to
    /// end with [`give_back_and_finish`](crate::v4l2::mem2mem::Job::give_back_and_finish).
    pub(crate) hold_capture: bool,
}

/// What `queue_setup` is asked, and what it answers.
pub(crate) struct Setup<'a> {
    /// Number of buffers; may be lowered.
    pub(crate) buffers: &'a mut u32,
    /// Sizes that CREATE_BUFS asks for, one a plane; empty for REQBUFS.
    pub(crate) asked: &'a [u32],
    /// Sizes of the planes to be allocated.
    pub(crate) sizes: Sizes<'a>,
}

/// The sizes that [`Operations::queue_setup`] answers with.
pub(crate) struct Sizes<'a> {
    planes: &'a mut u32,
    sizes: &'a mut [u32],
}

impl Sizes<'_> {
    /// Sets number and sizes of the planes.
    pub(crate) fn set(&mut self, sizes: &[u32]) {
        for (to, from) in self.sizes.iter_mut().zip(sizes) {
            *to = *from;
        }
        *self.planes = sizes.len() as u32;
    }
}

/// A queue on which STREAMOFF or close goes on.
///
/// # Invariants
///
/// The driver works on no buffer of the queue: a mem2mem queue has waited for its job.
pub(crate) struct Stopped<'a>(&'a Queue);

impl Deref for Stopped<'_> {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        self.0
    }
}

/// `struct vb2_ops`. All of them are called with the queue's mutex held.
#[vtable]
pub(crate) trait Operations: Sized {
    /// What `vb2_queue.drv_priv` points to.
    type Owner: Sync;

    /// Decides about number and sizes of buffers to be allocated.
    fn queue_setup(this: &Self::Owner, queue: &Queue, setup: Setup<'_>) -> Result;

    /// An OUTPUT buffer was given to QBUF or PREPARE_BUF: looks at its fields. Takes progressive
    /// frames only, if the driver does not say otherwise.
    fn buf_out_validate(_this: &Self::Owner, buffer: &Buffer) -> Result {
        if buffer.field() == bindings::v4l2_field_V4L2_FIELD_ANY {
            buffer.set_field(bindings::v4l2_field_V4L2_FIELD_NONE);
        }
        if buffer.field() != bindings::v4l2_field_V4L2_FIELD_NONE {
            return Err(EINVAL);
        }
        Ok(())
    }

    /// The request of this buffer, which the driver never got, is cancelled. A driver that takes
    /// requests needs this.
    fn buf_request_complete(_this: &Self::Owner, _buffer: &Buffer) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The memory of the buffer is there: looks whether it will do.
    fn buf_prepare(this: &Self::Owner, buffer: &Buffer) -> Result;

    /// The buffer is the driver's from here on.
    fn buf_queue(this: &Self::Owner, buffer: ActiveBuffer);

    /// STREAMON.
    fn start_streaming(_this: &Self::Owner, _queue: &Queue) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// STREAMOFF or close: all buffers must be given back.
    fn stop_streaming(this: &Self::Owner, queue: Stopped<'_>);
}

/// A queue of buffers.
///
/// # Invariants
///
/// The queue is valid.
#[repr(transparent)]
pub(crate) struct Queue(Opaque<bindings::vb2_queue>);

impl Queue {
    /// # Safety
    ///
    /// `ptr` is a valid queue, for `'a`.
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::vb2_queue) -> &'a Self {
        // INVARIANT: By the caller.
        // SAFETY: By the caller.
        unsafe { &*ptr.cast::<Self>() }
    }

    /// The `struct vb2_queue`.
    pub(crate) fn as_raw(&self) -> *mut bindings::vb2_queue {
        self.0.get()
    }

    /// Which of the two queues it is.
    pub(crate) fn direction(&self) -> Direction {
        // SAFETY: By the type's invariant; the type does not change.
        if unsafe { (*self.as_raw()).is_output() } != 0 {
            Direction::Output
        } else {
            Direction::Capture
        }
    }

    /// `vb2_is_streaming()`
    pub(crate) fn is_streaming(&self) -> bool {
        // SAFETY: By the type's invariant.
        unsafe { shim::rust_helper_vb2_is_streaming(self.as_raw()) }
    }

    /// `vb2_is_busy()`: buffers are allocated.
    pub(crate) fn is_busy(&self) -> bool {
        // SAFETY: By the type's invariant.
        unsafe { shim::rust_helper_vb2_is_busy(self.as_raw()) }
    }

    /// `vb2_queue.lock`
    pub(crate) fn lock(&self) -> Locked<'_> {
        // SAFETY: By the type's invariant the queue has an initialised mutex.
        unsafe { bindings::mutex_lock((*self.as_raw()).lock) };
        Locked(self)
    }

    /// Whether `VB2_V4L2_FL_SUPPORTS_M2M_HOLD_CAPTURE_BUF` is set.
    pub(crate) fn may_hold_capture(&self) -> bool {
        // SAFETY: By the type's invariant.
        unsafe {
            (*self.as_raw()).subsystem_flags & bindings::VB2_V4L2_FL_SUPPORTS_M2M_HOLD_CAPTURE_BUF
                != 0
        }
    }

    /// `vb2_clear_last_buffer_dequeued()`: DQBUF answers EPIPE no longer.
    pub(crate) fn clear_last_buffer_dequeued(&self) {
        // SAFETY: By the type's invariant.
        unsafe { shim::rust_helper_vb2_clear_last_buffer_dequeued(self.as_raw()) };
    }
}

/// A queue whose lock is held.
///
/// # Invariants
///
/// The queue's lock is held by the current thread.
#[must_use = "the lock is given up at once"]
pub(crate) struct Locked<'a>(&'a Queue);

impl Locked<'_> {
    /// Fails once buffers are allocated: what userspace was told of the queue counts.
    fn without_buffers(&self, queue: &Queue) -> Result<*mut bindings::vb2_queue> {
        // SAFETY: By the type's invariants both are valid.
        let same = unsafe { (*self.0.as_raw()).lock == (*queue.as_raw()).lock };

        if !same {
            return Err(EINVAL);
        }
        if queue.is_busy() {
            return Err(EBUSY);
        }
        Ok(queue.as_raw())
    }

    /// Sets `vb2_queue.min_queued_buffers` of a queue with this lock.
    pub(crate) fn set_min_queued(&self, queue: &Queue, buffers: u32) -> Result {
        let queue = self.without_buffers(queue)?;

        // SAFETY: By the type's invariant nobody else uses the queue.
        let queue = unsafe { &mut *queue };
        // QBUF of a request must not fail, as start_streaming may.
        if buffers != 0 && queue.supports_requests() != 0 {
            return Err(EINVAL);
        }
        queue.min_queued_buffers = buffers;
        // As vb2_core_queue_init() does it: one more, for userspace.
        queue.min_reqbufs_allocation = buffers + 1;
        Ok(())
    }

    /// Sets `VB2_V4L2_FL_SUPPORTS_M2M_HOLD_CAPTURE_BUF` of an OUTPUT queue with this lock.
    pub(crate) fn set_may_hold_capture(&self, queue: &Queue, may: bool) -> Result {
        if queue.may_hold_capture() == may {
            return Ok(());
        }
        let queue = self.without_buffers(queue)?;

        // SAFETY: By the type's invariant nobody else uses the queue.
        unsafe {
            (*queue).subsystem_flags ^= bindings::VB2_V4L2_FL_SUPPORTS_M2M_HOLD_CAPTURE_BUF;
        }
        Ok(())
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::mutex_unlock((*self.0.as_raw()).lock) };
    }
}

/// Initialises the queue of one direction of `owner`: all types of memory that there can be,
/// timestamps copied from OUTPUT to CAPTURE.
///
/// # Safety
///
/// - `queue` points to zeroed memory that will stay where it is.
/// - `owner` outlives the queue, and so do `lock`, which is initialised, and `device`.
pub(crate) unsafe fn init<T: Operations>(
    queue: *mut bindings::vb2_queue,
    direction: Direction,
    layout: Layout,
    requests: bool,
    config: Config,
    owner: *const T::Owner,
    lock: *mut bindings::mutex,
    device: *mut bindings::device,
) -> Result {
    // SAFETY: By the caller nobody else uses the queue yet.
    let q = unsafe { &mut *queue };

    q.type_ = direction.as_raw(layout);
    q.io_modes = config.memory.io_modes();
    q.drv_priv = owner.cast_mut().cast();
    q.buf_struct_size = size_of::<bindings::v4l2_m2m_buffer>() as u32;
    q.ops = &Vtable::<T>::OPS;
    q.mem_ops = config.memory.ops().ok_or(EOPNOTSUPP)?.as_ptr();
    q.timestamp_flags = bindings::V4L2_BUF_FLAG_TIMESTAMP_COPY;
    q.min_reqbufs_allocation = 1;
    q.lock = lock;
    q.dev = device;
    q.set_supports_requests(requests.into());
    if config.hold_capture {
        q.subsystem_flags |= bindings::VB2_V4L2_FL_SUPPORTS_M2M_HOLD_CAPTURE_BUF;
    }
    helper::opt_in(q, config.release_fences);

    // SAFETY: The queue is filled in.
    to_result(unsafe { bindings::vb2_queue_init(queue) })
}

/// `struct vb2_ops` of a `T`.
struct Vtable<T: Operations>(PhantomData<T>);

/// # Safety
///
/// `q` is a queue that [`init`] initialised for a `T`.
unsafe fn owner<'a, T: Operations>(q: *mut bindings::vb2_queue) -> &'a T::Owner {
    // SAFETY: By the caller, and `drv_priv` outlives the queue.
    unsafe { &*(*q).drv_priv.cast::<T::Owner>() }
}

/// # Safety
///
/// `vb` is a buffer of a queue that [`init`] initialised for a `T`.
unsafe fn owner_of<'a, T: Operations>(vb: *mut bindings::vb2_buffer) -> (&'a T::Owner, &'a Buffer) {
    // SAFETY: By the caller; `buf_struct_size` made the buffer a `struct v4l2_m2m_buffer`.
    unsafe { (owner::<T>((*vb).vb2_queue), Buffer::from_raw(vb)) }
}

impl<T: Operations> Vtable<T> {
    /// # Safety
    ///
    /// As `vb2_ops.queue_setup`, on a queue of a `T`.
    unsafe extern "C" fn queue_setup(
        q: *mut bindings::vb2_queue,
        num_buffers: *mut u32,
        num_planes: *mut u32,
        sizes: *mut u32,
        _alloc_devs: *mut *mut bindings::device,
    ) -> c_int {
        // SAFETY: By the caller. `sizes` has an element for each possible plane.
        let (buffers, planes, sizes) = unsafe {
            (
                &mut *num_buffers,
                &mut *num_planes,
                core::slice::from_raw_parts_mut(sizes, bindings::VIDEO_MAX_PLANES as usize),
            )
        };
        let mut asked = [0; bindings::VIDEO_MAX_PLANES as usize];
        asked.copy_from_slice(sizes);
        let asked = asked.get(..*planes as usize).unwrap_or(&[]);
        let setup = Setup {
            buffers,
            asked,
            sizes: Sizes { planes, sizes },
        };

        // SAFETY: By the caller.
        let (this, queue) = unsafe { (owner::<T>(q), Queue::from_raw(q)) };
        from_result(|| T::queue_setup(this, queue, setup).map(|()| 0))
    }

    /// # Safety
    ///
    /// As `vb2_ops.buf_out_validate`, on a buffer of a `T`.
    unsafe extern "C" fn buf_out_validate(vb: *mut bindings::vb2_buffer) -> c_int {
        // SAFETY: By the caller.
        let (this, buffer) = unsafe { owner_of::<T>(vb) };
        from_result(|| T::buf_out_validate(this, buffer).map(|()| 0))
    }

    /// # Safety
    ///
    /// As `vb2_ops.buf_request_complete`, on a buffer of a `T`.
    unsafe extern "C" fn buf_request_complete(vb: *mut bindings::vb2_buffer) {
        // SAFETY: By the caller.
        let (this, buffer) = unsafe { owner_of::<T>(vb) };
        T::buf_request_complete(this, buffer);
    }

    /// # Safety
    ///
    /// As `vb2_ops.buf_prepare`, on a buffer of a `T`.
    unsafe extern "C" fn buf_prepare(vb: *mut bindings::vb2_buffer) -> c_int {
        // SAFETY: By the caller.
        let (this, buffer) = unsafe { owner_of::<T>(vb) };
        from_result(|| T::buf_prepare(this, buffer).map(|()| 0))
    }

    /// # Safety
    ///
    /// As `vb2_ops.buf_queue`, on a buffer of a `T`.
    unsafe extern "C" fn buf_queue(vb: *mut bindings::vb2_buffer) {
        // SAFETY: By the caller.
        let (this, buffer) = unsafe { owner_of::<T>(vb) };
        // SAFETY: vb2 has just made the buffer active and hands it to the driver with this call.
        T::buf_queue(this, unsafe { ActiveBuffer::from_raw(buffer.as_v4l2()) });
    }

    /// # Safety
    ///
    /// As `vb2_ops.start_streaming`, on a queue of a `T`.
    unsafe extern "C" fn start_streaming(q: *mut bindings::vb2_queue, _count: u32) -> c_int {
        // SAFETY: By the caller.
        let (this, queue) = unsafe { (owner::<T>(q), Queue::from_raw(q)) };
        T::start_streaming(this, queue);
        0
    }

    /// # Safety
    ///
    /// As `vb2_ops.stop_streaming`, on a queue of a `T`.
    unsafe extern "C" fn stop_streaming(q: *mut bindings::vb2_queue) {
        // SAFETY: By the caller.
        let (this, queue) = unsafe { (owner::<T>(q), Queue::from_raw(q)) };
        // INVARIANT: v4l2_m2m_streamoff() and v4l2_m2m_ctx_release() come here after their wait.
        T::stop_streaming(this, Stopped(queue));
    }

    const OPS: bindings::vb2_ops = bindings::vb2_ops {
        queue_setup: Some(Self::queue_setup),
        buf_out_validate: Some(Self::buf_out_validate),
        buf_prepare: Some(Self::buf_prepare),
        buf_queue: Some(Self::buf_queue),
        start_streaming: if T::HAS_START_STREAMING {
            Some(Self::start_streaming)
        } else {
            None
        },
        stop_streaming: Some(Self::stop_streaming),
        buf_request_complete: if T::HAS_BUF_REQUEST_COMPLETE {
            Some(Self::buf_request_complete)
        } else {
            None
        },
        ..pin_init::zeroed()
    };
}

const _: () = assert!(core::mem::offset_of!(bindings::v4l2_m2m_buffer, vb) == 0);
const _: () = assert!(core::mem::offset_of!(bindings::vb2_v4l2_buffer, vb2_buf) == 0);
