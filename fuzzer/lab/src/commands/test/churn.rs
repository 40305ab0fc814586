//! Churn: a few rounds give everything back, do the same again, and are seen to fail.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::{
    Check, Context,
    lab::{json, lab, number},
};
use crate::exit::Exit;

/// Checks of `lab churn`.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "churn: processes die, the double goes, nothing is left, twice alike",
            repeats,
        ),
        Check::new("churn: kmemleak finds nothing either", |context| {
            rounds(context, &["--rounds", "30", "--kmemleak"], Exit::HELD).map(drop)
        }),
        Check::new("churn: finds leak-on-streamoff", |context| {
            let words = ["--rounds", "30", "--plant", "leak-on-streamoff"];
            let report = rounds(context, &words, Exit::LIFECYCLE)?;
            let failure = report["failure"].as_str().unwrap_or_default();
            ensure!(
                failure.contains("destroyed"),
                "it failed otherwise: {report}"
            );
            Ok(())
        }),
    ]
}

fn repeats(context: &Context) -> anyhow::Result<()> {
    let words = ["--rounds", "60", "--seed", "7"];
    let [one, other] = [(), ()].map(|()| rounds(context, &words, Exit::HELD));
    let (one, other) = (told(one?)?, told(other?)?);
    ensure!(one == other, "two runs differ:\n{one}\n{other}");
    for key in ["killed", "inherited", "passed", "refused", "survivors"] {
        ensure!(number(&one, key)? >= 10, "too few {key}: {one}");
    }
    let fences = ["inits", "signals", "destroys"].map(|key| number(&one, key));
    let [inits, signals, destroys] = fences;
    let (inits, signals, destroys) = (inits?, signals?, destroys?);
    ensure!(
        inits >= 60 && inits == signals && inits == destroys,
        "fences: {one}"
    );
    Ok(())
}

/// The report without what may differ between two runs: how much memory the kernel has in its caches.
fn told(mut report: Value) -> anyhow::Result<Value> {
    let fields = report.as_object_mut().context("the report is no object")?;
    fields.remove("memory");
    fields.remove("readings");
    Ok(report)
}

fn rounds(context: &Context, words: &[&str], exit: Exit) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("churn.json");
    let mut line = vec![
        "churn".to_owned(),
        "--json".into(),
        file.display().to_string(),
    ];
    line.extend(words.iter().map(|word| (*word).to_owned()));
    lab(context, &line)?.expect(exit)?;
    json(&file)
}
