//! The device under test: which video node it is, and the module that makes it.

use std::ffi::CString;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc;
use program::Driver;

use crate::modules::{Module, Modules};
use crate::places::Places;
pub(crate) use crate::sys::node::Node;
use crate::sys::{file, node};

/// A driver's mem2mem video node.
pub(crate) struct Device {
    /// What the lab knows the driver as; none for one that it does not know.
    known: Option<Driver>,
    node: Node,
    module: Option<Module>,
    path: Option<CString>,
    /// Where modules are, and were since the last time somebody asked.
    places: Places,
    moved: bool,
}

impl Device {
    /// Looks for the node of a driver, and for the module that makes it, so that it can be reloaded.
    pub(crate) fn find(driver: &str, modules: &Modules) -> Self {
        let known = Driver::named(driver);
        let node = known.map_or_else(|| Node::named(driver), Node::of);
        Self {
            known,
            module: modules.get(&node.driver),
            path: node.find(),
            node,
            places: Places::read(),
            moved: false,
        }
    }

    /// True if there is a node.
    pub(crate) fn is_present(&self) -> bool {
        self.path.is_some()
    }

    /// What the lab knows the driver as.
    pub(crate) fn known(&self) -> Option<Driver> {
        self.known
    }

    /// Opens the node, never blocking.
    pub(crate) fn open(&self) -> nix::Result<i32> {
        file::open(
            self.path.as_ref().ok_or(Errno::ENODEV)?,
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
        self.path = None;
        self.moved = true;
        module.load()?;
        self.places.merge(Places::read());
        self.path = self.node.find();
        if self.is_present() {
            Ok(())
        } else {
            Err(Errno::ENODEV)
        }
    }
}

/// The agent as a tool: `--node NAME` prints where the node of a driver that the lab knows is, or the one that sysfs calls so.
pub(crate) fn tell_node(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let name = arguments.next().context("--node needs a name")?;
    let path = match Driver::named(&name) {
        Some(driver) => Node::of(driver).find(),
        None => node::called(&name),
    };
    let path = path.with_context(|| format!("there is no video node of {name}"))?;
    println!("{}", path.to_string_lossy());
    Ok(())
}
