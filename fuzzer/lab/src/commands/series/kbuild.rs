//! Objects of the kernel for one architecture, out of tree, with W=1 and sparse.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use super::{
    builder::{self, Builder, Built},
    finding::Finding,
    makelog::Said,
    objects::Plan,
    probe::Probe,
};
use crate::{
    process,
    setup::{llvm::Llvm, sparse::Sparse},
};

/// Changes whenever this file builds something else from the same inputs.
const RECIPE: &str = "kbuild 2";

/// Over allmodconfig.
const FRAGMENT: &str = include_str!("all.config");

/// In the folder of objects, the state that it is configured for.
const CONFIGURED: &str = ".lab-configured";

/// An architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Arch {
    /// User-Mode Linux on x86-64.
    Um,
    /// x86-64.
    #[value(name = "x86_64")]
    X86,
    /// 64-bit Arm.
    Arm64,
}

impl Arch {
    /// All of them.
    pub(super) const ALL: [Arch; 3] = [Arch::Um, Arch::X86, Arch::Arm64];

    /// The value of `ARCH=`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Arch::Um => "um",
            Arch::X86 => "x86_64",
            Arch::Arm64 => "arm64",
        }
    }

    /// The folder below `arch/`.
    fn folder(self) -> &'static str {
        match self {
            Arch::X86 => "x86",
            Arch::Um | Arch::Arm64 => self.name(),
        }
    }
}

/// Builds for one architecture.
#[derive(Clone, Debug)]
pub(super) struct Kbuild {
    pub(super) arch: Arch,
    pub(super) source: PathBuf,
    pub(super) output: PathBuf,
    pub(super) llvm: Llvm,
    pub(super) clang: String,
    pub(super) sparse: Sparse,
    pub(super) jobs: usize,
    pub(super) log: PathBuf,
}

impl Builder for Kbuild {
    fn name(&self) -> &str {
        self.arch.name()
    }

    fn wanted<'p>(&self, plan: &'p Plan) -> &'p BTreeSet<String> {
        &plan.objects
    }

    fn identity(&self) -> String {
        [
            RECIPE,
            self.name(),
            &self.clang,
            &self.sparse.version,
            FRAGMENT,
        ]
        .join("\n")
    }

    fn build(&self, wanted: &BTreeSet<String>, config: &str) -> anyhow::Result<Built> {
        let mut built = Built {
            errors: self.configure(config)?,
            ..Built::default()
        };
        if !built.errors.is_empty() {
            return Ok(built);
        }
        let probe = Probe::new(&self.source, &self.output, self.arch.folder());
        let mut there = Vec::new();
        for object in wanted {
            match probe.missing(object)? {
                Some(why) => drop(built.missing.insert(object.clone(), why)),
                None => there.push(object),
            }
        }
        if there.is_empty() {
            return Ok(built);
        }
        there
            .iter()
            .try_for_each(|object| forget(&self.output.join(object)))?;
        let said = builder::run(
            self.make().arg("--keep-going").args(&there),
            &self.log,
            &self.source,
        )?;
        built.errors = said.errors;
        for (object, outcome) in said.compiled {
            if wanted.contains(&object) {
                built.compiled.insert(object, outcome);
            } else {
                // Something that every object needs is broken.
                built.errors.extend(outcome.errors);
            }
        }
        built.errors.extend(self.absent(&there, &built));
        Ok(built)
    }
}

impl Kbuild {
    /// What make claims to have built and has not.
    fn absent(&self, objects: &[&String], built: &Built) -> Vec<Finding> {
        let is_silent = |object: &&&String| {
            let outcome = built.compiled.get(object.as_str());
            let told = outcome.map_or(!built.errors.is_empty(), |outcome| {
                !outcome.errors.is_empty()
            });
            !told && !self.output.join(object.as_str()).is_file()
        };
        let why = "make says that all is well and has not built it";
        let absent = objects.iter().filter(is_silent);
        absent
            .map(|object| Finding::bounce(object.as_str(), None, why))
            .collect()
    }

    /// Configures anew if what a configuration is made from has changed; gives what is wrong with it.
    fn configure(&self, state: &str) -> anyhow::Result<Vec<Finding>> {
        let mark = self.output.join(CONFIGURED);
        let state = format!("{}\n{state}", self.identity());
        if fs::read_to_string(&mark).is_ok_and(|done| done == state) {
            return Ok(Vec::new());
        }
        forget(&mark)?;
        let fragment = self.output.join(".lab-all.config");
        fs::write(&fragment, FRAGMENT).with_context(|| fragment.display().to_string())?;
        let mut make = self.make();
        make.arg(format!("KCONFIG_ALLCONFIG={}", fragment.display()))
            .arg("allmodconfig");
        let mut errors = errors_of(builder::run(&mut make, &self.log, &self.source)?);
        if errors.is_empty() {
            let said = builder::run(self.make().arg("prepare"), &self.log, &self.source)?;
            errors = errors_of(said);
        }
        if errors.is_empty() {
            fs::write(&mark, state).with_context(|| mark.display().to_string())?;
        }
        Ok(errors)
    }

    fn make(&self) -> Command {
        let mut make = process::command("make");
        make.arg("-C")
            .arg(&self.source)
            .arg(format!("O={}", self.output.display()));
        make.args([
            &format!("ARCH={}", self.arch.name()),
            &format!("LLVM={}", self.llvm.make_value()),
            &format!("-j{}", self.jobs),
            // Keeps together what is said of one target.
            "--output-sync=target",
            "W=1",
            "C=1",
            // kernel-doc has a check of its own, which compares.
            "KERNELDOC=/dev/null",
        ]);
        make.arg(format!("CHECK={}", self.sparse.program.display()));
        make.env("KBUILD_BUILD_TIMESTAMP", "2026-01-01")
            .env("KBUILD_BUILD_USER", "lab")
            .env("KBUILD_BUILD_HOST", "lab");
        make
    }
}

fn errors_of(said: Said) -> Vec<Finding> {
    let outcomes = said.compiled.into_values();
    let of_objects = outcomes.flat_map(|outcome| outcome.errors);
    said.errors.into_iter().chain(of_objects).collect()
}

/// Removes a file that may not be there.
fn forget(file: &Path) -> anyhow::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| file.display().to_string())
        }
        _ => Ok(()),
    }
}
