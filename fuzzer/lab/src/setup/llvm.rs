//! Which LLVM builds the kernel.

use std::path::PathBuf;

use crate::process;

/// Versions in the order of preference: what the series was built with, then newer ones.
const MAJORS: [u32; 7] = [19, 20, 21, 22, 23, 24, 25];

/// An installed LLVM with clang, lld and the binary tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Llvm {
    /// Major version.
    pub major: u32,
    /// What follows the programs' names: `-19`, or nothing.
    suffix: String,
}

impl Llvm {
    /// The preferred one of those that are installed whole.
    pub fn find() -> Option<Llvm> {
        let versioned = MAJORS.into_iter().map(|major| Llvm {
            major,
            suffix: format!("-{major}"),
        });
        versioned.chain(plain()).find(Llvm::is_whole)
    }

    fn is_whole(&self) -> bool {
        let programs = [
            "clang",
            "ld.lld",
            "llvm-ar",
            "llvm-nm",
            "llvm-objcopy",
            "llvm-strip",
            "llvm-readelf",
        ];
        programs
            .iter()
            .all(|name| process::find(&self.program(name)).is_some())
            && self.libclang().is_some()
    }

    /// `clang` as this version calls it.
    pub fn program(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// The value of Kbuild's `LLVM=`.
    pub fn make_value(&self) -> &str {
        if self.suffix.is_empty() {
            "1"
        } else {
            &self.suffix
        }
    }

    /// The folder with the library that bindgen loads; it must be the same version as the compiler.
    pub fn libclang(&self) -> Option<PathBuf> {
        let folders = [
            format!("/usr/lib/llvm-{}/lib", self.major),
            "/usr/lib64".into(),
            "/usr/lib".into(),
        ];
        folders.into_iter().map(PathBuf::from).find(has_libclang)
    }

    /// The first line of `clang --version`.
    pub fn version(&self) -> anyhow::Result<String> {
        let said = process::output(process::command(self.program("clang")).arg("--version"))?;
        Ok(said.lines().next().unwrap_or_default().to_owned())
    }
}

fn has_libclang(folder: &PathBuf) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.map(|file| file.file_name()).any(|name| {
        name.to_string_lossy().starts_with("libclang.so")
            || name.to_string_lossy().starts_with("libclang-")
    })
}

/// An LLVM without a suffix, if it is new enough.
fn plain() -> Option<Llvm> {
    let said = process::output(process::command("clang").arg("--version")).ok()?;
    let major = major_of(&said)?;
    (major >= MAJORS[0]).then(|| Llvm {
        major,
        suffix: String::new(),
    })
}

fn major_of(said: &str) -> Option<u32> {
    said.split("version ")
        .nth(1)?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// The version to install: the preferred one of those that apt has.
pub fn installable() -> u32 {
    let has = |major: &u32| {
        let said = process::output(
            process::command("apt-cache").args(["policy", &format!("clang-{major}")]),
        );
        said.is_ok_and(|said| has_candidate(&said))
    };
    MAJORS.into_iter().find(has).unwrap_or(MAJORS[0])
}

fn has_candidate(policy: &str) -> bool {
    let mut lines = policy
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Candidate:"));
    lines.any(|version| version.trim() != "(none)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_candidates_are_read() {
        assert_eq!(
            major_of("Debian clang version 19.1.7 (3)\nTarget: x"),
            Some(19)
        );
        assert_eq!(major_of("cc (Debian 12.2.0) 12.2.0"), None);
        assert!(has_candidate(
            "clang-19:\n  Installed: (none)\n  Candidate: 1:19.1.7-3\n"
        ));
        assert!(!has_candidate(
            "clang-19:\n  Installed: (none)\n  Candidate: (none)\n"
        ));
        assert!(!has_candidate(""));
    }
}
