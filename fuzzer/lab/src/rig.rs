//! What every command that runs programs begins with: a kernel, perhaps with a bug planted, an attach point, and a target
//! that is ready to boot.

use std::ffi::OsString;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use judge::Expectation;

use crate::{
    findings::{Origin, Setup},
    plants,
    setup::{self, Options, patches::Patches},
    target::uml::{Attach, Uml, UmlOptions},
};

/// Every attach point.
const ATTACH: [Attach; 3] = [Attach::DeviceRun, Attach::BufQueue, Attach::None];

/// Options of what runs.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Target")]
pub struct RigArgs {
    /// Build this bug into the modules (`lab plants` lists them)
    #[arg(long, value_name = "NAME")]
    pub plant: Option<String>,
    /// When the double attaches release fences: when a job is armed, when a buffer is queued (the posted draft), or never
    #[arg(long, value_name = "POINT", default_value = "device_run", value_parser = attach_parser())]
    pub attach: Attach,
    /// Boot with kmemleak and let it look for leaked memory (slower)
    #[arg(long)]
    pub kmemleak: bool,
}

fn attach_parser() -> impl TypedValueParser<Value = Attach> {
    PossibleValuesParser::new(ATTACH.map(Attach::name))
        .map(|name| attach(&name).unwrap_or_default())
}

/// The attach point of this name.
pub fn attach(name: &str) -> Option<Attach> {
    ATTACH.into_iter().find(|attach| attach.name() == name)
}

impl RigArgs {
    /// The same as a finding keeps it.
    pub fn setup(&self) -> Setup {
        Setup {
            plant: self.plant.clone(),
            attach: self.attach.name().to_owned(),
            kmemleak: self.kmemleak,
        }
    }

    /// The words of a command line that ask for the same.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<_> = self
            .plant
            .iter()
            .map(|plant| format!("--plant {plant}"))
            .collect();
        if self.attach != Attach::default() {
            words.push(format!("--attach {}", self.attach.name()));
        }
        words.extend(self.kmemleak.then(|| "--kmemleak".to_owned()));
        words
    }

    /// What the judge may expect of the double.
    pub fn expectation(&self) -> Expectation {
        Expectation {
            opted_in: self.attach != Attach::None,
            ..Expectation::default()
        }
    }
}

/// A target that is ready to boot, and what is known about it.
#[derive(Debug)]
pub struct Rig {
    /// The target.
    pub target: Uml,
    /// Version of the kernel tree.
    pub kernel: String,
    /// Keys of the builds of kernel and modules.
    pub build: String,
    /// What was applied to the tree, for people.
    pub patches: String,
    setup: Setup,
}

/// Prepares all that is needed. A plant that does not exist is told before anything is built.
pub fn ready(options: &Options, args: &RigArgs) -> anyhow::Result<Rig> {
    let plant = args.plant.as_deref().map(plants::load).transpose()?;
    let prepared = setup::prepare(options)?;
    let modules = prepared.modules(plant.as_ref())?;
    let (series, lab) = Patches::find(options, &prepared.clone)?.counts();
    let UmlOptions { wall_limit, .. } = UmlOptions::default();
    let uml = UmlOptions {
        attach: args.attach,
        plant: args.plant.clone(),
        kmemleak: args.kmemleak,
        wall_limit,
        ..UmlOptions::default()
    };
    Ok(Rig {
        target: Uml::new(&prepared, uml)?,
        kernel: prepared.kernel.version.clone(),
        build: format!("{}-{}", prepared.kernel.key, modules.key),
        patches: format!("{series} of the series under test, {lab} of the lab"),
        setup: args.setup(),
    })
}

impl Rig {
    /// What the reports of this rig's findings have in common.
    pub fn origin(&self, seed: u64) -> Origin {
        Origin {
            setup: self.setup.clone(),
            kernel: self.kernel.clone(),
            build: self.build.clone(),
            seed,
            patches: self.patches.clone(),
        }
    }
}

/// Arguments that ask for the same kernel.
pub fn kernel_arguments(options: &Options) -> Vec<OsString> {
    let mut arguments = Vec::new();
    let folders = [
        ("--kernel-tree", &options.kernel_tree),
        ("--series", &options.series),
        ("--cache", &options.cache),
    ];
    for (name, folder) in folders {
        arguments.extend(
            folder
                .iter()
                .flat_map(|folder| [name.into(), folder.clone().into_os_string()]),
        );
    }
    arguments.extend(options.no_series.then(|| "--no-series".into()));
    arguments.extend(options.no_install.then(|| "--no-install".into()));
    arguments
}

/// The same as words for a shell.
pub fn kernel_words(options: &Options) -> Vec<String> {
    kernel_arguments(options)
        .iter()
        .map(|word| quoted(&word.to_string_lossy()))
        .collect()
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:,@%".contains(letter);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        rig: RigArgs,
    }

    #[test]
    fn the_words_ask_for_the_same() {
        for attach in ATTACH {
            let rig = RigArgs {
                plant: Some("x".into()),
                attach,
                kmemleak: true,
            };
            let words = rig.words().join(" ");
            let line = Line::parse_from(["lab"].into_iter().chain(words.split(' ')));
            assert_eq!((line.rig.setup(), line.rig.kmemleak), (rig.setup(), true));
        }
        assert!(Line::parse_from(["lab"]).rig.words().is_empty());
    }

    #[test]
    fn a_shell_gets_its_words_back() {
        assert_eq!(quoted("a/b-1.vb2"), "a/b-1.vb2");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(quoted(""), "''");
    }
}
