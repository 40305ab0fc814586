//! What a campaign says before and after it ran, for people and for machines.

use std::path::{Path, PathBuf};

use engine::{Bound, Campaign, Ended};
use program::Profile;
use serde::Serialize;

use super::Args;
use crate::{
    campaign::{self, Before, Counts, Found, Total},
    exit::Exit,
    findings::Origin,
    json, rig,
    setup::Options,
};

/// The seed and every option, before anything is run.
pub(super) fn announcement(
    args: &Args,
    campaign: &Campaign,
    place: &Path,
    before: &Before,
) -> String {
    let bound = match args.bound() {
        Bound::Programs(count) => format!("programs    {count}"),
        Bound::Time(time) => format!("seconds     {}", time.as_secs()),
    };
    let stop = args
        .most_findings()
        .map_or("never".to_owned(), |most| most.to_string());
    let path = |path: &Option<PathBuf>| {
        path.as_ref()
            .map_or("none".to_owned(), |path| path.display().to_string())
    };
    format!(
        "seed        {}\n{bound}\ndriver      {}\nplant       {}\nattach      {}\nkmemleak    {}\nstop after  {stop}\nminimise    {}\n\
         seeds       {} programs\nswarm       {}\ninstances   {}\ncampaign    {}\nfindings    {}\njson        {}\n{}",
        campaign.seed,
        args.rig.driver.name(),
        args.rig.plant.as_deref().unwrap_or("none"),
        args.rig.attach().name(),
        args.rig.kmemleak,
        args.minimise,
        campaign.seeds.len(),
        campaign.profile().against(&Profile::of(campaign.driver)),
        args.instances,
        place.display(),
        args.findings.display(),
        path(&args.json),
        resumed(before),
    )
}

/// What is searched, in a line.
pub(super) fn title(args: &Args, campaign: &Campaign, origin: &Origin) -> String {
    let plant = args.rig.plant.iter();
    let plant: String = plant.map(|plant| format!(", plant {plant}")).collect();
    format!(
        "vb2-fence-lab fuzz: {}, attach {}{plant}, seed {}, kernel {}",
        args.rig.driver.name(),
        args.rig.attach().name(),
        campaign.seed,
        origin.kernel
    )
}

/// What is there already.
fn resumed(before: &Before) -> String {
    let corpus = before.corpus.len();
    match &before.killed {
        Some(part) => format!(
            "resumed     after {} programs in {:.0} s, with {corpus} programs in the corpus, {} suspects and {} findings\n",
            part.stats.programs,
            part.stats.seconds,
            before.suspects.len(),
            part.found.len()
        ),
        None if corpus > 0 => format!("goes on     with {corpus} programs in the corpus\n"),
        None => String::new(),
    }
}

/// Stands for the number of programs in [`repeat_line`].
pub(super) const BOUND: &str = "{}";

/// The command that runs the same campaign again, with `{}` where its bound goes. One that began with a corpus, or has
/// several instances, cannot be repeated: it can be gone on with.
pub(super) fn repeat_line(
    args: &Args,
    options: &Options,
    campaign: &Campaign,
    place: &Path,
    before: &Before,
) -> String {
    let repeats = args.instances == 1 && before.corpus.is_empty() && before.killed.is_none();
    let first = match repeats {
        true => format!("cargo lab fuzz --seed {} --programs {BOUND}", campaign.seed),
        false => format!(
            "cargo lab fuzz --campaign {}",
            rig::quoted(&place.display().to_string())
        ),
    };
    let mut words = vec![first];
    words.extend(args.rig.words());
    words.extend((args.instances > 1).then(|| format!("--instances {}", args.instances)));
    words.extend(args.stop_after.map(|most| format!("--stop-after {most}")));
    words.extend(rig::kernel_words(options));
    words.join(" ")
}

/// The JSON form of a finding.
#[derive(Serialize)]
struct JsonFinding<'a> {
    invariant: &'a str,
    title: &'a str,
    folder: String,
    exit_code: u8,
    reproduced: &'a str,
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
    instances: u64,
    #[serde(flatten)]
    counts: Counts,
    places: usize,
    states: usize,
    findings: Vec<JsonFinding<'a>>,
    exit_code: u8,
}

/// What a campaign came to.
pub(super) struct Summary<'a> {
    args: &'a Args,
    origin: &'a Origin,
    campaign: &'a Campaign,
    total: &'a Total,
    ended: Ended,
}

impl<'a> Summary<'a> {
    pub(super) fn new(
        args: &'a Args,
        origin: &'a Origin,
        campaign: &'a Campaign,
        total: &'a Total,
        ended: Ended,
    ) -> Self {
        Summary {
            args,
            origin,
            campaign,
            total,
            ended,
        }
    }

    /// The class of the first finding. An interrupted campaign held as far as it went, and says that it was interrupted.
    pub(super) fn exit(&self) -> Exit {
        let first = self.total.found.first();
        first.map_or(Exit::HELD, |found| Exit(found.exit_code))
    }

