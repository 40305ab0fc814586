//! The device under test: which video node it is, and the module that makes it.

use std::ffi::{CStr, CString};

use nix::errno::Errno;
use nix::libc;

use crate::modules::Module;
use crate::places::Places;
use crate::sys::sync_file::text;
use crate::sys::v4l2::{self, Capability};
use crate::sys::{Plain, file};

/// Driver name that the test double tells in QUERYCAP.
pub(crate) const DOUBLE: &str = "vb2_double";

/// Video nodes that are looked at.
const NODES: u32 = 64;

/// A driver's mem2mem video node.
pub(crate) struct Device {
    driver: String,
    module: Option<Module>,
    node: Option<CString>,
    /// Where modules are, and were since the last time somebody asked.
    places: Places,
    moved: bool,
}

impl Device {
    /// Looks for the node of a driver. `module` is what makes it, if it can be reloaded.
    pub(crate) fn find(driver: &str, module: Option<Module>) -> Self {
        Self {
            driver: driver.to_owned(),
            module,
            node: find_node(driver),
            places: Places::read(),
            moved: false,
        }
    }

    /// True if there is a node.
    pub(crate) fn is_present(&self) -> bool {
        self.node.is_some()
    }

    /// The driver's name.
    pub(crate) fn driver(&self) -> &str {
        &self.driver
    }

    /// Opens the node, never blocking.
    pub(crate) fn open(&self) -> nix::Result<i32> {
        file::open(
            self.node.as_ref().ok_or(Errno::ENODEV)?,
            libc::O_RDWR | libc::O_NONBLOCK,
        )
    }

    /// Hands out where modules were during a run. Then only their present places are kept.
    pub(crate) fn with_places<T>(&mut self, use_them: impl FnOnce(&Places) -> T) -> T {
        let result = use_them(&self.places);
        if std::mem::take(&mut self.moved) {
            self.places = Places::read();
        }
        result
    }

    /// Unloads the module and loads it again.
    pub(crate) fn reload(&mut self) -> nix::Result<()> {
        let module = self.module.as_ref().ok_or(Errno::ENOENT)?;
        module.unload()?;
        self.node = None;
        self.moved = true;
        module.load()?;
        self.places.merge(Places::read());
        self.node = find_node(&self.driver);
        if self.is_present() {
            Ok(())
        } else {
            Err(Errno::ENODEV)
        }
    }
}

fn find_node(driver: &str) -> Option<CString> {
    (0..NODES)
        .filter_map(|number| CString::new(format!("/dev/video{number}")).ok())
        .find(|path| {
            capability(path).is_ok_and(|capability| {
                text(&capability.driver) == driver
                    && capability.device_caps & v4l2::CAP_VIDEO_M2M != 0
            })
        })
}

fn capability(path: &CStr) -> nix::Result<Capability> {
    let fd = file::open(path, libc::O_RDWR | libc::O_NONBLOCK)?;
    let mut capability = Capability::zeroed();
    let result = v4l2::QUERYCAP.call(fd, &mut capability);
    file::close(fd)?;
    result.map(|_| capability)
}
