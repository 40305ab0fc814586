// SPDX-License-Identifier: GPL-2.0

//! `struct v4l2_m2m_dev` and `struct v4l2_m2m_ctx`.
//!
//! C header: [`include/media/v4l2-mem2mem.h`](srctree/include/media/v4l2-mem2mem.h)

use super::{shim, Driver, FileHandle, Info};
use crate::vb2::{
    queue::{Locked, Stopped},
    ActiveBuffer,
    Buffer,
    Direction,
    Queue,
    State, //
};
use core::{marker::PhantomData, ptr::NonNull};
use kernel::{
    bindings,
    error::{from_err_ptr, to_result, VTABLE_DEFAULT_ERROR},
    prelude::*,
    types::Opaque, //
};

/// `struct v4l2_m2m_ops`
#[vtable]
pub(crate) trait Operations: Sized + Sync {
    /// A job may run: starts it. May sleep. The job is to be [finished](Job::finish), now or later.
    fn device_run(this: &FileHandle<Self>, job: Job);

    /// Whether a job could run. Called with interrupts off, when both queues have a buffer and no
    /// job of this file runs.
    fn job_ready(_this: &FileHandle<Self>, _idle: Idle<'_>) -> bool {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The job that runs, or is about to, must end soon. May be called before and during
    /// [`device_run`](Self::device_run).
    fn job_abort(_this: &FileHandle<Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// A mem2mem device whose contexts are the [`FileHandle`]s of a `T`: runs one job at a time.
///
/// # Invariants
///
/// The pointer is to a `struct v4l2_m2m_dev` that this owns and that has the operations of `T`.
pub(crate) struct Device<T: Operations>(NonNull<bindings::v4l2_m2m_dev>, PhantomData<T>);

// SAFETY: A mem2mem device may be used and released from any thread.
unsafe impl<T: Operations> Send for Device<T> {}
// SAFETY: The C side does its own locking.
unsafe impl<T: Operations> Sync for Device<T> {}

impl<T: Operations> Device<T> {
    const OPS: bindings::v4l2_m2m_ops = bindings::v4l2_m2m_ops {
        device_run: Some(Self::device_run),
        job_ready: if T::HAS_JOB_READY {
            Some(Self::job_ready)
        } else {
            None
        },
        job_abort: if T::HAS_JOB_ABORT {
            Some(Self::job_abort)
        } else {
            None
        },
    };

    /// `v4l2_m2m_init()`
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The table is a constant.
        let dev = from_err_ptr(unsafe { bindings::v4l2_m2m_init(&Self::OPS) })?;

        // INVARIANT: The device is new and has the operations of `T`.
        Ok(Self(NonNull::new(dev).ok_or(ENOMEM)?, PhantomData))
    }

    /// `v4l2_m2m_register_media_controller()`, for a registered video device.
    pub(super) fn register_media_controller(
        &self,
        vdev: NonNull<bindings::video_device>,
        function: c_int,
    ) -> Result {
        // SAFETY: By the type's invariant and the caller.
        to_result(unsafe {
            bindings::v4l2_m2m_register_media_controller(self.0.as_ptr(), vdev.as_ptr(), function)
        })
    }

    /// `v4l2_m2m_unregister_media_controller()`
    pub(super) fn unregister_media_controller(&self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::v4l2_m2m_unregister_media_controller(self.0.as_ptr()) };
    }

    /// # Safety
    ///
    /// `data` is a file handle of a `T`.
    unsafe extern "C" fn device_run(data: *mut c_void) {
        // SAFETY: By the caller.
        let this = unsafe { &*data.cast::<FileHandle<T>>() };
        // INVARIANT: mem2mem has just started this job.
        let job = Job(NonNull::from(this.m2m()));

        T::device_run(this, job);
    }

    /// # Safety
    ///
    /// `data` is a file handle of a `T`.
    unsafe extern "C" fn job_ready(data: *mut c_void) -> c_int {
        // SAFETY: By the caller.
        let this = unsafe { &*data.cast::<FileHandle<T>>() };

        // INVARIANT: mem2mem asks only for files that have no job, and holds its lock meanwhile.
        T::job_ready(this, Idle(this.m2m())).into()
    }

    /// # Safety
    ///
    /// `data` is a file handle of a `T`.
    unsafe extern "C" fn job_abort(data: *mut c_void) {
        // SAFETY: By the caller.
        T::job_abort(unsafe { &*data.cast::<FileHandle<T>>() });
    }
}

impl<T: Operations> Drop for Device<T> {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant. All contexts are gone: a file handle keeps the module
        // busy.
        unsafe { bindings::v4l2_m2m_release(self.0.as_ptr()) };
    }
}

