// SPDX-License-Identifier: GPL-2.0

//! `/dev/fence_ledger`: an open file maps the ring, and keeps the module loaded.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)

use crate::ledger::Ledger;
use core::ptr;
use kernel::{
    container_of,
    fs::File,
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration},
    mm::virt::VmaNew,
    prelude::*,
    sync::{Arc, ArcBorrow},
};

/// The registered device.
///
/// # Invariants
///
/// `registration` is the field of this type; a `MiscDeviceRegistration<Ledger>` is nowhere else.
/// `ledger` is set before the device is registered.
#[pin_data]
pub(crate) struct Device {
    // Dropped first: nobody opens the device when `ledger` goes.
    #[pin]
    registration: MiscDeviceRegistration<Ledger>,
    ledger: Arc<Ledger>,
}

impl Device {
    /// Makes `ledger` readable by user space.
    pub(crate) fn register(ledger: Arc<Ledger>) -> impl PinInit<Self, Error> {
        let options = MiscDeviceOptions {
            name: c"fence_ledger",
        };
        // INVARIANT: Fields are initialised in the order given here.
        try_pin_init!(Self {
            ledger,
            registration <- MiscDeviceRegistration::register(options),
        })
    }
}

#[vtable]
impl MiscDevice for Ledger {
    type Ptr = Arc<Self>;

    fn open(_file: &File, misc: &MiscDeviceRegistration<Self>) -> Result<Arc<Self>> {
        let misc = ptr::from_ref(misc).cast_mut();
        // SAFETY: By the invariant of `Device` the registration is the field of one, and the core
        // keeps it registered during this call.
        let device = unsafe { container_of!(misc, Device, registration) };
        // SAFETY: As above; `ledger` was set before the registration and goes after it.
        Ok(unsafe { (*device).ledger.clone() })
    }

    fn mmap(ledger: ArcBorrow<'_, Self>, _file: &File, vma: &VmaNew) -> Result {
        ledger.map(vma)
    }
}
