//! Which lines and functions the places of a campaign are in, and which were not reached.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::{
    campaign::places::{KERNEL, Place},
    symbols::{Binary, Symbols},
};

/// What the compiler calls at the start of each basic block.
const HOOK: &str = "__sanitizer_cov_trace_pc";

/// Modules whose lines are told; the kernel itself has the cores of V4L2 and dma-buf.
const MODULES: [&str; 8] = [
    "videobuf2_common",
    "videobuf2_v4l2",
    "videobuf2_vmalloc",
    "videobuf2_memops",
    "videobuf2_dma_sg",
    "videobuf2_dma_contig",
    "v4l2_mem2mem",
    "vb2_double",
];

/// Lines of one file, and whether each was reached.
pub(super) type Lines = BTreeMap<u32, bool>;

/// All files and functions.
#[derive(Default)]
pub(super) struct Coverage {
    /// By path.
    pub(super) files: BTreeMap<String, Lines>,
    /// Functions by file, and whether they were reached.
    pub(super) functions: BTreeMap<(String, String), bool>,
}

impl Coverage {
    /// Looks every instrumented place up.
    pub(super) fn read(symbols: &Symbols, reached: &BTreeSet<Place>) -> anyhow::Result<Coverage> {
        let mut coverage = Coverage::default();
        coverage.add(&symbols.read(None)?, &hits(None, reached, None));
        for module in MODULES {
            let binary = symbols.read(Some(module))?;
            let hits = hits(Some(module), reached, Some(&binary));
            coverage.add(&binary, &hits);
        }
        Ok(coverage)
    }

    fn add(&mut self, binary: &Binary, hits: &BTreeSet<u64>) {
        // What was reached is instrumented, whether or not the scan of the code finds it.
        let mut instrumented: BTreeSet<u64> = binary.returns_from(HOOK).into_iter().collect();
        instrumented.extend(hits);
        for address in instrumented {
            let hit = hits.contains(&address);
            // What is inlined counts where it is written, in each function that it is part of.
            for place in binary.places(address - 1) {
                if !is_told(&place.file) || place.line == 0 {
                    continue;
                }
                let function = (place.file.clone(), place.function);
                *self.functions.entry(function).or_default() |= hit;
                let lines = self.files.entry(place.file).or_default();
                *lines.entry(place.line).or_default() |= hit;
            }
        }
    }

    /// Lines reached, and all.
    pub(super) fn count(lines: &Lines) -> (usize, usize) {
        (lines.values().filter(|hit| **hit).count(), lines.len())
    }

    /// One line a file.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        for (file, lines) in &self.files {
            let (hit, all) = Coverage::count(lines);
            let _ = writeln!(
                text,
                "{:5.1} %  {hit:4} of {all:4} lines  {file}",
                percent(hit, all)
            );
        }
        text
    }

    /// The form that genhtml reads.
    pub(super) fn lcov(&self) -> String {
        let mut text = String::new();
        for (file, lines) in &self.files {
            let _ = writeln!(text, "TN:\nSF:{file}");
            for (line, hit) in lines {
                let _ = writeln!(text, "DA:{line},{}", u8::from(*hit));
            }
            let (hit, all) = Coverage::count(lines);
            let _ = writeln!(text, "LF:{all}\nLH:{hit}\nend_of_record");
        }
        text
    }
}

/// In percent; of nothing it is all.
pub(super) fn percent(part: usize, all: usize) -> f64 {
    match all {
        0 => 100.0,
        all => part as f64 * 100.0 / all as f64,
    }
}

fn is_told(file: &str) -> bool {
    let folders = [
        "drivers/media/common/videobuf2/",
        "drivers/media/v4l2-core/",
        "drivers/dma-buf/",
        "module/",
    ];
    folders.iter().any(|folder| file.starts_with(folder))
}

/// The addresses of what was reached in a module, or in the kernel itself.
fn hits(module: Option<&str>, reached: &BTreeSet<Place>, binary: Option<&Binary>) -> BTreeSet<u64> {
    let name = module.unwrap_or(KERNEL);
    let of = reached.iter().filter(|(module, _)| module == name);
    of.filter_map(|(_, offset)| match binary {
        Some(binary) => binary.of_text(*offset),
        None => Some(*offset),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lcov_counts_what_it_lists() {
        let mut coverage = Coverage::default();
        let lines = Lines::from([(3, true), (7, false)]);
        coverage.files.insert("drivers/dma-buf/x.c".into(), lines);
        let text = coverage.lcov();
        assert!(text.contains("SF:drivers/dma-buf/x.c\nDA:3,1\nDA:7,0\nLF:2\nLH:1\n"));
        assert!(coverage.table().contains(" 50.0 %     1 of    2 lines"));
        assert!(is_told("module/vb2/queue.rs") && !is_told("include/linux/list.h"));
    }
}
