//! `lab canaries`: its table is made of campaigns that ran, and none runs twice.

use std::path::Path;

use anyhow::ensure;

use super::{
    Check, Context,
    lab::{Ended, json, lab},
};
use crate::exit::Exit;

/// A bug that every way of looking has a chance to find, and the invariant that it breaks.
const BUG: (&str, &str) = ("no-error", "I17");
/// Two campaigns of the lab's own, one of each other way.
const CAMPAIGNS: &str = "1 bugs, 7 campaigns of 60 s at most";

pub(super) fn checks() -> Vec<Check> {
    vec![Check::new(
        "canaries: a bug is searched for in every way, and each campaign runs once",
        table,
    )]
}

fn table(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (bug, invariant) = BUG;
    let first = canaries(context, folder.path())?;
    first.says(&format!("{CAMPAIGNS}, 0 of them known"))?;
    let report = json(&folder.path().join("json"))?;
    let lab = &report["bugs"][0]["ways"][0];
    let expected =
        serde_json::json!({"way": "lab", "runs": 2, "found": 2, "meant": 2, "first": [invariant]});
    for (key, value) in expected.as_object().into_iter().flatten() {
        ensure!(lab[key] == *value, "{key} is {}, not {value}", lab[key]);
    }
    ensure!(
        report["bugs"][0]["ways"].as_array().map(Vec::len) == Some(6),
        "not every way was tried: {report}"
    );
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name));
    let (markdown, plot) = (read("markdown")?, read("plot")?);
    let unpadded = markdown.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        unpadded.contains(&format!("| {bug} | 2/2 | {invariant} | yes |")),
        "the table has no such row:\n{markdown}"
    );
    ensure!(plot.starts_with("<svg") && plot.contains(bug), "{plot}");
    let again = canaries(context, folder.path())?;
    again.says(&format!("{CAMPAIGNS}, 7 of them known"))?;
    ensure!(
        read("markdown")? == markdown,
        "another table the second time"
    );
    Ok(())
}

fn canaries(context: &Context, folder: &Path) -> anyhow::Result<Ended> {
    let mut words: Vec<String> = ["canaries", BUG.0, "--seeds", "2", "--budget", "60"]
        .into_iter()
        .chain(["--baselines", "--baseline-seeds", "1"])
        .map(str::to_owned)
        .collect();
    for file in ["results", "json", "markdown", "plot"] {
        words.push(format!("--{file}"));
        words.push(folder.join(file).display().to_string());
    }
    let ended = lab(context, &words)?;
    ended.expect(Exit::HELD)?;
    Ok(ended)
}
