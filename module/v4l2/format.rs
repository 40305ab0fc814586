// SPDX-License-Identifier: GPL-2.0

//! `struct v4l2_pix_format` and its relatives.
//!
//! C header: [`include/uapi/linux/videodev2.h`](srctree/include/uapi/linux/videodev2.h)

use kernel::bindings;

/// `struct v4l2_rect`
pub(crate) use kernel::bindings::v4l2_rect as Rect;

/// `struct v4l2_fract`
pub(crate) use kernel::bindings::v4l2_fract as Fraction;

/// A format, as TRY_FMT and S_FMT get it and G_FMT answers it.
///
/// # Invariants
///
/// The type is one of video, single-planar or multi-planar.
pub(crate) struct PixFormat<'a>(&'a mut bindings::v4l2_format);

/// How colours are to be understood. The device hands it through from OUTPUT to CAPTURE.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colorimetry {
    /// `enum v4l2_colorspace`
    pub(crate) colorspace: u32,
    /// `enum v4l2_ycbcr_encoding`
    pub(crate) ycbcr_enc: u32,
    /// `enum v4l2_quantization`
    pub(crate) quantization: u32,
    /// `enum v4l2_xfer_func`
    pub(crate) xfer_func: u32,
}

impl Colorimetry {
    /// That of most video.
    pub(crate) const REC709: Self = Self {
        colorspace: bindings::v4l2_colorspace_V4L2_COLORSPACE_REC709,
        ycbcr_enc: 0,
        quantization: 0,
        xfer_func: 0,
    };

    /// Userspace may leave the colorspace to the driver.
    pub(crate) fn or_rec709(self) -> Self {
        match self.colorspace {
            bindings::v4l2_colorspace_V4L2_COLORSPACE_DEFAULT => Self {
                colorspace: Self::REC709.colorspace,
                ..self
            },
            _ => self,
        }
    }
}

/// One memory of a frame.
#[derive(Clone, Copy, Default)]
pub(crate) struct Plane {
    /// Bytes from one line to the next; 0 for coded frames.
    pub(crate) bytesperline: u32,
    /// Bytes of the whole.
    pub(crate) sizeimage: u32,
}

/// The two members of `v4l2_format.fmt`.
enum Member<'a> {
    Single(&'a mut bindings::v4l2_pix_format),
    Multi(&'a mut bindings::v4l2_pix_format_mplane),
}

impl<'a> PixFormat<'a> {
    /// # Safety
    ///
    /// `format` is valid and of a video type, and nobody else uses it during `'a`.
    pub(crate) unsafe fn from_raw(format: *mut bindings::v4l2_format) -> Self {
        // INVARIANT: By the caller.
        // SAFETY: By the caller.
        Self(unsafe { &mut *format })
    }

    fn is_multi(&self) -> bool {
        matches!(
            self.0.type_,
            bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
                | bindings::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE
        )
    }

    fn member(&mut self) -> Member<'_> {
        if self.is_multi() {
            // SAFETY: The type says that this member is in use. Any bits are a value of it.
            Member::Multi(unsafe { &mut self.0.fmt.pix_mp })
        } else {
            // SAFETY: As above.
            Member::Single(unsafe { &mut self.0.fmt.pix })
        }
    }

    /// Width and height in pixels.
    pub(crate) fn size(&mut self) -> (u32, u32) {
        match self.member() {
            Member::Single(pix) => (pix.width, pix.height),
            Member::Multi(pix) => (pix.width, pix.height),
        }
    }

    /// The pixel format.
    pub(crate) fn fourcc(&mut self) -> u32 {
        match self.member() {
            Member::Single(pix) => pix.pixelformat,
            Member::Multi(pix) => pix.pixelformat,
        }
    }

    /// Sets what describes a progressive frame. A single-planar format has the first plane only.
    pub(crate) fn set(&mut self, fourcc: u32, size: (u32, u32), planes: &[Plane]) {
        let field = bindings::v4l2_field_V4L2_FIELD_NONE;

        match self.member() {
            Member::Single(pix) => {
                let plane = planes.first().copied().unwrap_or_default();
                pix.pixelformat = fourcc;
                (pix.width, pix.height) = size;
                pix.bytesperline = plane.bytesperline;
                pix.sizeimage = plane.sizeimage;
                pix.field = field;
            }
            Member::Multi(pix) => {
                pix.pixelformat = fourcc;
                (pix.width, pix.height) = size;
                pix.num_planes = planes.len() as u8;
                pix.field = field;
                let mut all = pix.plane_fmt;
                for (to, plane) in all.iter_mut().zip(planes) {
                    *to = pin_init::zeroed();
                    to.bytesperline = plane.bytesperline;
                    to.sizeimage = plane.sizeimage;
                }
                pix.plane_fmt = all;
            }
        }
    }

    /// The colorimetry that is asked for.
    pub(crate) fn colorimetry(&mut self) -> Colorimetry {
        match self.member() {
            Member::Single(pix) => Colorimetry {
                colorspace: pix.colorspace,
                // SAFETY: All members of the union are the same integer.
                ycbcr_enc: unsafe { pix.__bindgen_anon_1.ycbcr_enc },
                quantization: pix.quantization,
                xfer_func: pix.xfer_func,
            },
            Member::Multi(pix) => Colorimetry {
                colorspace: pix.colorspace,
                // SAFETY: As above.
                ycbcr_enc: unsafe { pix.__bindgen_anon_1.ycbcr_enc }.into(),
                quantization: pix.quantization.into(),
                xfer_func: pix.xfer_func.into(),
            },
        }
    }

    /// Sets the colorimetry.
    pub(crate) fn set_colorimetry(&mut self, to: Colorimetry) {
        match self.member() {
            Member::Single(pix) => {
                pix.colorspace = to.colorspace;
                pix.__bindgen_anon_1.ycbcr_enc = to.ycbcr_enc;
                pix.quantization = to.quantization;
                pix.xfer_func = to.xfer_func;
            }
            Member::Multi(pix) => {
                pix.colorspace = to.colorspace;
                pix.__bindgen_anon_1.ycbcr_enc = to.ycbcr_enc as u8;
                pix.quantization = to.quantization as u8;
                pix.xfer_func = to.xfer_func as u8;
            }
        }
    }
}

/// A format that ENUM_FMT lists.
pub(crate) struct Description {
    /// The pixel format.
    pub(crate) fourcc: u32,
    /// The name of a format that the core does not know.
    pub(crate) name: Option<&'static str>,
    /// `V4L2_FMT_FLAG_*`, without those that the core knows itself.
    pub(crate) flags: u32,
}

/// Sizes that ENUM_FRAMESIZES lists: both sides go from `min` to `max` by `step`.
pub(crate) struct FrameSizes {
    /// Smallest width and height.
    pub(crate) min: u32,
    /// Largest width and height.
    pub(crate) max: u32,
    /// Step of both.
    pub(crate) step: u32,
}

impl FrameSizes {
    /// Whether a side may have this length.
    pub(crate) fn contain(&self, side: u32) -> bool {
        (self.min..=self.max).contains(&side) && (side - self.min) % self.step == 0
    }
}

/// What ENUM_FRAMEINTERVALS lists: all from `min` to `max`.
pub(crate) struct FrameIntervals {
    /// The shortest.
    pub(crate) min: Fraction,
    /// The longest.
    pub(crate) max: Fraction,
}
