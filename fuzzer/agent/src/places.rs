//! Where the kernel put its modules: a program counter is told as module and offset, since a reloaded module stands
//! somewhere else.

use std::fs;

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

    /// The program counter, independent of where its module was loaded. The kernel itself stays where it is.
    pub(crate) fn normalise(&self, pc: u64) -> u64 {
        let above = self.0.partition_point(|&(start, _)| start <= pc);
        match above.checked_sub(1).map(|index| self.0[index]) {
            Some((start, name)) if pc - start < LONGEST_TEXT => name + (pc - start),
            _ => pc,
        }
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
        assert_eq!(before.normalise(0x6420_1234), after.normalise(0x6430_1234));
        assert_ne!(before.normalise(0x6420_1234), before.normalise(0x6400_1234));
    }

    #[test]
    fn the_kernel_s_own_counters_are_left_alone() {
        let places = Places::parse(BEFORE);
        for pc in [0x6000_1000, 0x6420_0000 + LONGEST_TEXT] {
            assert_eq!(places.normalise(pc), pc);
        }
        assert_eq!(Places::default().normalise(7), 7);
    }

    #[test]
    fn both_places_of_a_module_are_known_after_a_reload() {
        let mut places = Places::parse(AFTER);
        places.merge(Places::parse(BEFORE));
        assert_eq!(places.normalise(0x6420_0010), places.normalise(0x6430_0010));
        assert_eq!(places.0.len(), 3);
    }
}
