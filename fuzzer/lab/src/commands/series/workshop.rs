//! Where a series is built: a private copy of the tree, beside it a folder of objects for each architecture. It stays in
//! the cache for the next time, and only one lab at a time works in it.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context;

use super::applied::{Applied, inside};
use crate::{
    progress::Stage,
    setup::{
        cache::{self, Cache},
        key::Key,
        source::Source,
        tree::{self, How},
    },
};

/// Changes whenever this file lays out something else.
const RECIPE: &str = "series workshop 1";

/// Workshops that stay in the cache.
const KEPT: usize = 2;

/// Free disk that a new one needs, in GiB: links to a packaged source take little, a copy of a tree does not.
const DISK: [f64; 2] = [0.8, 2.6];

/// In a workshop, when it is whole; its time is that of its last use.
const READY: &str = "ready";

/// In a workshop, the files that are not as they came.
const TOUCHED: &str = "touched";

/// The right to work in the workshops: nobody else does meanwhile.
#[derive(Debug)]
pub(super) struct Turn {
    _file: File,
}

impl Turn {
    /// Waits for it.
    pub(super) fn wait(cache: &Cache) -> anyhow::Result<Turn> {
        let folder = folder(cache);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let place = folder.join("lock");
        let file = File::create(&place).with_context(|| place.display().to_string())?;
        if !cache::try_lock(&file)? {
            eprintln!("waiting for another lab that verifies a series");
            file.lock().with_context(|| place.display().to_string())?;
        }
        Ok(Turn { _file: file })
    }
}

/// The folder of everything about series.
pub(super) fn folder(cache: &Cache) -> PathBuf {
    cache.root().join("series")
}

/// A workshop.
#[derive(Debug)]
pub(super) struct Workshop {
    dir: PathBuf,
    pristine: PathBuf,
}

impl Workshop {
    /// Opens the one for a tree, with the tree as it is; makes it if need be.
    pub(super) fn open(cache: &Cache, source: &Source, _turn: &Turn) -> anyhow::Result<Workshop> {
        let shops = folder(cache).join("workshops");
        fs::create_dir_all(&shops).with_context(|| shops.display().to_string())?;
        let dir = shops.join(Key::new(RECIPE).part("tree", &source.identity).finish());
        prune(&shops, &dir)?;
        let shop = Workshop {
            dir,
            pristine: source.dir.clone(),
        };
        if !shop.dir.join(READY).exists() {
            cache.ensure_space(
                DISK[usize::from(!source.packaged)],
                "a tree to build a series in",
            )?;
            shop.make(source)?;
        }
        fs::write(shop.dir.join(READY), "").with_context(|| shop.dir.display().to_string())?;
        shop.reset()?;
        Ok(shop)
    }

    fn make(&self, source: &Source) -> anyhow::Result<()> {
        // Without the mark of a whole one, it is what an interrupted run left.
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir).with_context(|| self.dir.display().to_string())?;
        }
        let stage = Stage::begin(format!("copying Linux {}", source.version), None);
        let to = self.source();
        fs::create_dir_all(&to).with_context(|| to.display().to_string())?;
        let how = if source.packaged {
            How::Link
        } else {
            How::Copy
        };
        tree::copy(&source.dir, &to, how, &tree::is_source)?;
        stage.done();
        Ok(())
    }

    /// The tree.
    pub(super) fn source(&self) -> PathBuf {
        self.dir.join("source")
    }

    /// The folder for objects of this name, made if need be.
    pub(super) fn output(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.dir.join(name);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(folder)
    }

    /// Brings the tree into the state behind the patch `count`.
    pub(super) fn enter(&self, applied: &Applied, count: usize) -> anyhow::Result<()> {
        let state = applied.state(count)?;
        self.remember(applied.files())?;
        applied
            .files()
            .iter()
            .try_for_each(|file| put(&inside(state, file)?, &inside(&self.source(), file)?))
    }

    /// The content of a file, if it is not as it came.
    pub(super) fn changed(&self, file: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let now = fs::read(inside(&self.source(), file)?).ok();
        let came = fs::read(inside(&self.pristine, file)?).ok();
        Ok((now != came).then(|| now.unwrap_or_default()))
    }

    fn remember(&self, files: &BTreeSet<String>) -> anyhow::Result<()> {
        let place = self.dir.join(TOUCHED);
        let mut all: BTreeSet<_> = self.touched()?.into_iter().collect();
        all.extend(files.iter().cloned());
        fs::write(&place, Vec::from_iter(all).join("\n"))
            .with_context(|| place.display().to_string())
    }

    fn touched(&self) -> anyhow::Result<Vec<String>> {
        let text = fs::read_to_string(self.dir.join(TOUCHED)).unwrap_or_default();
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Undoes what an earlier series changed.
    fn reset(&self) -> anyhow::Result<()> {
        for file in self.touched()? {
            put(
                &inside(&self.pristine, &file)?,
                &inside(&self.source(), &file)?,
            )?;
        }
        let place = self.dir.join(TOUCHED);
        fs::write(&place, "").with_context(|| place.display().to_string())
    }
}

