//! The table, for people, for pages and for machines.

use serde::Serialize;

use super::{Args, results::Record, score::Score, way::Way};
use crate::{plants::Plant, setup::Prepared, table::Table};

/// Everything that is known.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    /// What makes it again.
    pub(super) command: String,
    /// Version of the kernel.
    pub(super) kernel: String,
    /// Campaigns for each bug.
    pub(super) seeds: u64,
    /// Seconds that each had.
    pub(super) budget_s: u64,
    /// A row a bug.
    pub(super) bugs: Vec<Bug<'a>>,
}

/// What is known about one bug.
#[derive(Debug, Serialize)]
pub(super) struct Bug<'a> {
    pub(super) name: &'a str,
    pub(super) title: &'a str,
    /// The invariants that it is meant to break.
    pub(super) invariants: &'a [String],
    /// The lab's own way first.
    pub(super) ways: Vec<Score<'a>>,
}

impl Bug<'_> {
    pub(super) fn score(&self, way: Way) -> Option<&Score<'_>> {
        self.ways.iter().find(|score| score.way == way)
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(
        args: &Args,
        prepared: &Prepared,
        plants: &'a [Plant],
        records: &'a [Record],
    ) -> Report<'a> {
        let scores = |plant: &'a Plant| {
            let all = Way::ALL.into_iter();
            all.filter_map(|way| Score::of(plant, way, records))
                .collect()
        };
        let bug = |plant: &'a Plant| Bug {
            name: &plant.name,
            title: &plant.title,
            invariants: &plant.invariants,
            ways: scores(plant),
        };
        Report {
            command: command(args),
            kernel: prepared.kernel.version.clone(),
            seeds: args.seeds,
            budget_s: args.budget,
            bugs: plants.iter().map(bug).collect(),
        }
    }

    /// Whether every campaign of the lab's own found its bug.
    pub(super) fn all_found(&self) -> bool {
        let lab = |bug: &Bug| bug.score(Way::Lab).is_some_and(Score::all_found);
        self.bugs.iter().all(lab)
    }

    /// The other ways that there are results of.
    pub(super) fn baselines(&self) -> Vec<Way> {
        let known = |way: &Way| self.bugs.iter().any(|bug| bug.score(*way).is_some());
        Way::ALL.into_iter().skip(1).filter(known).collect()
    }

    /// For the terminal.
    pub(super) fn text(&self) -> String {
        format!("{}\n{}", self.table().plain(), self.conclusion())
    }

    /// For a page.
    pub(super) fn markdown(&self) -> String {
        format!(
            "`{}` on Linux {}:\n\n{}\n{}",
            self.command,
            self.kernel,
            self.table().markdown(),
            self.conclusion()
        )
    }

    fn table(&self) -> Table {
        let baselines = self.baselines();
        let own = [
            "bug", "found", "first by", "meant", "median s", "worst s", "programs", "worst", "size",
        ];
        let heads: Vec<_> = own
            .into_iter()
            .chain(baselines.iter().map(|way| way.name()))
            .collect();
        let mut table = Table::new(&heads);
        for bug in &self.bugs {
            let Some(lab) = bug.score(Way::Lab) else {
                continue;
            };
            let others = baselines.iter().map(|way| self.baseline(bug, *way));
            table.row(self.own(bug, lab).into_iter().chain(others).collect());
        }
        table
    }

    fn own(&self, bug: &Bug, lab: &Score) -> Vec<String> {
        let meant = match lab.meant {
            0 => "no".into(),
            all if all == lab.found => "yes".into(),
            some => format!("{some} of {}", lab.found),
        };
        let first: Vec<_> = lab.first.iter().copied().collect();
        let count = |count: Option<u64>| count.map_or("-".into(), |count| count.to_string());
        vec![
            bug.name.to_owned(),
            lab.share(),
            first.join(" "),
            meant,
            self.seconds(lab.median_seconds),
            self.seconds(lab.worst_seconds),
            count(lab.median_programs),
            count(lab.worst_programs),
            count(lab.median_operations.map(|size| size as u64)),
        ]
    }

    fn baseline(&self, bug: &Bug, way: Way) -> String {
        let Some(score) = bug.score(way) else {
            return "-".into();
        };
        match score.median_seconds {
            Some(seconds) => format!("{}, {seconds:.1} s", score.share()),
            None => score.share(),
        }
    }

    fn seconds(&self, seconds: Option<f64>) -> String {
        seconds.map_or("-".to_string(), |seconds| format!("{seconds:.1}"))
    }

    /// A line a way: how many campaigns found their bug.
    fn conclusion(&self) -> String {
        let ways = std::iter::once(Way::Lab).chain(self.baselines());
        ways.map(|way| self.total(way)).collect()
    }

    fn total(&self, way: Way) -> String {
        let scores = || self.bugs.iter().filter_map(|bug| bug.score(way));
        let sum = |count: fn(&Score) -> usize| scores().map(count).sum::<usize>();
        let always = scores().filter(|score| score.all_found()).count();
        let never = scores().filter(|score| score.found == 0).count();
        format!(
            "{}: {} of {} campaigns found their bug; {always} of {} bugs every time, {never} never\n",
            way.name(),
            sum(|score| score.found),
            sum(|score| score.runs),
            scores().count(),
        )
    }
}

fn command(args: &Args) -> String {
    let mut words = vec!["cargo lab canaries".to_owned()];
    words.extend(args.names.iter().cloned());
    words.push(format!("--seeds {} --budget {}", args.seeds, args.budget));
    words.extend(args.baselines.then(|| "--baselines".into()));
    let fewer = args
        .baseline_seeds
        .map(|seeds| format!("--baseline-seeds {seeds}"));
    words.extend(fewer);
    words.join(" ")
}