/// The two queues of one open file, and its place in the device's job queue.
///
/// # Invariants
///
/// The context is valid.
#[repr(transparent)]
pub(crate) struct Context(Opaque<bindings::v4l2_m2m_ctx>);

/// What [`init`] needs besides the file handle.
pub(crate) struct Parts {
    /// What the video device says about itself.
    pub(super) info: &'static Info,
    /// The mutex of both queues, initialised.
    pub(crate) lock: *mut bindings::mutex,
    /// The device that memory is allocated for.
    pub(crate) device: *mut bindings::device,
}

/// Argument of [`queue_init`]: the core passes on only one pointer, which becomes the context's.
struct QueueInit<'a, T> {
    handle: *const FileHandle<T>,
    parts: &'a Parts,
}

/// `v4l2_m2m_ctx_init()`
///
/// # Safety
///
/// `handle` and what `parts` points to outlive the context.
pub(crate) unsafe fn init<T: Driver>(
    device: &Device<T>,
    handle: *const FileHandle<T>,
    parts: &Parts,
) -> Result<NonNull<bindings::v4l2_m2m_ctx>> {
    let mut args = QueueInit { handle, parts };

    // SAFETY: `queue_init` gets what it wants and uses it only during the call.
    let ctx = from_err_ptr(unsafe {
        bindings::v4l2_m2m_ctx_init(
            device.0.as_ptr(),
            (&raw mut args).cast(),
            Some(queue_init::<T>),
        )
    })?;
    let ctx = NonNull::new(ctx).ok_or(ENOMEM)?;

    // SAFETY: The context is valid and nothing uses it yet.
    unsafe { (*ctx.as_ptr()).priv_ = handle.cast_mut().cast() };
    Ok(ctx)
}

