// SPDX-License-Identifier: GPL-2.0

//! The video devices that the double can make, and how they are asked for.

use crate::{
    shim,
    v4l2::{Codec, Info},
    vb2::{Layout, Memory}, //
};
use kernel::{prelude::*, str::BStr};

const fn node(name: &'static CStr, bus_info: &'static str, codec: Codec, layout: Layout) -> Info {
    Info {
        name,
        driver: "vb2_double",
        card: "vb2 mem2mem test double",
        bus_info,
        layout,
        codec,
        // Of a stateful codec the stream is the state.
        requests: matches!(codec, Codec::None),
    }
}

/// All nodes, and what the parameter `nodes` calls them. Programs find the media device of a video
/// device by its place on the bus.
static NODES: [(&str, Info); 6] = [
    (
        "decoder",
        node(
            c"vb2_double",
            "platform:vb2_double",
            Codec::Decoder,
            Layout::Single,
        ),
    ),
    (
        "encoder",
        node(
            c"vb2_double-encoder",
            "platform:vb2_double.1",
            Codec::Encoder,
            Layout::Single,
        ),
    ),
    (
        "m2m",
        node(
            c"vb2_double-m2m",
            "platform:vb2_double.2",
            Codec::None,
            Layout::Single,
        ),
    ),
    (
        "decoder-mplane",
        node(
            c"vb2_double-decoder-mplane",
            "platform:vb2_double.3",
            Codec::Decoder,
            Layout::Multi,
        ),
    ),
    (
        "encoder-mplane",
        node(
            c"vb2_double-encoder-mplane",
            "platform:vb2_double.4",
            Codec::Encoder,
            Layout::Multi,
        ),
    ),
    (
        "m2m-mplane",
        node(
            c"vb2_double-m2m-mplane",
            "platform:vb2_double.5",
            Codec::None,
            Layout::Multi,
        ),
    ),
];

/// The string of a module parameter.
fn param(value: *const c_char) -> &'static BStr {
    // SAFETY: The parameter is a string that stays the same while the module is loaded.
    BStr::from_bytes(unsafe { CStr::from_char_ptr(value) }.to_bytes())
}

fn find(name: &[u8]) -> Result<&'static Info> {
    match NODES.iter().find(|(known, _)| known.as_bytes() == name) {
        Some((_, info)) => Ok(info),
        None => {
            pr_err!(
                "nodes={}: no such node; there are decoder, encoder, m2m and each with -mplane\n",
                BStr::from_bytes(name)
            );
            Err(EINVAL)
        }
    }
}

/// The nodes of the parameter `nodes`, in its order.
pub(crate) fn asked() -> Result<KVec<&'static Info>> {
    // SAFETY: May always be called.
    let list = param(unsafe { shim::vb2_double_param_nodes() });
    let mut nodes: KVec<&'static Info> = KVec::new();

    for name in list.split(|byte| *byte == b',') {
        let info = find(name)?;
        if nodes.iter().any(|other| other.name == info.name) {
            pr_err!("nodes={}: a node twice\n", list);
            return Err(EINVAL);
        }
        nodes.push(info, GFP_KERNEL)?;
    }
    Ok(nodes)
}

/// The memory of the parameter `memory`.
pub(crate) fn memory() -> Result<Memory> {
    // SAFETY: May always be called.
    let name = param(unsafe { shim::vb2_double_param_memory() });
    let memory = match &**name {
        b"vmalloc" => Memory::Vmalloc,
        b"dma-sg" => Memory::DmaSg,
        b"dma-contig" => Memory::DmaContig,
        _ => {
            pr_err!(
                "memory={}: there are vmalloc, dma-sg and dma-contig\n",
                name
            );
            return Err(EINVAL);
        }
    };

    if memory.ops().is_none() {
        pr_err!(
            "memory={}: this kernel has no such videobuf2 memory\n",
            name
        );
        return Err(EOPNOTSUPP);
    }
    Ok(memory)
}
