// SPDX-License-Identifier: GPL-2.0

//! The tracepoints that the ledger listens to.
//!
//! The probes themselves are in `shim.c`, where the compiler checks them against the prototypes of
//! the tracepoints. Each reads what it was given and calls one function here.
//!
//! C header: [`include/linux/tracepoint.h`](srctree/include/linux/tracepoint.h)

use crate::{
    ledger::Ledger,
    shim::{self, Buffer, Fence, Plane},
};
use core::ptr;
use kernel::{error::to_result, prelude::*, sync::Arc};

/// `enum ledger_event`.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Event {
    FenceInit = 0,
    FenceSignaled = 1,
    FenceDestroy = 2,
    BufQueue = 3,
    BufDone = 4,
    Attach = 5,
    HwJob = 6,
    LockAcquire = 7,
}

/// In the order of registration: the end of a fence comes before its beginning, so that a fence
/// with an init record has the rest too.
const EVENTS: [Event; 8] = [
    Event::FenceDestroy,
    Event::FenceSignaled,
    Event::FenceInit,
    Event::BufQueue,
    Event::BufDone,
    Event::Attach,
    Event::HwJob,
    Event::LockAcquire,
];

/// A registered probe.
///
/// # Invariants
///
/// `event` is registered with `ledger`, which stays valid until `Probes` has synchronised.
struct Probe {
    event: Event,
    ledger: *mut c_void,
}

impl Drop for Probe {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant it is registered with this pointer.
        unsafe { shim::ledger_probe_unregister(self.event as u32, self.ledger) }
    }
}

/// The registered probes. When it is dropped no probe runs any more.
pub(crate) struct Probes {
    probes: [Option<Probe>; EVENTS.len()],
    ledger: Arc<Ledger>,
}

// SAFETY: Probes may be unregistered by any thread, and nothing else is done with the pointers.
unsafe impl Send for Probes {}
// SAFETY: A shared `Probes` does nothing.
unsafe impl Sync for Probes {}

impl Probes {
    /// Starts to write what happens into `ledger`.
    pub(crate) fn register(ledger: Arc<Ledger>) -> Result<Self> {
        let mut this = Self {
            probes: [const { None }; EVENTS.len()],
            ledger,
        };
        for (i, event) in EVENTS.into_iter().enumerate() {
            this.probes[i] = this.probe(event)?;
        }
        Ok(this)
    }

    /// Registers one probe. The events of the lab's own patch, and that of lockdep, may be missing.
    fn probe(&self, event: Event) -> Result<Option<Probe>> {
        let ledger = ptr::from_ref::<Ledger>(&self.ledger).cast_mut().cast();
        // SAFETY: `ledger` is a `Ledger` that `self` keeps until no probe runs any more.
        match to_result(unsafe { shim::ledger_probe_register(event as u32, ledger) }) {
            // INVARIANT: It has just been registered.
            Ok(()) => Ok(Some(Probe { event, ledger })),
            Err(ENOENT) if matches!(event, Event::Attach | Event::HwJob) => {
                pr_info!("this kernel's vb2 does not tell of attachments and hardware jobs\n");
                Ok(None)
            }
            Err(ENOENT) if matches!(event, Event::LockAcquire) => {
                pr_info!("without lockdep nobody tells of a fence that is signalled again\n");
                Ok(None)
            }
            Err(err) => {
                pr_err!("cannot probe event {}: {:?}\n", event as u32, err);
                Err(err)
            }
        }
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.probes = [const { None }; EVENTS.len()];
        shim::ledger_probe_synchronize();
    }
}

/// The ledger behind the pointer that the probes were registered with.
///
/// # Safety
///
/// `ledger` must be the data pointer of a running probe.
unsafe fn borrow<'a>(ledger: *mut c_void) -> &'a Ledger {
    // SAFETY: It comes from `Probes::probe()`, and while the probe runs `Probes` has not
    // synchronised, so the ledger is alive.
    unsafe { &*ledger.cast() }
}

/// # Safety
///
/// Only for `shim.c`: `ledger` is the data pointer of the probe, `fence` and `driver` are valid.
#[no_mangle]
unsafe extern "C" fn ledger_on_fence_init(
    ledger: *mut c_void,
    fence: *const Fence,
    driver: *const c_char,
) {
    // SAFETY: By the contract of this function all three are valid during the call.
    let (ledger, fence, driver) = unsafe { (borrow(ledger), &*fence, CStr::from_char_ptr(driver)) };
    ledger.fence_init(fence, driver.to_bytes());
}

/// # Safety
///
/// Only for `shim.c`: `ledger` is the data pointer of the probe, `fence` is valid.
#[no_mangle]
unsafe extern "C" fn ledger_on_fence_signaled(ledger: *mut c_void, fence: *const Fence) {
    // SAFETY: By the contract of this function both are valid during the call.
    unsafe { borrow(ledger).fence_signaled(&*fence) }
}

/// # Safety
///
/// Only for `shim.c`: `ledger` is the data pointer of the probe, `fence` is valid.
#[no_mangle]
unsafe extern "C" fn ledger_on_fence_signaled_again(ledger: *mut c_void, fence: *const Fence) {
    // SAFETY: By the contract of this function both are valid during the call.
    unsafe { borrow(ledger).fence_signaled_again(&*fence) }
}

/// # Safety
///
/// Only for `shim.c`: `ledger` is the data pointer of the probe, `fence` is valid.
#[no_mangle]
unsafe extern "C" fn ledger_on_fence_destroy(ledger: *mut c_void, fence: *const Fence) {
    // SAFETY: By the contract of this function both are valid during the call.
    unsafe { borrow(ledger).fence_destroy(&*fence) }
}

/// # Safety
///
/// Only for `shim.c`: `ledger` is the data pointer of the probe, `buffer` is valid.
#[no_mangle]
unsafe extern "C" fn ledger_on_buf_queue(ledger: *mut c_void, buffer: *const Buffer) {
    // SAFETY: By the contract of this function both are valid during the call.
    unsafe { borrow(ledger).buf_queue(&*buffer) }
}

/// # Safety
///
/// Only for `shim.c`: `ledger` is the data pointer of the probe, `buffer` is valid.
#[no_mangle]
unsafe extern "C" fn ledger_on_buf_done(ledger: *mut c_void, buffer: *const Buffer) {
    // SAFETY: By the contract of this function both are valid during the call.
    unsafe { borrow(ledger).buf_done(&*buffer) }
}

/// # Safety
///
/// Only for `shim.c`: `ledger` is the data pointer of the probe, the other pointers are valid.
#[no_mangle]
unsafe extern "C" fn ledger_on_attach(
    ledger: *mut c_void,
    buffer: *const Buffer,
    plane: *const Plane,
    fence: *const Fence,
    usage: u32,
) {
    // SAFETY: By the contract of this function all pointers are valid during the call.
    unsafe { borrow(ledger).attach(&*buffer, &*plane, &*fence, usage) }
}

/// # Safety
///
/// Only for `shim.c`: `ledger` is the data pointer of the probe, `buffer` is valid.
#[no_mangle]
unsafe extern "C" fn ledger_on_hw_job(
    ledger: *mut c_void,
    buffer: *const Buffer,
    job: u64,
    phase: u32,
) {
    // SAFETY: By the contract of this function both are valid during the call.
    unsafe { borrow(ledger).hw_job(&*buffer, job, phase) }
}
