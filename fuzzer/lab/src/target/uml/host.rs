//! What the guest takes from the host: a core, memory, and an identity with no rights.

use std::{
    fs,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    },
    path::Path,
};

use anyhow::{Context, bail};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::{Pid, geteuid},
};

use crate::setup::cache;

/// The guest's memory.
pub const MEMORY_MIB: u32 = 512;

/// The user without rights that a guest runs as when the lab is root's.
const NOBODY: u32 = 65534;

/// The cores that this process may run on.
pub fn cores() -> anyhow::Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0)).context("sched_getaffinity")?;
    Ok((0..CpuSet::count())
        .filter(|core| set.is_set(*core).unwrap_or(false))
        .collect())
}

/// A core, claimed by a name that the whole machine sees, so that two labs take different ones as long as there are enough.
#[derive(Debug)]
pub struct Core {
    /// Its number.
    pub index: usize,
    _claim: Option<UnixListener>,
}

impl Core {
    /// Claims the wanted core, or the first that no other lab has claimed; shares one if all are.
    pub fn claim(wanted: Option<usize>) -> anyhow::Result<Core> {
        Core::claim_among("vb2-fence-lab-core", wanted)
    }

    /// Claims a core among those who claim by the same name.
    fn claim_among(name: &str, wanted: Option<usize>) -> anyhow::Result<Core> {
        let cores = cores()?;
        if let Some(index) = wanted.filter(|index| !cores.contains(index)) {
            bail!("core {index} is not one that this process may use ({cores:?})");
        }
        let tried = wanted.map_or(cores, |index| vec![index]);
        let claimed = tried
            .iter()
            .find_map(|index| Some((*index, listener(name, *index)?)));
        let first = *tried.first().context("this process may use no core")?;
        let (index, claim) = claimed.map_or((first, None), |(index, claim)| (index, Some(claim)));
        Ok(Core {
            index,
            _claim: claim,
        })
    }

    /// The set that holds this core alone.
    pub fn set(&self) -> anyhow::Result<CpuSet> {
        let mut set = CpuSet::new();
        set.set(self.index)
            .with_context(|| format!("core {}", self.index))?;
        Ok(set)
    }

    /// Pins the calling thread.
    pub fn pin_this_thread(&self) -> anyhow::Result<()> {
        sched_setaffinity(Pid::from_raw(0), &self.set()?)
            .with_context(|| format!("core {}", self.index))
    }
}

/// An abstract socket has an owner at most, needs no file, and goes with its process.
fn listener(name: &str, core: usize) -> Option<UnixListener> {
    let name = SocketAddr::from_abstract_name(format!("{name}-{core}")).ok()?;
    UnixListener::bind_addr(&name).ok()
}

/// Where the guest's memory is: shared memory if there is enough (a container may have 64 MB), else a disk.
pub fn memory_folder() -> &'static str {
    let needed = f64::from(MEMORY_MIB) / 1024.0;
    let fits = |folder: &&str| cache::free_gib(Path::new(folder)).is_ok_and(|free| free > needed);
    ["/dev/shm", "/run/shm"]
        .into_iter()
        .find(fits)
        .unwrap_or("/tmp")
}

/// The user to become before the guest starts: nobody, if this process is root and may become that.
pub fn identity() -> Option<u32> {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    (geteuid().is_root() && maps(&map, NOBODY)).then_some(NOBODY)
}

/// Whether a user namespace's map (`inside outside count` lines) has this user.
fn maps(map: &str, user: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line
            .split_whitespace()
            .map(|word| word.parse::<u64>().unwrap_or(0));
        let (inside, count) = (numbers.next().unwrap_or(0), numbers.nth(1).unwrap_or(0));
        (inside..inside + count).contains(&u64::from(user))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_namespaces_are_read() {
        assert!(maps("         0          0 4294967295\n", NOBODY));
        assert!(!maps("         0       1000          1\n", NOBODY));
        assert!(maps("0 1000 1\n1 100000 65536\n", NOBODY));
    }

    #[test]
    fn two_claims_take_two_cores_if_there_are_two() {
        let name = format!("test-of-claims-{}", std::process::id());
        let claim = || Core::claim_among(&name, None).unwrap();
        let (one, other) = (claim(), claim());
        assert_eq!(one.index == other.index, cores().unwrap().len() == 1);
        assert!(Core::claim_among(&name, Some(100_000)).is_err());
    }
}
