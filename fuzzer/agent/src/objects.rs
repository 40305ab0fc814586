//! What a run may leave behind besides fences: dma-bufs, and references that keep modules from being unloaded.

use std::ffi::CStr;

use nix::libc;

use crate::sys::batch::Batch;
use crate::sys::file;

/// Every dma-buf of the kernel, with a line of totals at the end.
const DMABUFS: &CStr = c"/sys/kernel/debug/dma_buf/bufinfo";
/// Name, size and references of every module, one a line.
const MODULES: &CStr = c"/proc/modules";

/// Counts them, over and over. The files stay open, which saves most of the system calls that reading them takes.
pub(crate) struct Counter {
    dmabufs: File,
    modules: File,
}

impl Counter {
    /// A counter; `None` if this target does not tell.
    pub(crate) fn open() -> Option<Self> {
        Some(Self {
            dmabufs: File::open(DMABUFS)?,
            modules: File::open(MODULES)?,
        })
    }

    /// What there is now; `None` if this target does not tell.
    pub(crate) fn count(&mut self) -> Option<Objects> {
        self.count_after(Batch::default())
    }

    /// What there is once the calls of a batch are made.
    pub(crate) fn count_after(&mut self, batch: Batch<'_>) -> Option<Objects> {
        // From here on it borrows the texts, too.
        let mut batch = batch;
        self.dmabufs.ask(&mut batch);
        self.modules.ask(&mut batch);
        let [.., of_dmabufs, of_modules] = batch.make()[..] else {
            return None;
        };
        Some(Objects {
            dmabufs: dmabufs(self.dmabufs.told(of_dmabufs.ok()?)?)?,
            users: users(self.modules.told(of_modules.ok()?)?),
        })
    }
}

/// A file of the kernel's, and what it said last.
struct File {
    fd: i32,
    text: Vec<u8>,
}

impl File {
    fn open(path: &CStr) -> Option<Self> {
        let fd = file::open(path, libc::O_RDONLY).ok()?;
        let text = vec![0; CHUNK];
        Some(Self { fd, text })
    }

    /// Reads it from the start.
    fn ask<'a>(&'a mut self, batch: &mut Batch<'a>) {
        batch.read_at(self.fd, &mut self.text[..CHUNK], 0);
    }

    /// All of its text, of which so many bytes have been read.
    fn told(&mut self, first: u64) -> Option<&str> {
        let (mut length, mut count) = (first as usize, first as usize);
        while count >= PAGE / 2 {
            if self.text.len() < length + CHUNK {
                self.text.resize(length + CHUNK, 0);
            }
            count = file::read_at(self.fd, &mut self.text[length..], length as u64).ok()?;
            length += count;
        }
        std::str::from_utf8(&self.text[..length]).ok()
    }
}

/// The kernel fills a page with whole lines, so one that is half empty is the last. Without that, each file would be read
/// once more to learn that nothing follows.
const PAGE: usize = 4096;

/// Bytes read in one call. A text that the kernel makes in one piece is told in one piece.
const CHUNK: usize = 64 << 10;

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Objects {
    /// dma-bufs
    pub(crate) dmabufs: i32,
    /// References to modules, of all of them together.
    pub(crate) users: i32,
}

impl Objects {
    /// How many more there are than there were.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            dmabufs: self.dmabufs - before.dmabufs,
            users: self.users - before.users,
        }
    }

    /// Whether there is more of something than there was.
    pub(crate) fn exceeds(self, before: Self) -> bool {
        let Self { dmabufs, users } = self.since(before);
        dmabufs > 0 || users > 0
    }
}

/// The number in `Total 3 objects, 12288 bytes`.
fn dmabufs(text: &str) -> Option<i32> {
    let total = text
        .lines()
        .rev()
        .find(|line| line.contains(" objects, "))?;
    total.split_whitespace().nth(1)?.parse().ok()
}

fn users(text: &str) -> i32 {
    let references = |line: &str| line.split_whitespace().nth(2)?.parse::<i32>().ok();
    text.lines().filter_map(references).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_the_dma_bufs() {
        let text = "\nDma-buf Objects:\nsize\n00004096\t…\nTotal 1 devices attached\n\n\nTotal 2 objects, 8192 bytes\n";
        assert_eq!(dmabufs(text), Some(2));
        assert_eq!(dmabufs(""), None);
    }

    #[test]
    fn references_of_all_modules_add_up() {
        let text =
            "vb2_double 20480 2 - Live 0x0 (O)\nvideobuf2_vmalloc 16384 1 vb2_double, Live 0x0\n";
        assert_eq!(users(text), 3);
    }

    #[test]
    fn less_than_before_is_no_excess() {
        let before = Objects {
            dmabufs: 2,
            users: 1,
        };
        let less = Objects {
            dmabufs: 1,
            ..before
        };
        let more = Objects { users: 2, ..before };
        assert_eq!((less.exceeds(before), more.exceeds(before)), (false, true));
        assert_eq!(less.since(before).dmabufs, -1);
    }
}
