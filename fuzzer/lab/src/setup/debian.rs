//! Programs of the machine's own Debian or Ubuntu release for the guest, or of a newer one if that is too old: packages with all that they depend on, unpacked
//! into a root of their own. Nothing is installed on this machine, and no package's scripts run.

mod archive;
mod unpack;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, ensure};

use super::{
    cache::{self, Cache},
    in_use::InUse,
    key::Key,
};
use archive::Archive;

/// The package with v4l2-ctl, v4l2-compliance and their like.
pub const TOOLS: &str = "v4l-utils";

/// Changes whenever this file or those below it make something else of the same packages.
const LAYOUT: &str = "debian 2";

/// The file with the names of the packages.
const LIST: &str = "packages.txt";

/// Where the unpacked files are.
const ROOT: &str = "root";

/// Folders of the guest that programs need, and the guest's own root.
const MOUNT_POINTS: [&str; 5] = ["dev", "proc", "sys", "tmp", "lab"];

/// Packages with all that they depend on, ready for the guest.
#[derive(Clone, Debug)]
pub struct Debian {
    folder: PathBuf,
    _in_use: Arc<InUse>,
}

impl Debian {
    /// The folder that becomes the root of the programs.
    pub fn root(&self) -> PathBuf {
        self.folder.join(ROOT)
    }

    /// The version of an unpacked package.
    pub fn version(&self, package: &str) -> anyhow::Result<String> {
        let list = self.folder.join(LIST);
        let text = fs::read_to_string(&list).with_context(|| list.display().to_string())?;
        let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
        let found = pairs.find(|(name, _)| *name == package);
        let found = found.with_context(|| format!("{package} is not in {}", list.display()))?;
        Ok(found.1.to_owned())
    }

    /// Fails unless one of the packages has a program of this name. A path may be anywhere in the guest.
    pub fn check_program(&self, name: &str) -> anyhow::Result<()> {
        let has = |folder: &str| self.root().join(folder).join(name).is_file();
        ensure!(
            name.contains('/') || ["usr/bin", "bin"].into_iter().any(has),
            "no unpacked package has the program {name}: name the package that does, as in --debian=gstreamer1.0-tools"
        );
        Ok(())
    }
}

/// Finds the packages in the cache, or fetches them. Waits for no other lab if they are there.
pub fn ensure(cache: &Cache, packages: &[String]) -> anyhow::Result<Debian> {
    let mut packages = packages.to_vec();
    packages.sort();
    packages.dedup();
    let release = release()?;
    let name = entry_name(&release, &packages);
    let mut folder = cache.place("debian", &name);
    if !folder.exists() {
        let lock = cache.lock()?;
        folder = lock.entry("debian", &name, |into| {
            make(cache, &release, &packages, into)
        })?;
    }
    Ok(Debian {
        _in_use: Arc::new(InUse::mark(&folder)?),
        folder,
    })
}

fn entry_name(release: &str, packages: &[String]) -> String {
    let key = Key::new(LAYOUT).part("packages", packages.join(" "));
    format!("{release}-{}", key.finish())
}

/// The code name of the machine's release.
fn release() -> anyhow::Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("/etc/os-release")?;
    parse_release(&text).context(
        "/etc/os-release tells no code name of a release: programs for the guest come from the archive of a Debian or \
         Ubuntu release",
    )
}

fn parse_release(text: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    let name = value.trim_matches('"');
    (!name.is_empty()).then(|| name.to_owned())
}

fn make(cache: &Cache, release: &str, packages: &[String], into: &Path) -> anyhow::Result<()> {
    let archive = Archive::find(&cache.root().join("apt"), release)?;
    let log = cache.log("debian");
    let wanted = archive.resolve(packages)?;
    cache.ensure_space(wanted.gib(), "unpacking packages for the guest")?;
    let files = archive.download(&wanted, packages, &log)?;
    let root = into.join(ROOT);
    unpack::all(&files, &root)?;
    for point in MOUNT_POINTS {
        fs::create_dir_all(root.join(point)).with_context(|| root.display().to_string())?;
    }
    fs::write(into.join(LIST), archive::list(&files))?;
    // What is unpacked is kept; the packages have served.
    for file in files {
        fs::remove_file(&file).with_context(|| cache::name(&file))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_with_and_without_quotes() {
        let text = "ID=debian\nVERSION_CODENAME=bookworm\n";
        assert_eq!(parse_release(text).as_deref(), Some("bookworm"));
        let quoted = "VERSION_CODENAME=\"noble\"\n";
        assert_eq!(parse_release(quoted).as_deref(), Some("noble"));
        assert_eq!(parse_release("VERSION_CODENAME=\n"), None);
        assert_eq!(parse_release("ID=arch\n"), None);
    }

    #[test]
    fn other_packages_or_another_release_make_another_entry() {
        let names = |all: &[&str]| all.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let entry = |release, all: &[&str]| entry_name(release, &names(all));
        assert_eq!(entry("sid", &["a", "b"]), entry("sid", &["a", "b"]));
        assert_ne!(entry("sid", &["a", "b"]), entry("sid", &["a"]));
        assert_ne!(entry("sid", &["a"]), entry("forky", &["a"]));
    }
}
