//! Which video node is a driver's.

use std::ffi::{CStr, CString};
use std::fs;

use nix::libc;
use program::Driver;

use crate::sync_file::text;
use crate::v4l2::{self, Capability};
use crate::{Plain, file};

/// What tells a mem2mem node from others.
const MEM2MEM: u32 = v4l2::CAP_VIDEO_M2M | v4l2::CAP_VIDEO_M2M_MPLANE;

/// Video nodes that are looked at.
const NODES: u32 = 64;

/// How a video node is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What QUERYCAP tells; the module is called the same.
    pub driver: String,
    /// What sysfs tells, where a driver makes several nodes.
    name: Option<&'static str>,
}

impl Node {
    /// The node of a driver that the lab knows.
    pub fn of(driver: Driver) -> Self {
        let (driver, name) = match driver {
            Driver::Double => ("vb2_double", None),
            Driver::Vim2m => ("vim2m", None),
            Driver::VicodecEncoder => ("vicodec", Some("stateful-encoder")),
            Driver::VicodecDecoder => ("vicodec", Some("stateful-decoder")),
        };
        Self {
            driver: driver.to_owned(),
            name,
        }
    }

    /// A node of the double, by the name that sysfs tells.
    pub fn of_double(name: &'static str) -> Self {
        Self {
            driver: "vb2_double".to_owned(),
            name: Some(name),
        }
    }

    /// The only node of any driver, by the name that QUERYCAP tells.
    pub fn named(driver: &str) -> Self {
        Self {
            driver: driver.to_owned(),
            name: None,
        }
    }

    /// Where it is, if it is there.
    pub fn find(&self) -> Option<CString> {
        (0..NODES)
            .filter(|number| self.is_named(*number))
            .filter_map(|number| CString::new(format!("/dev/video{number}")).ok())
            .find(|path| {
                capability(path).is_ok_and(|capability| {
                    text(&capability.driver) == self.driver && capability.device_caps & MEM2MEM != 0
                })
            })
    }

    fn is_named(&self, number: u32) -> bool {
        self.name.is_none_or(|name| is_called(number, name))
    }
}

/// Whether the queues of a video node are multi-planar.
pub fn is_multi_planar(path: &CStr) -> bool {
    capability(path).is_ok_and(|found| found.device_caps & v4l2::CAP_VIDEO_M2M_MPLANE != 0)
}

/// Where the video node is that sysfs calls this.
pub fn called(name: &str) -> Option<CString> {
    let number = (0..NODES).find(|number| is_called(*number, name))?;
    CString::new(format!("/dev/video{number}")).ok()
}

fn is_called(number: u32, name: &str) -> bool {
    let path = format!("/sys/class/video4linux/video{number}/name");
    fs::read_to_string(path).is_ok_and(|told| told.trim_end() == name)
}

fn capability(path: &CStr) -> nix::Result<Capability> {
    let fd = file::open(path, libc::O_RDWR | libc::O_NONBLOCK)?;
    let mut capability = Capability::zeroed();
    let result = v4l2::QUERYCAP.call(fd, &mut capability);
    file::close(fd)?;
    result.map(|_| capability)
}