/// # Safety
///
/// `args` is the `QueueInit<T>` of an [`init`], and the queues are its new context's.
unsafe extern "C" fn queue_init<T: Driver>(
    args: *mut c_void,
    src: *mut bindings::vb2_queue,
    dst: *mut bindings::vb2_queue,
) -> c_int {
    // SAFETY: By the caller.
    let args = unsafe { &*args.cast::<QueueInit<'_, T>>() };
    let init = |queue, direction| {
        // SAFETY: The queues are part of the zeroed context; the rest is what `init` was promised.
        unsafe {
            crate::vb2::queue::init::<T>(
                queue,
                direction,
                args.parts.info.layout,
                args.parts.info.requests && direction == Direction::Output,
                T::queue_config(&*args.handle, direction),
                args.handle,
                args.parts.lock,
                args.parts.device,
            )
        }
    };

    kernel::error::from_result(|| {
        init(src, Direction::Output)?;
        init(dst, Direction::Capture)?;
        Ok(0)
    })
}

impl Context {
    /// # Safety
    ///
    /// `ptr` is a valid context, for `'a`.
    pub(crate) unsafe fn from_raw<'a>(ptr: *mut bindings::v4l2_m2m_ctx) -> &'a Self {
        // INVARIANT: By the caller.
        // SAFETY: By the caller.
        unsafe { &*ptr.cast::<Self>() }
    }

    fn as_raw(&self) -> *mut bindings::v4l2_m2m_ctx {
        self.0.get()
    }

    /// The queue of one direction.
    pub(crate) fn queue(&self, direction: Direction) -> &Queue {
        // SAFETY: By the type's invariant; the queues are part of the context.
        unsafe {
            Queue::from_raw(match direction {
                Direction::Output => shim::rust_helper_v4l2_m2m_get_src_vq(self.as_raw()),
                Direction::Capture => shim::rust_helper_v4l2_m2m_get_dst_vq(self.as_raw()),
            })
        }
    }

    /// `v4l2_m2m_buf_queue()`: puts the buffer on the ready list of its queue.
    pub(crate) fn buf_queue(&self, buffer: ActiveBuffer) {
        // SAFETY: By the types' invariants; the list owes the buffer to vb2 now.
        unsafe { bindings::v4l2_m2m_buf_queue(self.as_raw(), buffer.into_raw()) };
    }

    /// The first buffer of the ready list, which stays there.
    fn first(&self, direction: Direction) -> Option<NonNull<bindings::vb2_v4l2_buffer>> {
        // SAFETY: By the type's invariant.
        NonNull::new(unsafe {
            match direction {
                Direction::Output => shim::rust_helper_v4l2_m2m_next_src_buf(self.as_raw()),
                Direction::Capture => shim::rust_helper_v4l2_m2m_next_dst_buf(self.as_raw()),
            }
        })
    }

    /// Number of buffers on the ready list.
    pub(crate) fn num_ready(&self, direction: Direction) -> u32 {
        // SAFETY: By the type's invariant.
        unsafe {
            match direction {
                Direction::Output => shim::rust_helper_v4l2_m2m_num_src_bufs_ready(self.as_raw()),
                Direction::Capture => shim::rust_helper_v4l2_m2m_num_dst_bufs_ready(self.as_raw()),
            }
        }
    }

    /// Takes the first buffer off the ready list of a queue that has been stopped.
    pub(crate) fn take_stopped(&self, queue: &Stopped<'_>) -> Option<ActiveBuffer> {
        self.take(queue.direction())
    }

    /// Takes the first buffer off the ready list. The running job must know of it.
    fn take(&self, direction: Direction) -> Option<ActiveBuffer> {
        // SAFETY: By the type's invariant.
        let buffer = unsafe {
            match direction {
                Direction::Output => shim::rust_helper_v4l2_m2m_src_buf_remove(self.as_raw()),
                Direction::Capture => shim::rust_helper_v4l2_m2m_dst_buf_remove(self.as_raw()),
            }
        };

        // SAFETY: What is on a ready list is active, and is not on it any more.
        (!buffer.is_null()).then(|| unsafe { ActiveBuffer::from_raw(buffer) })
    }

    /// `v4l2_m2m_suspend()`: waits for the running job, after which none runs until
    /// [`resume`](Self::resume). `lock` keeps the file handle of that job, whichever it is, from
    /// being closed meanwhile.
    pub(crate) fn suspend(&self, _lock: &Locked<'_>) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::v4l2_m2m_suspend((*self.as_raw()).m2m_dev) };
    }

    /// `v4l2_m2m_resume()`. May run a job of any file handle before it returns.
    pub(crate) fn resume(&self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::v4l2_m2m_resume((*self.as_raw()).m2m_dev) };
    }

    /// `v4l2_m2m_try_schedule()`. May run a job of any file handle before it returns.
    pub(crate) fn try_schedule(&self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::v4l2_m2m_try_schedule(self.as_raw()) };
    }

    /// Whether the stream ends with the frame in this OUTPUT buffer.
    pub(crate) fn is_last_draining(&self, src: &Buffer) -> bool {
        // SAFETY: By the types' invariants.
        unsafe { shim::rust_helper_v4l2_m2m_is_last_draining_src_buf(self.as_raw(), src.as_v4l2()) }
    }

    /// Whether the next CAPTURE buffer has to be given back empty and last.
    pub(crate) fn next_dst_is_last(&self) -> bool {
        // SAFETY: By the type's invariant.
        unsafe { shim::rust_helper_v4l2_m2m_dst_buf_is_last(self.as_raw()) }
    }

    /// `v4l2_m2m_last_buffer_done()`: gives the buffer back as the last one, and stops.
    pub(crate) fn last_buffer_done(&self, dst: ActiveBuffer) {
        // SAFETY: By the types' invariants; this gives the buffer back to vb2.
        unsafe { bindings::v4l2_m2m_last_buffer_done(self.as_raw(), dst.into_raw()) };
    }

    /// Whether the drain is over and no job runs until it is started again.
    pub(crate) fn has_stopped(&self) -> bool {
        // SAFETY: By the type's invariant.
        unsafe { shim::rust_helper_v4l2_m2m_has_stopped(self.as_raw()) }
    }

    /// `v4l2_m2m_mark_stopped()`: the drain is over.
    pub(crate) fn mark_stopped(&self) {
        // SAFETY: By the type's invariant.
        unsafe { shim::rust_helper_v4l2_m2m_mark_stopped(self.as_raw()) };
    }

    /// `v4l2_m2m_update_start_streaming_state()`
    pub(crate) fn update_start_streaming_state(&self, queue: &Queue) {
        // SAFETY: By the types' invariants.
        unsafe { bindings::v4l2_m2m_update_start_streaming_state(self.as_raw(), queue.as_raw()) };
    }

    /// `v4l2_m2m_update_stop_streaming_state()`
    pub(crate) fn update_stop_streaming_state(&self, queue: &Queue) {
        // SAFETY: By the types' invariants.
        unsafe { bindings::v4l2_m2m_update_stop_streaming_state(self.as_raw(), queue.as_raw()) };
    }

    /// `v4l2_m2m_encoder_cmd()`
    pub(crate) fn encoder_cmd(&self, command: &mut bindings::v4l2_encoder_cmd) -> Result {
        // SAFETY: By the type's invariant. The file is not used.
        to_result(unsafe {
            bindings::v4l2_m2m_encoder_cmd(core::ptr::null_mut(), self.as_raw(), command)
        })
    }

    /// `v4l2_m2m_decoder_cmd()`
    pub(crate) fn decoder_cmd(&self, command: &mut bindings::v4l2_decoder_cmd) -> Result {
        // SAFETY: By the type's invariant. The file is not used.
        to_result(unsafe {
            bindings::v4l2_m2m_decoder_cmd(core::ptr::null_mut(), self.as_raw(), command)
        })
    }
}

