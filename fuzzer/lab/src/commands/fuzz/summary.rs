//! What a campaign says before and after it ran, for people and for machines.

use std::path::{Path, PathBuf};

use engine::{Bound, Campaign, Ended, Finding, Outcome};
use serde::Serialize;

use super::Args;
use crate::{
    exit::Exit,
    findings::{self, Origin},
    json, rig,
    setup::Options,
};

/// The seed and every option, before anything is run.
pub(super) fn announcement(args: &Args, campaign: &Campaign) -> String {
    let bound = match campaign.bound {
        Bound::Programs(count) => format!("programs    {count}"),
        Bound::Time(time) => format!("seconds     {}", time.as_secs()),
    };
    let stop = campaign
        .stop_after
        .map_or("never".to_owned(), |most| most.to_string());
    let path = |path: &Option<PathBuf>| {
        path.as_ref()
            .map_or("none".to_owned(), |path| path.display().to_string())
    };
    format!(
        "seed        {}\n{bound}\ndriver      {}\nplant       {}\nattach      {}\nkmemleak    {}\nstop after  {stop}\nminimise    {}\n\
         seeds       {} programs\ncorpus      {}\nfindings    {}\njson        {}\n",
        campaign.seed,
        args.rig.driver.name(),
        args.rig.plant.as_deref().unwrap_or("none"),
        args.rig.attach().name(),
        args.rig.kmemleak,
        args.minimise,
        campaign.seeds.len(),
        path(&args.corpus),
        args.findings.display(),
        path(&args.json),
    )
}

/// Stands for the number of programs in [`repeat_line`].
pub(super) const BOUND: &str = "{}";

/// The command that runs the same campaign again, with `{}` where its bound goes.
pub(super) fn repeat_line(args: &Args, options: &Options, seed: u64) -> String {
    let mut words = vec![format!("cargo lab fuzz --seed {seed} --programs {BOUND}")];
    words.extend(args.rig.words());
    words.extend(
        args.corpus
            .iter()
            .map(|folder| format!("--corpus {}", rig::quoted(&folder.display().to_string()))),
    );
    words.extend(args.stop_after.map(|most| format!("--stop-after {most}")));
    words.extend(rig::kernel_words(options));
    words.join(" ")
}

/// The JSON form of a finding.
#[derive(Serialize)]
struct Found<'a> {
    invariant: &'a str,
    title: &'a str,
    folder: String,
    exit_code: u8,
    reproduced: String,
    operations: usize,
}

/// The JSON form of a campaign's end.
#[derive(Serialize)]
struct Report<'a> {
    seed: u64,
    driver: &'static str,
    plant: Option<&'a str>,
    attach: &'static str,
    kernel: &'a str,
    build: &'a str,
    ended: &'static str,
    programs: u64,
    operations: u64,
    seconds: f64,
    triage_seconds: f64,
    programs_per_s: f64,
    operations_per_s: f64,
    coverage: usize,
    corpus: usize,
    repeated: u64,
    history_dependent: u64,
    boots: u64,
    fences_attached: u64,
    fences_signalled: u64,
    fences_destroyed: u64,
    fences_pending: u64,
    findings: Vec<Found<'a>>,
    exit_code: u8,
}

/// What a campaign came to.
pub(super) struct Summary<'a> {
    args: &'a Args,
    origin: &'a Origin,
    campaign: &'a Campaign,
    outcome: &'a Outcome,
    folders: &'a [PathBuf],
}

impl<'a> Summary<'a> {
    pub(super) fn new(
        args: &'a Args,
        origin: &'a Origin,
        campaign: &'a Campaign,
        outcome: &'a Outcome,
        folders: &'a [PathBuf],
    ) -> Self {
        Summary {
            args,
            origin,
            campaign,
            outcome,
            folders,
        }
    }

    /// The class of the first finding. An interrupted campaign held as far as it went, and says that it was interrupted.
    pub(super) fn exit(&self) -> Exit {
        self.outcome
            .findings
            .first()
            .map_or(Exit::HELD, |finding| Exit(finding.exit_code))
    }

    /// For people: what ran, what was found, and the command that repeats it.
    pub(super) fn text(&self, repeat: &str) -> String {
        let Outcome {
            stats, findings, ..
        } = self.outcome;
        let fences = &stats.fences;
        let found: String = findings
            .iter()
            .zip(self.folders)
            .map(|(finding, folder)| line(finding, folder))
            .collect();
        format!(
            "{}: {} programs ({:.0}/s), {} operations ({:.0}/s) in {:.1} s, {} boots\n\
             coverage {} cells, corpus {} programs; {} run twice, {} of them with another trace, on which fresh boots agree\n\
             fences: {} attached, {} signalled, {} destroyed, {} pending\n\
             findings: {}\n{found}repeat: {repeat}\n",
            ended(self.outcome.ended),
            stats.programs,
            stats.programs_per_s(),
            stats.operations,
            stats.operations_per_s(),
            stats.seconds,
            stats.boots,
            stats.coverage,
            stats.corpus,
            stats.repeated,
            stats.history_dependent,
            fences.attached,
            fences.signalled,
            fences.destroyed,
            fences.pending,
            findings.len(),
        )
    }

