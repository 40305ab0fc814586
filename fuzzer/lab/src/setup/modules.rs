//! The modules that the target loads: videobuf2 and its kin from the kernel's build, the project's own, and planted bugs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use super::{
    cache::{self, Cache, Lock},
    kernel::{self, Kernel},
    key::Key,
    patches,
    toolchain::Toolchain,
    tree::{self, How},
};
use crate::{
    plants::{self, Plant},
    process,
    progress::Stage,
};

/// Changes whenever this file builds something else from the same inputs.
const RECIPE: &str = "modules 3";

/// Every module that a target can load when it boots, in that order.
pub const LOAD_ORDER: [&str; 12] = [
    "videobuf2-common",
    "videobuf2-memops",
    "videobuf2-vmalloc",
    "videobuf2-dma-contig",
    "videobuf2-dma-sg",
    "videobuf2-v4l2",
    "v4l2-mem2mem",
    "call_timer",
    "fence_ledger",
    "vb2_double",
    "vim2m",
    "vicodec",
];

/// Modules that the target has, but does not load by itself: the smallest driver, and unit tests if the tree has them.
const AT_HAND: [&str; 3] = ["smallest_m2m", "kunit", "videobuf2-kunit"];

/// Where the kernel's build leaves all of them.
const PLACES: [&str; 2] = ["drivers/media", "lib/kunit"];

/// A folder with every module of [`LOAD_ORDER`], and those that are at hand.
#[derive(Clone, Debug)]
pub struct Modules {
    /// Key of the cache entry.
    pub key: String,
    /// The folder.
    pub dir: PathBuf,
}

impl Modules {
    /// The modules' files.
    pub fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let all = cache::entries(&self.dir)?.into_iter();
        Ok(all.filter(|path| is_wanted(path)).collect())
    }
}

fn is_wanted(path: &Path) -> bool {
    let name = cache::name(path);
    let mut wanted = LOAD_ORDER.iter().chain(&AT_HAND);
    wanted.any(|module| name == format!("{module}.ko"))
}

/// What modules are built from.
#[derive(Debug)]
pub struct Recipe<'a> {
    /// The project's clone.
    pub clone: &'a Path,
    /// The kernel they are for.
    pub kernel: &'a Kernel,
    /// What builds them.
    pub tools: &'a Toolchain,
    /// Parallel jobs.
    pub jobs: usize,
    /// The bug to plant.
    pub plant: Option<&'a Plant>,
}

