// SPDX-License-Identifier: GPL-2.0

//! `struct v4l2_pix_format` and its relatives.
//!
//! C header: [`include/uapi/linux/videodev2.h`](srctree/include/uapi/linux/videodev2.h)

use kernel::bindings;

/// A single-planar format, as TRY_FMT and S_FMT get it and G_FMT answers it.
pub(crate) struct PixFormat<'a>(&'a mut bindings::v4l2_pix_format);

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

impl<'a> PixFormat<'a> {
    /// # Safety
    ///
    /// `format` is valid and of a single-planar video type, and nobody else uses it during `'a`.
    pub(crate) unsafe fn from_raw(format: *mut bindings::v4l2_format) -> Self {
        // SAFETY: By the caller; the type says which member of the union is in use.
        Self(unsafe { &mut (*format).fmt.pix })
    }

    /// Width and height in pixels.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.0.width, self.0.height)
    }

    /// Sets what describes a progressive frame.
    pub(crate) fn set(&mut self, fourcc: u32, size: (u32, u32), bytesperline: u32, sizeimage: u32) {
        self.0.pixelformat = fourcc;
        (self.0.width, self.0.height) = size;
        self.0.bytesperline = bytesperline;
        self.0.sizeimage = sizeimage;
        self.0.field = bindings::v4l2_field_V4L2_FIELD_NONE;
    }

    /// The colorimetry that is asked for.
    pub(crate) fn colorimetry(&self) -> Colorimetry {
        Colorimetry {
            colorspace: self.0.colorspace,
            // SAFETY: All members of the union are the same integer.
            ycbcr_enc: unsafe { self.0.__bindgen_anon_1.ycbcr_enc },
            quantization: self.0.quantization,
            xfer_func: self.0.xfer_func,
        }
    }

    /// Sets the colorimetry.
    pub(crate) fn set_colorimetry(&mut self, to: Colorimetry) {
        self.0.colorspace = to.colorspace;
        self.0.__bindgen_anon_1.ycbcr_enc = to.ycbcr_enc;
        self.0.quantization = to.quantization;
        self.0.xfer_func = to.xfer_func;
    }
}

/// A format that ENUM_FMT lists.
pub(crate) struct Description {
    /// The pixel format.
    pub(crate) fourcc: u32,
    /// For a format that the core does not know: its name, and that it is compressed. The core
    /// knows all others better.
    pub(crate) coded: Option<&'static str>,
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
