//! What clients of the target's kernel share: typed system calls, one file a kernel header, [`node`],
//! [`content`] and [`picture`].
//! Nothing here knows what a program of the fuzzer is.
//!
//! Descriptors are plain numbers on purpose: a program may use a closed slot, and then the kernel must see -1.

pub mod batch;
pub mod call_timer;
pub mod clock;
pub mod content;
#[expect(missing_docs, reason = "as in the header, which documents them")]
pub mod dma_buf;
#[expect(missing_docs, reason = "as in the header, which documents them")]
pub mod dma_heap;
#[expect(missing_docs, reason = "as in the header, which documents them")]
pub mod double;
pub mod fault;
#[expect(missing_docs, reason = "as in the header, which documents them")]
pub mod fence_ledger;
pub mod file;
pub mod kcov;
#[expect(missing_docs, reason = "as in the header, which documents them")]
pub mod media;
pub mod memory;
pub mod node;
pub mod picture;
#[expect(missing_docs, reason = "as in the header, which documents them")]
pub mod sw_sync;
#[expect(missing_docs, reason = "as in the header, which documents them")]
pub mod sync_file;
#[expect(missing_docs, reason = "as in the header, which documents them")]
pub mod udmabuf;
#[expect(missing_docs, reason = "as in the header, which documents them")]
pub mod v4l2;

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ioctl::ioctl_num_type;

static CALLS: AtomicU32 = AtomicU32::new(0);

/// System calls that went through this module since the process started (wraps around).
pub fn calls() -> u32 {
    CALLS.load(Ordering::Relaxed)
}

/// Counts one system call and turns its return value into a result.
fn checked(value: libc::c_int) -> nix::Result<libc::c_int> {
    CALLS.fetch_add(1, Ordering::Relaxed);
    Errno::result(value)
}

/// A structure for which all-zero bytes are a value, as the kernel asks of reserved fields.
///
/// # Safety
///
/// Every bit pattern must be a valid value, and the layout must be C's.
pub unsafe trait Plain: Sized {
    /// The value whose bytes are all zero.
    fn zeroed() -> Self {
        // SAFETY: by the trait's contract zero bytes are a valid value.
        unsafe { std::mem::zeroed() }
    }
}

// SAFETY: an integer has no invalid bit patterns.
unsafe impl Plain for libc::c_int {}

/// An ioctl that takes a pointer to a `T`.
pub struct Ioctl<T> {
    request: ioctl_num_type,
    argument: PhantomData<fn(&mut T)>,
}

impl<T: Plain> Ioctl<T> {
    /// # Safety
    ///
    /// The kernel must read and write nothing beyond a `T` (and what valid pointers inside it name) for this request.
    pub const unsafe fn new(request: ioctl_num_type) -> Self {
        Self {
            request,
            argument: PhantomData,
        }
    }

    /// Calls it.
    pub fn call(&self, fd: i32, argument: &mut T) -> nix::Result<libc::c_int> {
        // SAFETY: by the constructor's contract the kernel touches no more than the `T` that is borrowed here.
        fault::within(|| checked(unsafe { libc::ioctl(fd, self.request, argument as *mut T) }))
    }
}

/// Declares ioctls the way the kernel's headers do: direction, number, argument.
macro_rules! ioctls {
    ($magic:expr; $($(#[$doc:meta])* $name:ident = $direction:ident($number:expr, $argument:ty);)*) => { $(
        $(#[$doc])*
        // SAFETY: the request number encodes the size of the argument, which is checked against the kernel's header
        // beside its definition.
        pub const $name: $crate::Ioctl<$argument> = unsafe {
            $crate::Ioctl::new(nix::$direction!($magic, $number, ::std::mem::size_of::<$argument>()))
        };
    )* };
}
pub(crate) use ioctls;

/// Declares a structure to be [`Plain`] and checks its size against the kernel's header.
macro_rules! plain {
    ($($name:ty = $size:expr;)*) => { $(
        // SAFETY: `repr(C)` and made of integers and arrays of them only.
        unsafe impl $crate::Plain for $name {}
        const _: () = assert!(::std::mem::size_of::<$name>() == $size);
    )* };
}
pub(crate) use plain;
