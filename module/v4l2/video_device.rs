// SPDX-License-Identifier: GPL-2.0

//! `struct video_device`.
//!
//! C header: [`include/media/v4l2-dev.h`](srctree/include/media/v4l2-dev.h)

use super::{device, ioctl, mem2mem, shim, Driver, FileHandle};
use core::{marker::PhantomData, ptr::NonNull};
use kernel::{
    bindings,
    device::Device,
    error::{from_result, to_result},
    module::this_module,
    prelude::*,
    types::Opaque, //
};

/// What a video device says about itself.
pub(crate) struct Info {
    /// `v4l2_capability.driver`, and the video device's name.
    pub(crate) driver: &'static str,
    /// `v4l2_capability.card`
    pub(crate) card: &'static str,
    /// `v4l2_capability.bus_info`
    pub(crate) bus_info: &'static str,
}

/// An ioctl of the driver's own, which the core does not know.
pub(crate) trait PrivateIoctl: Driver {
    /// Its number.
    const CMD: u32;
    /// Its argument, plain data in both directions of the type's size.
    type Arg: kernel::transmute::FromBytes;

    /// Does it. Called without the video device's mutex, at any time.
    fn ioctl(this: &FileHandle<Self>, arg: Self::Arg) -> Result;
}

/// What the open files of a video device have in common.
#[pin_data]
struct Node<T: Driver> {
    shared: T::Shared,
    m2m: mem2mem::Device<T>,
    /// `video_device.lock` and the lock of all queues: one mutex, so that no *_CMD ioctl meets a
    /// QBUF or STREAMOFF.
    #[pin]
    lock: Opaque<bindings::mutex>,
    #[pin]
    v4l2: device::Device,
    parent: *mut bindings::device,
}

// SAFETY: `parent` outlives the node, by the contract of `Registration::new`; the rest is `Send`.
unsafe impl<T: Driver> Send for Node<T> {}
// SAFETY: As above; a mutex is there to be used by many.
unsafe impl<T: Driver> Sync for Node<T> {}

impl<T: Driver> Node<T> {
    fn parts(&self) -> mem2mem::Parts {
        mem2mem::Parts {
            lock: self.lock.get(),
            device: self.parent,
        }
    }
}

/// A registered video device, `/dev/videoN`.
///
/// # Invariants
///
/// `vdev` is registered, its private pointer is to `node`, and its file operations keep this module
/// busy while a file is open.
pub(crate) struct Registration<T: PrivateIoctl> {
    vdev: NonNull<bindings::video_device>,
    _node: Pin<KBox<Node<T>>>,
}

// SAFETY: A video device may be unregistered from any thread.
unsafe impl<T: PrivateIoctl> Send for Registration<T> {}
// SAFETY: There is nothing to do with a shared reference.
unsafe impl<T: PrivateIoctl> Sync for Registration<T> {}

impl<T: PrivateIoctl> Registration<T> {
    /// Registers a mem2mem video device below `parent`. It can be opened before this returns.
    ///
    /// # Safety
    ///
    /// `parent` stays bound until the registration is dropped.
    pub(crate) unsafe fn new(parent: &Device, shared: T::Shared) -> Result<Self> {
        let node = KBox::pin_init(
            try_pin_init!(Node::<T> {
                shared,
                m2m: mem2mem::Device::new()?,
                // SAFETY: The mutex is valid for writes and will stay where it is.
                lock <- Opaque::ffi_init(|lock| unsafe { shim::rust_helper_mutex_init(lock) }),
                v4l2 <- device::Device::register(parent),
                parent: device::raw_parent(parent),
            }? Error),
            GFP_KERNEL,
        )?;

        // SAFETY: May always be called.
        let vdev = NonNull::new(unsafe { bindings::video_device_alloc() }).ok_or(ENOMEM)?;
        // SAFETY: Nobody else knows the device.
        Self::fill(unsafe { &mut *vdev.as_ptr() }, &node);
        // SAFETY: As above. The node stays where it is until the device is unregistered.
        let ret = unsafe {
            shim::rust_helper_video_set_drvdata(
                vdev.as_ptr(),
                (&raw const *node).cast_mut().cast(),
            );
            shim::rust_helper_video_register_device(vdev.as_ptr())
        };
        if ret != 0 {
            // SAFETY: A device that could not be registered is still ours.
            unsafe { bindings::video_device_release(vdev.as_ptr()) };
            to_result(ret)?;
        }

        // INVARIANT: Registered above, with `OPS`, whose owner is this module.
        Ok(Self { vdev, _node: node })
    }

