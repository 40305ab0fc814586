//! What a round starts from, and has to give back.

use std::ffi::CString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::libc;
use nix::sys::wait::{WaitPidFlag, waitpid};
use program::Driver;

use crate::device::Node;
use crate::ledger::{Ledger, Totals};
use crate::modules::{Module, Modules};
use crate::sys::clock::{self, MILLISECOND};
use crate::sys::file;

/// How long deferred work may take that gives a fence, a module or a device back.
const PATIENCE: u64 = 500 * MILLISECOND;
const STEP: u64 = MILLISECOND;

/// The target as it was when nobody used the double.
pub(super) struct Ground {
    ledger: Ledger,
    module: Module,
    users: String,
    descriptors: usize,
}

impl Ground {
    /// Looks around.
    pub(super) fn survey() -> Result<Self> {
        let modules = Modules::read(Path::new(crate::MODULES))?;
        let mut ground = Self {
            ledger: Ledger::open()?.context("the target has no ledger")?,
            module: modules
                .get("vb2_double")
                .context("the double is not among the target's modules")?,
            users: String::new(),
            descriptors: 0,
        };
        (ground.users, ground.descriptors) = (users()?, descriptors()?);
        Ok(ground)
    }

    /// Opens the double, blocking.
    pub(super) fn open(&self) -> Result<i32> {
        Ok(file::open(&self.node()?, libc::O_RDWR | libc::O_CLOEXEC)?)
    }

    fn node(&self) -> Result<CString> {
        let node = Node::of(Driver::Double).find();
        node.context("the double has no node")
    }

    /// Unloading must fail: somebody has a video file open.
    pub(super) fn refuse_to_unload(&self) -> Result<()> {
        match self.module.unload() {
            Err(Errno::EAGAIN | Errno::EBUSY) => Ok(()),
            other => bail!("unloading the double under an open file: {other:?}"),
        }
    }

    /// Unloads the double, which nobody has open.
    pub(super) fn unload(&self) -> Result<()> {
        let unloaded = within_patience(|| self.module.unload().is_ok());
        ensure!(
            unloaded,
            "the double cannot be unloaded, and no video file is open: {}",
            users()?
        );
        Ok(())
    }

    /// Loads the double again.
    pub(super) fn load(&self) -> Result<()> {
        self.module.load().context("loading the double")?;
        self.node().map(drop)
    }

    /// What the ledger has counted.
    pub(super) fn totals(&self) -> Totals {
        self.ledger.totals()
    }

    /// Whether all is as it was, as soon as deferred work is done.
    pub(super) fn check(&self) -> Result<()> {
        let balanced =
            |totals: &Totals| totals.inits == totals.signals && totals.inits == totals.destroys;
        within_patience(|| balanced(&self.totals()));
        let totals = self.totals();
        ensure!(
            balanced(&totals),
            "not every fence was signalled once and destroyed: {totals:?}"
        );
        ensure!(
            (totals.lost, totals.untracked) == (0, 0),
            "the ledger is incomplete: {totals:?}"
        );
        within_patience(|| users().is_ok_and(|users| users == self.users));
        let users = users()?;
        ensure!(
            users == self.users,
            "users of modules: {users}, and before: {}",
            self.users
        );
        let open = descriptors()?;
        ensure!(
            open == self.descriptors,
            "{open} open descriptors, and before: {}",
            self.descriptors
        );
        let children = waitpid(None, Some(WaitPidFlag::WNOHANG));
        ensure!(children == Err(Errno::ECHILD), "children: {children:?}");
        Ok(())
    }
}

/// Whether `holds` comes true in time.
pub(crate) fn within_patience(mut holds: impl FnMut() -> bool) -> bool {
    let deadline = clock::now() + PATIENCE;
    while !holds() {
        if clock::now() > deadline {
            return false;
        }
        clock::sleep(STEP);
    }
    true
}

/// Each module with the number of its users, by name: reloading one changes the order of the list.
fn users() -> Result<String> {
    let text = fs::read_to_string("/proc/modules").context("/proc/modules")?;
    let mut users: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.nth(1)?))
        })
        .collect();
    users.sort();
    Ok(users.join(", "))
}

fn descriptors() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")
        .context("/proc/self/fd")?
        .count())
}
