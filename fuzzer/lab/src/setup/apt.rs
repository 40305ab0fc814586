//! A private apt: the machine's own mirror and keyring, other suites, and state in the cache, so that the system's apt
//! configuration stays as it is. apt checks the signature of the suite and the hash of what it downloads.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use super::cache::{self, Cache};
use crate::{process, progress::Stage};

/// Debian's archive keys; newer releases of the package use the second name.
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];

/// Suites that may hold what the machine's own release lacks, smallest index first.
const SUITES: [&str; 4] = ["trixie-backports", "forky-backports", "forky", "sid"];

/// A package's name and version in some suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One suite of the machine's mirror, with state of its own.
#[derive(Debug)]
pub struct Suite {
    folder: PathBuf,
}

/// Walks the suites, and gives the first package that `choose` takes from the list of those whose name begins with
/// `prefix`, and its suite.
pub fn fetch(
    cache: &Cache,
    prefix: &str,
    choose: impl Fn(&[Package]) -> Option<Package>,
) -> anyhow::Result<(Suite, Package)> {
    let (site, keyring) = (site()?, keyring()?);
    let mut tried = Vec::new();
    for name in SUITES {
        // A suite that the mirror does not have yet is passed over like one without the package.
        let look = || -> anyhow::Result<_> {
            let suite = Suite::open(cache, name, &site, keyring)?;
            Ok((choose(&suite.packages(prefix)?), suite))
        };
        match look() {
            Ok((Some(package), suite)) => return Ok((suite, package)),
            Ok((None, _)) => tried.push(format!("{name}: none")),
            Err(error) => tried.push(format!("{name}: {error:#}")),
        }
    }
    bail!(
        "no suite of this machine's mirror has a fitting {prefix}:\n  {}",
        tried.join("\n  ")
    )
}

impl Suite {
    fn open(cache: &Cache, name: &str, site: &str, keyring: &str) -> anyhow::Result<Suite> {
        let folder = cache.root().join("apt").join(name);
        let source = format!("deb [signed-by={keyring}] {site} {name} main\n");
        set_up(&folder, &source)?;
        let suite = Suite { folder };
        let stage = Stage::begin(format!("reading the package list of {name}"), None);
        process::output(suite.apt("apt-get").args(["-qq", "update"]))?;
        stage.done();
        Ok(suite)
    }

    fn apt(&self, program: &str) -> Command {
        private(&self.folder, program)
    }

    /// The packages whose name begins with `prefix`.
    pub fn packages(&self, prefix: &str) -> anyhow::Result<Vec<Package>> {
        let names = process::output(self.apt("apt-cache").args(["pkgnames", prefix]))?;
        let mut names: Vec<_> = names.lines().collect();
        names.sort_unstable();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        Ok(parse_madison(&process::output(
            self.apt("apt-cache").arg("madison").args(names),
        )?))
    }

    /// Downloads the package and unpacks its files into `into`.
    pub fn unpack(&self, package: &Package, into: &Path) -> anyhow::Result<()> {
        let Package { name, version } = package;
        let download = self.folder.join("download");
        let stage = Stage::begin(format!("downloading {name} {version}"), None);
        let mut apt = self.apt("apt-get");
        process::output(
            apt.args(["-qq", "download", &format!("{name}={version}")])
                .current_dir(&download),
        )?;
        let files = cache::entries(&download)?;
        let deb = files
            .iter()
            .find(|file| cache::name(file).starts_with(&format!("{name}_")));
        let deb =
            deb.with_context(|| format!("apt downloaded no {name} into {}", download.display()))?;
        process::output(process::command("dpkg-deb").arg("-x").args([deb, into]))?;
        // What is unpacked is kept; the package itself has served.
        std::fs::remove_file(deb)?;
        stage.done();
        Ok(())
    }
}

/// Makes the folder of a private apt with these sources.
pub fn set_up(folder: &Path, sources: &str) -> anyhow::Result<()> {
    for sub in ["state/lists/partial", "cache/archives/partial", "download"] {
        std::fs::create_dir_all(folder.join(sub)).with_context(|| folder.display().to_string())?;
    }
    let list = folder.join("sources.list");
    std::fs::write(&list, sources).with_context(|| list.display().to_string())
}

/// A program of apt that knows the sources and the state of this folder alone.
pub fn private(folder: &Path, program: &str) -> Command {
    let mut command = process::command(program);
    let folder = folder.display();
    let options = [
        format!("Dir::Etc::sourcelist={folder}/sources.list"),
        "Dir::Etc::sourceparts=/dev/null".into(),
        "Dir::Etc::preferencesparts=/dev/null".into(),
        format!("Dir::State={folder}/state"),
        format!("Dir::Cache={folder}/cache"),
        "Acquire::Languages=none".into(),
        // Without this an update that fetched nothing would count as a success.
        "APT::Update::Error-Mode=any".into(),
        // The sandbox user cannot enter a cache inside a private home folder.
        "APT::Sandbox::User=root".into(),
    ];
    options.iter().for_each(|option| {
        command.args(["-o", option]);
    });
    command
}

