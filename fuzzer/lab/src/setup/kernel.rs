//! The kernel's build: a patched copy of the tree, configured, compiled, kept whole for modules and planted bugs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use super::{
    adopt,
    cache::{Cache, Lock},
    config::{self, Config},
    in_use,
    key::Key,
    patches::Patches,
    source::Source,
    toolchain::Toolchain,
    tree::{self, How},
};
use crate::{process, progress::Stage};

/// Changes whenever this file builds something else from the same inputs.
const RECIPE: &str = "uml kernel 2";

/// Builds that stay in the cache when another one is made: with and without the series, checked and plain, and one to spare.
const KEPT: usize = 5;

/// Lines of a whole build's output that name a step.
const STEPS: u64 = 1350;

/// Objects whose coverage tells one program from another: vb2, m2m, the V4L2 core's entry, dma-buf and fences,
/// and the drivers.
const COVERED: [&str; 20] = [
    "videobuf2-core",
    "videobuf2-v4l2",
    "videobuf2-vmalloc",
    "videobuf2-dma-contig",
    "videobuf2-dma-sg",
    "videobuf2-memops",
    "v4l2-mem2mem",
    "v4l2-ioctl",
    "v4l2-dev",
    "v4l2-fh",
    "v4l2-event",
    "dma-fence",
    "dma-resv",
    "dma-buf",
    "sync_file",
    "dma-fence-array",
    "dma-fence-unwrap",
    "dma-fence-chain",
    "vim2m",
    "vicodec-core",
];

/// A built kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Key of the cache entry.
    pub key: String,
    /// The patched tree with everything that was built in it.
    pub tree: PathBuf,
    /// Version of the tree.
    pub version: String,
    /// How it is configured.
    pub config: Config,
    /// It has no release-fence helper.
    pub vanilla: bool,
}

impl Kernel {
    /// The User-Mode Linux program.
    pub fn program(&self) -> PathBuf {
        self.tree.join("linux")
    }
}

/// What a kernel is built from.
#[derive(Debug)]
pub struct Recipe<'a> {
    /// The tree.
    pub source: &'a Source,
    /// What is applied to it.
    pub patches: &'a Patches,
    /// How it is configured.
    pub config: Config,
    /// What builds it.
    pub tools: &'a Toolchain,
    /// Parallel jobs.
    pub jobs: usize,
}

