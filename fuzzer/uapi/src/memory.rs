//! Mappings of memory that others write while it is read: of the kernel, or of the process itself and lent to the kernel.

use std::ptr::NonNull;

use nix::errno::Errno;
use nix::libc;

use super::{checked, fault, file};

/// A memfd of that many bytes that cannot shrink.
pub fn sealed(bytes: u64) -> nix::Result<i32> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a valid C string.
    let memfd =
        fault::within(|| checked(unsafe { libc::memfd_create(c"memory".as_ptr(), flags) }))?;
    match size_and_seal(memfd, bytes) {
        Ok(()) => Ok(memfd),
        Err(errno) => file::close(memfd).and(Err(errno)),
    }
}

fn size_and_seal(memfd: i32, bytes: u64) -> nix::Result<()> {
    let size = libc::off_t::try_from(bytes).map_err(|_| Errno::EFBIG)?;
    // SAFETY: ftruncate takes no pointers.
    fault::within(|| checked(unsafe { libc::ftruncate(memfd, size) }))?;
    // SAFETY: fcntl takes no pointers here.
    checked(unsafe { libc::fcntl(memfd, libc::F_ADD_SEALS, libc::F_SEAL_SHRINK) }).map(drop)
}

/// A mapping; unmapped on drop.
///
/// # Invariants
///
/// `start` is the start of a live mapping of `length` bytes, page aligned, of which this is the only owner.
pub struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: by the invariant the mapping has one owner, and nothing of it is bound to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps a descriptor from offset 0; `write` also for stores.
    pub fn new(fd: i32, length: usize, write: bool) -> nix::Result<Self> {
        Self::at(fd, 0, length, write)
    }

    /// Maps a descriptor from that offset.
    pub fn at(fd: i32, offset: i64, length: usize, write: bool) -> nix::Result<Self> {
        let protection = libc::PROT_READ | if write { libc::PROT_WRITE } else { 0 };
        Self::map(length, protection, libc::MAP_SHARED, (fd, offset))
    }

    /// Pages of the process itself, zeroed, for stores.
    pub fn anonymous(length: usize) -> nix::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        Self::map(length, protection, flags, (-1, 0))
    }

    fn map(
        length: usize,
        protection: libc::c_int,
        flags: libc::c_int,
        (fd, offset): (i32, i64),
    ) -> nix::Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice disturbs nothing.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, fd, offset) };
        checked(if start == libc::MAP_FAILED { -1 } else { 0 })?;
        // INVARIANT: the mapping is fresh and nobody else knows it.
        let start = NonNull::new(start.cast()).ok_or(Errno::ENOMEM)?;
        Ok(Self { start, length })
    }

    /// Where it starts, for a kernel that is given the memory.
    pub fn address(&self) -> u64 {
        self.start.as_ptr() as u64
    }

    /// Its bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Number of whole 64-bit words.
    pub fn words(&self) -> usize {
        self.length / 8
    }

    /// Loads the 64-bit word with that index.
    pub fn word(&self, index: usize) -> u64 {
        assert!(index < self.words());
        // SAFETY: by the invariant and the check the word lies in the mapping; volatile, since others store into it.
        unsafe { self.start.cast::<u64>().add(index).read_volatile() }
    }

    /// Loads a word with acquire semantics.
    pub fn word_acquire(&self, index: usize) -> u64 {
        let word = self.word(index);
        std::sync::atomic::fence(std::sync::atomic::Ordering::Acquire);
        word
    }

    /// Stores a word.
    pub fn set_word(&mut self, index: usize, value: u64) {
        assert!(index < self.words());
        // SAFETY: as in `word`; only mappings made for stores are stored to.
        unsafe { self.start.cast::<u64>().add(index).write_volatile(value) }
    }

    /// Stores bytes from the start on, and zeroes up to the next word; what does not fit is left out.
    pub fn store(&mut self, bytes: &[u8]) {
        for (index, chunk) in bytes.chunks(8).take(self.words()).enumerate() {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.set_word(index, u64::from_ne_bytes(word));
        }
    }

    /// Loads so many bytes from the start on, or as many as there are words for.
    pub fn load(&self, length: usize) -> Vec<u8> {
        let words = 0..length.div_ceil(8).min(self.words());
        let mut bytes: Vec<u8> = words
            .flat_map(|index| self.word(index).to_ne_bytes())
            .collect();
        bytes.truncate(length);
        bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: by the invariant this is the only owner of a live mapping.
        let _ = checked(unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) });
    }
}