    /// For machines.
    pub(super) fn json(&self) -> anyhow::Result<String> {
        json::text(&self.report())
    }

    fn report(&self) -> Report<'_> {
        let stats = &self.outcome.stats;
        let findings = self.outcome.findings.iter().zip(self.folders);
        Report {
            seed: self.campaign.seed,
            driver: self.args.rig.driver.name(),
            plant: self.args.rig.plant.as_deref(),
            attach: self.args.rig.attach().name(),
            kernel: &self.origin.kernel,
            build: &self.origin.build,
            ended: ended(self.outcome.ended),
            programs: stats.programs,
            operations: stats.operations,
            seconds: stats.seconds,
            triage_seconds: stats.triage_seconds,
            programs_per_s: stats.programs_per_s(),
            operations_per_s: stats.operations_per_s(),
            coverage: stats.coverage,
            corpus: stats.corpus,
            repeated: stats.repeated,
            history_dependent: stats.history_dependent,
            boots: stats.boots,
            fences_attached: stats.fences.attached,
            fences_signalled: stats.fences.signalled,
            fences_destroyed: stats.fences.destroyed,
            fences_pending: stats.fences.pending,
            findings: findings
                .map(|(finding, folder)| found(finding, folder))
                .collect(),
            exit_code: self.exit().0,
        }
    }
}

fn found<'a>(finding: &'a Finding, folder: &Path) -> Found<'a> {
    Found {
        invariant: &finding.key.invariant,
        title: &finding.key.title,
        folder: folder.display().to_string(),
        exit_code: finding.exit_code,
        reproduced: findings::reproduced(finding),
        operations: finding.program.steps.len(),
    }
}

fn line(finding: &Finding, folder: &Path) -> String {
    let reproduced = findings::reproduced(finding);
    format!(
        "  {} (reproduced: {reproduced}) {}\n",
        finding.key,
        folder.display()
    )
}

fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Bound => "done",
        Ended::Found => "stopped at a finding",
        Ended::Interrupted => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use engine::{Key, Stats};
    use serde_json::Value;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
        #[command(flatten)]
        options: Options,
    }

    fn line(words: &str) -> Line {
        Line::parse_from(["fuzz"].into_iter().chain(words.split_whitespace()))
    }

    fn finding() -> Finding {
        let program: program::Program = "a = open double\n".parse().unwrap();
        Finding {
            key: Key {
                invariant: "I9".into(),
                title: "early".into(),
            },
            exit_code: 11,
            reproduced: 3,
            program: program.clone(),
            original: program,
            trace: trace::Trace::default(),
            other_trace: None,
            violations: Vec::new(),
            leaks: false,
            minimised_in: 7,
        }
    }

    #[test]
    fn the_report_has_what_scripts_read() {
        let Line { args, .. } = line("--seed 7 --plant x --programs 10");
        let campaign = crate::commands::fuzz::campaign(&args).unwrap();
        let findings = vec![finding()];
        let stats = Stats {
            programs: 10,
            seconds: 2.0,
            ..Stats::default()
        };
        let outcome = Outcome {
            stats,
            findings,
            ended: Ended::Found,
        };
        let folders = [PathBuf::from("findings/I9-early")];
        let origin = Origin::default();
        let summary = Summary::new(&args, &origin, &campaign, &outcome, &folders);
        let json: Value = serde_json::from_str(&summary.json().unwrap()).unwrap();
        assert_eq!(json["programs_per_s"], 5.0);
        assert_eq!(json["plant"], "x");
        let found = &json["findings"][0];
        assert_eq!(found["invariant"], "I9");
        assert_eq!(found["reproduced"], "3/3");
        assert_eq!(found["folder"], "findings/I9-early");
        for key in ["programs", "operations_per_s", "coverage", "fences_pending"] {
            assert!(json[key].is_number(), "{key} is missing");
        }
        assert_eq!(summary.exit(), Exit::EARLY);
    }

    #[test]
    fn the_line_that_repeats_has_every_option_that_counts() {
        let words = "--seed 7 --driver vim2m --plant x --attach none --kmemleak --stop-after 3 --corpus c --no-series";
        let first = line(words);
        let repeat = repeat_line(&first.args, &first.options, 7);
        let again = line(
            repeat
                .trim_start_matches("cargo lab fuzz")
                .replace(BOUND, "9")
                .as_str(),
        );
        assert_eq!(again.args.programs, Some(9));
        assert_eq!(repeat_line(&again.args, &again.options, 7), repeat);
        assert_eq!(again.args.stop_after, Some(3));
        assert!(again.options.no_series && again.args.rig.kmemleak);
        assert_eq!(again.args.rig.driver, program::Driver::Vim2m);
    }
}
