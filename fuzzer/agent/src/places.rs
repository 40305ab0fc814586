//! Where the kernel put its modules: a program counter is told as module and offset, since a reloaded module stands
//! somewhere else.

use std::fs;
use std::ops::Range;

/// Text of one module is smaller than this.
const LONGEST_TEXT: u64 = 4 << 20;

/// Start addresses of modules, ascending, each with what stands for it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Places(Vec<(u64, u64)>);

impl Places {
    /// Reads where the modules are now.
    pub(crate) fn read() -> Self {
        Self::parse(&fs::read_to_string("/proc/modules").unwrap_or_default())
    }

    fn parse(modules: &str) -> Self {
        let mut places: Vec<_> = modules.lines().filter_map(place).collect();
        places.sort_unstable();
        Self(places)
    }

    /// Adds other places of the same modules.
    pub(crate) fn merge(&mut self, others: Self) {
        self.0.extend(others.0);
        self.0.sort_unstable();
        self.0.dedup();
    }

    /// Normalises many program counters, one after the other.
    pub(crate) fn walk(&self) -> Walk<'_> {
        Walk {
            places: self,
            range: 0..0,
            moved: 0,
        }
    }

    /// The stretch of addresses around a program counter that moves as one, and by how much.
    fn around(&self, pc: u64) -> (Range<u64>, u64) {
        let above = self.0.partition_point(|&(start, _)| start <= pc);
        let end = self.0.get(above).map_or(u64::MAX, |&(start, _)| start);
        match above.checked_sub(1).map(|index| self.0[index]) {
            None => (0..end, 0),
            Some((start, name)) => {
                let last = start.saturating_add(LONGEST_TEXT).min(end);
                if pc < last {
                    (start..last, name.wrapping_sub(start))
                } else {
                    (last..end, 0)
                }
            }
        }
    }
}

/// Normalises program counters; most are in the same module as the one before.
pub(crate) struct Walk<'a> {
    places: &'a Places,
    range: Range<u64>,
    moved: u64,
}

impl Walk<'_> {
    /// The program counter, independent of where its module was loaded. The kernel itself stays where it is.
    pub(crate) fn normalise(&mut self, pc: u64) -> u64 {
        if !self.range.contains(&pc) {
            (self.range, self.moved) = self.places.around(pc);
        }
        pc.wrapping_add(self.moved)
    }
}

/// What stands for each loaded module, and its name.
pub(crate) fn modules() -> Vec<(u64, String)> {
    let modules = fs::read_to_string("/proc/modules").unwrap_or_default();
    let name = |line: &str| line.split(' ').next().map(str::to_owned);
    let mut names: Vec<_> = modules.lines().filter_map(name).collect();
    names.sort_unstable();
    names
        .into_iter()
        .map(|name| (number(&name), name))
        .collect()
}

/// What stands for a module, and the distance into it, of a normalised program counter.
pub(crate) fn split(pc: u64) -> (u64, u64) {
    (pc & !(LONGEST_TEXT - 1), pc & (LONGEST_TEXT - 1))
}

/// A line of `/proc/modules`: name, size, users, their names, state, address.
fn place(line: &str) -> Option<(u64, u64)> {
    let mut fields = line.split(' ');
    let name = fields.next()?;
    let address = fields.find_map(|field| field.strip_prefix("0x"))?;
    Some((u64::from_str_radix(address, 16).ok()?, number(name)))
}

/// A number for a name, with room for an offset: FNV-1a.
fn number(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash & !(LONGEST_TEXT - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "vb2_double 126976 0 - Live 0x0000000064200000 (O)\n\
                          videobuf2_common 81920 1 vb2_double, Live 0x0000000064000000\n";
    const AFTER: &str = "vb2_double 126976 0 - Live 0x0000000064300000 (O)\n\
                         videobuf2_common 81920 1 vb2_double, Live 0x0000000064000000\n";

    #[test]
    fn a_reloaded_module_s_counters_stay_the_same() {
        let (before, after) = (Places::parse(BEFORE), Places::parse(AFTER));
        assert_eq!(
            before.walk().normalise(0x6420_1234),
            after.walk().normalise(0x6430_1234)
        );
        assert_ne!(
            before.walk().normalise(0x6420_1234),
            before.walk().normalise(0x6400_1234)
        );
    }

    #[test]
    fn walking_gives_what_asking_anew_for_each_gives() {
        let places = Places::parse(BEFORE);
        let mut walk = places.walk();
        let around = [
            0x6000_0000,
            0x6400_0000,
            0x6420_0000,
            0x6460_0000,
            u64::MAX - 1,
        ];
        let pcs = around.iter().flat_map(|&pc: &u64| [pc - 1, pc, pc + 1]);
        for pc in pcs.clone().chain(pcs.rev()) {
            assert_eq!(walk.normalise(pc), places.walk().normalise(pc), "{pc:#x}");
        }
    }

    #[test]
    fn the_kernel_s_own_counters_are_left_alone() {
        let places = Places::parse(BEFORE);
        for pc in [0x6000_1000, 0x6420_0000 + LONGEST_TEXT] {
            assert_eq!(places.walk().normalise(pc), pc);
        }
        assert_eq!(Places::default().walk().normalise(7), 7);
    }

    #[test]
    fn both_places_of_a_module_are_known_after_a_reload() {
        let mut places = Places::parse(AFTER);
        places.merge(Places::parse(BEFORE));
        let mut walk = places.walk();
        assert_eq!(walk.normalise(0x6420_0010), walk.normalise(0x6430_0010));
        assert_eq!(places.0.len(), 3);
    }
}
