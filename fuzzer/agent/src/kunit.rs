//! The agent as a tool: `--kunit FILE…` loads KUnit test modules and prints what they found, as KTAP.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::modules::Module;

/// Where KUnit puts the results of each suite.
const RESULTS: &str = "/sys/kernel/debug/kunit";

/// Loads the modules in order, prints the results of the suites in them, unloads the modules.
pub(crate) fn run(files: impl IntoIterator<Item = String>) -> Result<()> {
    let modules: Vec<Module> = files.into_iter().map(Module::of).collect();
    ensure!(!modules.is_empty(), "--kunit needs a module's file");
    for module in &modules {
        module
            .load()
            .with_context(|| format!("cannot load {}", module.path().display()))?;
    }
    let shown = show(Path::new(RESULTS));
    for module in modules.iter().rev() {
        module
            .unload()
            .with_context(|| format!("cannot unload {}", module.name()))?;
    }
    shown
}

fn show(folder: &Path) -> Result<()> {
    let suites = suites(folder)?;
    ensure!(
        !suites.is_empty(),
        "{} is empty: the modules hold no suite",
        folder.display()
    );
    for suite in suites {
        let file = suite.join("results");
        let results = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        print!("{results}");
    }
    Ok(())
}

fn suites(folder: &Path) -> Result<Vec<PathBuf>> {
    let why = "build the kernel with CONFIG_KUNIT and CONFIG_KUNIT_DEBUGFS";
    let entries = fs::read_dir(folder).with_context(|| format!("{}: {why}", folder.display()))?;
    let mut suites = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    suites.sort();
    Ok(suites)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_shown_by_name_and_their_absence_is_an_error() {
        let folder = std::env::temp_dir().join(format!("kunit-{}", std::process::id()));
        assert!(suites(&folder).is_err());
        for name in ["b", "a"] {
            fs::create_dir_all(folder.join(name)).expect("a folder");
        }
        let found = suites(&folder).expect("readable");
        assert_eq!(found, [folder.join("a"), folder.join("b")]);
        fs::remove_dir_all(&folder).expect("removable");
    }
}
