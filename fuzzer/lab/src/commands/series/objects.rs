//! What a patch makes it necessary to compile: the sources that it touches, and for a header those of the series and of
//! the header's own subsystem that include it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::setup::{cache, tree};

/// Folders that are not built by Kbuild, or on the host.
const OUTSIDE: [&str; 4] = ["Documentation/", "scripts/", "tools/", "usr/"];

const SELFTESTS: &str = "tools/testing/selftests";

/// What one patch makes necessary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Objects of the kernel.
    pub(super) objects: BTreeSet<String>,
    /// Values of TARGETS= of the selftests.
    pub(super) selftests: BTreeSet<String>,
}

/// The C files of the tree by folder and by name: where a header's subsystem is.
#[derive(Debug)]
pub(super) struct Sources {
    by_stem: BTreeMap<String, BTreeSet<String>>,
}

impl Sources {
    /// Looks through the tree.
    pub(super) fn of_tree(root: &Path) -> anyhow::Result<Sources> {
        let mut by_stem: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in tree::files(root)? {
            let file = file.display().to_string();
            if let Some(name) = file.strip_suffix(".c").filter(|_| is_kernel(&file)) {
                let (folder, stem) = name.rsplit_once('/').unwrap_or((".", name));
                by_stem
                    .entry(stem.to_owned())
                    .or_default()
                    .insert(folder.to_owned());
            }
        }
        Ok(Sources { by_stem })
    }

    /// The folders of a header's subsystem.
    fn homes(&self, header: &str) -> Vec<String> {
        let (folder, name) = header.rsplit_once('/').unwrap_or((".", header));
        if !header.starts_with("include/") {
            return vec![folder.to_owned()];
        }
        let stem = name.trim_end_matches(".h");
        let all = self.by_stem.get(stem).into_iter().flatten();
        let mut homes: Vec<_> = all.cloned().collect();
        if homes.len() > 1 {
            // A name like core.h says little; the folder's name has to fit, too.
            let area = cache::name(Path::new(folder));
            homes.retain(|home| home.split('/').any(|part| part == area));
        }
        if homes.len() > 3 { Vec::new() } else { homes }
    }
}

/// Whether Kbuild compiles a file for the kernel.
fn is_kernel(file: &str) -> bool {
    !OUTSIDE.iter().any(|folder| file.starts_with(folder))
}

/// The sources among these files, as far as they are the kernel's.
pub(super) fn sources<'a>(files: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let is_source =
        |file: &&String| is_kernel(file) && (file.ends_with(".c") || file.ends_with(".S"));
    files.filter(is_source).cloned().collect()
}

/// Files whose compilers are not called here, with what would check them.
pub(super) fn unbuilt(files: &BTreeSet<String>) -> Vec<(&str, &'static str)> {
    let how = |file: &str| match file.rsplit_once('.').map_or("", |(_, end)| end) {
        "rs" => Some("Rust is switched off"),
        "dts" | "dtsi" | "dtso" => Some("make dtbs_check would check it"),
        "yaml" if file.starts_with("Documentation/devicetree/") => {
            Some("make dt_binding_check would check it")
        }
        "c" if !is_kernel(file) && !file.starts_with(SELFTESTS) => {
            Some("it is no part of the kernel")
        }
        _ => None,
    };
    files
        .iter()
        .filter_map(|file| Some((file.as_str(), how(file)?)))
        .collect()
}

/// The plan for a patch that touches `files`. `root` is in the state behind it; `of_series` are all sources of the series.
pub(super) fn plan(
    root: &Path,
    files: &BTreeSet<String>,
    of_series: &BTreeSet<String>,
    all: &Sources,
) -> Plan {
    let mut wanted = sources(files.iter());
    let mut includes = Includes::new(root);
    for header in files
        .iter()
        .filter(|file| file.ends_with(".h") && is_kernel(file))
    {
        let near = all
            .homes(header)
            .into_iter()
            .flat_map(|home| c_files(root, &home));
        let candidates: BTreeSet<_> = near.chain(of_series.iter().cloned()).collect();
        wanted.extend(
            candidates
                .into_iter()
                .filter(|source| includes.reach(source, header)),
        );
    }
    wanted.retain(|source| root.join(source).is_file());
    let object = |source: &String| source.rsplit_once('.').map(|(stem, _)| format!("{stem}.o"));
    Plan {
        objects: wanted.iter().filter_map(object).collect(),
        selftests: files
            .iter()
            .filter_map(|file| selftest(root, file))
            .collect(),
    }
}

/// The C files directly in a folder.
fn c_files(root: &Path, folder: &str) -> Vec<String> {
    let files = fs::read_dir(root.join(folder))
        .into_iter()
        .flatten()
        .flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| name.ends_with(".c") && !name.ends_with(".mod.c"))
        .map(|name| format!("{folder}/{name}"))
        .collect()
}

