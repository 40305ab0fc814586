//! Kernels without the series, and kernels that are measured.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::{
    Check, Context,
    lab::{json, lab, number},
};
use crate::{clone, exit::Exit, setup::Options};

/// Checks of `--vanilla` and of what compares it with the series.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("vanilla: boots, loads and unloads the modules", |context| {
            lab(&vanilla(context), &["boot"])?.expect(Exit::HELD)?;
            Ok(())
        }),
        Check::new(
            "vanilla: jobs run without fences, and nothing is broken",
            runs,
        ),
        Check::new("vanilla: asking for fences is refused", refused),
        Check::new("plain: boots in real time", |context| {
            let words = ["boot", "--config", "plain", "--time", "real"];
            lab(context, &words)?.expect(Exit::HELD)?;
            Ok(())
        }),
        Check::new("bench: what fences cost is measured", costs),
    ]
}

/// The same tree without any series.
fn vanilla(context: &Context) -> Context {
    Context {
        options: Options {
            series: None,
            no_series: false,
            vanilla: true,
            ..context.options.clone()
        },
        cache: context.cache.clone(),
        kills: context.kills,
    }
}

fn runs(context: &Context) -> anyhow::Result<()> {
    let seeds = ["01-plain-job.vb2", "02-reconfig-resize.vb2"];
    for seed in seeds {
        let seed = clone::root()?.join("corpus/seeds").join(seed);
        let words = ["replay", &seed.display().to_string()];
        lab(&vanilla(context), &words)?.expect(Exit::HELD)?;
    }
    Ok(())
}

fn refused(context: &Context) -> anyhow::Result<()> {
    for words in ["--attach device_run", "--plant leak-on-streamoff"] {
        let words = ["fuzz"].into_iter().chain(words.split(' '));
        let ended = lab(&vanilla(context), &words.collect::<Vec<_>>())?;
        ended.expect(Exit::MALFORMED)?.says("has no helper")?;
    }
    Ok(())
}

/// Numbers are told, never judged: a busy machine is no fault. What they are numbers of is checked.
fn costs(context: &Context) -> anyhow::Result<()> {
    if context.options.no_series {
        lab(context, &["bench", "fences"])?.expect(Exit::MALFORMED)?;
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (report, table) = (file("fences.json"), file("fences.md"));
    let words = [
        "bench",
        "fences",
        "--quick",
        "--json",
        &report,
        "--markdown",
        &table,
    ];
    lab(context, &words)?
        .expect(Exit::HELD)?
        .says("cargo lab bench fences --quick")?;
    let json = json(report.as_ref())?;
    measures(&json)?;
    attached(&json)?;
    let table = std::fs::read_to_string(&table).context("the table")?;
    let lines = table.lines().filter(|line| line.starts_with('|')).count();
    // Two tables with two lines of head.
    ensure!(
        lines == list(&json, "measures")?.len() + 4,
        "the tables have not a line for each measure:\n{table}"
    );
    Ok(())
}

fn list<'a>(json: &'a Value, key: &str) -> anyhow::Result<&'a Vec<Value>> {
    let list = json[key].as_array();
    list.with_context(|| format!("the JSON file has no list {key}"))
}

fn measures(json: &Value) -> anyhow::Result<()> {
    let measures = list(json, "measures")?;
    ensure!(measures.len() == 11, "something was not measured: {json}");
    for measure in measures {
        for kernel in ["control", "not_opted_in", "opted_in"] {
            let ratio = &measure[kernel]["ratio"];
            let ends = ["low", "median", "high"].map(|key| ratio[key].as_f64().unwrap_or(0.0));
            ensure!(
                ends[0] > 0.0 && ends.is_sorted() && measure[kernel]["within_noise"].is_boolean(),
                "{} of {kernel} is not whole: {ratio}",
                measure["name"]
            );
        }
        ensure!(
            measure["vanilla_ns"]["median"]
                .as_f64()
                .is_some_and(|time| time > 0.0),
            "{} took no time",
            measure["name"]
        );
    }
    Ok(())
}

fn attached(json: &Value) -> anyhow::Result<()> {
    for count in list(json, "attached")? {
        let (jobs, attached) = (number(count, "jobs")?, number(count, "attached")?);
        let expected = if count["kernel"] == "opted_in" {
            2 * jobs
        } else {
            0
        };
        ensure!(jobs > 0 && attached == expected, "wrong fences: {count}");
    }
    Ok(())
}
