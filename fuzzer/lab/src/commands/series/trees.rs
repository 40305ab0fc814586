//! The trees that a series is checked on. None of them is written to.

use std::path::{Path, PathBuf};

use crate::setup::{
    Options,
    cache::{self, Cache},
    source::{self, Source},
};

/// The release before the lab's own: a series should not hang on the very last one.
const OLDER: &str = "7.2";

/// A tree with a name that fits above a column.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// Its version, or its folder's name where that would not tell it from another.
    pub(super) name: String,
    /// Where it is.
    pub(super) source: Source,
}

impl Tree {
    /// The release that it is of: 7.3.4 is of 7.3.
    pub(super) fn release(&self) -> String {
        release(&self.source.version)
    }
}

/// The trees that were asked for; without a wish, the lab's packaged source and that of the release before.
pub(super) fn find(
    wanted: &[PathBuf],
    options: &Options,
    cache: &Cache,
) -> anyhow::Result<Vec<Tree>> {
    let given: Vec<_> = wanted
        .iter()
        .chain(options.kernel_tree.iter().filter(|_| wanted.is_empty()))
        .collect();
    let sources = if given.is_empty() {
        let own = source::package(cache, None)?;
        let older = source::package(cache, Some(OLDER))?;
        vec![own, older]
    } else {
        let read = given.into_iter().map(|tree| one(tree, cache));
        read.collect::<anyhow::Result<Vec<_>>>()?
    };
    Ok(named(sources))
}

/// A folder, or where there is none of that name, a version of the packaged source.
fn one(tree: &Path, cache: &Cache) -> anyhow::Result<Source> {
    let version = tree
        .to_str()
        .filter(|name| is_version(name) && !tree.exists());
    match version {
        Some(version) => source::package(cache, Some(version)),
        None => source::given_for_series(tree),
    }
}

fn is_version(name: &str) -> bool {
    name.starts_with("7.") && name[2..].parse::<u32>().is_ok()
}

fn named(mut sources: Vec<Source>) -> Vec<Tree> {
    let mut seen = Vec::new();
    sources.retain(|source| {
        let is_new = !seen.contains(&source.dir);
        seen.push(source.dir.clone());
        is_new
    });
    let mut trees: Vec<Tree> = Vec::new();
    for source in sources {
        let release = release(&source.version);
        let taken = trees.iter().any(|tree| tree.name == release);
        let name = if taken {
            cache::name(&source.dir)
        } else {
            release
        };
        trees.push(Tree { name, source });
    }
    trees
}

/// `7.3.4` is of 7.3.
fn release(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_folders() {
        assert!(is_version("7.3") && is_version("7.10"));
        assert!(!is_version("7.3.4") && !is_version("./7.3") && !is_version("linux"));
    }

    #[test]
    fn no_two_trees_have_one_name() {
        let source = |dir: &str, version: &str| Source {
            dir: dir.into(),
            version: version.into(),
            identity: dir.into(),
            packaged: false,
        };
        let all = [
            ("/a/one", "7.3.4"),
            ("/a/two", "7.3.1"),
            ("/a/one", "7.3.4"),
            ("/a/three", "7.2.0-rc1"),
        ];
        let trees = named(all.map(|(dir, version)| source(dir, version)).to_vec());
        let names: Vec<_> = trees.iter().map(|tree| tree.name.as_str()).collect();
        assert_eq!(names, ["7.3", "two", "7.2"]);
    }
}