/// The target that a file of the selftests belongs to: the nearest folder with a Makefile that takes part.
fn selftest(root: &Path, file: &str) -> Option<String> {
    let folders = Path::new(file).ancestors().skip(1);
    let mut folders = folders
        .take_while(|folder| folder.starts_with(SELFTESTS) && *folder != Path::new(SELFTESTS));
    let takes_part = |folder: &&Path| {
        fs::read_to_string(root.join(folder).join("Makefile"))
            .is_ok_and(|text| text.contains("lib.mk"))
    };
    let target = folders.find(takes_part)?.strip_prefix(SELFTESTS).ok()?;
    Some(target.display().to_string())
}

/// Who includes what, as the text says: conditions are not looked at.
struct Includes<'a> {
    root: &'a Path,
    direct: BTreeMap<String, Vec<String>>,
}

impl<'a> Includes<'a> {
    fn new(root: &'a Path) -> Includes<'a> {
        Includes {
            root,
            direct: BTreeMap::new(),
        }
    }

    /// Whether a source includes a header, however far down.
    fn reach(&mut self, source: &str, header: &str) -> bool {
        let (mut left, mut seen) = (vec![source.to_owned()], BTreeSet::new());
        while let Some(file) = left.pop() {
            if file == header {
                return true;
            }
            if seen.insert(file.clone()) {
                left.extend(self.of(&file).iter().cloned());
            }
        }
        false
    }

    fn of(&mut self, file: &str) -> &[String] {
        let root = self.root;
        self.direct.entry(file.to_owned()).or_insert_with(|| {
            let text = fs::read(root.join(file)).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            text.lines()
                .filter_map(|line| resolved(root, file, line))
                .collect()
        })
    }
}

/// The file that an `#include` line names.
fn resolved(root: &Path, file: &str, line: &str) -> Option<String> {
    let name = line
        .trim_start()
        .strip_prefix('#')?
        .trim_start()
        .strip_prefix("include")?
        .trim();
    let end = name[1..].find(['"', '>'])? + 1;
    let (is_near, name) = (name.starts_with('"'), &name[1..end]);
    let folder = file.rsplit_once('/').map_or(".", |(folder, _)| folder);
    let near = is_near.then(|| format!("{folder}/{name}"));
    let places = near
        .into_iter()
        .chain(["include", "include/uapi"].map(|folder| format!("{folder}/{name}")));
    places.into_iter().find(|place| root.join(place).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_wants_its_subsystem_and_the_series_but_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (file, text) in [
            ("include/media/vb2-core.h", ""),
            ("include/media/vb2.h", "# include <media/vb2-core.h>\n"),
            (
                "drivers/media/vb2/vb2-core.c",
                "#include <media/vb2-core.h>\n",
            ),
            ("drivers/media/vb2/memops.c", "#include <media/vb2.h>\n"),
            ("drivers/media/vb2/other.c", "#include <linux/none.h>\n"),
            ("drivers/media/far/far.c", "#include <media/vb2.h>\n"),
            ("drivers/media/drv/drv.h", "#include <media/vb2.h>\n"),
            ("drivers/media/drv/drv.c", "#include \"drv.h\"\n"),
            ("tools/testing/selftests/media/x/x.c", ""),
            (
                "tools/testing/selftests/media/x/Makefile",
                "include ../../lib.mk\n",
            ),
        ] {
            let place = root.join(file);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        let all = Sources::of_tree(root).unwrap();
        let series = BTreeSet::from([
            "drivers/media/drv/drv.c".to_owned(),
            "drivers/media/gone.c".to_owned(),
        ]);
        let files = [
            "include/media/vb2-core.h",
            "drivers/media/gone.c",
            "tools/testing/selftests/media/x/x.c",
            "Documentation/x.rst",
        ];
        let plan = plan(root, &files.map(str::to_owned).into(), &series, &all);
        let objects = [
            "drivers/media/drv/drv.o",
            "drivers/media/vb2/memops.o",
            "drivers/media/vb2/vb2-core.o",
        ];
        assert_eq!(Vec::from_iter(plan.objects), objects);
        assert_eq!(Vec::from_iter(plan.selftests), ["media/x"]);
        let others = ["rust/a.rs", "a.c", "tools/a.c", "Documentation/x.rst"].map(str::to_owned);
        let names: Vec<_> = others.clone().into();
        let others = others.into();
        let unbuilt: Vec<_> = unbuilt(&others).into_iter().map(|(file, _)| file).collect();
        assert_eq!(unbuilt, [names[0].as_str(), names[2].as_str()]);
    }
}
