// SPDX-License-Identifier: GPL-2.0

//! `struct video_device`.
//!
//! C header: [`include/media/v4l2-dev.h`](srctree/include/media/v4l2-dev.h)

use super::{device, ioctl, media::Media, mem2mem, shim, Driver, FileHandle};
use crate::vb2::Layout;
use core::{marker::PhantomData, ptr::NonNull};
use kernel::{
    bindings,
    device::Device,
    error::{from_result, to_result},
    module::this_module,
    prelude::*,
    types::Opaque,
    uaccess::UserPtr, //
};

/// What a video device says about itself.
pub(crate) struct Info {
    /// The video device's name.
    pub(crate) name: &'static CStr,
    /// `v4l2_capability.driver`
    pub(crate) driver: &'static str,
    /// `v4l2_capability.card`
    pub(crate) card: &'static str,
    /// `v4l2_capability.bus_info`
    pub(crate) bus_info: &'static str,
    /// Of which kind the formats and buffers are.
    pub(crate) layout: Layout,
    /// Whether the device is one side of a stateful codec.
    pub(crate) codec: Codec,
    /// OUTPUT takes requests.
    pub(crate) requests: bool,
}

/// What a mem2mem device is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// It turns raw frames into raw frames.
    None,
    /// It is a stateful decoder.
    Decoder,
    /// It is a stateful encoder.
    Encoder,
}

impl Codec {
    /// `media_entity.function` of the mem2mem device.
    fn function(self) -> c_int {
        (match self {
            Self::None => bindings::MEDIA_ENT_F_PROC_VIDEO_SCALER,
            Self::Decoder => bindings::MEDIA_ENT_F_PROC_VIDEO_DECODER,
            Self::Encoder => bindings::MEDIA_ENT_F_PROC_VIDEO_ENCODER,
        }) as c_int
    }

    /// Takes the ioctls of other devices out.
    fn disable_ioctls(self, vdev: &mut bindings::video_device) {
        // SAFETY: The device is not registered yet, as these functions demand.
        unsafe {
            if self != Self::Decoder {
                shim::rust_helper_v4l2_disable_decoder_cmd(vdev);
            }
            if self != Self::Encoder {
                shim::rust_helper_v4l2_disable_encoder_cmd(vdev);
            }
        }
    }
}

/// What the open files of a video device have in common.
#[pin_data]
pub(super) struct Node<T: Driver> {
    pub(super) info: &'static Info,
    shared: T::Shared,
    m2m: mem2mem::Device<T>,
    /// `video_device.lock` and the lock of all queues: one mutex, so that no *_CMD ioctl meets a
    /// QBUF or STREAMOFF.
    #[pin]
    lock: Opaque<bindings::mutex>,
    #[pin]
    v4l2: device::Device,
    #[pin]
    media: Media,
    parent: *mut bindings::device,
}

// SAFETY: `parent` outlives the node, by the contract of `Registration::new`; the rest is `Send`.
unsafe impl<T: Driver> Send for Node<T> {}
// SAFETY: As above; a mutex is there to be used by many.
unsafe impl<T: Driver> Sync for Node<T> {}

impl<T: Driver> Node<T> {
    /// # Safety
    ///
    /// `file` is open, or being opened, on a video device of a `T`.
    pub(super) unsafe fn of_file<'a>(file: *mut bindings::file) -> &'a Self {
        // SAFETY: By the caller and the invariant of `Registration`.
        unsafe { &*shim::rust_helper_video_drvdata(file).cast::<Self>() }
    }

