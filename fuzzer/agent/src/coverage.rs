//! KCOV: which program counters of the kernel the executing thread went through, folded into a small map.

use nix::libc;
use trace::wire::COVERAGE_CELLS;

use crate::places::Places;
use crate::sys::memory::Mapping;
use crate::sys::{file, kcov};

/// Words of the buffer. One operation makes some hundred entries; a program of 256 fits.
const WORDS: usize = 1 << 18;

/// Words of a traced comparison: kind, two operands, program counter. An operand that is a constant comes first.
const RECORD: usize = 4;

/// A KCOV descriptor with its buffer, bound to the thread that first enables it.
pub(crate) struct Coverage {
    fd: i32,
    buffer: Mapping,
    enabled: bool,
    folded: Folded,
    /// While a program is studied: every program counter, normalised.
    seen: Option<Vec<u64>>,
}

impl Coverage {
    /// Opens KCOV; `None` if the target has none.
    pub(crate) fn open() -> Option<Self> {
        let fd = file::open(c"/sys/kernel/debug/kcov", libc::O_RDWR).ok()?;
        let buffer = kcov::init_trace(fd, WORDS).and_then(|()| Mapping::new(fd, WORDS * 8, true));
        match buffer {
            Ok(buffer) => Some(Self {
                fd,
                buffer,
                enabled: false,
                folded: Folded::default(),
                seen: None,
            }),
            Err(_) => {
                let _ = file::close(fd);
                None
            }
        }
    }

    /// Starts a run with or without coverage. Tracing stays enabled between runs that want it, which saves calls.
    pub(crate) fn begin(&mut self, wanted: bool) {
        if wanted != self.enabled {
            let switched = if wanted {
                kcov::enable(self.fd)
            } else {
                kcov::disable(self.fd)
            };
            self.enabled = wanted && switched.is_ok();
        }
        if self.enabled {
            self.buffer.set_word(0, 0);
        }
    }

    /// Executes what moves a module. What it traces is left out: the code that a module is loaded and unloaded with stands
    /// at yet other places.
    pub(crate) fn around_reload<T>(&mut self, reload: impl FnOnce() -> T) -> T {
        let traced = self.buffer.word(0);
        let result = reload();
        self.buffer.set_word(0, traced);
        result
    }

    /// Ends a run and folds what was traced; cells ascending.
    pub(crate) fn collect(&mut self, places: &Places) -> Vec<(u16, u8)> {
        if !self.enabled {
            return Vec::new();
        }
        let count = (self.buffer.word(0) as usize).min(WORDS - 1);
        let mut places = places.walk();
        for index in 1..=count {
            self.folded.add(places.normalise(self.buffer.word(index)));
        }
        if let Some(seen) = &mut self.seen {
            let words = (1..=count).map(|index| self.buffer.word(index));
            seen.extend(words.map(|pc| places.normalise(pc)));
        }
        self.folded.take()
    }

    /// From now on every program counter is remembered.
    pub(crate) fn remember(&mut self) {
        self.seen = Some(Vec::new());
    }

    /// The program counters since [`Coverage::remember`]; none is remembered any longer.
    pub(crate) fn remembered(&mut self) -> Vec<u64> {
        ascending(self.seen.take().unwrap_or_default())
    }

    /// Traces comparisons instead, until [`Coverage::compared`] is called.
    pub(crate) fn begin_comparisons(&mut self) {
        if std::mem::take(&mut self.enabled) {
            // A descriptor that does not stop tracing refuses the next line, and then nothing is compared.
            let _ = kcov::disable(self.fd);
        }
        self.buffer.set_word(0, 0);
        let _ = kcov::enable_comparisons(self.fd);
    }

    /// Ends that; the pairs of different values that were compared, a constant first.
    pub(crate) fn compared(&mut self) -> Vec<(u64, u64)> {
        let _ = kcov::disable(self.fd);
        let count = (self.buffer.word(0) as usize).min((WORDS - 1) / RECORD);
        let pair = |record: usize| {
            let word = |place| self.buffer.word(1 + record * RECORD + place);
            (word(1), word(2))
        };
        let pairs = (0..count).map(pair).filter(|(one, other)| one != other);
        let pairs = ascending(pairs.collect());
        self.buffer.set_word(0, 0);
        pairs
    }
}

/// Each once, in ascending order.
fn ascending<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort_unstable();
    all.dedup();
    all
}

/// Hit counts of edges.
struct Folded {
    previous: u64,
    cells: Box<[u8; COVERAGE_CELLS]>,
    /// A bit for each cell that is not zero: few are, and looking at all of them takes longer than the rest.
    touched: Box<[u64; COVERAGE_CELLS / 64]>,
}

impl Default for Folded {
    fn default() -> Self {
        Self {
            previous: 0,
            cells: Box::new([0; COVERAGE_CELLS]),
            touched: Box::new([0; COVERAGE_CELLS / 64]),
        }
    }
}

impl Folded {
    fn add(&mut self, pc: u64) {
        let cell = cell(self.previous, pc);
        self.cells[cell] = self.cells[cell].saturating_add(1);
        self.touched[cell / 64] |= 1 << (cell % 64);
        self.previous = pc;
    }

    /// Takes the counts out, leaving none; cells ascending.
    fn take(&mut self) -> Vec<(u16, u8)> {
        self.previous = 0;
        let touched: u32 = self.touched.iter().map(|word| word.count_ones()).sum();
        let mut sparse = Vec::with_capacity(touched as usize);
        for (index, word) in self.touched.iter_mut().enumerate() {
            while *word != 0 {
                let cell = index * 64 + word.trailing_zeros() as usize;
                sparse.push((cell as u16, std::mem::take(&mut self.cells[cell])));
                *word &= *word - 1;
            }
        }
        sparse
    }
}

/// The cell of an edge. The rotation tells an edge from its reverse, the product spreads neighbouring addresses.
fn cell(previous: u64, pc: u64) -> usize {
    let edge = previous.rotate_left(1) ^ pc;
    (edge.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - COVERAGE_CELLS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(trace: &[u64]) -> Vec<(u16, u8)> {
        let mut folded = Folded::default();
        trace.iter().for_each(|&pc| folded.add(pc));
        folded.take()
    }

    #[test]
    fn cells_are_ascending_and_counted() {
        let sparse = fold(&[
            0x6000_1000,
            0x6000_2000,
            0x6000_3000,
            0x6000_2000,
            0x6000_3000,
        ]);
        assert!(sparse.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(
            sparse
                .iter()
                .map(|(_, count)| u32::from(*count))
                .sum::<u32>(),
            5
        );
        assert!(sparse.iter().any(|&(_, count)| count == 2));
    }

    #[test]
    fn counts_saturate() {
        let sparse = fold(&[0x6000_1000; 1000]);
        assert!(sparse.iter().any(|&(_, count)| count == 255));
    }

    #[test]
    fn an_edge_is_not_its_reverse() {
        assert_ne!(
            cell(0x6000_1000, 0x6000_2000),
            cell(0x6000_2000, 0x6000_1000)
        );
    }

    #[test]
    fn taking_leaves_an_empty_map() {
        let mut folded = Folded::default();
        folded.add(1);
        assert_eq!(folded.take().len(), 1);
        assert_eq!(folded.take(), Vec::new());
    }
}
