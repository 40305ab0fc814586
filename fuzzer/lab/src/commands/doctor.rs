//! `lab doctor`: what is there, what is missing. Changes nothing.

use std::{fmt::Display, path::Path};

use crate::{
    clone,
    exit::Exit,
    process,
    setup::{
        Options,
        cache::{self, Cache},
        llvm::Llvm,
        packages, source, toolchain,
    },
    target::uml::host,
};

/// Arguments of `lab doctor`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {}

/// Free disk that a first build needs, in GiB: the source, its patched copy, objects.
const DISK: f64 = 6.0;

/// Prints a line a subject; fails if some command could not work.
pub fn run(_args: Args, options: &Options) -> anyhow::Result<Exit> {
    let cache = Cache::open(options.cache.as_deref())?;
    let checks = [
        tools(options),
        rust(),
        sources(options, &cache)?,
        memory()?,
        disk(&cache)?,
    ];
    line("clone", clone::root()?.display());
    line("cores", host::cores()?.len());
    line(
        "cache",
        format!(
            "{} ({} kernels, {} module sets)",
            cache.root().display(),
            count(&cache, "kernel")?,
            count(&cache, "modules")?
        ),
    );
    let missing = checks.iter().filter(|is_well| !**is_well).count();
    if missing == 0 {
        println!("all is well");
        return Ok(Exit::HELD);
    }
    println!("{missing} of {} checks failed", checks.len());
    Ok(Exit::SETUP)
}

fn line(subject: &str, what: impl Display) {
    println!("{subject:9} {what}");
}

fn told(subject: &str, is_well: bool, what: impl Display) -> bool {
    line(
        subject,
        format!("{}{what}", if is_well { "" } else { "MISSING: " }),
    );
    is_well
}

fn tools(options: &Options) -> bool {
    let missing = packages::missing();
    let can_install = nix::unistd::geteuid().is_root()
        && !options.no_install
        && process::find("apt-get").is_some();
    if let Some(version) = Llvm::find().and_then(|llvm| llvm.version().ok()) {
        line("compiler", version);
    }
    let remedy = if can_install {
        "the first build installs them"
    } else {
        "install them as root"
    };
    match missing.is_empty() {
        true => told("packages", true, "all there"),
        false => told(
            "packages",
            can_install,
            format!("not installed: {} ({remedy})", missing.join(" ")),
        ),
    }
}

fn rust() -> bool {
    let (rustc, source) = (toolchain::rustc(), toolchain::installed_rust_src());
    match rustc {
        Ok(version) => {
            let source = source
                .ok()
                .flatten()
                .map_or("rust-src to be fetched".into(), |dir| {
                    dir.display().to_string()
                });
            told("rust", true, format!("{version}; {source}"))
        }
        Err(error) => told("rust", false, format!("{error:#}")),
    }
}

fn sources(options: &Options, cache: &Cache) -> anyhow::Result<bool> {
    if let Some(dir) = &options.kernel_tree {
        let checked = source::check(dir);
        let is_well = checked.is_ok();
        let what = checked.unwrap_or_else(|error| format!("{error:#}"));
        return Ok(told("source", is_well, format!("{} {what}", dir.display())));
    }
    Ok(match source::unpacked(cache)? {
        Some(dir) => told("source", true, dir.display()),
        None => told(
            "source",
            process::find("apt-get").is_some(),
            "the newest linux-source-7.x, fetched through apt by the first build",
        ),
    })
}

fn memory() -> anyhow::Result<bool> {
    let folder = host::memory_folder();
    let free = cache::free_gib(Path::new(folder))?;
    let needed = f64::from(host::MEMORY_MIB) / 1024.0;
    Ok(told(
        "memory",
        free >= needed,
        format!("{folder} has {free:.1} GiB free, a guest uses up to {needed:.1}"),
    ))
}

fn disk(cache: &Cache) -> anyhow::Result<bool> {
    let free = cache::free_gib(cache.root())?;
    let needed = if count(cache, "kernel")? == 0 {
        DISK
    } else {
        1.0
    };
    Ok(told(
        "disk",
        free >= needed,
        format!("{free:.1} GiB free for the cache"),
    ))
}

fn count(cache: &Cache, kind: &str) -> anyhow::Result<usize> {
    Ok(cache.whole(kind)?.len())
}
