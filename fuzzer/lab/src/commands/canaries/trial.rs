//! One campaign against one planted bug.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use engine::{Bound, Campaign, Ended, Events, Finding, Key, Outcome, Resumed, Stats, Strategy};
use program::Program;
use serde::{Deserialize, Serialize};

use super::{
    results::{Found, Record},
    way::Way,
};
use crate::{
    commands::compliance,
    corpus, interrupt,
    lock::locked,
    rig::{self, Inside, RigArgs},
    setup::{Options, Prepared, key, tree},
};

/// Seconds that a campaign may search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Budget(pub(super) u64);

/// What decides what a campaign comes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Trial {
    /// The planted bug.
    pub(super) bug: String,
    /// How it is looked for.
    pub(super) way: Way,
    /// Of the random numbers.
    pub(super) seed: u64,
    #[serde(rename = "budget_s")]
    pub(super) budget: Budget,
    /// Key of kernel, modules and bug.
    pub(super) build: String,
    /// Key of the seeds and of all that searches, executes and judges.
    pub(super) lab: String,
}

/// Crates that have a say in what a campaign finds.
const CRATES: [&str; 7] = [
    "agent", "engine", "judge", "model", "program", "trace", "uapi",
];

/// The key of the seeds and of those crates.
pub(super) fn lab_key(clone: &Path) -> anyhow::Result<String> {
    let mut key = key::Key::new("canaries 1").file("Cargo.lock", &clone.join("Cargo.lock"))?;
    for name in CRATES {
        let sources = clone.join("fuzzer").join(name).join("src");
        key = tree::contents(key.part("crate", name), &sources)?;
    }
    let seeds = clone.join("corpus/seeds");
    Ok(tree::contents(key.part("seeds", ""), &seeds)?.finish())
}

/// What all campaigns share.
pub(super) struct Shop<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) options: &'a Options,
    /// Most programs that minimising one finding may run.
    pub(super) minimise: u32,
    /// Making a rig takes the cache's lock, which would tell of another lab if it were this one's other thread.
    pub(super) making: Mutex<()>,
}

impl Shop<'_> {
    /// Makes something of the cache.
    fn make<T>(&self, make: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let _alone = locked(&self.making);
        make()
    }
}

impl Trial {
    /// The driver and the bug, on this core.
    fn rig(&self, core: usize) -> RigArgs {
        RigArgs {
            plant: Some(self.bug.clone()),
            core: Some(core),
            ..RigArgs::default()
        }
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.budget.0)
    }

    /// Runs it on a core; none if it was interrupted.
    pub(super) fn run(&self, shop: &Shop<'_>, core: usize) -> anyhow::Result<Option<Record>> {
        let args = self.rig(core);
        match self.way.strategy() {
            Some(strategy) => self.search(shop, &args, strategy),
            None => self.comply(shop, &args).map(Some),
        }
    }

    fn search(
        &self,
        shop: &Shop<'_>,
        args: &RigArgs,
        strategy: Strategy,
    ) -> anyhow::Result<Option<Record>> {
        let campaign = Campaign {
            strategy,
            seed: self.seed,
            bound: Bound::Time(self.time()),
            seeds: self.seeds(args)?,
            driver: args.driver,
            expectation: args.expectation(),
            resumed: Resumed::default(),
            ran: Arc::default(),
            stop_after: Some(1),
            // How small a program becomes is asked of the lab alone.
            minimise_budget: if self.way == Way::Lab {
                shop.minimise
            } else {
                0
            },
            leak_checks: false,
        };
        let inside = Inside::default();
        let mut rig = shop.make(|| rig::on(shop.prepared, shop.options, args, inside))?;
        let outcome = engine::campaign(&campaign, &mut rig.target, &mut Quiet)?;
        let whole = outcome.ended != Ended::Interrupted;
        Ok(whole.then(|| self.record(&outcome)))
    }

    fn seeds(&self, args: &RigArgs) -> anyhow::Result<Vec<Program>> {
        match self.way.is_seeded() {
            true => corpus::seeds(args.driver),
            false => Ok(Vec::new()),
        }
    }

    fn record(&self, outcome: &Outcome) -> Record {
        let finding = outcome.findings.first();
        let repeats = finding.filter(|finding| finding.repeats());
        let stats = &outcome.stats;
        Record {
            trial: self.clone(),
            programs: stats.programs,
            seconds: stats.seconds,
            unrepeated: finding.is_some() && repeats.is_none(),
            found: repeats
                .zip(stats.first)
                .map(|(finding, first)| Found::new(finding, first)),
        }
    }

    /// One run of v4l2-compliance, under the same judge.
    fn comply(&self, shop: &Shop<'_>, args: &RigArgs) -> anyhow::Result<Record> {
        let mut theirs = shop.make(|| compliance::equip(shop.options, args))?;
        let begin = Instant::now();
        let visit = compliance::visit_decoder(&mut theirs, shop.options)?;
        let seconds = begin.elapsed().as_secs_f64();
        let key = visit.violations.first().map(Key::of);
        let own = visit.failure.map(|title| Key {
            invariant: "test".into(),
            title,
        });
        Ok(Record {
            trial: self.clone(),
            programs: 1,
            seconds,
            unrepeated: false,
            found: key.or(own).map(|key| Found::by_client(key, seconds)),
        })
    }
}

/// Campaigns are told of when they have ended.
struct Quiet;

impl Events for Quiet {
    fn progress(&mut self, _stats: &Stats) {}

    fn suspect(&mut self, _key: &Key) {}

    fn finding(&mut self, _finding: &Finding) -> anyhow::Result<()> {
        Ok(())
    }

    fn interrupted(&self) -> bool {
        interrupt::requested()
    }
}
