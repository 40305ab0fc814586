//! What every command that runs programs begins with: a kernel, perhaps with a bug planted, an attach point, and a target
//! that is ready to boot.

use std::ffi::OsString;

use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use judge::Expectation;
use program::Driver;

use crate::{
    client::Copied,
    exit::malformed,
    findings::{Origin, Setup},
    plants,
    setup::{
        self, Options, Prepared,
        cache::Cache,
        debian::{self, Debian},
        patches::Patches,
    },
    symbols::Symbols,
    target::uml::{Attach, Uml, UmlOptions, double::Shape, host},
};

/// Every attach point.
const ATTACH: [Attach; 3] = [Attach::DeviceRun, Attach::BufQueue, Attach::None];

/// Options of what runs.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Target")]
pub struct RigArgs {
    /// The driver under test: the lab's double, or one of the kernel's own
    #[arg(long, value_name = "NAME", default_value = "double", value_parser = driver_parser())]
    pub driver: Driver,
    /// Build this bug into the modules (`lab plants` lists them)
    #[arg(long, value_name = "NAME")]
    pub plant: Option<String>,
    /// When the driver attaches release fences: when a job is armed, when a buffer is queued (the posted draft), or never
    /// [default: device_run; none with --vanilla]
    #[arg(long, value_name = "POINT", value_parser = attach_parser())]
    pub attach: Option<Attach>,
    /// Nodes and memory of the double
    #[command(flatten)]
    pub shape: Shape,
    /// Boot with kmemleak and let it look for leaked memory (slower)
    #[arg(long)]
    pub kmemleak: bool,
    /// The core to run on; commands that boot several targets decide.
    #[arg(skip)]
    pub core: Option<usize>,
}

/// Reads the name of a driver.
pub fn driver_parser() -> impl TypedValueParser<Value = Driver> {
    PossibleValuesParser::new(Driver::ALL.map(Driver::name))
        .map(|name| Driver::named(&name).unwrap_or_default())
}

/// Reads the name of an attach point.
pub fn attach_parser() -> impl TypedValueParser<Value = Attach> {
    PossibleValuesParser::new(ATTACH.map(Attach::name))
        .map(|name| attach(&name).unwrap_or_default())
}

/// The attach point of this name.
pub fn attach(name: &str) -> Option<Attach> {
    ATTACH.into_iter().find(|attach| attach.name() == name)
}

impl RigArgs {
    /// The arguments that ask for what a finding or a campaign was made on.
    pub fn of(setup: &Setup) -> anyhow::Result<RigArgs> {
        let attach = attach(&setup.attach)
            .with_context(|| format!("there is no attach point {}", setup.attach))?;
        let driver = Driver::named(&setup.driver)
            .with_context(|| format!("there is no driver {}", setup.driver))?;
        Ok(RigArgs {
            driver,
            plant: setup.plant.clone(),
            attach: Some(attach),
            shape: setup.shape.clone(),
            kmemleak: setup.kmemleak,
            core: None,
        })
    }

    /// The attach point.
    pub fn attach(&self) -> Attach {
        self.attach.unwrap_or_default()
    }

    /// Refuses what cannot be. Without a helper nothing can attach; asking for it is a mistake.
    pub fn settle(&mut self, options: &Options) -> anyhow::Result<()> {
        self.shape.check()?;
        if !options.vanilla {
            return Ok(());
        }
        if self.plant.is_some() {
            return Err(malformed(
                "--vanilla has no helper to plant a bug in: leave out --plant",
            ));
        }
        match self.attach.replace(Attach::None) {
            None | Some(Attach::None) => Ok(()),
            Some(other) => Err(malformed(format!(
                "--vanilla has no helper to attach fences with: leave out --attach {}",
                other.name()
            ))),
        }
    }

    /// The same as a finding keeps it.
    pub fn setup(&self) -> Setup {
        Setup {
            driver: self.driver.name().to_owned(),
            plant: self.plant.clone(),
            attach: self.attach().name().to_owned(),
            shape: self.shape.clone(),
            kmemleak: self.kmemleak,
        }
    }

