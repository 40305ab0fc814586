//! `linux/media.h`: requests, and how the media device of a video node is found.

use std::ffi::{CStr, CString};

use nix::errno::Errno;
use nix::libc;

use super::{Ioctl, Plain, file, ioctls, plain};
use crate::v4l2::{self, Capability};

/// Media devices that are looked at.
const DEVICES: u32 = 64;

/// `struct media_device_info`
#[repr(C)]
pub struct DeviceInfo {
    pub driver: [u8; 16],
    pub model: [u8; 32],
    pub serial: [u8; 40],
    pub bus_info: [u8; 32],
    pub media_version: u32,
    pub hw_revision: u32,
    pub driver_version: u32,
    pub reserved: [u32; 31],
}

plain! {
    DeviceInfo = 256;
}

ioctls! { b'|';
    /// `MEDIA_IOC_DEVICE_INFO`
    DEVICE_INFO = request_code_readwrite(0x00, DeviceInfo);
    /// `MEDIA_IOC_REQUEST_ALLOC`
    REQUEST_ALLOC = request_code_read(0x05, libc::c_int);
}

// SAFETY: these take no argument, so the kernel touches nothing.
/// `MEDIA_REQUEST_IOC_QUEUE`
pub const REQUEST_QUEUE: Ioctl<libc::c_int> =
    unsafe { Ioctl::new(nix::request_code_none!(b'|', 0x80)) };
// SAFETY: as above.
/// `MEDIA_REQUEST_IOC_REINIT`
pub const REQUEST_REINIT: Ioctl<libc::c_int> =
    unsafe { Ioctl::new(nix::request_code_none!(b'|', 0x81)) };

/// The place on the bus of the device behind a video descriptor.
pub fn place(video: i32) -> nix::Result<[u8; 32]> {
    let mut capability = Capability::zeroed();
    v4l2::QUERYCAP.call(video, &mut capability)?;
    Ok(capability.bus_info)
}

/// Where the media device at that place on the bus is.
pub fn at(place: &[u8; 32]) -> Option<CString> {
    (0..DEVICES)
        .filter_map(|number| CString::new(format!("/dev/media{number}")).ok())
        .find(|path| info(path).is_ok_and(|info| info.bus_info == *place))
}

fn info(path: &CStr) -> nix::Result<DeviceInfo> {
    let fd = file::open(path, libc::O_RDWR)?;
    let mut info = DeviceInfo::zeroed();
    let result = DEVICE_INFO.call(fd, &mut info);
    file::close(fd)?;
    result.map(|_| info)
}

/// Makes a request on that media device. Only the request stays open.
pub fn request(device: &CStr) -> nix::Result<i32> {
    let fd = file::open(device, libc::O_RDWR)?;
    let mut request = -1;
    let result = REQUEST_ALLOC.call(fd, &mut request);
    file::close(fd)?;
    result?;
    if request < 0 {
        Err(Errno::EIO)
    } else {
        Ok(request)
    }
}
