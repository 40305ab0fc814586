//! `lab report`: what a campaign came to, as one page that needs nothing else.

mod charts;
mod coverage;
mod page;
mod unreached;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use engine::store;

use crate::{
    campaign::{Identity, places},
    exit::Exit,
    progress::Stage,
    rig::{self, RigArgs},
    setup::Options,
    symbols::Symbols,
};
use coverage::Coverage;
use page::Page;

/// Arguments of `lab report`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The campaign's folder, as `lab fuzz` names it
    #[arg(value_name = "CAMPAIGN")]
    pub campaign: PathBuf,
    /// Write the page to FILE
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub html: PathBuf,
    /// Write the line coverage for genhtml and the like to FILE
    #[arg(long, value_name = "FILE")]
    pub lcov: Option<PathBuf>,
}

const HELP: &str = "The page has the coverage over time, the lines of videobuf2, mem2mem and dma-buf that programs reached with their source, \
what was not reached and why, how often which state was visited, how long fences lived, and the findings. A line counts if \
KCOV instruments it: each basic block tells its first one. The exit code is 2 if a function that is said to be out of reach \
was reached.";

/// Makes the page.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    let identity = Identity::read(&args.campaign)?;
    let identity =
        identity.with_context(|| format!("{} is no campaign's folder", args.campaign.display()))?;
    let rig = RigArgs::of(&identity.setup)?;
    let prepared = rig::prepare(options, &rig)?;
    let plant = rig.plant.as_deref().map(crate::plants::load).transpose()?;
    let modules = prepared.modules(plant.as_ref())?;
    let file = args.campaign.join("coverage.pcs");
    let (build, reached) = places::read(&file)?.context("no program was studied yet")?;
    ensure!(
        build == format!("{}-{}", prepared.kernel.key, modules.key),
        "{}: the campaign ran on another build ({build}): run it again",
        file.display()
    );
    let stage = Stage::begin("reading lines of source", None);
    let coverage = Coverage::read(&Symbols::of(&prepared, &modules), &reached)?;
    stage.done();
    let driver = rig.driver;
    let unreached = unreached::list(&coverage, driver)?;
    let page = Page {
        campaign: &args.campaign,
        identity: &identity,
        coverage: &coverage,
        unreached: &unreached,
        roots: [prepared.kernel.tree.clone(), prepared.clone.clone()],
    };
    store::write(&args.html, page.html()?.as_bytes())?;
    if let Some(file) = &args.lcov {
        store::write(file, coverage.lcov().as_bytes())?;
    }
    print!("{}", coverage.table());
    println!("{}", args.html.display());
    let wrong = unreached::wrong(&coverage, driver);
    for name in &wrong {
        println!("{name} was reached: take its reason out of unreached.txt");
    }
    Ok(if wrong.is_empty() {
        Exit::HELD
    } else {
        Exit::MALFORMED
    })
}