impl Recipe<'_> {
    /// Key of the cache entry.
    pub fn key(&self) -> anyhow::Result<String> {
        let key = Key::new(RECIPE)
            .part("kernel", &self.kernel.key)
            .file("Kbuild", &self.clone.join("Kbuild"))?;
        let mut key = tree::contents(key, &self.clone.join("module"))?;
        if let Some(plant) = self.plant {
            key = key.file("plant", &plant.file)?;
        }
        Ok(key.finish())
    }

    /// The modules, if the cache has them. As their kernel is in use, nobody removes them.
    pub fn find(&self, cache: &Cache) -> anyhow::Result<Option<Modules>> {
        let key = self.key()?;
        let dir = cache.place("modules", &self.name(&key));
        Ok(dir.exists().then_some(Modules { key, dir }))
    }

    /// Name of the cache entry. The kernel's key goes first, so that modules are removed with their kernel.
    fn name(&self, key: &str) -> String {
        format!("{}-{key}", self.kernel.key)
    }

    /// The modules, built if the cache has none of this key.
    pub fn build(&self, cache: &Cache, lock: &Lock) -> anyhow::Result<Modules> {
        let key = self.key()?;
        let dir = lock.entry("modules", &self.name(&key), |dir| {
            cache.ensure_space(0.5, "a build of the modules")?;
            self.build_in(dir, cache)
        })?;
        Ok(Modules { key, dir })
    }

    fn build_in(&self, dir: &Path, cache: &Cache) -> anyhow::Result<()> {
        let log = cache.log("modules");
        let mut stage = Stage::begin(self.title(), None);
        let mut step = |line: &str| {
            if kernel::is_step(line) {
                stage.step(line.trim());
            }
        };
        let work = dir.join("work");
        self.sources(&work)?;
        let sound = self.sound(cache)?;
        match &sound {
            Some(sound) => self.collect(&sound.dir, dir)?,
            None => {
                for place in PLACES {
                    self.collect(&self.kernel.tree.join(place), dir)?;
                }
            }
        }
        for folder in self.patched() {
            let folder = work.join(folder);
            process::logged(&mut self.make(&folder), &log, &mut step)?;
            self.collect(&folder, dir)?;
        }
        if sound.is_none() {
            process::logged(&mut self.make(&work), &log, &mut step)?;
            self.collect(&work.join("module"), dir)?;
        }
        fs::remove_dir_all(&work).with_context(|| work.display().to_string())?;
        check_whole(dir)?;
        stage.done();
        Ok(())
    }

    /// The modules without the bug, if it leaves the project's own as they are: those need not be built again then. A bug
    /// cannot change what they are compiled against, which is not in its reach.
    fn sound(&self, cache: &Cache) -> anyhow::Result<Option<Modules>> {
        match self.plant {
            Some(plant) if !plant.patches_module && plant.double.is_none() => {
                let sound = Recipe {
                    plant: None,
                    ..*self
                };
                sound.find(cache)
            }
            _ => Ok(None),
        }
    }

    fn title(&self) -> String {
        match self.plant {
            Some(plant) => format!("building the modules with the bug {}", plant.name),
            None => "building the modules".into(),
        }
    }

    /// The folders of the kernel that the bug patches.
    fn patched(&self) -> &[&'static str] {
        self.plant.map_or(&[], |plant| &plant.folders)
    }

    /// Private copies of what is compiled, with the bug in them.
    fn sources(&self, work: &Path) -> anyhow::Result<()> {
        let own = work.join("module");
        fs::create_dir_all(&own).with_context(|| own.display().to_string())?;
        fs::copy(self.clone.join("Kbuild"), work.join("Kbuild")).context("Kbuild of the clone")?;
        tree::copy(
            &self.clone.join("module"),
            &own,
            How::Copy,
            &tree::is_source,
        )?;
        for (folder, begins) in plants::KERNEL {
            if self.patched().contains(&folder) {
                self.kernel_sources(&work.join(folder), folder, begins)?;
            }
        }
        match self.plant {
            Some(plant) if plant.patches_module || !plant.folders.is_empty() => {
                patches::apply(work, &plant.file)
            }
            _ => Ok(()),
        }
    }

    /// Copies the sources of modules of the kernel, and no others.
    fn kernel_sources(&self, to: &Path, folder: &str, begins: &str) -> anyhow::Result<()> {
        let is_source = |path: &Path| {
            let (name, end) = (cache::name(path), path.extension().unwrap_or_default());
            let makefile = path == Path::new("Makefile");
            let source = (end == "c" || end == "h") && !name.ends_with(".mod.c");
            makefile || (source && name.starts_with(begins))
        };
        let from = self.kernel.tree.join(folder);
        fs::create_dir_all(to).with_context(|| to.display().to_string())?;
        tree::copy(&from, to, How::Copy, &is_source)?;
        let makefile = to.join("Makefile");
        let all = fs::read_to_string(&makefile).with_context(|| makefile.display().to_string())?;
        fs::write(&makefile, only(&all, begins)).with_context(|| makefile.display().to_string())
    }

    fn make(&self, folder: &Path) -> Command {
        let mut make = self.tools.make(&self.kernel.tree, self.jobs);
        make.arg(format!("M={}", folder.display()))
            .args(kernel::switches(self.kernel.config));
        if let Some(double) = self.plant.and_then(|plant| plant.double.as_ref()) {
            make.arg(format!("VB2_DOUBLE_PLANT={double}"));
        }
        make.arg("modules");
        make
    }

    /// Copies the modules below `from` that the target loads.
    fn collect(&self, from: &Path, dir: &Path) -> anyhow::Result<()> {
        let files = tree::files(from)?.into_iter();
        for path in files.filter(|path| is_wanted(path)) {
            let name = cache::name(&path);
            fs::copy(from.join(&path), dir.join(&name)).with_context(|| name)?;
        }
        Ok(())
    }
}

/// The Makefile of a folder of which only some modules are built: those whose names begin so. All, if any does.
fn only(makefile: &str, begins: &str) -> String {
    let is_other = |line: &str| line.starts_with("obj-") && !line.contains(&format!(" {begins}o"));
    let lines = makefile.lines();
    let kept = lines.filter(|line| begins.is_empty() || !is_other(line));
    kept.map(|line| format!("{line}\n")).collect()
}

fn check_whole(dir: &Path) -> anyhow::Result<()> {
    let missing: Vec<_> = LOAD_ORDER
        .iter()
        .filter(|name| !dir.join(format!("{name}.ko")).is_file())
        .collect();
    anyhow::ensure!(missing.is_empty(), "the build made no module {missing:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_modules_of_a_folder_are_built() {
        let makefile = "ccflags-y += -I.\nobj-$(CONFIG_A) += one.o\nobj-$(CONFIG_B) += two.o\n";
        let kept = "ccflags-y += -I.\nobj-$(CONFIG_B) += two.o\n";
        assert_eq!(only(makefile, "two."), kept);
        assert_eq!(only(makefile, ""), makefile);
    }
}
