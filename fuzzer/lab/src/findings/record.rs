//! `finding.json`: what a machine needs to repeat a finding.

use std::path::Path;

use anyhow::Context;
use engine::Finding;
use program::Driver;
use serde::{Deserialize, Serialize};

use crate::{
    exit::malformed,
    reproducer::{Reproduction, Sight},
    target::uml::double::Shape,
};

/// Name of the file in a finding's folder.
pub const NAME: &str = "finding.json";

/// Version of the file's form; another one is refused.
const VERSION: u32 = 1;

/// What a finding was made on, as far as a replay has to set it up again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The driver under test.
    #[serde(default = "double")]
    pub driver: String,
    /// The planted bug, if one was built in.
    pub plant: Option<String>,
    /// The driver's `attach` parameter.
    pub attach: String,
    /// Nodes and memory of the double.
    #[serde(flatten)]
    pub shape: Shape,
    /// Whether it takes a scan for leaked memory to see the finding.
    #[serde(default)]
    pub kmemleak: bool,
}

/// What findings were made on before there was a choice.
fn double() -> String {
    Driver::Double.name().to_owned()
}

/// The content of `finding.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this form.
    pub version: u32,
    /// The invariant that was broken.
    pub invariant: String,
    /// How, in one line.
    pub title: String,
    /// Exit code of its class.
    pub exit_code: u8,
    /// Replays on fresh boots that showed it, `3/3`.
    pub reproduced: String,
    /// Driver, plant and attach point.
    #[serde(flatten)]
    pub setup: Setup,
    /// `uname -r` of the kernel.
    pub kernel: String,
    /// Key of the build: a hash over tree, patches, configuration and tools.
    pub build: String,
    /// Seed of the campaign.
    pub seed: u64,
    /// The C program, if there is one.
    #[serde(default)]
    pub reproducer: Option<InC>,
}

/// What is known of a finding's C program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InC {
    /// Where its failure shows.
    pub sight: Sight,
    /// Whether it showed when the finding was made; none if it was not run.
    pub shows: Option<bool>,
}

impl InC {
    /// What is kept of a reproduction.
    pub(super) fn of(reproduction: &Reproduction) -> Option<InC> {
        let source = reproduction.source.as_ref().ok()?;
        let outcome = reproduction.outcome.as_ref().ok();
        Some(InC {
            sight: source.sight,
            shows: outcome.map(|outcome| outcome.shown.is_failure()),
        })
    }
}

/// `3/3`
pub fn reproduced(finding: &Finding) -> String {
    format!("{}/{}", finding.reproduced, engine::triage::REPLAYS)
}

impl Record {
    /// The record of a finding.
    pub fn new(finding: &Finding, setup: Setup, kernel: &str, build: &str, seed: u64) -> Record {
        Record {
            version: VERSION,
            invariant: finding.key.invariant.clone(),
            title: finding.key.title.clone(),
            exit_code: finding.exit_code,
            reproduced: reproduced(finding),
            setup: Setup {
                kmemleak: finding.leaks,
                ..setup
            },
            kernel: kernel.to_owned(),
            build: build.to_owned(),
            seed,
            reproducer: None,
        }
    }

    /// Reads the record of a finding's folder.
    pub fn read(folder: &Path) -> anyhow::Result<Record> {
        let path = folder.join(NAME);
        let bytes = std::fs::read(&path).with_context(|| {
            format!(
                "{}: a finding's folder holds this file; give a program file or such a folder",
                path.display()
            )
        })?;
        let record: Record = serde_json::from_slice(&bytes)
            .map_err(|error| malformed(format!("{}: {error}", path.display())))?;
        match record.version {
            VERSION => Ok(record),
            other => Err(malformed(format!(
                "{}: version {other}, expected {VERSION}",
                path.display()
            ))),
        }
    }

    /// What tells findings apart.
    pub fn key(&self) -> engine::Key {
        engine::Key {
            invariant: self.invariant.clone(),
            title: self.title.clone(),
        }
    }
}
