//! The lab as its users run it: this program, started again with a command line.

use std::{ffi::OsStr, path::Path, process::Output};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Context;
use crate::{exit::Exit, process, rig};

/// What a lab said and how it ended.
pub(super) struct Ended {
    exit: Option<i32>,
    said: String,
    line: String,
}

/// Runs the lab with this command line, on the same kernel as this one.
pub(super) fn lab<S: AsRef<OsStr>>(context: &Context, words: &[S]) -> anyhow::Result<Ended> {
    let program = std::env::current_exe().context("where this program is")?;
    let mut command = process::command(program);
    command.args(words);
    command.args(rig::kernel_arguments(&context.options));
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().context("cannot start the lab again")?;
    let said = [stdout, stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    let words: Vec<_> = words
        .iter()
        .map(|word| word.as_ref().to_string_lossy())
        .collect();
    Ok(Ended {
        exit: status.code(),
        said,
        line: words.join(" "),
    })
}

impl Ended {
    /// Fails unless the exit code is this one.
    pub(super) fn expect(&self, exit: Exit) -> anyhow::Result<&Ended> {
        ensure!(
            self.exit == Some(i32::from(exit.0)),
            "«lab {}» ended with {:?} instead of {}:\n{}",
            self.line,
            self.exit,
            exit.0,
            self.last_lines()
        );
        Ok(self)
    }

    /// Fails unless the output contains this.
    pub(super) fn says(&self, text: &str) -> anyhow::Result<&Ended> {
        ensure!(
            self.said.contains(text),
            "«lab {}» did not say «{text}»:\n{}",
            self.line,
            self.last_lines()
        );
        Ok(self)
    }

    /// The exit code, if it is that of a class of violations.
    pub(super) fn class(&self) -> anyhow::Result<Exit> {
        let code = self
            .exit
            .and_then(|code| u8::try_from(code).ok())
            .filter(|code| (10..=14).contains(code) || *code == 16);
        let code = code.with_context(|| {
            format!(
                "«lab {}» ended with {:?}, no class of violations:\n{}",
                self.line,
                self.exit,
                self.last_lines()
            )
        })?;
        Ok(Exit(code))
    }

    /// The end of what it said.
    pub(super) fn last_lines(&self) -> String {
        let lines: Vec<_> = self.said.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

/// Reads a JSON file that a lab wrote.
pub(super) fn json(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// A number in it.
pub(super) fn number(json: &Value, key: &str) -> anyhow::Result<u64> {
    json[key]
        .as_u64()
        .with_context(|| format!("the JSON file has no number {key}"))
}
