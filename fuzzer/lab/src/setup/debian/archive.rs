//! The archive of the machine's own release through a private apt that believes in an empty machine, so that it names
//! everything that a package needs. apt checks the signatures of the release and the hash of each package.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail, ensure};

use crate::{
    process,
    progress::Stage,
    setup::{apt, cache},
};

/// Who makes releases that this file knows, and where their keys are; newer releases use the other ending.
const VENDORS: [(&str, &str); 2] = [
    ("Debian", "/usr/share/keyrings/debian-archive-keyring"),
    ("Ubuntu", "/usr/share/keyrings/ubuntu-archive-keyring"),
];

/// Releases to take in turn, by vendor, if the machine's own is too old.
const NEWER: [(&str, &[&str]); 2] = [
    ("Debian", &["trixie", "forky", "sid"]),
    ("Ubuntu", &["questing", "resolute"]),
];

/// The package whose version tells whether a release is new enough, and that version: v4l2-compliance takes whatever a kernel
/// has learned since for a mistake.
const JUDGED_BY: (&str, (u32, u32)) = (super::TOOLS, (1, 28));

/// What a machine's apt knows about a part of an archive.
const FORMAT: &str = "$(ORIGIN)\t$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)";

/// Unpacked, packages are about so many times as large.
const GROWTH: f64 = 4.0;

/// The archive.
#[derive(Debug)]
pub(super) struct Archive {
    folder: PathBuf,
}

/// What apt is going to download.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    files: Vec<String>,
    bytes: u64,
}

impl Wanted {
    /// Disk that the packages and what they are unpacked to need.
    pub(super) fn gib(&self) -> f64 {
        self.bytes as f64 * (1.0 + GROWTH) / f64::from(1 << 30)
    }

    fn megabytes(&self) -> u64 {
        self.bytes.div_ceil(1_000_000)
    }
}

impl Archive {
    /// The archive of the machine's own release, or of the first newer one that knows kernels of today, with private apts
    /// in folders below `folder`.
    pub(super) fn find(folder: &Path, own: &str) -> anyhow::Result<Archive> {
        let (vendor, sources) = sources()?;
        let newer = NEWER.iter().find(|(name, _)| *name == vendor);
        let newer = newer.map_or(&[][..], |(_, releases)| releases);
        let mut tried = Vec::new();
        for &release in [own].iter().chain(newer) {
            let look = || -> anyhow::Result<_> {
                let sources = of_release(&sources, own, release);
                let archive =
                    Archive::open(&folder.join(format!("root-{release}")), release, &sources)?;
                Ok((archive.version()?, archive))
            };
            match look() {
                Ok((version, archive)) if is_new_enough(&version) => return Ok(archive),
                Ok((version, _)) => tried.push(format!("{release}: {version}")),
                Err(error) => tried.push(format!("{release}: {error:#}")),
            }
        }
        let (package, (major, minor)) = JUDGED_BY;
        bail!(
            "no release that this machine's mirror has brings {package} {major}.{minor} or newer:\n  {}",
            tried.join("\n  ")
        )
    }

    /// Makes the private apt and fetches the lists of the release.
    fn open(folder: &Path, release: &str, sources: &str) -> anyhow::Result<Archive> {
        apt::set_up(folder, sources)?;
        let archive = Archive {
            folder: folder.to_owned(),
        };
        // No package is installed on the machine that this apt knows.
        fs::write(archive.status(), "")?;
        let stage = Stage::begin(format!("reading the package lists of {release}"), None);
        process::output(archive.apt().args(["-qq", "update"]))?;
        stage.done();
        Ok(archive)
    }

    /// The version of the package that the release is judged by.
    fn version(&self) -> anyhow::Result<String> {
        let (name, _) = JUDGED_BY;
        let mut apt = apt::private(&self.folder, "apt-cache");
        let packages = apt::parse_madison(&process::output(apt.args(["madison", name]))?);
        let newest = packages.into_iter().next();
        Ok(newest.with_context(|| format!("it has no {name}"))?.version)
    }

