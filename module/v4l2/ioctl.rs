// SPDX-License-Identifier: GPL-2.0

//! `struct v4l2_ioctl_ops`.
//!
//! C header: [`include/media/v4l2-ioctl.h`](srctree/include/media/v4l2-ioctl.h)
//!
//! What has to do with buffers goes to mem2mem, the rest to [`Operations`].

use super::{
    fill,
    format::{Description, Fraction, FrameIntervals, FrameSizes, Rect},
    video_device::Node,
    Driver,
    Event,
    FileHandle,
    PixFormat, //
};
use crate::vb2::Direction;
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::{from_result, VTABLE_DEFAULT_ERROR},
    prelude::*, //
};

/// What a mem2mem driver answers itself. All are called with the video device's mutex held.
#[vtable]
pub(crate) trait Operations: Sized + Sync {
    /// The format number `index`, or None.
    fn enum_fmt(this: &FileHandle<Self>, direction: Direction, index: u32) -> Option<Description>;

    /// The sizes of a format, or None if there is no such format.
    fn enum_framesizes(_this: &FileHandle<Self>, _fourcc: u32) -> Option<FrameSizes> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The times that a frame of this format and size may take, or None if there is no such one.
    /// Of encoders only.
    fn enum_frameintervals(
        _this: &FileHandle<Self>,
        _fourcc: u32,
        _size: (u32, u32),
    ) -> Option<FrameIntervals> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The time that a frame takes. Of encoders only.
    fn g_parm(_this: &FileHandle<Self>, _direction: Direction) -> Result<Fraction> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Sets the time that a frame takes, to what comes next to it. Of encoders only.
    fn s_parm(
        _this: &FileHandle<Self>,
        _direction: Direction,
        _interval: Fraction,
    ) -> Result<Fraction> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The rectangle `V4L2_SEL_TGT_*`, or None if this queue has none of that name.
    fn g_selection(_this: &FileHandle<Self>, _direction: Direction, _target: u32) -> Option<Rect> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Sets the rectangle `V4L2_SEL_TGT_*` to what comes next to it, and tells what that is.
    fn s_selection(
        _this: &FileHandle<Self>,
        _direction: Direction,
        _target: u32,
        _rect: Rect,
    ) -> Result<Rect> {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The current format.
    fn g_fmt(this: &FileHandle<Self>, direction: Direction, format: &mut PixFormat<'_>);

    /// Turns a format into one that the device can do.
    fn try_fmt(this: &FileHandle<Self>, direction: Direction, format: &mut PixFormat<'_>);

    /// As [`try_fmt`](Self::try_fmt), and makes it the current format.
    fn s_fmt(this: &FileHandle<Self>, direction: Direction, format: &mut PixFormat<'_>) -> Result;

    /// DECODER_CMD with a valid command.
    fn decoder_cmd(_this: &FileHandle<Self>, _command: &mut bindings::v4l2_decoder_cmd) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// ENCODER_CMD with a valid command.
    fn encoder_cmd(_this: &FileHandle<Self>, _command: &mut bindings::v4l2_encoder_cmd) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Whether the device sends this event.
    fn has_event(_this: &FileHandle<Self>, _event: Event) -> bool {
        false
    }
}

/// The table of a `T`.
pub(super) struct Vtable<T: Driver>(PhantomData<T>);

/// The direction that an instance of a function in the table is for.
const fn direction(output: bool) -> Direction {
    if output {
        Direction::Output
    } else {
        Direction::Capture
    }
}

/// The direction of a queue of this type. The core hands crop and compose rectangles of
/// multi-planar queues on as those of single-planar ones.
fn direction_of(buf_type: u32) -> Result<Direction> {
    match buf_type {
        bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_OUTPUT
        | bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE => Ok(Direction::Output),
        bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE
        | bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE => Ok(Direction::Capture),
        _ => Err(EINVAL),
    }
}

/// The answer of G_PARM and S_PARM. Both members of the union begin alike.
fn answer_parm(parm: &mut bindings::v4l2_streamparm, interval: Fraction) {
    parm.parm.output = bindings::v4l2_outputparm {
        capability: bindings::V4L2_CAP_TIMEPERFRAME,
        timeperframe: interval,
        ..pin_init::zeroed()
    };
}

/// An entry of the table, if the driver has the operation.
macro_rules! if_has {
    ($has:expr, $function:expr) => {
        if $has {
            Some($function)
        } else {
            None
        }
    };
}

impl<T: Driver> Vtable<T> {
    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_querycap`.
    unsafe extern "C" fn querycap(
        file: *mut bindings::file,
        _fh: *mut c_void,
        cap: *mut bindings::v4l2_capability,
    ) -> c_int {
        // SAFETY: By the caller.
        let (info, cap) = unsafe { (Node::<T>::of_file(file).info, &mut *cap) };

        fill(&mut cap.driver, info.driver.as_bytes());
        fill(&mut cap.card, info.card.as_bytes());
        fill(&mut cap.bus_info, info.bus_info.as_bytes());
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
            f.flags |= description.flags;
            if let Some(name) = description.name {
                fill(&mut f.description, name.as_bytes());
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
        // SAFETY: By the caller; the core has checked the type, which the table has.
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
        // SAFETY: By the caller; the core has checked the type, which the table has.
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
        // SAFETY: By the caller; the core has checked the type, which the table has.
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
    /// As `v4l2_ioctl_ops.vidioc_encoder_cmd`, on a file of a `T`.
    unsafe extern "C" fn encoder_cmd(
        file: *mut bindings::file,
        fh: *mut c_void,
        command: *mut bindings::v4l2_encoder_cmd,
    ) -> c_int {
        // SAFETY: By the caller.
        let ret = unsafe { bindings::v4l2_m2m_ioctl_try_encoder_cmd(file, fh, command) };
        if ret != 0 {
            return ret;
        }

        // SAFETY: By the caller.
        let (this, command) = unsafe { (FileHandle::<T>::of_file(file), &mut *command) };
        from_result(|| T::encoder_cmd(this, command).map(|()| 0))
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_enum_frameintervals`, on a file of a `T`.
    unsafe extern "C" fn enum_frameintervals(
        file: *mut bindings::file,
        _fh: *mut c_void,
        f: *mut bindings::v4l2_frmivalenum,
    ) -> c_int {
        // SAFETY: By the caller.
        let (this, f) = unsafe { (FileHandle::<T>::of_file(file), &mut *f) };

        from_result(|| {
            let intervals = T::enum_frameintervals(this, f.pixel_format, (f.width, f.height))
                .filter(|_| f.index == 0)
                .ok_or(EINVAL)?;

            f.type_ = bindings::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_CONTINUOUS;
            f.__bindgen_anon_1.stepwise = bindings::v4l2_frmival_stepwise {
                min: intervals.min,
                max: intervals.max,
                step: bindings::v4l2_fract {
                    numerator: 1,
                    denominator: 1,
                },
            };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_g_parm`, on a file of a `T`.
    unsafe extern "C" fn g_parm(
        file: *mut bindings::file,
        _fh: *mut c_void,
        parm: *mut bindings::v4l2_streamparm,
    ) -> c_int {
        // SAFETY: By the caller.
        let (this, parm) = unsafe { (FileHandle::<T>::of_file(file), &mut *parm) };

        from_result(|| {
            let interval = T::g_parm(this, direction_of(parm.type_)?)?;
            answer_parm(parm, interval);
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_s_parm`, on a file of a `T`.
    unsafe extern "C" fn s_parm(
        file: *mut bindings::file,
        _fh: *mut c_void,
        parm: *mut bindings::v4l2_streamparm,
    ) -> c_int {
        // SAFETY: By the caller.
        let (this, parm) = unsafe { (FileHandle::<T>::of_file(file), &mut *parm) };

        from_result(|| {
            // SAFETY: Both members of the union have this field in the same place.
            let asked = unsafe { parm.parm.output.timeperframe };
            let interval = T::s_parm(this, direction_of(parm.type_)?, asked)?;
            answer_parm(parm, interval);
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_g_selection`, on a file of a `T`.
    unsafe extern "C" fn g_selection(
        file: *mut bindings::file,
        _fh: *mut c_void,
        s: *mut bindings::v4l2_selection,
    ) -> c_int {
        // SAFETY: By the caller.
        let (this, s) = unsafe { (FileHandle::<T>::of_file(file), &mut *s) };

        from_result(|| {
            s.r = T::g_selection(this, direction_of(s.type_)?, s.target).ok_or(EINVAL)?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As `v4l2_ioctl_ops.vidioc_s_selection`, on a file of a `T`.
    unsafe extern "C" fn s_selection(
        file: *mut bindings::file,
        _fh: *mut c_void,
        s: *mut bindings::v4l2_selection,
    ) -> c_int {
        // SAFETY: By the caller.
        let (this, s) = unsafe { (FileHandle::<T>::of_file(file), &mut *s) };

        from_result(|| {
            s.r = T::s_selection(this, direction_of(s.type_)?, s.target, s.r)?;
            Ok(0)
        })
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
                .filter(|event| T::has_event(this, *event))
                .ok_or(EINVAL)?;
            // SAFETY: By the caller.
            unsafe { this.subscribe(event, subscription) }.map(|()| 0)
        })
    }

    /// Of a device whose formats have one plane.
    pub(super) const SINGLE: bindings::v4l2_ioctl_ops = bindings::v4l2_ioctl_ops {
        vidioc_g_fmt_vid_cap: Some(Self::g_fmt::<false>),
        vidioc_try_fmt_vid_cap: Some(Self::try_fmt::<false>),
        vidioc_s_fmt_vid_cap: Some(Self::s_fmt::<false>),
        vidioc_g_fmt_vid_out: Some(Self::g_fmt::<true>),
        vidioc_try_fmt_vid_out: Some(Self::try_fmt::<true>),
        vidioc_s_fmt_vid_out: Some(Self::s_fmt::<true>),
        ..Self::COMMON
    };

    /// Of a device whose formats have one or more.
    pub(super) const MULTI: bindings::v4l2_ioctl_ops = bindings::v4l2_ioctl_ops {
        vidioc_g_fmt_vid_cap_mplane: Some(Self::g_fmt::<false>),
        vidioc_try_fmt_vid_cap_mplane: Some(Self::try_fmt::<false>),
        vidioc_s_fmt_vid_cap_mplane: Some(Self::s_fmt::<false>),
        vidioc_g_fmt_vid_out_mplane: Some(Self::g_fmt::<true>),
        vidioc_try_fmt_vid_out_mplane: Some(Self::try_fmt::<true>),
        vidioc_s_fmt_vid_out_mplane: Some(Self::s_fmt::<true>),
        ..Self::COMMON
    };

    const COMMON: bindings::v4l2_ioctl_ops = bindings::v4l2_ioctl_ops {
        vidioc_querycap: Some(Self::querycap),

        vidioc_enum_fmt_vid_cap: Some(Self::enum_fmt::<false>),
        vidioc_enum_fmt_vid_out: Some(Self::enum_fmt::<true>),
        vidioc_enum_framesizes: if_has!(T::HAS_ENUM_FRAMESIZES, Self::enum_framesizes),
        vidioc_enum_frameintervals: if_has!(T::HAS_ENUM_FRAMEINTERVALS, Self::enum_frameintervals),
        vidioc_g_parm: if_has!(T::HAS_G_PARM, Self::g_parm),
        vidioc_s_parm: if_has!(T::HAS_S_PARM, Self::s_parm),
        vidioc_g_selection: if_has!(T::HAS_G_SELECTION, Self::g_selection),
        vidioc_s_selection: if_has!(T::HAS_S_SELECTION, Self::s_selection),

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

        vidioc_try_decoder_cmd: if_has!(
            T::HAS_DECODER_CMD,
            bindings::v4l2_m2m_ioctl_try_decoder_cmd
        ),
        vidioc_decoder_cmd: if_has!(T::HAS_DECODER_CMD, Self::decoder_cmd),
        vidioc_try_encoder_cmd: if_has!(
            T::HAS_ENCODER_CMD,
            bindings::v4l2_m2m_ioctl_try_encoder_cmd
        ),
        vidioc_encoder_cmd: if_has!(T::HAS_ENCODER_CMD, Self::encoder_cmd),
        vidioc_subscribe_event: Some(Self::subscribe_event),
        vidioc_unsubscribe_event: Some(bindings::v4l2_event_unsubscribe),
        ..pin_init::zeroed()
    };
}