    fn parts(&self) -> mem2mem::Parts {
        mem2mem::Parts {
            info: self.info,
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
pub(crate) struct Registration<T: Driver> {
    vdev: NonNull<bindings::video_device>,
    node: Pin<KBox<Node<T>>>,
    /// The parts of the mem2mem device are shown by the media device.
    is_shown: bool,
}

// SAFETY: A video device may be unregistered from any thread.
unsafe impl<T: Driver> Send for Registration<T> {}
// SAFETY: There is nothing to do with a shared reference.
unsafe impl<T: Driver> Sync for Registration<T> {}

impl<T: Driver> Registration<T> {
    /// Registers a mem2mem video device below `parent`. It can be opened before this returns.
    ///
    /// # Safety
    ///
    /// `parent` stays bound until the registration is dropped.
    pub(crate) unsafe fn new(
        parent: &Device,
        info: &'static Info,
        shared: T::Shared,
    ) -> Result<Self> {
        let node = KBox::pin_init(
            try_pin_init!(Node::<T> {
                info,
                shared,
                m2m: mem2mem::Device::new()?,
                // SAFETY: The mutex is valid for writes and will stay where it is.
                lock <- Opaque::ffi_init(|lock| unsafe { shim::rust_helper_mutex_init(lock) }),
                v4l2 <- device::Device::register(parent),
                // SAFETY: By the caller; the node is dropped with the registration.
                media <- unsafe { Media::new(parent, info) },
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
        let mut this = Self {
            vdev,
            node,
            is_shown: false,
        };
        this.node
            .m2m
            .register_media_controller(vdev, info.codec.function())?;
        this.is_shown = true;
        this.node.media.register()?;
        Ok(this)
    }

    fn fill(vdev: &mut bindings::video_device, node: &Node<T>) {
        let info = node.info;

        super::fill(&mut vdev.name, info.name.to_bytes());
        vdev.vfl_dir = bindings::vfl_devnode_direction_VFL_DIR_M2M;
        vdev.fops = &Files::<T>::OPS;
        vdev.ioctl_ops = match info.layout {
            Layout::Single => &ioctl::Vtable::<T>::SINGLE,
            Layout::Multi => &ioctl::Vtable::<T>::MULTI,
        };
        vdev.release = Some(bindings::video_device_release);
        node.v4l2.set_media(&node.media);
        vdev.v4l2_dev = node.v4l2.as_raw();
        vdev.lock = node.lock.get();
        vdev.device_caps = bindings::V4L2_CAP_STREAMING
            | match info.layout {
                Layout::Single => bindings::V4L2_CAP_VIDEO_M2M,
                Layout::Multi => bindings::V4L2_CAP_VIDEO_M2M_MPLANE,
            };
        info.codec.disable_ioctls(vdev);
    }
}

impl<T: Driver> Drop for Registration<T> {
    fn drop(&mut self) {
        self.node.media.unregister();
        if self.is_shown {
            self.node.m2m.unregister_media_controller();
        }
        // SAFETY: By the type's invariant. No file is open, since that would keep the module busy,
        // so nobody uses the node after this. The video device itself is freed by the core, with
        // its last reference.
        unsafe { bindings::video_unregister_device(self.vdev.as_ptr()) };
    }
}

/// `struct v4l2_file_operations` of a `T`.
struct Files<T: Driver>(PhantomData<T>);

impl<T: Driver> Files<T> {
    /// # Safety
    ///
    /// As `v4l2_file_operations.open`, on a video device of a `T`.
    unsafe extern "C" fn open(file: *mut bindings::file) -> c_int {
        // SAFETY: By the caller.
        let node = unsafe { Node::<T>::of_file(file) };

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
        unsafe { FileHandle::<T>::release(file, &Node::<T>::of_file(file).parts()) };
        0
    }

    /// # Safety
    ///
    /// As `v4l2_file_operations.unlocked_ioctl`, on a video device of a `T`.
    unsafe extern "C" fn ioctl(file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
        // SAFETY: By the caller.
        let this = unsafe { FileHandle::<T>::of_file(file) };

        match T::ioctl(this, cmd, UserPtr::from_addr(arg)) {
            Some(Ok(())) => 0,
            Some(Err(error)) => error.to_errno() as c_long,
            // SAFETY: By the caller.
            None => unsafe { bindings::video_ioctl2(file, cmd, arg) },
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
