//! What must be refused: malformed programs, traces, patches and trees, each with a message that names the file.

use std::{fs, path::Path};

use anyhow::Context as _;

use super::{Check, Context, lab::lab};
use crate::exit::Exit;

/// One check for each kind of input.
pub(super) fn checks() -> Vec<Check> {
    vec![
        refused(
            "program with an unknown operation",
            &["replay"],
            "bad.vb2",
            "a = open double\nfly a\n",
            "line 2",
        ),
        refused(
            "program that is not text",
            &["replay"],
            "bad.vb2",
            "\u{1}\u{0}\u{2}",
            "line 1",
        ),
        refused(
            "program without an operation",
            &["replay"],
            "empty.vb2",
            "# nothing\n",
            "no operation",
        ),
        refused(
            "trace that is something else",
            &["judge"],
            "bad.jsonl",
            "{}\n",
            "not a trace",
        ),
        refused(
            "trace that is cut short",
            &["judge"],
            "cut.jsonl",
            cut_trace(),
            "cut short",
        ),
        Check::new("inputs: trace of another program", other_program),
        Check::new("inputs: finding with a malformed record", bad_finding),
        Check::new("inputs: patch that does not apply", bad_patch),
        Check::new("inputs: folder that is no kernel tree", bad_tree),
    ]
}

/// The first line of a trace, and no more.
fn cut_trace() -> String {
    let version = trace::file::VERSION;
    format!("{{\"vb2-fence-lab trace\":{version},\"program\":\"0123456789abcdef\"}}\n")
}

const PROGRAM: &str = "a = open double\nclose a\n";

fn refused(
    what: &str,
    command: &'static [&str],
    name: &'static str,
    text: impl Into<String>,
    said: &'static str,
) -> Check {
    let text = text.into();
    Check::new(format!("inputs: {what}"), move |context| {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(name);
        fs::write(&path, &text)?;
        let path = path.display().to_string();
        let words: Vec<&str> = command.iter().copied().chain([path.as_str()]).collect();
        lab(context, &words)?
            .expect(Exit::MALFORMED)?
            .says(name)?
            .says(said)?;
        Ok(())
    })
}

fn other_program(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (program, trace) = (folder.path().join("a.vb2"), folder.path().join("a.jsonl"));
    fs::write(&program, PROGRAM)?;
    fs::write(&trace, cut_trace() + "{\"events\":0}\n")?;
    let words = ["judge", text(&trace)?, "--program", text(&program)?];
    lab(context, &words)?
        .expect(Exit::MALFORMED)?
        .says("a.jsonl")?
        .says("0123456789abcdef")?;
    Ok(())
}

fn bad_finding(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("finding.json"), "{\"version\": 1}")?;
    fs::write(folder.path().join("program.vb2"), PROGRAM)?;
    lab(context, &["replay", text(folder.path())?])?
        .expect(Exit::MALFORMED)?
        .says("finding.json")?;
    Ok(())
}

fn bad_patch(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let patch = "--- a/Makefile\n+++ b/Makefile\n@@ -1,1 +1,1 @@\n-no such line\n+another\n";
    fs::write(folder.path().join("0001-bad.patch"), patch)?;
    lab(context, &["kernel", "--series", text(folder.path())?])?
        .expect(Exit::MALFORMED)?
        .says("0001-bad.patch")?;
    Ok(())
}

fn bad_tree(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let tree = text(folder.path())?;
    lab(context, &["kernel", "--kernel-tree", tree])?
        .expect(Exit::MALFORMED)?
        .says(tree)?;
    Ok(())
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str()
        .context("the folder for temporary files has a name that is not UTF-8")
}
