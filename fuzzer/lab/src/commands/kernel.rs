//! `lab kernel`: builds everything that a target needs.

use std::path::PathBuf;

use crate::{
    exit::Exit,
    plants,
    setup::{self, Options, Prepared, config::Config, in_use},
};

/// Arguments of `lab kernel`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Build the modules with this planted bug, too (see `lab plants`); `all` builds every one
    #[arg(long, value_name = "NAME")]
    pub plant: Option<String>,
    /// Build a kernel that is configured like this
    #[arg(long, value_enum, default_value_t)]
    pub config: Config,
    /// Afterwards remove all other builds from the cache, except those that another lab is using
    #[arg(long)]
    pub clean: bool,
}

/// Builds and says where things are.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    let plants = wanted(args.plant.as_deref())?;
    let prepared = setup::prepare(&Options {
        config: args.config,
        ..options.clone()
    })?;
    let modules = prepared.modules(None)?;
    println!(
        "kernel   {} Linux {} {}",
        prepared.kernel.key,
        prepared.kernel.version,
        prepared.kernel.program().display()
    );
    println!("tree     {}", prepared.kernel.tree.display());
    println!("modules  {} {}", modules.key, modules.dir.display());
    println!("agent    {}", prepared.agent.display());
    let mut keep = vec![prepared.kernel.tree.clone(), modules.dir];
    for plant in plants {
        let modules = prepared.modules(Some(&plant))?;
        println!(
            "plant    {} {} {}",
            plant.name,
            modules.key,
            modules.dir.display()
        );
        keep.push(modules.dir);
    }
    if args.clean {
        clean(&prepared, &keep)?;
    }
    Ok(Exit::HELD)
}

fn wanted(name: Option<&str>) -> anyhow::Result<Vec<plants::Plant>> {
    match name {
        Some("all") => plants::list(),
        Some(name) => Ok(vec![plants::load(name)?]),
        None => Ok(Vec::new()),
    }
}

fn clean(prepared: &Prepared, keep: &[PathBuf]) -> anyhow::Result<()> {
    let lock = prepared.cache.lock()?;
    for build in in_use::clean(&prepared.cache, &lock, keep)? {
        println!("removed  {}", build.display());
    }
    Ok(())
}
