//! What the threads of the agent share. No lock is held across a system call that can block.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use program::Driver;

use crate::device::Device;
use crate::feed::Feed;
use crate::journal::Journal;
use crate::kmsg::Kmsg;
use crate::pool::Pool;
use crate::table::Table;

/// Shared state.
pub(crate) struct Shared {
    table: Mutex<Table>,
    journal: Mutex<Journal>,
    device: Mutex<Device>,
    /// What the lab knows the device's driver as.
    pub(crate) driver: Option<Driver>,
    /// What its OUTPUT buffers are filled with.
    pub(crate) feed: Feed,
    kmsg: Mutex<Option<Kmsg>>,
    /// The threads for `async` operations.
    pub(crate) pool: Pool,
    step: AtomicU32,
    /// Calls that wait in the kernel, on files that were made blocking for them.
    pub(crate) waiting: AtomicU32,
}

impl Shared {
    /// Nothing open, nothing logged.
    pub(crate) fn new(device: Device, feed: Feed, journal: Journal) -> Self {
        Self {
            driver: device.known(),
            feed,
            table: Mutex::new(Table::new()),
            journal: Mutex::new(journal),
            device: Mutex::new(device),
            kmsg: Mutex::new(Kmsg::open()),
            pool: Pool::default(),
            step: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
        }
    }

    /// The slots.
    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        locked(&self.table)
    }

    /// The event log.
    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        locked(&self.journal)
    }

    /// The device under test.
    pub(crate) fn device(&self) -> MutexGuard<'_, Device> {
        locked(&self.device)
    }

    /// What the kernel log says of trouble since the last time.
    pub(crate) fn trouble(&self) -> Vec<(u8, String)> {
        locked(&self.kmsg)
            .as_mut()
            .map_or_else(Vec::new, Kmsg::trouble)
    }

    /// Tells which step the main thread is at.
    pub(crate) fn set_step(&self, step: u16) {
        self.step.store(step.into(), Ordering::Relaxed);
    }

    /// The step that the main thread is at.
    pub(crate) fn step(&self) -> u16 {
        self.step.load(Ordering::Relaxed) as u16
    }
}

/// Locks; a thread that panicked takes the whole agent with it anyway.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
