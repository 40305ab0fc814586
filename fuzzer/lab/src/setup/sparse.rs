//! sparse: the machine's own if the kernel takes it, else a newer release's package in the cache.
//!
//! Linux 7.x needs sparse 0.6.5 (`__typeof_unqual__`), which stable releases lack. The package of a newer release may ask
//! for a newer C library than the machine has, so that one comes along and is used for sparse alone.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{
    apt,
    cache::{self, Cache},
};
use crate::process;

/// Changes whenever this file puts something else into the cache.
const ENTRY: &str = "sparse-0.6.5";

/// What the kernel's scripts/checker-valid.sh tries, too.
const PROBE: &str =
    "static inline int u(const int *q)\n{\n\t__typeof_unqual__(*q) v = *q;\n\treturn v;\n}\n";

/// The program for Kbuild's `CHECK=`.
#[derive(Clone, Debug)]
pub struct Sparse {
    /// The program.
    pub program: PathBuf,
    /// What it calls itself.
    pub version: String,
}

/// Finds one that fits, or fetches it.
/// Waits for no other lab if it is there.
pub fn ensure(cache: &Cache) -> anyhow::Result<Sparse> {
    let program = cache.place("tools", ENTRY).join("sparse");
    let own = process::find("sparse").into_iter();
    if let Some(found) = own
        .chain([program.clone()])
        .find_map(|program| fitting(&program))
    {
        return Ok(found);
    }
    cache
        .lock()?
        .entry("tools", ENTRY, |dir| fetch(cache, dir))?;
    fitting(&program).with_context(|| {
        format!(
            "{} does not take what the kernel needs; install sparse 0.6.5 or newer",
            program.display()
        )
    })
}

fn fitting(program: &Path) -> Option<Sparse> {
    let file = tempfile::NamedTempFile::with_suffix(".c").ok()?;
    fs::write(file.path(), PROBE).ok()?;
    let output = process::command(program).arg(file.path()).output().ok()?;
    // sparse ends with 0 whatever it meets.
    let accepted = output.status.success() && output.stderr.is_empty();
    let version = process::output(process::command(program).arg("--version")).ok()?;
    accepted.then(|| Sparse {
        program: program.to_owned(),
        version: version.trim().to_owned(),
    })
}

fn fetch(cache: &Cache, dir: &Path) -> anyhow::Result<()> {
    let (suite, package) = apt::fetch(cache, "sparse", |all| {
        apt::named(all, "sparse").filter(|package| is_new_enough(&package.version))
    })
    .context("the kernel needs sparse 0.6.5 or newer; install it")?;
    suite.unpack(&package, &dir.join("package"))?;
    let libc = suite.packages("libc6")?;
    let libc = apt::named(&libc, "libc6").context("the suite of sparse has no libc6")?;
    suite.unpack(&libc, &dir.join("package"))?;
    wrap(dir)
}

/// `0.6.5~rc1-2` is new enough, `0.6.4-5` is not.
fn is_new_enough(version: &str) -> bool {
    let mut parts = version
        .split(['.', '~', '-', '+'])
        .map_while(|part| part.parse::<u32>().ok());
    let mut part = || parts.next().unwrap_or(0);
    (part(), part(), part()) >= (0, 6, 5)
}

/// A script that starts sparse with the library it was made for. It finds both beside itself: the folder will move.
fn wrap(dir: &Path) -> anyhow::Result<()> {
    let libraries = dir.join("package/usr/lib/x86_64-linux-gnu");
    let loader = cache::entries(&libraries)?
        .into_iter()
        .map(|file| cache::name(&file))
        .find(|name| name.starts_with("ld-linux"))
        .with_context(|| format!("{} holds no ld-linux", libraries.display()))?;
    let script = format!(
        "#!/bin/sh\nhere=$(dirname \"$0\")/package\nlib=$here/usr/lib/x86_64-linux-gnu\n\
         exec \"$lib/{loader}\" --library-path \"$lib\" \"$here/usr/bin/sparse\" \"$@\"\n"
    );
    let place = dir.join("sparse");
    fs::write(&place, script).with_context(|| place.display().to_string())?;
    Ok(fs::set_permissions(
        &place,
        fs::Permissions::from_mode(0o755),
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart() {
        for new in ["0.6.5~rc1-2", "0.6.5-1", "0.7.0-1", "1.0-1"] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["0.6.4-5", "0.6.4", "0.5.9-1"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }
}
