//! `lab corpus`: what campaigns have learnt, made smaller, checked, and carried from one to another.

mod check;
mod minimise;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use engine::store;
use program::Program;

use crate::{
    campaign::{self, Folder, Identity},
    exit::{Exit, malformed},
    findings,
    rig::{self, Inside, Rig, RigArgs},
    setup::Options,
};

/// Arguments of `lab corpus`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

const HELP: &str = "A campaign's folder is what `lab fuzz --campaign DIR` names or, without that, prints. A file that is no program is told \
with its line, and nothing is changed then.";

/// What can be done to a corpus.
#[derive(Clone, Debug, Subcommand)]
pub enum What {
    /// Remove programs that show nothing which others do not show, too
    Minimise {
        /// The campaign's folder
        #[arg(value_name = "DIR")]
        campaign: PathBuf,
    },
    /// Take the programs of a folder, or of another campaign, into the corpus of a campaign
    Import {
        /// The campaign's folder; it must have been searched in before
        #[arg(value_name = "DIR")]
        campaign: PathBuf,
        /// The folder with programs (*.vb2), or the other campaign
        #[arg(value_name = "FROM")]
        from: PathBuf,
    },
    /// Write the programs of a campaign's corpus to a folder, a text file each
    Export {
        /// The campaign's folder
        #[arg(value_name = "DIR")]
        campaign: PathBuf,
        /// The folder to write to
        #[arg(value_name = "TO")]
        to: PathBuf,
    },
    /// Run every program twice, on fresh boots: its traces must be equal
    Check {
        /// The campaign's folder
        #[arg(value_name = "DIR")]
        campaign: PathBuf,
        /// Guests at work, each on a core of its own
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=64))]
        instances: u64,
        /// Boot only now and then: run all forwards and then backwards, each after others, and on fresh boots only those that
        /// differ or break something there (a hundred times as fast)
        #[arg(long)]
        quick: bool,
    },
}

/// Does it.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    match args.what {
        What::Minimise { campaign } => minimise::run(&campaign, options),
        What::Import { campaign, from } => import(&campaign, &from),
        What::Export { campaign, to } => export(&campaign, &to),
        What::Check {
            campaign,
            instances,
            quick,
        } => check::run(&campaign, instances, quick, options),
    }
}

/// Who the campaign is. A folder that is none is refused.
fn identity(campaign: &Path) -> anyhow::Result<Identity> {
    Identity::read(campaign)?.ok_or_else(|| {
        malformed(format!(
            "{} is no campaign's folder: it has no campaign.json",
            campaign.display()
        ))
    })
}

fn import(campaign: &Path, from: &Path) -> anyhow::Result<Exit> {
    let identity = identity(campaign)?;
    let there = campaign::corpus_of(from);
    let source = if there.is_dir() { &there } else { from };
    let programs = findings::programs(source)?;
    let (mut folder, _) = Folder::open(campaign, &identity)?;
    let before = folder.corpus();
    for (_, program) in &programs {
        folder.keep_told(program)?;
    }
    println!(
        "{} of {} programs are new; the corpus has {}",
        folder.corpus() - before,
        programs.len(),
        folder.corpus()
    );
    Ok(Exit::HELD)
}

fn export(campaign: &Path, to: &Path) -> anyhow::Result<Exit> {
    identity(campaign)?;
    let programs = findings::programs(&campaign::corpus_of(campaign))?;
    for (_, program) in &programs {
        let file = to.join(campaign::program_name(program));
        store::write(&file, program.to_string().as_bytes())?;
    }
    println!("{} programs written to {}", programs.len(), to.display());
    Ok(Exit::HELD)
}

/// A campaign's programs with their files, what they run on, and the rigs.
type Equipped = (Vec<(PathBuf, Program)>, RigArgs, Vec<Rig>);

/// The programs of a campaign, and so many rigs to run them on.
fn equipped(campaign: &Path, instances: usize, options: &Options) -> anyhow::Result<Equipped> {
    let identity = identity(campaign)?;
    let programs = findings::programs(&campaign::corpus_of(campaign))?;
    let mut args = RigArgs::of(&identity.setup).context("campaign.json")?;
    args.settle(options)?;
    let prepared = rig::prepare(options, &args)?;
    let rigs = rig::several(&prepared, options, &args, instances, Inside::default)?;
    Ok((programs, args, rigs))
}
