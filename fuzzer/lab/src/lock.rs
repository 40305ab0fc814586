//! Mutexes that go on after a panic: what they hold is whole between two statements, and the panic itself is told elsewhere.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes out what nobody else can lock any more.
pub fn unlocked<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