impl Recipe<'_> {
    /// What all builds share of which one can be the base of another. Kbuild itself sees to what follows from a changed
    /// line of a configuration; between checked and plain no object is the same.
    fn family(&self) -> Key {
        let key = Key::new(RECIPE).part("config", self.config.name());
        self.tools.key(key)
    }

    /// Key of the cache entry.
    pub fn key(&self) -> anyhow::Result<String> {
        let key = Key::new(RECIPE)
            .part("config", self.config.fragment())
            .part("at hand", config::AT_HAND)
            .part("covered", COVERED.join(" "));
        let key = self.tools.key(key).part("tree", &self.source.identity);
        Ok(self.patches.key(key)?.finish())
    }

    /// The kernel, built if the cache has none of this key.
    pub fn build(&self, cache: &Cache, lock: &Lock) -> anyhow::Result<Kernel> {
        let key = self.key()?;
        let tree = lock.entry("kernel", &key, |dir| {
            in_use::prune(cache, lock, KEPT)?;
            cache.ensure_space(4.0, "a kernel build")?;
            self.build_in(dir, cache)
        })?;
        Ok(Kernel {
            key,
            tree,
            version: self.source.version.clone(),
            config: self.config,
            vanilla: self.patches.is_vanilla(),
        })
    }

    fn build_in(&self, dir: &Path, cache: &Cache) -> anyhow::Result<()> {
        self.prepare(dir)?;
        let family = self.family().part("path", self.place_of_source()).finish();
        let adopted = adopt::newest(cache.whole("kernel")?, &family);
        adopt::note(dir, &family)?;
        if let Some(base) = &adopted {
            let stage = Stage::begin("copying what an earlier build made", None);
            adopt::adopt(base, dir)?;
            stage.done();
        }
        let log = cache.log("kernel");
        self.configure(dir, &log)?;
        self.compile(dir, &log, adopted.is_none().then_some(STEPS))
    }

    /// A given tree changes in place, so its folder stands for it; packages of other versions are other trees.
    fn place_of_source(&self) -> String {
        self.source.dir.display().to_string()
    }

    fn prepare(&self, dir: &Path) -> anyhow::Result<()> {
        let stage = Stage::begin(format!("copying Linux {}", self.source.version), None);
        let how = if self.source.packaged {
            How::Link
        } else {
            How::Copy
        };
        tree::copy(&self.source.dir, dir, how, &tree::is_source)?;
        stage.done();
        self.patches.apply(dir)
    }

    fn make(&self, dir: &Path) -> Command {
        let mut make = self.tools.make(dir, self.jobs);
        make.args(switches(self.config));
        make
    }

    fn configure(&self, dir: &Path, log: &Path) -> anyhow::Result<()> {
        let place = dir.join(".config");
        let before = adopt::Before::read(&place);
        let stage = Stage::begin("configuring the kernel", None);
        process::logged(self.make(dir).arg("tinyconfig"), log, |_| ())?;
        let tiny = fs::read_to_string(&place).with_context(|| place.display().to_string())?;
        fs::write(&place, tiny + self.config.fragment() + config::AT_HAND)?;
        process::logged(self.make(dir).arg("olddefconfig"), log, |_| ())?;
        let config = fs::read_to_string(&place)?;
        if let Err(missed) = config::check(self.config.fragment(), &config) {
            // If it is Rust, this says which of its tools is wrong.
            let tools = process::output(self.make(dir).arg("rustavailable"));
            return Err(tools.err().unwrap_or(missed));
        }
        stage.done();
        before.restore_time(&place)
    }

    fn title(&self) -> String {
        format!(
            "building Linux {} for UML, {}, {}",
            self.source.version,
            self.config.name(),
            self.patches.title()
        )
    }

    fn compile(&self, dir: &Path, log: &Path, about: Option<u64>) -> anyhow::Result<()> {
        let mut stage = Stage::begin(self.title(), about);
        process::logged(&mut self.make(dir), log, |line| {
            if is_step(line) {
                stage.step(line.trim());
            }
        })?;
        anyhow::ensure!(
            dir.join("linux").is_file(),
            "make succeeded and left no {}/linux",
            dir.display()
        );
        stage.done();
        Ok(())
    }
}

/// Lines of source for coverage and call traces. The configuration's own debug information has types as well, which make
/// a kernel ten times as large.
const LINES: [&str; 2] = [
    "KCFLAGS=-gline-tables-only",
    "KRUSTFLAGS=-Cdebuginfo=line-tables-only",
];

/// Kbuild's switches that instrument single objects and keep their lines. Modules built later need the same.
pub fn switches(config: Config) -> Vec<String> {
    let covered = COVERED
        .iter()
        .map(|object| format!("KCOV_INSTRUMENT_{object}.o=y"));
    let lines: &[&str] = match config {
        Config::Checked => &LINES,
        Config::Plain => &[],
    };
    covered
        .chain(lines.iter().map(ToString::to_string))
        .collect()
}

/// `  CC      drivers/x.o` and the like.
pub fn is_step(line: &str) -> bool {
    line.strip_prefix("  ")
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_kbuilds_short_lines() {
        assert!(is_step(
            "  CC [M]  drivers/media/common/videobuf2/videobuf2-core.o"
        ));
        assert!(is_step("  RUSTC L rust/core.o"));
        assert!(!is_step("make: Leaving directory"));
        assert!(!is_step("   from here"));
    }
}