    /// For people: what ran, what was found, and the command that repeats it.
    pub(super) fn text(&self, repeat: &str) -> String {
        let Total { stats, found, .. } = self.total;
        let fences = &stats.fences;
        let lines: String = found.iter().map(line).collect();
        format!(
            "{}: {} programs ({:.0}/s), {} operations ({:.0}/s) in {:.1} s, {} boots\n\
             coverage {} cells, corpus {} programs; {} run twice, {} of them with another trace, on which fresh boots agree\n\
             fences: {} attached, {} signalled, {} destroyed, {} pending\n\
             findings: {}\n{lines}{}: {repeat}\n",
            campaign::ended(self.ended),
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
            found.len(),
            if repeat.contains("--seed") {
                "repeat"
            } else {
                "go on"
            },
        )
    }

    /// For machines.
    pub(super) fn json(&self) -> anyhow::Result<String> {
        json::text(&self.report())
    }

    fn report(&self) -> Report<'_> {
        let Total {
            stats,
            found,
            places,
            states,
            ..
        } = self.total;
        Report {
            seed: self.campaign.seed,
            driver: self.args.rig.driver.name(),
            plant: self.args.rig.plant.as_deref(),
            attach: self.args.rig.attach().name(),
            kernel: &self.origin.kernel,
            build: &self.origin.build,
            ended: campaign::ended(self.ended),
            instances: self.args.instances,
            counts: Counts::from(stats),
            places: *places,
            states: *states,
            findings: found.iter().map(json_finding).collect(),
            exit_code: self.exit().0,
        }
    }
}

fn json_finding(found: &Found) -> JsonFinding<'_> {
    JsonFinding {
        invariant: &found.key.invariant,
        title: &found.key.title,
        folder: found.folder.display().to_string(),
        exit_code: found.exit_code,
        reproduced: &found.reproduced,
        operations: found.operations,
    }
}

fn line(found: &Found) -> String {
    format!(
        "  {} (reproduced: {}) {}\n",
        found.key,
        found.reproduced,
        found.folder.display()
    )
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

    fn found() -> Found {
        Found {
            key: Key {
                invariant: "I9".into(),
                title: "early".into(),
            },
            exit_code: 11,
            reproduced: "3/3".into(),
            folder: "findings/I9-early".into(),
            operations: 1,
            beside: Vec::new(),
        }
    }

    #[test]
    fn the_report_has_what_scripts_read() {
        let Line { args, .. } = line("--seed 7 --plant x --programs 10");
        let campaign = crate::commands::fuzz::campaign(&args, &Before::default()).unwrap();
        let total = Total {
            stats: Stats {
                programs: 10,
                seconds: 2.0,
                ..Stats::default()
            },
            found: vec![found()],
            ..Total::default()
        };
        let origin = Origin::default();
        let summary = Summary::new(&args, &origin, &campaign, &total, Ended::Found);
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

    fn repeat(line: &Line, before: &Before) -> String {
        let campaign = crate::commands::fuzz::campaign(&line.args, before).unwrap();
        let place = Path::new("c");
        repeat_line(&line.args, &line.options, &campaign, place, before)
    }

    #[test]
    fn the_line_that_repeats_has_every_option_that_counts() {
        let words =
            "--seed 7 --driver vim2m --plant x --attach none --kmemleak --stop-after 3 --no-series";
        let first = repeat(&line(words), &Before::default());
        let again = line(
            first
                .trim_start_matches("cargo lab fuzz")
                .replace(BOUND, "9")
                .as_str(),
        );
        assert_eq!(again.args.programs, Some(9));
        assert_eq!(repeat(&again, &Before::default()), first);
        assert_eq!(again.args.stop_after, Some(3));
        assert!(again.options.no_series && again.args.rig.kmemleak);
        assert_eq!(again.args.rig.driver, program::Driver::Vim2m);
    }

    #[test]
    fn what_a_seed_does_not_repeat_is_gone_on_with() {
        let begun = Before {
            corpus: vec!["a = open double\n".parse().unwrap()],
            ..Before::default()
        };
        let said = repeat(&line("--seed 7"), &begun);
        assert_eq!(said, "cargo lab fuzz --campaign c");
        let said = repeat(&line("--instances 2"), &Before::default());
        assert_eq!(said, "cargo lab fuzz --campaign c --instances 2");
    }

    #[test]
    fn what_is_left_of_a_killed_part_is_searched() {
        let killed = crate::campaign::Killed {
            seed: 7,
            stats: Stats {
                programs: 40,
                seconds: 50.0,
                ..Stats::default()
            },
            found: vec![found()],
            ..Default::default()
        };
        let before = Before {
            killed: Some(killed),
            ..Before::default()
        };
        let campaign = |words| crate::commands::fuzz::campaign(&line(words).args, &before).unwrap();
        let rest = campaign("--seconds 60");
        assert_eq!(rest.bound, Bound::Time(std::time::Duration::from_secs(10)));
        assert!(rest.seed != 7, "what was drawn is drawn again");
        assert_eq!(rest.resumed.known.len(), 1);
        let rest = campaign("--programs 100 --stop-after 2");
        assert_eq!(rest.ran.load(std::sync::atomic::Ordering::Relaxed), 40);
        assert_eq!(
            (rest.bound, rest.stop_after),
            (Bound::Programs(100), Some(1))
        );
    }
}
