//! One interface for every source of choices: random generation, exhaustive enumeration, replay and raw bytes all drive
//! the same generator and the same mutators through [`Choose`].

use arbitrary::Unstructured;

/// A source of choices.
pub trait Choose {
    /// A number below `n`; 0 if `n` is 0 or 1.
    fn below(&mut self, n: usize) -> usize;

    /// An index into `weights`, in proportion to them and never one whose weight is 0 (unless all are: then 0).
    fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: usize = weights.iter().map(|weight| *weight as usize).sum();
        let mut ticket = self.below(total);
        for (index, weight) in weights.iter().enumerate() {
            match ticket.checked_sub(*weight as usize) {
                Some(rest) => ticket = rest,
                None => return index,
            }
        }
        0
    }

    /// True in `percent` of 100 cases.
    fn chance(&mut self, percent: u32) -> bool {
        let yes = percent.min(100);
        self.weighted(&[100 - yes, yes]) == 1
    }

    /// Whether the source has run dry and every further choice is 0. Generators stop then.
    fn exhausted(&self) -> bool {
        false
    }
}

/// One of `items`; none if there is none.
pub(crate) fn pick<T: Copy>(choose: &mut dyn Choose, items: &[T]) -> Option<T> {
    items.get(choose.below(items.len())).copied()
}

/// Choices made from the 64-bit words of somebody else's generator.
pub struct FromWords<F>(pub F);

impl<F: FnMut() -> u64> Choose for FromWords<F> {
    fn below(&mut self, n: usize) -> usize {
        match n {
            0 | 1 => 0,
            // The high half of the product spreads the word over 0..n without a division.
            _ => ((u128::from((self.0)()) * n as u128) >> 64) as usize,
        }
    }
}

/// Random choices that depend on a seed alone (SplitMix64).
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The same seed makes the same choices, on every machine and in every release.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Choose for Seeded {
    fn below(&mut self, n: usize) -> usize {
        FromWords(|| self.word()).below(n)
    }
}

/// Choices from a fuzzer's bytes.
pub struct FromBytes<'a, 'b>(pub &'a mut Unstructured<'b>);

impl Choose for FromBytes<'_, '_> {
    fn below(&mut self, n: usize) -> usize {
        match n {
            0 | 1 => 0,
            _ => self.0.int_in_range(0..=n - 1).unwrap_or(0),
        }
    }

