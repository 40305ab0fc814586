// SPDX-License-Identifier: GPL-2.0

//! mem2mem devices whose hardware is a double, made to test release fences: in the small, stateful
//! decoders, stateful encoders and converters of raw frames.
//!
//! `module/include/vb2_double.h` tells what can be asked of it.

mod clock;
mod context;
mod control;
mod controls;
mod decoder;
mod drain;
mod encoder;
mod engine;
mod finish;
mod formats;
mod job;
mod knobs;
mod node;
mod pixels;
#[cfg(orphans)]
mod plant;
mod shim;
mod stats;
#[path = "../v4l2/mod.rs"]
mod v4l2;
#[path = "../vb2/mod.rs"]
mod vb2;
mod writer;

use context::Context;
use kernel::{error::to_result, faux, prelude::*, sync::Arc};

module! {
    type: Double,
    name: "vb2_double",
    authors: ["The vb2-fence-lab authors"],
    description: "mem2mem test double for vb2 release fences",
    license: "GPL",
    imports_ns: ["DMA_BUF"],
}

/// Where release fences are attached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attach {
    /// When the hardware is about to be kicked, to all buffers of the job at once.
    DeviceRun,
    /// When a buffer is queued, as the first draft of the series did.
    BufQueue,
    /// Nowhere.
    None,
}

impl Attach {
    /// What the module parameter says.
    fn from_param() -> Result<Self> {
        // SAFETY: The parameter is a string that stays the same while the module is loaded.
        let param = unsafe { CStr::from_char_ptr(shim::vb2_double_param_attach()) };

        match param.to_bytes() {
            b"none" => Ok(Self::None),
            b"device_run" | b"buf_queue" if !vb2::helper::IS_THERE => {
                pr_err!("this kernel has no release fences: only attach=none is possible\n");
                Err(EOPNOTSUPP)
            }
            b"device_run" if cfg!(plant = "attach_at_qbuf_unarmed") => Ok(Self::BufQueue),
            b"device_run" => Ok(Self::DeviceRun),
            b"buf_queue" => Ok(Self::BufQueue),
            _ => Err(EINVAL),
        }
    }
}

/// What all open files of a video device share.
struct Shared {
    queue: Arc<clock::Queue>,
    suspenders: Arc<control::Suspenders>,
    attach: Attach,
    node: &'static v4l2::Info,
    memory: vb2::Memory,
}

/// A video device and the hardware that it is for. The video device goes first.
struct Device {
    _video: v4l2::Registration<Context>,
    _parent: faux::Registration,
}

impl Device {
    fn new(shared: Shared) -> Result<Self> {
        let parent = faux::Registration::new(shared.node.name, None)?;
        let device: &faux::Device<kernel::device::Bound> = parent.as_ref();

        if shared.memory != vb2::Memory::Vmalloc {
            // SAFETY: The device is ours, and nothing has asked it for DMA yet.
            to_result(unsafe {
                shim::vb2_double_enable_dma(v4l2::device::raw_parent(device.as_ref()))
            })?;
        }
        Ok(Self {
            // SAFETY: The fields are dropped in their order: the parent stays bound longer.
            _video: unsafe { v4l2::Registration::new(device.as_ref(), shared.node, shared) }?,
            _parent: parent,
        })
    }
}

/// The loaded module.
struct Double {
    _devices: KVec<Device>,
}

fn announce_plant() {
    if cfg!(plant = "abort_signals_early") {
        pr_notice!("planted bug: an aborted job ends before its writer\n");
    }
    if cfg!(plant = "signals_before_last_write") {
        pr_notice!("planted bug: a job ends before its last chunk is written\n");
    }
    if cfg!(plant = "change_flushes_armed") {
        pr_notice!("planted bug: a change of the stream ends a job before its writer\n");
    }
    if cfg!(plant = "attach_at_qbuf_unarmed") {
        pr_notice!("planted bug: fences are attached at QBUF\n");
    }
}

impl kernel::Module for Double {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        announce_plant();
        let attach = Attach::from_param()?;
        let memory = node::memory()?;
        let nodes = node::asked()?;
        let queue = Arc::new(clock::Queue::new(c"vb2_double")?, GFP_KERNEL)?;
        let mut devices = KVec::with_capacity(nodes.len(), GFP_KERNEL)?;

        for node in nodes {
            let device = Device::new(Shared {
                queue: queue.clone(),
                suspenders: Arc::new(control::Suspenders::new(), GFP_KERNEL)?,
                attach,
                node,
                memory,
            })?;
            devices.push(device, GFP_KERNEL)?;
        }
        Ok(Self { _devices: devices })
    }
}