    fn status(&self) -> PathBuf {
        self.folder.join("state/status")
    }

    fn apt(&self) -> Command {
        let mut command = apt::private(&self.folder, "apt-get");
        let status = format!("Dir::State::status={}", self.status().display());
        command.args(["-o", &status, "--yes", "--no-install-recommends"]);
        command
    }

    /// Counts what the packages and all that they depend on come to.
    pub(super) fn resolve(&self, packages: &[String]) -> anyhow::Result<Wanted> {
        // apt does not name what an interrupted run has left.
        process::output(self.apt().arg("clean"))?;
        let mut apt = self.apt();
        let listed = process::output(apt.args(["--print-uris", "install"]).args(packages))
            .with_context(|| {
                format!(
                    "this machine's release does not have all of {}",
                    packages.join(", ")
                )
            })?;
        parse_uris(&listed)
    }

    /// Downloads them.
    pub(super) fn download(
        &self,
        wanted: &Wanted,
        packages: &[String],
        log: &Path,
    ) -> anyhow::Result<Vec<PathBuf>> {
        let title = format!(
            "downloading {} packages for the guest ({} MB; log: {})",
            wanted.files.len(),
            wanted.megabytes(),
            log.display()
        );
        let mut stage = Stage::begin(title, Some(wanted.files.len() as u64));
        let mut apt = self.apt();
        apt.args(["--download-only", "install"]).args(packages);
        process::logged(&mut apt, log, |line| {
            // `Get:7 URL suite/component arch name …`
            if let Some(rest) = line.strip_prefix("Get:") {
                stage.step(rest.split(' ').nth(4).unwrap_or_default());
            }
        })?;
        stage.done();
        let archives = self.folder.join("cache/archives");
        Ok(wanted
            .files
            .iter()
            .map(|file| archives.join(file))
            .collect())
    }
}

/// The vendor of the machine's release, and the lines of a sources.list that name it, its updates and its security updates,
/// and no archive of anybody else.
fn sources() -> anyhow::Result<(String, Vec<String>)> {
    let mut apt = process::command("apt-get");
    let targets =
        process::output(apt.args(["indextargets", "--format", FORMAT, "Created-By: Packages"]))
            .context("programs for the guest come through apt")?;
    let lines = parse_targets(&targets, |vendor| keyring(vendor).ok());
    let vendor = targets.split('\t').next().unwrap_or_default().to_owned();
    match lines.is_empty() {
        true => bail!(
            "this machine's apt knows no signed archive of Debian or Ubuntu (after a fresh install run `apt-get update` once, \
             and see that the package debian-archive-keyring or ubuntu-keyring is there)"
        ),
        false => Ok((vendor, lines)),
    }
}

/// The same lines for another release. One that has no updates of its own is the last one, which is all updates.
fn of_release(lines: &[String], own: &str, release: &str) -> String {
    let wanted = |line: &&String| release != "sid" || line.contains(&format!(" {own} "));
    let renamed = |line: &String| line.replace(&format!(" {own}"), &format!(" {release}"));
    lines.iter().filter(wanted).map(renamed).collect()
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version
        .split(['.', '-', '+', '~'])
        .map_while(|part| part.parse().ok());
    let (_, oldest) = JUDGED_BY;
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= oldest
}

fn keyring(vendor: &str) -> anyhow::Result<String> {
    let known = VENDORS.iter().find(|(name, _)| *name == vendor);
    let (_, stem) = known.with_context(|| format!("{vendor} is not known"))?;
    let files = ["gpg", "pgp"].map(|ending| format!("{stem}.{ending}"));
    let found = files.into_iter().find(|file| Path::new(file).exists());
    found.with_context(|| format!("{stem}.gpg is missing"))
}