    fn exhausted(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes down the choices of another source, for [`Replay`].
pub struct Record<C> {
    inner: C,
    made: Vec<u32>,
}

impl<C: Choose> Record<C> {
    /// Records what `inner` chooses.
    pub fn new(inner: C) -> Self {
        Self {
            inner,
            made: Vec::new(),
        }
    }

    /// The choices made so far.
    pub fn into_choices(self) -> Vec<u32> {
        self.made
    }

    fn note(&mut self, choice: usize) -> usize {
        // A choice is an index into something that is in memory as `u32` weights or slots: it fits.
        self.made.push(choice as u32);
        choice
    }
}

impl<C: Choose> Choose for Record<C> {
    fn below(&mut self, n: usize) -> usize {
        let choice = self.inner.below(n);
        self.note(choice)
    }

    fn weighted(&mut self, weights: &[u32]) -> usize {
        let choice = self.inner.weighted(weights);
        self.note(choice)
    }

    fn exhausted(&self) -> bool {
        self.inner.exhausted()
    }
}

/// Makes recorded choices again. Choices that no longer fit are brought into range; beyond the end all are 0.
#[derive(Clone, Debug)]
pub struct Replay {
    choices: std::vec::IntoIter<u32>,
}

impl Replay {
    /// Replays `choices`.
    pub fn new(choices: Vec<u32>) -> Self {
        Self {
            choices: choices.into_iter(),
        }
    }

    fn next(&mut self) -> usize {
        self.choices.next().unwrap_or(0) as usize
    }
}

impl Choose for Replay {
    fn below(&mut self, n: usize) -> usize {
        self.next() % n.max(1)
    }

    fn weighted(&mut self, weights: &[u32]) -> usize {
        let choice = self.next() % weights.len().max(1);
        match weights.get(choice) {
            Some(0) => possible(weights).next().unwrap_or(0),
            _ => choice,
        }
    }

    fn exhausted(&self) -> bool {
        self.choices.len() == 0
    }
}

/// Walks through every sequence of choices: run the generator, call [`Exhaust::advance`], run it again, until that says
/// false. Weights only tell possible from impossible.
#[derive(Clone, Debug, Default)]
pub struct Exhaust {
    /// Each choice of the current sequence and the number of its alternatives.
    path: Vec<(usize, usize)>,
    position: usize,
}

impl Exhaust {
    /// Starts with the sequence that always takes the first alternative.
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns to the next sequence; false when there is none.
    pub fn advance(&mut self) -> bool {
        self.path.truncate(self.position);
        self.position = 0;
        while let Some((choice, alternatives)) = self.path.pop() {
            if choice + 1 < alternatives {
                self.path.push((choice + 1, alternatives));
                return true;
            }
        }
        false
    }
}

impl Choose for Exhaust {
    fn below(&mut self, n: usize) -> usize {
        if n <= 1 {
            return 0;
        }
        if self.position == self.path.len() {
            self.path.push((0, n));
        }
        let (choice, _) = self.path[self.position];
        self.position += 1;
        choice
    }

    fn weighted(&mut self, weights: &[u32]) -> usize {
        let count = possible(weights).count();
        let choice = self.below(count);
        possible(weights).nth(choice).unwrap_or(0)
    }
}

/// The indices whose weight is not 0.
fn possible(weights: &[u32]) -> impl Iterator<Item = usize> {
    weights
        .iter()
        .enumerate()
        .filter(|(_, weight)| **weight != 0)
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three choices whose later alternatives depend on earlier ones.
    fn tree(choose: &mut dyn Choose) -> Vec<usize> {
        let first = choose.below(3);
        let second = choose.weighted(&[0, 2, 0, 5]);
        let third = choose.below(first + 1);
        vec![first, second, third]
    }

    #[test]
    fn exhaust_visits_every_leaf_once() {
        let mut choose = Exhaust::new();
        let mut leaves = vec![tree(&mut choose)];
        while choose.advance() {
            leaves.push(tree(&mut choose));
        }
        assert_eq!(leaves.len(), 2 * (1 + 2 + 3));
        assert!(leaves.is_sorted());
        leaves.dedup();
        assert_eq!(leaves.len(), 12);
    }

    #[test]
    fn replay_repeats_what_was_recorded() {
        for seed in 0..100 {
            let mut record = Record::new(Seeded::new(seed));
            let first = tree(&mut record);
            let mut replay = Replay::new(record.into_choices());
            assert_eq!(tree(&mut replay), first);
            assert!(replay.exhausted());
        }
    }

    #[test]
    fn replay_never_takes_the_impossible() {
        for choice in 0..10 {
            let index = Replay::new(vec![choice]).weighted(&[0, 1, 0]);
            assert_eq!(index, 1);
        }
    }

    #[test]
    fn weights_are_proportions() {
        let mut choose = Seeded::new(7);
        let mut hits = [0u32; 3];
        for _ in 0..10_000 {
            hits[choose.weighted(&[1, 0, 3])] += 1;
        }
        assert_eq!(hits[1], 0);
        assert!((2300..2700).contains(&hits[0]), "{hits:?}");
    }

    #[test]
    fn dry_bytes_choose_first() {
        let mut bytes = Unstructured::new(&[]);
        let mut choose = FromBytes(&mut bytes);
        assert!(choose.exhausted());
        assert_eq!(choose.below(9), 0);
    }

    #[test]
    fn seeds_are_stable_across_releases() {
        let mut choose = Seeded::new(0);
        assert_eq!(choose.word(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(choose.word(), 0x6e78_9e6a_a1b9_65f4);
    }
}
