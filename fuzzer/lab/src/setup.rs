//! Set-up: from a fresh clone to a kernel, modules and agent that can be booted. Part of every command.

pub mod adopt;
pub mod agent;
pub mod apt;
pub mod cache;
pub mod config;
pub mod debian;
pub mod in_use;
pub mod kernel;
pub mod key;
pub mod llvm;
pub mod modules;
pub mod packages;
pub mod patches;
pub mod source;
pub mod sparse;
pub mod toolchain;
pub mod tree;

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc};

use crate::{clone, plants::Plant};
use agent::Programs;
use cache::Cache;
use config::Config;
use in_use::InUse;
use kernel::Kernel;
use modules::Modules;
use patches::Patches;
use toolchain::Toolchain;

/// Options that every command shares.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Set-up")]
pub struct Options {
    /// Test the kernel in DIR (7.x, any state: it is copied and never written to) instead of the newest packaged one
    #[arg(long, global = true, value_name = "DIR")]
    pub kernel_tree: Option<PathBuf>,
    /// Apply the patches of DIR in name order instead of the project's own series
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "no_series")]
    pub series: Option<PathBuf>,
    /// Apply no series: the kernel tree has a release-fence helper already
    #[arg(long, global = true)]
    pub no_series: bool,
    /// Apply no series and test the kernel without any release fences, as it was before
    #[arg(long, global = true, conflicts_with_all = ["series", "no_series"])]
    pub vanilla: bool,
    /// How the kernel is configured; commands decide.
    #[arg(skip)]
    pub config: Config,
    /// Keep sources and builds in DIR [default: $XDG_CACHE_HOME/vb2-fence-lab or ~/.cache/vb2-fence-lab]
    #[arg(long, global = true, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Parallel jobs of a build [default: number of cores]
    #[arg(long, short = 'j', global = true, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Install nothing on this machine; say what is missing and stop
    #[arg(long, global = true)]
    pub no_install: bool,
}

impl Options {
    /// How many jobs a build may run at once.
    pub fn job_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.jobs.map_or_else(cores, NonZeroUsize::get)
    }
}

/// Everything that a target needs. As long as one is held, no other lab removes what it names.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The project's clone.
    pub clone: PathBuf,
    /// The cache.
    pub cache: Cache,
    /// The kernel.
    pub kernel: Kernel,
    /// The static agent.
    pub agent: PathBuf,
    /// The static compositor.
    pub compositor: PathBuf,
    tools: Toolchain,
    jobs: usize,
    _in_use: Arc<[InUse; 2]>,
}

/// Makes sure that packages, tools, kernel, modules and agent are there. Quick if they are.
pub fn prepare(options: &Options) -> anyhow::Result<Prepared> {
    let clone = clone::root()?;
    let cache = Cache::open(options.cache.as_deref())?;
    let lock = cache.lock()?;
    // What is wrong with an input is told before anything is installed or fetched.
    let patches = Patches::find(options, &clone)?;
    options
        .kernel_tree
        .as_deref()
        .map(source::check)
        .transpose()?;
    packages::ensure(&cache, !options.no_install)?;
    let tools = toolchain::ensure(&cache, &lock)?;
    let source = source::find(options, &cache, &lock)?;
    let jobs = options.job_count();
    let kernel = kernel::Recipe {
        source: &source,
        patches: &patches,
        tools: &tools,
        jobs,
        config: options.config,
    }
    .build(&cache, &lock)?;
    let kernel_in_use = InUse::mark(&kernel.tree)?;
    drop(lock);
    let Programs {
        in_use,
        agent,
        compositor,
    } = agent::build(&clone, &cache)?;
    let prepared = Prepared {
        clone,
        cache,
        kernel,
        agent,
        compositor,
        tools,
        jobs,
        _in_use: Arc::new([kernel_in_use, in_use]),
    };
    prepared.modules(None)?;
    Ok(prepared)
}

impl Prepared {
    /// The modules, with a bug planted if so wished.
    pub fn modules(&self, plant: Option<&Plant>) -> anyhow::Result<Modules> {
        let recipe = self.recipe(plant);
        match recipe.find(&self.cache)? {
            Some(modules) => Ok(modules),
            None => recipe.build(&self.cache, &self.cache.lock()?),
        }
    }

    /// The key that those modules have, built or not.
    pub fn modules_key(&self, plant: Option<&Plant>) -> anyhow::Result<String> {
        self.recipe(plant).key()
    }

    fn recipe<'a>(&'a self, plant: Option<&'a Plant>) -> modules::Recipe<'a> {
        modules::Recipe {
            clone: &self.clone,
            kernel: &self.kernel,
            tools: &self.tools,
            jobs: self.jobs,
            plant,
        }
    }
}
