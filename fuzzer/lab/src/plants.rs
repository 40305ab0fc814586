//! Planted bugs: known faults that the lab must find, one file each in `kernel-patches/plants`.
//!
//! Such a file begins with a header (`Plant:`, `Invariants:`, `Why:`, and `Double:` for a switch of the double), and goes
//! on with a diff over videobuf2, mem2mem or `module/`. It is built as modules in seconds.

use std::path::{Path, PathBuf};

use crate::{
    clone,
    exit::malformed,
    setup::{cache, patches},
};

/// The modules of a kernel tree that a plant may patch: where they stand, and how their files' names begin.
pub const KERNEL: [(&str, &str); 2] = [
    ("drivers/media/common/videobuf2", ""),
    ("drivers/media/v4l2-core", "v4l2-mem2mem."),
];

/// A planted bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plant {
    /// Name of its file without the ending.
    pub name: String,
    /// One line that says what is wrong.
    pub title: String,
    /// The invariants of which at least one must be found broken.
    pub invariants: Vec<String>,
    /// Switch of the double that makes it misbehave.
    pub double: Option<String>,
    /// Why somebody would write this bug.
    pub why: String,
    /// Its file.
    pub file: PathBuf,
    /// The folders of [`KERNEL`] that it patches.
    pub folders: Vec<&'static str>,
    /// It patches the project's own modules.
    pub patches_module: bool,
}

/// All plants, by name.
pub fn list() -> anyhow::Result<Vec<Plant>> {
    let files = cache::entries(&folder()?)?.into_iter();
    files
        .filter(|file| file.extension().is_some_and(|end| end == "patch"))
        .map(|file| read(&file))
        .collect()
}

/// The plant of this name.
pub fn load(name: &str) -> anyhow::Result<Plant> {
    let file = folder()?.join(format!("{name}.patch"));
    if name.contains('/') || !file.is_file() {
        let names: Vec<_> = list()?.into_iter().map(|plant| plant.name).collect();
        anyhow::bail!(
            "there is no planted bug {name}; there are: {}",
            names.join(", ")
        );
    }
    read(&file)
}

fn folder() -> anyhow::Result<PathBuf> {
    Ok(clone::root()?.join("kernel-patches/plants"))
}

fn read(file: &Path) -> anyhow::Result<Plant> {
    let refuse = |why: String| malformed(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
    parse(file, &text).map_err(refuse)
}

fn parse(file: &Path, text: &str) -> Result<Plant, String> {
    let head = header(text);
    let field = |name: &str| {
        head.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let needed = |name: &str| field(name).ok_or(format!("the header lacks {name}:"));
    let touched = patches::touched(text);
    let (module, kernel): (Vec<_>, Vec<_>) =
        touched.iter().partition(|path| path.starts_with("module"));
    let folders = kernel.into_iter().map(|path| folder_of(path));
    let mut folders = folders.collect::<Result<Vec<_>, _>>()?;
    folders.dedup();
    let double = field("Double");
    if touched.is_empty() && double.is_none() {
        return Err("has neither a diff nor a Double: line, so it plants nothing".into());
    }
    Ok(Plant {
        name: cache::name(file).trim_end_matches(".patch").to_owned(),
        title: needed("Plant")?,
        invariants: invariants(&needed("Invariants")?)?,
        double,
        why: needed("Why")?,
        file: file.to_owned(),
        folders,
        patches_module: !module.is_empty(),
    })
}

/// Which of [`KERNEL`] a path in a kernel tree belongs to.
fn folder_of(path: &Path) -> Result<&'static str, String> {
    let is_in = |(folder, begins): &&(&str, &str)| {
        let rest = path.strip_prefix(folder);
        rest.is_ok_and(|rest| rest.to_string_lossy().starts_with(begins))
    };
    let found = KERNEL.iter().find(is_in).map(|(folder, _)| *folder);
    found.ok_or_else(|| {
        let places = KERNEL.map(|(folder, begins)| format!("{folder}/{begins}*, "));
        format!(
            "touches {}; a plant may touch {}module/",
            path.display(),
            places.concat()
        )
    })
}

/// `Key: value` lines before the diff; a line that begins with a space goes on with the value before it.
fn header(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text
        .lines()
        .take_while(|line| !line.starts_with("diff ") && !line.starts_with("--- "))
    {
        match (
            line.strip_prefix(' '),
            line.split_once(": "),
            fields.last_mut(),
        ) {
            (Some(more), _, Some((_, value))) => *value = format!("{value} {}", more.trim()),
            (None, Some((key, value)), _) => fields.push((key.to_owned(), value.trim().to_owned())),
            _ => (),
        }
    }
    fields
}

fn invariants(text: &str) -> Result<Vec<String>, String> {
    let is_name = |word: &str| {
        word.strip_prefix(['I', 'M'])
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let names: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(format!("{name} in Invariants: is no invariant's name")),
        None if names.is_empty() => Err("Invariants: names none".into()),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "Plant: fences leak\nInvariants: I5 I21\nWhy: An error path\n that returns early.\n\n";

    fn parsed(text: &str) -> Result<Plant, String> {
        parse(Path::new("p/leak.patch"), text)
    }

    #[test]
    fn header_and_diff_are_read() {
        let diff = "diff --git a/x b/x\n--- a/drivers/media/common/videobuf2/videobuf2-core.c\n+++ b/drivers/media/common/videobuf2/videobuf2-core.c\n";
        let plant = parsed(&format!("{HEAD}{diff}")).unwrap();
        assert_eq!(plant.name, "leak");
        assert_eq!(plant.invariants, ["I5", "I21"]);
        assert_eq!(plant.why, "An error path that returns early.");
        assert_eq!(plant.folders, ["drivers/media/common/videobuf2"]);
        assert!(!plant.patches_module && plant.double.is_none());
    }

    #[test]
    fn a_switch_of_the_double_is_enough() {
        let plant = parsed(&format!("Double: abort_signals_early\n{HEAD}")).unwrap();
        assert_eq!(plant.double.as_deref(), Some("abort_signals_early"));
    }

    #[test]
    fn what_plants_nothing_or_elsewhere_is_refused() {
        assert!(parsed(HEAD).unwrap_err().contains("plants nothing"));
        let elsewhere = format!("{HEAD}--- a/mm/slub.c\n+++ b/mm/slub.c\n");
        assert!(parsed(&elsewhere).unwrap_err().contains("mm/slub.c"));
        let ioctl = "drivers/media/v4l2-core/v4l2-ioctl.c";
        let beside = format!("{HEAD}--- a/{ioctl}\n+++ b/{ioctl}\n");
        assert!(parsed(&beside).unwrap_err().contains("v4l2-mem2mem.*"));
        assert!(
            parsed("Plant: x\nDouble: y\nWhy: z\n")
                .unwrap_err()
                .contains("Invariants")
        );
        assert!(
            parsed(&format!("Double: y\n{}", HEAD.replace("I5", "leaks")))
                .unwrap_err()
                .contains("leaks")
        );
    }

    #[test]
    fn every_plant_of_the_project_is_well_formed() {
        let plants = list().unwrap();
        assert!(!plants.is_empty());
        for plant in plants {
            assert_eq!(load(&plant.name).unwrap(), plant);
        }
        assert!(
            load("no-such-bug")
                .unwrap_err()
                .to_string()
                .contains("there are:")
        );
    }
}