    fn fill(vdev: &mut bindings::video_device, node: &Node<T>) {
        for (to, from) in vdev.name.iter_mut().zip(T::INFO.driver.bytes().take(31)) {
            *to = from as c_char;
        }
        vdev.vfl_dir = bindings::vfl_devnode_direction_VFL_DIR_M2M;
        vdev.fops = &Files::<T>::OPS;
        vdev.ioctl_ops = &ioctl::Vtable::<T>::OPS;
        vdev.release = Some(bindings::video_device_release);
        vdev.v4l2_dev = node.v4l2.as_raw();
        vdev.lock = node.lock.get();
        vdev.device_caps = bindings::V4L2_CAP_VIDEO_M2M | bindings::V4L2_CAP_STREAMING;
    }
}

impl<T: PrivateIoctl> Drop for Registration<T> {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant. No file is open, since that would keep the module busy,
        // so nobody uses the node after this. The video device itself is freed by the core, with
        // its last reference.
        unsafe { bindings::video_unregister_device(self.vdev.as_ptr()) };
    }
}

/// `struct v4l2_file_operations` of a `T`.
struct Files<T: PrivateIoctl>(PhantomData<T>);

impl<T: PrivateIoctl> Files<T> {
    /// # Safety
    ///
    /// `file` is open, or being opened, on a video device of a `T`.
    unsafe fn node<'a>(file: *mut bindings::file) -> &'a Node<T> {
        // SAFETY: By the caller and the invariant of `Registration`.
        unsafe { &*shim::rust_helper_video_drvdata(file).cast::<Node<T>>() }
    }

    /// # Safety
    ///
    /// As `v4l2_file_operations.open`, on a video device of a `T`.
    unsafe extern "C" fn open(file: *mut bindings::file) -> c_int {
        // SAFETY: By the caller.
        let node = unsafe { Self::node(file) };

        from_result(|| {
            // SAFETY: By the caller; the node outlives its files.
            unsafe {
                FileHandle::<T>::open(
                    file,
                    bindings::video_devdata(file),
                    &node.shared,
                    &node.m2m,
                    &node.parts(),
                )?
            };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As `v4l2_file_operations.release`, on a video device of a `T`.
    unsafe extern "C" fn release(file: *mut bindings::file) -> c_int {
        // SAFETY: By the caller.
        unsafe { FileHandle::<T>::release(file, &Self::node(file).parts()) };
        0
    }

    /// # Safety
    ///
    /// As `v4l2_file_operations.unlocked_ioctl`, on a video device of a `T`.
    unsafe extern "C" fn ioctl(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
        if cmd != T::CMD {
            // SAFETY: By the caller.
            return unsafe { bindings::video_ioctl2(file, cmd, arg) };
        }

        // SAFETY: By the caller.
        let this = unsafe { FileHandle::<T>::of_file(file) };
        let run = || {
            let arg = kernel::uaccess::UserSlice::new(
                kernel::uaccess::UserPtr::from_addr(arg),
                size_of::<T::Arg>(),
            );
            T::ioctl(this, arg.reader().read::<T::Arg>()?)
        };

        match run() {
            Ok(()) => 0,
            Err(error) => error.to_errno() as c_long,
        }
    }

    const OPS: bindings::v4l2_file_operations = bindings::v4l2_file_operations {
        owner: this_module::<crate::LocalModule>().as_ptr(),
        open: Some(Self::open),
        release: Some(Self::release),
        poll: Some(bindings::v4l2_m2m_fop_poll),
        unlocked_ioctl: Some(Self::ioctl),
        mmap: Some(bindings::v4l2_m2m_fop_mmap),
        ..pin_init::zeroed()
    };
}