    /// The words of a command line that ask for the same.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.driver != Driver::default() {
            words.push(format!("--driver {}", self.driver.name()));
        }
        words.extend(self.plant.iter().map(|plant| format!("--plant {plant}")));
        if self.attach() != Attach::default() {
            words.push(format!("--attach {}", self.attach().name()));
        }
        words.extend(self.shape.words());
        words.extend(self.kmemleak.then(|| "--kmemleak".to_owned()));
        words
    }

    /// What the judge may expect of the driver.
    pub fn expectation(&self) -> Expectation {
        let expectation = Expectation::of(self.driver, self.attach() != Attach::None);
        Expectation {
            // The model knows the double as it is by default.
            model: expectation.model.filter(|_| self.shape.is_default()),
            ..expectation
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
    options: Vec<String>,
    symbols: Symbols,
    _debian: Option<Debian>,
}

/// Prepares all that is needed. A plant that does not exist is told before anything is built.
pub fn ready(options: &Options, args: &RigArgs) -> anyhow::Result<Rig> {
    ready_with(options, args, Inside::default())
}

/// What is in the guest besides the lab's own.
#[derive(Clone, Debug, Default)]
pub struct Inside {
    /// Program files: where each is here, and there.
    pub files: Vec<Copied>,
    /// Programs of a Debian release.
    pub debian: Option<Debian>,
}

impl Inside {
    /// Program files alone.
    pub fn of(files: Vec<Copied>) -> Inside {
        Inside {
            files,
            debian: None,
        }
    }

    /// The programs of these packages, fetched if the cache does not have them.
    pub fn packages<P: AsRef<str>>(options: &Options, packages: &[P]) -> anyhow::Result<Inside> {
        let packages: Vec<_> = packages
            .iter()
            .map(|name| name.as_ref().to_owned())
            .collect();
        let cache = Cache::open(options.cache.as_deref())?;
        Ok(Inside {
            files: Vec::new(),
            debian: Some(debian::ensure(&cache, &packages)?),
        })
    }
}

/// The same with programs in the guest.
pub fn ready_with(options: &Options, args: &RigArgs, inside: Inside) -> anyhow::Result<Rig> {
    on(&prepare(options, args)?, options, args, inside)
}

/// So many rigs; if there are several, each on the next core.
pub fn several(
    prepared: &Prepared,
    options: &Options,
    args: &RigArgs,
    count: usize,
    inside: impl Fn() -> Inside,
) -> anyhow::Result<Vec<Rig>> {
    let cores = host::cores()?;
    let rig = |number: usize| {
        let core = cores[number % cores.len()];
        let args = RigArgs {
            core: if count > 1 { Some(core) } else { args.core },
            ..args.clone()
        };
        on(prepared, options, &args, inside())
    };
    (0..count).map(rig).collect()
}

/// What is prepared once for any number of rigs.
pub fn prepare(options: &Options, args: &RigArgs) -> anyhow::Result<Prepared> {
    args.plant.as_deref().map(plants::load).transpose()?;
    setup::prepare(options)
}

/// The same with what was prepared before.
pub fn on(
    prepared: &Prepared,
    options: &Options,
    args: &RigArgs,
    inside: Inside,
) -> anyhow::Result<Rig> {
    let plant = args.plant.as_deref().map(plants::load).transpose()?;
    let modules = prepared.modules(plant.as_ref())?;
    let (series, lab) = Patches::find(options, &prepared.clone)?.counts();
    let UmlOptions { wall_limit, .. } = UmlOptions::default();
    let uml = UmlOptions {
        driver: args.driver,
        attach: args.attach(),
        shape: args.shape.clone(),
        plant: args.plant.clone(),
        core: args.core,
        kmemleak: args.kmemleak,
        wall_limit,
        files: inside.files,
        debian: inside.debian.as_ref().map(Debian::root),
        ..UmlOptions::default()
    };
    Ok(Rig {
        target: Uml::new(prepared, uml)?,
        kernel: prepared.kernel.version.clone(),
        build: format!("{}-{}", prepared.kernel.key, modules.key),
        patches: format!("{series} of the series under test, {lab} of the lab"),
        setup: args.setup(),
        options: kernel_words(options),
        symbols: Symbols::of(prepared, &modules),
        _debian: inside.debian,
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
            options: self.options.clone(),
            symbols: self.symbols.clone(),
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
    arguments.extend(options.vanilla.then(|| "--vanilla".into()));
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
    use crate::target::uml::double::{Memory, Node};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        rig: RigArgs,
    }

    #[test]
    fn the_words_ask_for_the_same() {
        for (attach, driver) in ATTACH.into_iter().zip(Driver::ALL) {
            let rig = RigArgs {
                driver,
                plant: Some("x".into()),
                attach: Some(attach),
                shape: Shape::of(Node::Encoder, Memory::DmaContig),
                kmemleak: true,
                core: None,
            };
            let words = rig.words().join(" ");
            let line = Line::parse_from(["lab"].into_iter().chain(words.split(' ')));
            assert_eq!(line.rig.setup(), rig.setup());
        }
        assert!(Line::parse_from(["lab"]).rig.words().is_empty());
    }

    #[test]
    fn a_vanilla_kernel_attaches_nothing() {
        let vanilla = Options {
            vanilla: true,
            ..Options::default()
        };
        let settled = |attach, options: &Options| {
            let mut rig = RigArgs {
                attach,
                ..RigArgs::default()
            };
            rig.settle(options).map(|()| rig.attach())
        };
        assert_eq!(settled(None, &vanilla).unwrap(), Attach::None);
        assert_eq!(
            settled(None, &Options::default()).unwrap(),
            Attach::DeviceRun
        );
        let error = settled(Some(Attach::BufQueue), &vanilla).unwrap_err();
        assert!(error.to_string().contains("buf_queue"), "{error}");
    }

    #[test]
    fn a_shell_gets_its_words_back() {
        assert_eq!(quoted("a/b-1.vb2"), "a/b-1.vb2");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(quoted(""), "''");
    }
}