/// A job that mem2mem has started and waits for.
///
/// The first buffers of both ready lists are the job's. They should stay there until it ends: were
/// the source taken off before, V4L2_DEC_CMD_STOP would find no frame to wait for; were only the
/// destination left there, it would be given back while it is written.
///
/// # Invariants
///
/// The context is valid and its job runs. Nobody else takes buffers off its ready lists meanwhile.
#[must_use = "mem2mem waits for this job and runs no other"]
pub(crate) struct Job(NonNull<Context>);

// SAFETY: A job may be ended from any thread.
unsafe impl Send for Job {}

impl Job {
    fn context(&self) -> &Context {
        // SAFETY: By the type's invariant; mem2mem keeps the context while its job runs.
        unsafe { self.0.as_ref() }
    }

    fn first(&self, direction: Direction) -> Option<&Buffer> {
        // SAFETY: What is on a ready list is an active buffer, and stays one as long as it is
        // there. Nobody takes it away while `self` is borrowed, by the type's invariant.
        let first = self.context().first(direction)?;
        Some(unsafe { first.cast::<Buffer>().as_ref() })
    }

    /// The OUTPUT buffer. There is one unless it was [taken](Self::take).
    pub(crate) fn src(&self) -> Option<&Buffer> {
        self.first(Direction::Output)
    }

    /// The CAPTURE buffer. There is one unless it was [taken](Self::take).
    pub(crate) fn dst(&self) -> Option<&Buffer> {
        self.first(Direction::Capture)
    }

    /// Takes the job's buffer off the ready list. After that the next one there is the job's.
    pub(crate) fn take(&mut self, direction: Direction) -> Option<ActiveBuffer> {
        self.context().take(direction)
    }

    /// `v4l2_m2m_job_finish()`. The file handle may be gone when this returns.
    pub(crate) fn finish(self) {
        let ctx = self.context().as_raw();

        // SAFETY: By the type's invariant; as this consumes `self`, it happens once.
        unsafe { bindings::v4l2_m2m_job_finish((*ctx).m2m_dev, ctx) };
    }

    /// `v4l2_m2m_buf_done_and_job_finish()`: gives both buffers back as well, which must not have
    /// been [taken](Self::take). The CAPTURE buffer stays if the OUTPUT buffer
    /// [says so](Buffer::holds_capture). The file handle may be gone when this returns.
    ///
    /// Where CAPTURE buffers [may be held](Queue::may_hold_capture), each job has to end like this.
    pub(crate) fn give_back_and_finish(self, state: State) {
        let ctx = self.context().as_raw();

        // SAFETY: By the type's invariant; as this consumes `self`, it happens once. What is on the
        // ready lists is active.
        unsafe { bindings::v4l2_m2m_buf_done_and_job_finish((*ctx).m2m_dev, ctx, state.as_raw()) };
    }
}

/// A file that has no job, and gets none as long as this exists.
///
/// # Invariants
///
/// No job of the context runs or can be started.
pub(crate) struct Idle<'a>(&'a Context);

impl Idle<'_> {
    /// Takes the first buffer off a ready list.
    pub(crate) fn take(&mut self, direction: Direction) -> Option<ActiveBuffer> {
        self.0.take(direction)
    }
}
