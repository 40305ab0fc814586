//! A reproducer, built with the machine's own C compiler.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use tempfile::TempDir;

use crate::process;

/// What a maintainer's compiler has no complaint about.
const STRICT: [&str; 6] = [
    "-std=gnu11",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-pthread",
];

/// A program for the guest, as long as this lives.
#[derive(Debug)]
pub struct Built {
    folder: TempDir,
}

impl Built {
    /// Builds a file, statically, so that the guest needs no library for it.
    pub fn of(source: &Path) -> anyhow::Result<Built> {
        let built = Built {
            folder: tempfile::tempdir().context("a folder for the reproducer")?,
        };
        let mut cc = process::command("cc");
        cc.args(STRICT).arg("-static").arg("-o");
        cc.arg(built.program()).arg(source);
        process::output(&mut cc).with_context(|| format!("{} does not build", source.display()))?;
        Ok(built)
    }

    /// The same for a text.
    pub fn of_text(text: &str) -> anyhow::Result<Built> {
        let folder = tempfile::tempdir().context("a folder for the reproducer")?;
        let source = folder.path().join("reproducer.c");
        fs::write(&source, text).with_context(|| source.display().to_string())?;
        Built::of(&source)
    }

    /// The program.
    pub fn program(&self) -> PathBuf {
        self.folder.path().join("reproducer")
    }
}
