// SPDX-License-Identifier: GPL-2.0

//! `struct v4l2_ioctl_ops`.
//!
//! C header: [`include/media/v4l2-ioctl.h`](srctree/include/media/v4l2-ioctl.h)
//!
//! What has to do with buffers goes to mem2mem, the rest to [`Operations`].

use super::{
    format::{Description, FrameSizes},
    Driver,
    Event,
    FileHandle,
    Info,
    PixFormat, //
};
use crate::vb2::Direction;
use core::marker::PhantomData;
use kernel::{bindings, error::from_result, prelude::*};

/// What a mem2mem driver answers itself. All are called with the video device's mutex held.
pub(crate) trait Operations: Sized + Sync {
    /// What QUERYCAP says.
    const INFO: Info;

    /// The format number `index`, or None.
    fn enum_fmt(this: &FileHandle<Self>, direction: Direction, index: u32) -> Option<Description>;

    /// The sizes of a format, or None if there is no such format.
    fn enum_framesizes(this: &FileHandle<Self>, fourcc: u32) -> Option<FrameSizes>;

    /// The current format.
    fn g_fmt(this: &FileHandle<Self>, direction: Direction, format: &mut PixFormat<'_>);

    /// Turns a format into one that the device can do.
    fn try_fmt(this: &FileHandle<Self>, direction: Direction, format: &mut PixFormat<'_>);

    /// As [`try_fmt`](Self::try_fmt), and makes it the current format.
    fn s_fmt(this: &FileHandle<Self>, direction: Direction, format: &mut PixFormat<'_>) -> Result;

    /// DECODER_CMD with a valid command.
    fn decoder_cmd(this: &FileHandle<Self>, command: &mut bindings::v4l2_decoder_cmd) -> Result;

    /// Whether the device sends this event.
    fn has_event(event: Event) -> bool;
}

/// The table of a `T`.
pub(super) struct Vtable<T: Driver>(PhantomData<T>);

/// Copies a string into a field of a UAPI structure, cut where it has to be and always with a NUL.
fn fill(field: &mut [u8], text: &str) {
    let len = text.len().min(field.len() - 1);

    field.fill(0);
    field[..len].copy_from_slice(&text.as_bytes()[..len]);
}

/// The direction that an instance of a function in the table is for.
const fn direction(output: bool) -> Direction {
    if output {
        Direction::Output
    } else {
        Direction::Capture
    }
}

impl<T: Driver> Vtable<T> {
    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_querycap`.
    unsafe extern "C" fn querycap(
        _file: *mut bindings::file,
        _fh: *mut c_void,
        cap: *mut bindings::v4l2_capability,
    ) -> c_int {
        // SAFETY: By the caller.
        let cap = unsafe { &mut *cap };

        fill(&mut cap.driver, T::INFO.driver);
        fill(&mut cap.card, T::INFO.card);
        fill(&mut cap.bus_info, T::INFO.bus_info);
        0
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_enum_fmt_vid_{out,cap}`, on a file of a `T`.
    unsafe extern "C" fn enum_fmt<const OUTPUT: bool>(
        file: *mut bindings::file,
        _fh: *mut c_void,
        f: *mut bindings::v4l2_fmtdesc,
    ) -> c_int {
        // SAFETY: By the caller.
        let (this, f) = unsafe { (FileHandle::<T>::of_file(file), &mut *f) };

        from_result(|| {
            let description = T::enum_fmt(this, direction(OUTPUT), f.index).ok_or(EINVAL)?;

            f.pixelformat = description.fourcc;
            if let Some(name) = description.coded {
                fill(&mut f.description, name);
                f.flags |=
                    bindings::V4L2_FMT_FLAG_COMPRESSED | bindings::V4L2_FMT_FLAG_DYN_RESOLUTION;
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_g_fmt_vid_{out,cap}`, on a file of a `T`.
    unsafe extern "C" fn g_fmt<const OUTPUT: bool>(
        file: *mut bindings::file,
        _fh: *mut c_void,
        f: *mut bindings::v4l2_format,
    ) -> c_int {
        // SAFETY: By the caller; the core has checked that the type is this single-planar one.
        let (this, mut f) = unsafe { (FileHandle::<T>::of_file(file), PixFormat::from_raw(f)) };

        T::g_fmt(this, direction(OUTPUT), &mut f);
        0
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_try_fmt_vid_{out,cap}`, on a file of a `T`.
    unsafe extern "C" fn try_fmt<const OUTPUT: bool>(
        file: *mut bindings::file,
        _fh: *mut c_void,
        f: *mut bindings::v4l2_format,
    ) -> c_int {
        // SAFETY: By the caller; the core has checked that the type is this single-planar one.
        let (this, mut f) = unsafe { (FileHandle::<T>::of_file(file), PixFormat::from_raw(f)) };

        T::try_fmt(this, direction(OUTPUT), &mut f);
        0
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_s_fmt_vid_{out,cap}`, on a file of a `T`.
    unsafe extern "C" fn s_fmt<const OUTPUT: bool>(
        file: *mut bindings::file,
        _fh: *mut c_void,
        f: *mut bindings::v4l2_format,
    ) -> c_int {
        // SAFETY: By the caller; the core has checked that the type is this single-planar one.
        let (this, mut f) = unsafe { (FileHandle::<T>::of_file(file), PixFormat::from_raw(f)) };

        from_result(|| T::s_fmt(this, direction(OUTPUT), &mut f).map(|()| 0))
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_enum_framesizes`, on a file of a `T`.
    unsafe extern "C" fn enum_framesizes(
        file: *mut bindings::file,
        _fh: *mut c_void,
        f: *mut bindings::v4l2_frmsizeenum,
    ) -> c_int {
        // SAFETY: By the caller.
        let (this, f) = unsafe { (FileHandle::<T>::of_file(file), &mut *f) };

        from_result(|| {
            let sizes = T::enum_framesizes(this, f.pixel_format)
                .filter(|_| f.index == 0)
                .ok_or(EINVAL)?;

            f.type_ = bindings::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_STEPWISE;
            f.__bindgen_anon_1.stepwise = bindings::v4l2_frmsize_stepwise {
                min_width: sizes.min,
                max_width: sizes.max,
                step_width: sizes.step,
                min_height: sizes.min,
                max_height: sizes.max,
                step_height: sizes.step,
            };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_decoder_cmd`, on a file of a `T`.
    unsafe extern "C" fn decoder_cmd(
        file: *mut bindings::file,
        fh: *mut c_void,
        command: *mut bindings::v4l2_decoder_cmd,
    ) -> c_int {
        // SAFETY: By the caller.
        let ret = unsafe { bindings::v4l2_m2m_ioctl_try_decoder_cmd(file, fh, command) };
        if ret != 0 {
            return ret;
        }

        // SAFETY: By the caller.
        let (this, command) = unsafe { (FileHandle::<T>::of_file(file), &mut *command) };
        from_result(|| T::decoder_cmd(this, command).map(|()| 0))
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_subscribe_event`, on a file handle of a `T`.
    unsafe extern "C" fn subscribe_event(
        fh: *mut bindings::v4l2_fh,
        subscription: *const bindings::v4l2_event_subscription,
    ) -> c_int {
        // SAFETY: By the caller.
        let (this, event_type) = unsafe { (FileHandle::<T>::of_fh(fh), (*subscription).type_) };

        from_result(|| {
            let event = Event::of_type(event_type)
                .filter(|event| T::has_event(*event))
                .ok_or(EINVAL)?;
            // SAFETY: By the caller.
            unsafe { this.subscribe(event, subscription) }.map(|()| 0)
        })
    }

    pub(super) const OPS: bindings::v4l2_ioctl_ops = bindings::v4l2_ioctl_ops {
        vidioc_querycap: Some(Self::querycap),

        vidioc_enum_fmt_vid_cap: Some(Self::enum_fmt::<false>),
        vidioc_g_fmt_vid_cap: Some(Self::g_fmt::<false>),
        vidioc_try_fmt_vid_cap: Some(Self::try_fmt::<false>),
        vidioc_s_fmt_vid_cap: Some(Self::s_fmt::<false>),
        vidioc_enum_fmt_vid_out: Some(Self::enum_fmt::<true>),
        vidioc_g_fmt_vid_out: Some(Self::g_fmt::<true>),
        vidioc_try_fmt_vid_out: Some(Self::try_fmt::<true>),
        vidioc_s_fmt_vid_out: Some(Self::s_fmt::<true>),
        vidioc_enum_framesizes: Some(Self::enum_framesizes),

        vidioc_reqbufs: Some(bindings::v4l2_m2m_ioctl_reqbufs),
        vidioc_querybuf: Some(bindings::v4l2_m2m_ioctl_querybuf),
        vidioc_qbuf: Some(bindings::v4l2_m2m_ioctl_qbuf),
        vidioc_dqbuf: Some(bindings::v4l2_m2m_ioctl_dqbuf),
        vidioc_prepare_buf: Some(bindings::v4l2_m2m_ioctl_prepare_buf),
        vidioc_create_bufs: Some(bindings::v4l2_m2m_ioctl_create_bufs),
        vidioc_remove_bufs: Some(bindings::v4l2_m2m_ioctl_remove_bufs),
        vidioc_expbuf: Some(bindings::v4l2_m2m_ioctl_expbuf),
        vidioc_streamon: Some(bindings::v4l2_m2m_ioctl_streamon),
        vidioc_streamoff: Some(bindings::v4l2_m2m_ioctl_streamoff),

        vidioc_try_decoder_cmd: Some(bindings::v4l2_m2m_ioctl_try_decoder_cmd),
        vidioc_decoder_cmd: Some(Self::decoder_cmd),
        vidioc_subscribe_event: Some(Self::subscribe_event),
        vidioc_unsubscribe_event: Some(bindings::v4l2_event_unsubscribe),
        ..pin_init::zeroed()
    };
}
