//! The smallest driver over the safe layer: it copies frames, its fences are as they should be, and v4l2-compliance has
//! nothing to say.

use std::{fs, time::Duration};

use anyhow::{Context as _, ensure};
use judge::Expectation;

use super::{Check, Context};
use crate::{
    clone,
    commands::compliance::{equip, words},
    rig::RigArgs,
    theirs::Theirs,
};

/// The module, its driver, and its video device are called so.
const NAME: &str = "smallest_m2m";

/// Time of the guest that v4l2-compliance may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Checks of the smallest driver.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "smallest driver: copies frames, each with two fences",
            copies,
        ),
        Check::new("smallest driver: v4l2-compliance", complies),
        Check::new("smallest driver: the page about it quotes it", |_| quoted()),
    ]
}

fn target(context: &Context) -> anyhow::Result<Theirs> {
    let mut target = equip(&context.options, &RigArgs::default())?;
    target.boot()?;
    Ok(target)
}

fn copies(context: &Context) -> anyhow::Result<()> {
    let visit = target(context)?.agent(&["--copy", NAME, "100"])?;
    ensure!(
        visit.violations.is_empty(),
        "the judge found: {:#?}",
        visit.violations
    );
    ensure!(
        visit.output.trim() == "frames 100 fences 200",
        "it said «{}»",
        visit.output
    );
    Ok(())
}

fn complies(context: &Context) -> anyhow::Result<()> {
    let mut target = target(context)?;
    target.agent(&["--load", NAME])?;
    let device = target.node(NAME)?;
    let expectation = Expectation::default();
    let visit = target.visit(&words(&device, &device, false), LIMIT, expectation)?;
    let total = visit
        .output
        .lines()
        .find(|line| line.starts_with("Total for"));
    let total = total.with_context(|| format!("no total:\n{}", visit.output))?;
    ensure!(
        visit.failure.is_none() && total.contains("Failed: 0, Warnings: 0"),
        "{}",
        visit.output
    );
    ensure!(
        visit.violations.is_empty(),
        "the judge found: {:#?}",
        visit.violations
    );
    Ok(())
}

/// The files that the page quotes, by the language that it says they are in, and what it need not quote.
const QUOTED: [(&str, &str, &[&str]); 3] = [
    ("make", "Kbuild", &["#"]),
    ("c", "shim.c", &["//", "/*", " *"]),
    ("rust", "main.rs", &["//", "use ", "const "]),
];

fn quoted() -> anyhow::Result<()> {
    let module = clone::root()?.join("module");
    let page = fs::read_to_string(module.join("v4l2/README.md"))?;
    for (language, file, beside) in QUOTED {
        let source = fs::read_to_string(module.join(NAME).join(file))?;
        compare(&page, language, &source, beside).context(file)?;
    }
    Ok(())
}

/// Every block of this language stands in the source, and the blocks leave nothing of it out but lines that begin like one
/// of `beside`.
fn compare(page: &str, language: &str, source: &str, beside: &[&str]) -> anyhow::Result<()> {
    let mut rest = source.to_owned();
    for block in blocks(page, language) {
        ensure!(
            rest.contains(block),
            "the page quotes what is not there:\n{block}"
        );
        rest = rest.replacen(block, "", 1);
    }
    let is_beside = |line: &&str| line.is_empty() || beside.iter().any(|way| line.starts_with(way));
    let missing: Vec<_> = rest.lines().filter(|line| !is_beside(line)).collect();
    ensure!(missing.is_empty(), "the page leaves out: {missing:#?}");
    Ok(())
}

fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(&fence)
        .skip(1)
        .filter_map(|after| after.split("```").next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_and_a_source_that_differ_are_told() {
        let page = "# T\n```rust\nfn a() {}\n```\n```c\nint a;\n```\n";
        let check = |source| compare(page, "rust", source, &["//"]);
        check("// a\nfn a() {}\n").unwrap();
        let error = check("fn b() {}\n").unwrap_err().to_string();
        assert!(error.contains("not there"), "{error}");
        let error = check("fn a() {}\nfn b() {}\n").unwrap_err().to_string();
        assert!(error.contains("fn b()"), "{error}");
    }
}