/// Gives `to` the content of `from`, if it is not the same already: make goes by times. A link is never written through.
fn put(from: &Path, to: &Path) -> anyhow::Result<()> {
    let wanted = fs::read(from).ok();
    if wanted == fs::read(to).ok() {
        return Ok(());
    }
    if to.symlink_metadata().is_ok() {
        fs::remove_file(to).with_context(|| to.display().to_string())?;
    }
    let Some(content) = wanted else {
        return Ok(());
    };
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(to, content).with_context(|| to.display().to_string())?;
    let mode = from.metadata()?.permissions().mode() | 0o200;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))
        .with_context(|| to.display().to_string())
}

/// Removes the workshops that were used least lately.
fn prune(shops: &Path, but: &Path) -> anyhow::Result<()> {
    let mut others = cache::entries(shops)?;
    others.retain(|shop| shop != but);
    let used = |shop: &PathBuf| {
        shop.join(READY)
            .metadata()
            .and_then(|meta| meta.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH)
    };
    others.sort_by_key(|shop| std::cmp::Reverse(used(shop)));
    for old in others.iter().skip(KEPT - 1) {
        fs::remove_dir_all(old).with_context(|| old.display().to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(dir: &Path) -> Source {
        Source {
            dir: dir.to_owned(),
            version: "7.3.4".into(),
            identity: dir.display().to_string(),
            packaged: true,
        }
    }

    #[test]
    fn the_tree_it_came_from_is_never_written_to_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(&folder.path().join("cache"))).unwrap();
        let turn = Turn::wait(&cache).unwrap();
        let tree = cache.root().join("source/tree");
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join("a.c"), "as it came").unwrap();
        let shop = Workshop::open(&cache, &source(&tree), &turn).unwrap();
        let new = folder.path().join("new");
        fs::write(&new, "changed").unwrap();
        shop.remember(&BTreeSet::from(["a.c".to_owned(), "b/b.c".to_owned()]))
            .unwrap();
        put(&new, &shop.source().join("a.c")).unwrap();
        put(&new, &shop.source().join("b/b.c")).unwrap();
        assert_eq!(fs::read_to_string(tree.join("a.c")).unwrap(), "as it came");
        assert_eq!(
            fs::read_to_string(shop.source().join("a.c")).unwrap(),
            "changed"
        );
        let again = Workshop::open(&cache, &source(&tree), &turn).unwrap();
        assert_eq!(
            fs::read_to_string(again.source().join("a.c")).unwrap(),
            "as it came"
        );
        assert!(!again.source().join("b/b.c").exists());
    }

    #[test]
    fn old_workshops_go_and_the_one_at_hand_stays() {
        let folder = tempfile::tempdir().unwrap();
        let shops = folder.path();
        for (name, age) in [("a", 30), ("b", 20), ("c", 10)] {
            fs::create_dir(shops.join(name)).unwrap();
            let file = File::create(shops.join(name).join(READY)).unwrap();
            file.set_modified(SystemTime::now() - std::time::Duration::from_secs(age))
                .unwrap();
        }
        prune(shops, &shops.join("a")).unwrap();
        assert!(shops.join("a").exists() && !shops.join("b").exists() && shops.join("c").exists());
    }
}