/// One line an archive, each once, of the vendors that have a keyring.
fn parse_targets(targets: &str, keyring: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut lines: Vec<_> = targets
        .lines()
        .filter_map(|line| {
            let [vendor, site, release, component] = line.split('\t').collect::<Vec<_>>()[..]
            else {
                return None;
            };
            let keys = keyring(vendor)?;
            Some(format!(
                "deb [signed-by={keys}] {site} {release} {component}\n"
            ))
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

/// Reads `apt-get --print-uris`: `'URI' file size hash` among other lines.
fn parse_uris(text: &str) -> anyhow::Result<Wanted> {
    let lines = text.lines().filter(|line| line.starts_with('\''));
    let mut wanted = Wanted::default();
    for line in lines {
        let strange = || format!("apt prints neither file nor size: {line}");
        let [_, file, size, ..] = line.split(' ').collect::<Vec<_>>()[..] else {
            bail!(strange());
        };
        wanted.files.push(file.to_owned());
        wanted.bytes += size.parse::<u64>().with_context(strange)?;
    }
    ensure!(!wanted.files.is_empty(), "apt names no package to download");
    Ok(wanted)
}

/// A line for each package: its name and its version, read off the names of the files.
pub(super) fn list(files: &[PathBuf]) -> String {
    let line = |file: &PathBuf| {
        let name = cache::name(file);
        let mut parts = name.split('_');
        let (name, version) = (parts.next()?.to_owned(), parts.next()?);
        // An epoch's colon cannot be part of a file's name.
        Some(format!("{name} {}\n", version.replace("%3a", ":")))
    };
    files.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_vendors_archives_are_asked_each_once() {
        let targets = "Debian\thttp://m/debian/\tbookworm\tmain\n\
            Debian\thttp://m/debian/\tbookworm\tmain\n\
            Somebody\thttp://other/\tstable\tmain\n\
            Debian\thttp://m/security/\tbookworm-security\tmain\n\
            Ubuntu\thttp://u/\tnoble\tuniverse\n";
        let keys = |vendor: &str| (vendor == "Debian").then(|| "/k.gpg".to_owned());
        assert_eq!(
            parse_targets(targets, keys),
            [
                "deb [signed-by=/k.gpg] http://m/debian/ bookworm main\n",
                "deb [signed-by=/k.gpg] http://m/security/ bookworm-security main\n",
            ]
        );
    }

    #[test]
    fn another_release_has_the_same_places() {
        let own = [
            "deb [k] http://m/debian/ bookworm main\n",
            "deb [k] http://m/security/ bookworm-security main\n",
        ];
        let own = own.map(str::to_owned);
        assert_eq!(of_release(&own, "bookworm", "bookworm"), own.concat());
        assert_eq!(
            of_release(&own, "bookworm", "trixie"),
            "deb [k] http://m/debian/ trixie main\ndeb [k] http://m/security/ trixie-security main\n"
        );
        assert_eq!(
            of_release(&own, "bookworm", "sid"),
            "deb [k] http://m/debian/ sid main\n"
        );
    }

    #[test]
    fn only_tools_that_know_kernels_of_today_will_do() {
        assert!(is_new_enough("1.30.1-1") && is_new_enough("1.28.0") && is_new_enough("2.0-1"));
        assert!(!is_new_enough("1.22.1-5+b2") && !is_new_enough("1.26.1-4build3"));
    }

    #[test]
    fn sizes_are_read_off_the_uris() {
        let text = "Reading package lists...\n'http://m/a.deb' a_1_amd64.deb 1000000 SHA256:x\n'http://m/b.deb' b_2_all.deb 500000 SHA256:y\n";
        let wanted = parse_uris(text).unwrap();
        assert_eq!((wanted.files.len(), wanted.megabytes()), (2, 2));
        assert!(parse_uris("Reading package lists...\n").is_err());
        assert!(parse_uris("'http://m/a.deb' a.deb\n").is_err());
    }

    #[test]
    fn versions_are_read_off_the_files() {
        let files = ["a_7%3a5.1.9-0+deb12u1_amd64.deb", "b_1.22.1-5+b2_amd64.deb"];
        let files = files.map(PathBuf::from);
        assert_eq!(list(&files), "a 7:5.1.9-0+deb12u1\nb 1.22.1-5+b2\n");
    }
}
