// SPDX-License-Identifier: GPL-2.0

//! fence_ledger: a record of everything that happens to vb2 release fences.
//!
//! It listens to tracepoints, so it works with any driver and with any implementation of the
//! fences. `module/include/fence_ledger.h` describes what user space gets to see.
//!
//! ```text
//! probes ──► ledger ──► table   which fences are ours
//!              │
//!              └──────► ring ──► area ◄── device (mmap)
//!                                     ◄── debugfs (text)
//! ```

mod area;
mod debugfs;
mod device;
mod irq;
mod ledger;
mod probes;
mod record;
mod ring;
mod shim;
mod table;

use crate::{debugfs::Debugfs, device::Device, ledger::Ledger, probes::Probes};
use kernel::prelude::*;

module! {
    type: FenceLedger,
    name: "fence_ledger",
    authors: ["The vb2-fence-lab developers"],
    description: "Ledger of vb2 release fences",
    license: "GPL",
}

/// The module. The fields are dropped in this order: first no new reader, then no new record.
#[pin_data]
struct FenceLedger {
    #[pin]
    _device: Device,
    _debugfs: Debugfs,
    _probes: Probes,
}

impl kernel::InPlaceModule for FenceLedger {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // SAFETY: The parameter is a NUL-terminated array that cannot be changed after loading.
        let drivers: &'static CStr = unsafe { CStr::from_char_ptr(shim::ledger_driver_names()) };
        pin_init::pin_init_scope(move || {
            let ledger = Ledger::new(drivers)?;
            Ok(try_pin_init!(Self {
                _probes: Probes::register(ledger.clone())?,
                _debugfs: Debugfs::new(ledger.clone()),
                _device <- Device::register(ledger),
            }))
        })
    }
}
