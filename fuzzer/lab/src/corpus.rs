//! The project's own programs: seeds, which show what there is to test, and regressions, each of which broke something once.

use std::path::{Path, PathBuf};

use program::{Driver, Program};

use crate::{clone, findings};

/// The seeds for a driver.
pub fn seeds(driver: Driver) -> anyhow::Result<Vec<Program>> {
    let seeds = clone::root()?.join("corpus/seeds");
    in_folder(&match driver {
        Driver::Double => seeds,
        other => seeds.join(other.name()),
    })
}

/// What broke a driver once; all of it did so on the double.
pub fn regressions(driver: Driver) -> anyhow::Result<Vec<Program>> {
    match driver {
        Driver::Double => in_folder(&regressions_folder()?),
        _ => Ok(Vec::new()),
    }
}

/// Where the program is kept that trips on a planted bug.
pub fn regression_of(bug: &str) -> anyhow::Result<PathBuf> {
    Ok(regressions_folder()?.join(format!("{bug}.vb2")))
}

fn regressions_folder() -> anyhow::Result<PathBuf> {
    Ok(clone::root()?.join("corpus/regressions"))
}

/// The programs of a folder, in the order of their names.
pub fn in_folder(folder: &Path) -> anyhow::Result<Vec<Program>> {
    let programs = findings::programs(folder)?.into_iter();
    Ok(programs.map(|(_, program)| program).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_driver_has_seeds() {
        for driver in Driver::ALL {
            assert!(!seeds(driver).unwrap().is_empty(), "{}", driver.name());
        }
    }
}
