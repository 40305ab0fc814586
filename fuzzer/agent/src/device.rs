//! The device under test: which video node it is, and the module that makes it.

use std::collections::HashMap;
use std::ffi::CString;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc;
use program::Driver;

use crate::modules::{Module, Modules};
use crate::places::Places;
pub(crate) use crate::sys::node::Node;
use crate::sys::{file, media, node};

/// A driver's mem2mem video node.
pub(crate) struct Device {
    /// What the lab knows the driver as; none for one that it does not know.
    known: Option<Driver>,
    node: Node,
    module: Option<Module>,
    path: Option<CString>,
    /// Its queues are multi-planar.
    multi_planar: bool,
    /// Where modules are, and were since the last time somebody asked.
    places: Places,
    moved: bool,
    /// Where the double's other nodes are, as far as somebody asked, and media devices by their place on the bus.
    others: HashMap<&'static str, CString>,
    medias: HashMap<[u8; 32], CString>,
}

/// An open video node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub(crate) fd: i32,
    /// Its queues are multi-planar.
    pub(crate) multi_planar: bool,
}

impl Device {
    /// Looks for the node of a driver, and for the module that makes it, so that it can be reloaded.
    pub(crate) fn find(driver: &str, modules: &Modules) -> Self {
        let known = Driver::named(driver);
        let node = known.map_or_else(|| Node::named(driver), Node::of);
        let path = find(known, &node);
        Self {
            known,
            module: modules.get(&node.driver),
            multi_planar: path.as_deref().is_some_and(node::is_multi_planar),
            path,
            node,
            places: Places::read(),
            moved: false,
            others: HashMap::new(),
            medias: HashMap::new(),
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

    /// Opens a node, never blocking.
    pub(crate) fn open(&mut self, which: program::Node) -> nix::Result<Opened> {
        use program::Node::{DecoderMplane, Double, EncoderMplane, M2mMplane};
        let multi_planar = match which {
            Double => self.multi_planar,
            other => matches!(other, DecoderMplane | EncoderMplane | M2mMplane),
        };
        let path = match which {
            Double => self.path.as_ref(),
            other => self.other(other),
        };
        let flags = libc::O_RDWR | libc::O_NONBLOCK;
        let fd = file::open(path.ok_or(Errno::ENODEV)?, flags)?;
        Ok(Opened { fd, multi_planar })
    }

    /// Another node of the double; no other driver has several.
    fn other(&mut self, which: program::Node) -> Option<&CString> {
        if self.known != Some(Driver::Double) {
            return None;
        }
        let name = device_name(which);
        if !self.others.contains_key(name) {
            let path = Node::of_double(name).find()?;
            self.others.insert(name, path);
        }
        self.others.get(name)
    }

    /// The media device of what is at that place on the bus.
    pub(crate) fn media(&mut self, place: [u8; 32]) -> nix::Result<CString> {
        if let Some(path) = self.medias.get(&place) {
            return Ok(path.clone());
        }
        let path = media::at(&place).ok_or(Errno::ENODEV)?;
        self.medias.insert(place, path.clone());
        Ok(path)
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
        self.unload()?;
        self.load()
    }

    /// Loads the module again if a program left it unloaded.
    pub(crate) fn restore(&mut self) {
        if !self.is_present() {
            let _ = self.load();
        }
    }

    /// Unloads the module.
    pub(crate) fn unload(&mut self) -> nix::Result<()> {
        let module = self.module.as_ref().ok_or(Errno::ENOENT)?;
        module.unload()?;
        self.path = None;
        self.others.clear();
        self.medias.clear();
        self.moved = true;
        Ok(())
    }

    /// Loads the module.
    pub(crate) fn load(&mut self) -> nix::Result<()> {
        let module = self.module.as_ref().ok_or(Errno::ENOENT)?;
        module.load()?;
        self.places.merge(Places::read());
        self.path = find(self.known, &self.node);
        if self.is_present() {
            Ok(())
        } else {
            Err(Errno::ENODEV)
        }
    }
}

/// Where the node is. Of the double's nodes it is the one that is called like the driver, if it has that: a program may load the
/// double while an old node still keeps its number, and then the first number is not always the same node's.
fn find(known: Option<Driver>, node: &Node) -> Option<CString> {
    let double = known == Some(Driver::Double);
    let named = double.then(|| Node::of_double(device_name(program::Node::Double)));
    named.and_then(|named| named.find()).or_else(|| node.find())
}

/// What sysfs calls a node of the double.
fn device_name(node: program::Node) -> &'static str {
    match node {
        program::Node::Double => "vb2_double",
        program::Node::Encoder => "vb2_double-encoder",
        program::Node::M2m => "vb2_double-m2m",
        program::Node::DecoderMplane => "vb2_double-decoder-mplane",
        program::Node::EncoderMplane => "vb2_double-encoder-mplane",
        program::Node::M2mMplane => "vb2_double-m2m-mplane",
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
