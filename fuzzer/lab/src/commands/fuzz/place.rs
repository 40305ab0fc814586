//! Where a campaign is kept.

use std::path::{Path, PathBuf};

use super::Args;
use crate::{
    campaign::{self, Identity},
    findings::Setup,
    setup::cache::{self, Cache},
};

/// Folder of campaigns in the cache.
const CAMPAIGNS: &str = "campaigns";

/// Campaigns in the cache that are kept when another one begins.
const MOST: usize = 20;

/// The folder that the command line names; else that of the last campaign on the same target, if it was killed and no seed
/// asks for another one; else a new one in the cache.
pub(super) fn choose(args: &Args, cache: &Cache, setup: &Setup) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &args.campaign {
        if args.fresh {
            campaign::forget(folder)?;
        }
        return Ok(folder.clone());
    }
    let folder = cache.root().join(CAMPAIGNS);
    std::fs::create_dir_all(&folder)?;
    let old = oldest_first(&folder)?;
    let same = |path: &&PathBuf| {
        Identity::read(path).is_ok_and(|old| old.is_some_and(|old| old.setup == *setup))
            && campaign::is_killed(path)
    };
    let killed = old.iter().rev().find(same);
    match killed.filter(|_| args.seed.is_none() && !args.fresh) {
        Some(killed) => Ok(killed.clone()),
        None => {
            prune(&old);
            Ok(unused(&folder, setup))
        }
    }
}

/// By the time of the last start.
fn oldest_first(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = cache::entries(folder)?;
    folders.sort_by_key(|path| {
        let begun = path.join("campaign.json").metadata();
        begun.and_then(|meta| meta.modified()).ok()
    });
    Ok(folders)
}

/// What was killed is what somebody may want to go on with; the rest was told.
fn prune(oldest_first: &[PathBuf]) {
    let surplus = oldest_first.len().saturating_sub(MOST);
    for folder in oldest_first.iter().take(surplus) {
        // One that another lab works on stays, and so does one that cannot be removed.
        if campaign::forget(folder).is_ok() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn unused(folder: &Path, setup: &Setup) -> PathBuf {
    let plant = setup.plant.iter().map(|plant| format!("-{plant}"));
    let name = setup.driver.clone() + &plant.collect::<String>();
    let numbered = |number: u32| folder.join(format!("{name}-{}-{number}", std::process::id()));
    let mut places = (1..).map(numbered);
    places
        .find(|place| !place.exists())
        .expect("there is a number for each folder")
}
