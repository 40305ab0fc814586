//! `scripts/checkpatch.pl --strict`, from the tree that the series is for.

use std::path::Path;

use anyhow::Context;

use super::{finding::Finding, input::Letter, maintainers};
use crate::process;

/// How TRACE_EVENT() is written everywhere in the kernel; checkpatch does not know.
const OF_TRACE_EVENTS: [&str; 2] = ["OPEN_ENDED_LINE", "PARENTHESIS_ALIGNMENT"];

/// What checkpatch says about a patch. `tree` is in the state behind the whole series.
pub(super) fn check(tree: &Path, patch: &Letter) -> anyhow::Result<Vec<Finding>> {
    let mut perl = process::command("perl");
    perl.arg(tree.join("scripts/checkpatch.pl"));
    perl.arg(format!("--root={}", tree.display()));
    perl.args(["--strict", "--show-types", "--no-summary", "--color=never"]);
    if process::find("codespell").is_some() {
        perl.arg("--codespell");
    }
    // It ends with 1 if it has something to say, and then it does.
    let output = perl
        .arg(&patch.path)
        .current_dir(tree)
        .output()
        .context("cannot start perl")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = read(&said, &patch.name);
    anyhow::ensure!(
        output.status.success() || !complaints.is_empty(),
        "checkpatch.pl failed on {}: {}",
        patch.path.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let maintainers = std::fs::read_to_string(tree.join("MAINTAINERS")).unwrap_or_default();
    Ok(complaints
        .into_iter()
        .map(|complaint| complaint.weighed(patch, &maintainers))
        .collect())
}

/// A complaint of checkpatch's with its type.
struct Complaint {
    kind: String,
    finding: Finding,
}

impl Complaint {
    /// What is no reason to send a patch back becomes a note that says why.
    fn weighed(self, patch: &Letter, maintainers: &str) -> Finding {
        let Complaint { kind, finding } = self;
        if kind == "FILE_PATH_CHANGES" {
            return match owners(patch, maintainers) {
                Some(sections) => finding.noted(&format!("MAINTAINERS has it: {sections}")),
                None => finding,
            };
        }
        let is_trace =
            finding.file.starts_with("include/trace/") || finding.file.ends_with("trace.h");
        match is_trace && OF_TRACE_EVENTS.contains(&kind.as_str()) {
            true => finding.noted("TRACE_EVENT is written so"),
            false => finding,
        }
    }
}

/// The sections that the files of a patch are in, if all are in some.
fn owners(patch: &Letter, maintainers: &str) -> Option<String> {
    let sections = patch
        .files()
        .iter()
        .map(|file| maintainers::section(maintainers, file))
        .collect::<Option<Vec<_>>>();
    let mut sections = sections?;
    sections.sort_unstable();
    sections.dedup();
    Some(sections.join(", "))
}

/// Reads `ERROR:TYPE: text`, and the place in the line behind it: `#17: FILE: x.c:1:`, or `#17:` alone for the patch.
fn read(said: &str, patch: &str) -> Vec<Complaint> {
    let mut complaints: Vec<Complaint> = Vec::new();
    let mut before = None;
    for line in said.lines() {
        if let Some((kind, text)) = complaint(line) {
            let finding = Finding::bounce(patch, None, text);
            complaints.push(Complaint {
                kind: kind.to_owned(),
                finding,
            });
            before = complaints.last_mut();
        } else if let Some(Complaint { finding, .. }) = before.take() {
            place(line, finding);
        }
    }
    complaints
}

fn complaint(line: &str) -> Option<(&str, &str)> {
    let level = ["ERROR:", "WARNING:", "CHECK:"]
        .into_iter()
        .find(|level| line.starts_with(level))?;
    let (kind, _) = line[level.len()..].split_once(": ")?;
    let is_type = kind
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    is_type.then_some((kind, line))
}

fn place(line: &str, finding: &mut Finding) {
    let Some((number, rest)) = line.strip_prefix('#').and_then(|rest| rest.split_once(':')) else {
        return;
    };
    finding.line = number.parse().ok();
    let place = rest
        .trim()
        .strip_prefix("FILE: ")
        .and_then(|rest| rest.trim_end_matches(':').rsplit_once(':'));
    if let Some((file, number)) = place {
        finding.file = file.to_owned();
        finding.line = number.parse().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "WARNING:FILE_PATH_CHANGES: added, moved or deleted file(s), does MAINTAINERS need updating?\n#12: \nnew file mode 100644\n\n\
                        ERROR:TRAILING_WHITESPACE: trailing whitespace\n#17: FILE: drivers/media/x.c:1:\n+int a; $\n\n\
                        CHECK:OPEN_ENDED_LINE: Lines should not end with a '('\n#20: FILE: include/trace/events/vb2.h:9:\n+\tTP_STRUCT__entry(\n\n\
                        ERROR:MISSING_SIGN_OFF: Missing Signed-off-by: line(s)\n\n\nNOTE: For some\n\np has style problems, please review.\n";

    fn patch(file: &str) -> Letter {
        let text = format!(
            "Subject: x\n\ndiff --git a/{file} b/{file}\n--- /dev/null\n+++ b/{file}\n@@ -0,0 +1 @@\n+x\n"
        );
        Letter {
            name: "p".into(),
            path: "p".into(),
            text,
        }
    }

    fn weighed(file: &str) -> Vec<String> {
        let maintainers = "MEDIA\nM:\tA <a@example.org>\nF:\tdrivers/media/\n";
        let all = read(SAID, "p")
            .into_iter()
            .map(|complaint| complaint.weighed(&patch(file), maintainers));
        all.map(|finding| format!("{:?} {finding}", finding.weight))
            .collect()
    }

    #[test]
    fn every_complaint_has_its_place() {
        let all = weighed("kernel/x.c");
        assert_eq!(
            all,
            [
                "Bounce p:12: WARNING:FILE_PATH_CHANGES: added, moved or deleted file(s), does MAINTAINERS need updating?",
                "Bounce drivers/media/x.c:1: ERROR:TRAILING_WHITESPACE: trailing whitespace",
                "Note include/trace/events/vb2.h:9: CHECK:OPEN_ENDED_LINE: Lines should not end with a '(' (TRACE_EVENT is written so)",
                "Bounce p: ERROR:MISSING_SIGN_OFF: Missing Signed-off-by: line(s)",
            ]
        );
    }

    #[test]
    fn a_new_file_that_has_a_maintainer_is_a_note() {
        assert!(
            weighed("drivers/media/x.c")[0].starts_with("Note p:12: WARNING:FILE_PATH_CHANGES")
        );
        assert!(weighed("drivers/media/x.c")[0].ends_with("(MAINTAINERS has it: MEDIA)"));
    }
}
