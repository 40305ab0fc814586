//! Which objects Kbuild would build in a configured tree. make itself reads the Makefiles, so that whatever they compute
//! is understood.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::why;
use crate::process;

const PROBE: &str = include_str!("probe.mk");

/// Folders that an architecture's own Makefile names, which is no Kbuild file.
const ROOTS: [&str; 4] = [".", "arch/x86/lib", "arch/arm64/lib", "arch/x86/um"];

/// Looks into the folders of one configured tree in one state.
#[derive(Debug)]
pub(super) struct Probe<'a> {
    /// The tree.
    pub(super) source: &'a Path,
    /// The folder with its configuration.
    pub(super) output: &'a Path,
    /// `arch/` and this is the architecture's folder.
    pub(super) arch: &'a str,
    folders: RefCell<BTreeMap<String, Folder>>,
}

/// What a folder's Makefile says.
#[derive(Clone, Debug, Default)]
struct Folder {
    objects: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl<'a> Probe<'a> {
    /// Begins.
    pub(super) fn new(source: &'a Path, output: &'a Path, arch: &'a str) -> Probe<'a> {
        Probe {
            source,
            output,
            arch,
            folders: RefCell::default(),
        }
    }

    /// Why Kbuild would not build an object; none if it would.
    pub(super) fn missing(&self, object: &str) -> anyhow::Result<Option<String>> {
        let folder = parent(object);
        let is_reached = self.reaches(&folder)?;
        if is_reached && self.folder(&folder)?.objects.contains(object) {
            return Ok(None);
        }
        let config = fs::read_to_string(self.output.join(".config")).unwrap_or_default();
        Ok(Some(why::not_built(self.source, &config, object)))
    }

    /// Whether make descends into a folder.
    fn reaches(&self, wanted: &str) -> anyhow::Result<bool> {
        let mut left: Vec<String> = ROOTS.map(str::to_owned).to_vec();
        left.push(format!("arch/{}", self.arch));
        let mut seen = BTreeSet::new();
        while let Some(folder) = left.pop() {
            let is_above =
                folder == "." || wanted == folder || wanted.starts_with(&format!("{folder}/"));
            if !is_above || !seen.insert(folder.clone()) || !self.source.join(&folder).is_dir() {
                continue;
            }
            if folder == wanted {
                return Ok(true);
            }
            left.extend(self.folder(&folder)?.folders);
        }
        Ok(false)
    }

    fn folder(&self, folder: &str) -> anyhow::Result<Folder> {
        if let Some(known) = self.folders.borrow().get(folder) {
            return Ok(known.clone());
        }
        let found = read(folder, &self.ask(folder)?);
        self.folders
            .borrow_mut()
            .insert(folder.to_owned(), found.clone());
        Ok(found)
    }

    /// What make says. A Makefile that it cannot read is no reason to stop: the build will tell.
    fn ask(&self, folder: &str) -> anyhow::Result<String> {
        let probe = self.output.join(".lab-probe.mk");
        if !probe.exists() {
            fs::write(&probe, PROBE).with_context(|| probe.display().to_string())?;
        }
        let mut make = process::command("make");
        make.args(["-s", "-r", "-R", "-f"])
            .arg(probe)
            .arg("lab-probe")
            .current_dir(self.output);
        make.arg(format!("srctree={}", self.source.display()));
        make.args([
            "objtree=.",
            &format!("dir={folder}"),
            &format!("SRCARCH={}", self.arch),
        ]);
        let output = make.output().context("cannot start make")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn read(folder: &str, said: &str) -> Folder {
    let mut found = Folder::default();
    for line in said.lines().filter_map(|line| line.strip_prefix("lab:")) {
        for name in line.split_whitespace() {
            let path = plain(Path::new(folder).join(name));
            let group = if name.ends_with('/') {
                &mut found.folders
            } else {
                &mut found.objects
            };
            group.insert(path);
        }
    }
    found
}

/// `./a/../b/` is `b`.
fn plain(path: PathBuf) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.to_str().unwrap_or_default().split('/') {
        match part {
            "" | "." => (),
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn parent(object: &str) -> String {
    object
        .rsplit_once('/')
        .map_or(".", |(folder, _)| folder)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn make_s_answer_is_read() {
        let found = read(
            "drivers/media",
            "lab: common/ \nlab: x.o x-a.o sub/x-b.o\nnoise\nlab: ../gpu/\n",
        );
        assert_eq!(
            Vec::from_iter(found.objects),
            [
                "drivers/media/sub/x-b.o",
                "drivers/media/x-a.o",
                "drivers/media/x.o"
            ]
        );
        assert_eq!(
            Vec::from_iter(found.folders),
            ["drivers/gpu", "drivers/media/common"]
        );
    }

    #[test]
    fn an_object_is_missing_if_its_symbol_or_its_folder_s_is_not_set() {
        let folder = tempfile::tempdir().unwrap();
        let (source, output) = (folder.path().join("source"), folder.path().join("output"));
        for (place, text) in [
            (source.join("Kbuild"), "obj-y += drivers/\n"),
            (
                source.join("drivers/Makefile"),
                "obj-$(CONFIG_M) += m/\nobj-$(CONFIG_N) += n/\n",
            ),
            (
                source.join("drivers/m/Makefile"),
                "obj-$(CONFIG_A) += a.o\na-y := one.o\na-$(CONFIG_TWO) += two.o\nobj-$(CONFIG_B) += b.o\n",
            ),
            (
                source.join("drivers/m/Kconfig"),
                "config B\n\ttristate\n\tdepends on PCI\n",
            ),
            (source.join("drivers/n/Makefile"), "obj-y += c.o\n"),
            (
                output.join("include/config/auto.conf"),
                "CONFIG_M=y\nCONFIG_A=m\n",
            ),
            (output.join(".config"), "CONFIG_M=y\nCONFIG_A=m\n"),
        ] {
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        let probe = Probe::new(&source, &output, "x86");
        let missing = |object: &str| probe.missing(object).unwrap();
        assert_eq!(missing("drivers/m/a.o"), None);
        assert_eq!(missing("drivers/m/one.o"), None);
        assert_eq!(missing("drivers/m/two.o").unwrap(), "CONFIG_TWO is not set");
        assert_eq!(
            missing("drivers/m/b.o").unwrap(),
            "CONFIG_B is not set, it depends on PCI"
        );
        assert_eq!(missing("drivers/n/c.o").unwrap(), "CONFIG_N is not set");
        assert_eq!(
            missing("drivers/m/stray.o").unwrap(),
            "no Makefile names it"
        );
    }
}