/// The mirror that this machine uses for Debian's main archive.
fn site() -> anyhow::Result<String> {
    let format = "$(SITE)\t$(CODENAME)\t$(ORIGIN)";
    let targets = process::output(process::command("apt-get").args(["indextargets", "--format", format]))
        .context("the kernel source comes through apt; on a machine without it give one with --kernel-tree DIR")?;
    parse_sites(&targets).context(
        "this machine's apt knows no Debian archive to take the kernel source from (after a fresh install run \
         `apt-get update` once); on another system give a 7.x kernel tree with --kernel-tree DIR",
    )
}

fn keyring() -> anyhow::Result<&'static str> {
    KEYRINGS.into_iter().find(|file| Path::new(file).exists()).with_context(|| {
        format!("{} is missing (package debian-archive-keyring); install it, or give a 7.x kernel tree \
             with --kernel-tree DIR",
            KEYRINGS[0])
    })
}

/// The site of a plain release (not of security or updates, which have archives of their own).
fn parse_sites(targets: &str) -> Option<String> {
    let rows = targets
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let mut plain =
        rows.filter(|row| matches!(row[..], [_, codename, "Debian"] if !codename.contains('-')));
    plain.next().map(|row| row[0].to_owned())
}

/// Reads `apt-cache madison`: `name | version | archive`.
pub fn parse_madison(text: &str) -> Vec<Package> {
    let rows = text.lines().filter(|line| !line.ends_with("Sources"));
    rows.filter_map(|line| {
        let mut fields = line.split('|').map(str::trim);
        Some(Package {
            name: fields.next()?.to_owned(),
            version: fields.next()?.to_owned(),
        })
    })
    .collect()
}

/// The newest kernel source among `packages`, 7.3 before all others because it is what the series was made on.
pub fn newest_kernel(packages: &[Package]) -> Option<Package> {
    let ranked = packages
        .iter()
        .filter_map(|package| rank(&package.name).map(|rank| (rank, package)));
    ranked
        .max_by_key(|(rank, _)| *rank)
        .map(|(_, package)| package.clone())
}

/// How much the lab wants the kernel source package of this name; none if it is something else.
pub fn rank(name: &str) -> Option<(bool, u32)> {
    let minor = name.strip_prefix("linux-source-7.")?.parse::<u32>().ok()?;
    Some((minor == 3, minor))
}

/// The package of exactly this name.
pub fn named(packages: &[Package], name: &str) -> Option<Package> {
    packages
        .iter()
        .find(|package| package.name == name)
        .cloned()
}

/// The package of exactly this upstream version.
pub fn of_version(packages: &[Package], name: &str, version: &str) -> Option<Package> {
    let fits = |package: &&Package| {
        let rest = package.version.strip_prefix(version);
        package.name == name
            && rest.is_some_and(|rest| rest.starts_with(['+', '-', '~']) || rest.is_empty())
    };
    packages.iter().find(fits).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: name.into(),
            version: version.into(),
        }
    }

    #[test]
    fn the_site_is_that_of_the_plain_release() {
        let targets = "http://s/debian-security\tbookworm-security\tDebian\nhttp://m/debian\tbookworm-updates\tDebian\n\
                       http://other/x\tstable\tOther\nhttp://m/debian\tbookworm\tDebian\n";
        assert_eq!(parse_sites(targets).as_deref(), Some("http://m/debian"));
        assert_eq!(parse_sites("http://u/ubuntu\tnoble\tUbuntu\n"), None);
        assert_eq!(parse_sites(""), None);
    }

    #[test]
    fn madison_is_read() {
        let text = " linux-source-7.2 | 7.2.5-1 | http://m/debian sid/main amd64 Packages\n     linux | 7.2.5-1 | http://m/debian sid/main Sources\n";
        assert_eq!(
            parse_madison(text),
            [package("linux-source-7.2", "7.2.5-1")]
        );
    }

    #[test]
    fn the_series_own_kernel_goes_before_newer_ones() {
        let all = [
            package("linux-source-6.12", "6.12.9-1"),
            package("linux-source-7.3", "7.3.4-1~bpo13+1"),
            package("linux-source-7.10", "7.10.1-1"),
            package("linux-source-7.2", "7.2.1-1"),
        ];
        assert_eq!(newest_kernel(&all).unwrap().name, "linux-source-7.3");
        let rest = [all[0].clone(), all[2].clone(), all[3].clone()];
        assert_eq!(newest_kernel(&rest).unwrap().name, "linux-source-7.10");
        assert_eq!(newest_kernel(&all[..1]), None);
    }

    #[test]
    fn only_the_same_upstream_version_fits() {
        let all = [
            package("rust-src", "1.95.10+dfsg1-1"),
            package("rust-src", "1.95.1+dfsg1-2~bpo13+1"),
        ];
        assert_eq!(of_version(&all, "rust-src", "1.95.1"), Some(all[1].clone()));
        assert_eq!(of_version(&all, "rust-src", "1.9"), None);
    }
}
