//! `report.md`: a finding for people.

use std::path::Path;

use engine::Finding;

use super::{folder::Origin, record};
use crate::{rig, verdict};

/// The report of a finding whose folder will be at `place`, and which `campaign` found.
pub(super) fn text(finding: &Finding, origin: &Origin, place: &Path, campaign: &str) -> String {
    [
        format!("# {}\n", finding.key),
        summary(finding, origin),
        violations(finding),
        program(finding),
        repeat(finding, place, campaign),
    ]
    .join("\n")
}

fn summary(finding: &Finding, origin: &Origin) -> String {
    let setup = &origin.setup;
    let plant = setup
        .plant
        .as_ref()
        .map(|plant| format!("planted bug | {plant}\n"))
        .unwrap_or_default();
    format!(
        "| | |\n| --- | --- |\ndriver | {}\nkernel | {}\nbuild | {}\npatches | {}\n{plant}attach point | {}\nreplays on fresh boots | {}\n\
         exit code | {}\n",
        setup.driver,
        origin.kernel,
        origin.build,
        origin.patches,
        setup.attach,
        record::reproduced(finding),
        finding.exit_code,
    )
}

fn violations(finding: &Finding) -> String {
    let mut paragraphs = Vec::new();
    for violation in &finding.violations {
        let paragraph = verdict::paragraph(&finding.program, violation);
        // Each look at the same fence tells the same again.
        if !paragraphs.contains(&paragraph) {
            paragraphs.push(paragraph);
        }
    }
    let all = paragraphs.concat();
    let note = match finding.other_trace {
        Some(_) => {
            "The same program left two different traces: trace.jsonl and other.jsonl. That is against the lab's own promise, \
                    and either the kernel drew from something that the lab does not hold still, or the lab has a bug.\n"
        }
        None => "",
    };
    format!("## What was seen\n\n{note}```\n{all}```\n")
}

fn program(finding: &Finding) -> String {
    let (before, after) = (finding.original.steps.len(), finding.program.steps.len());
    let runs = finding.minimised_in;
    format!(
        "## Program\n\nMinimised from {before} to {after} operations in {runs} runs. The trace is in trace.txt.\n\n```\n{}```\n",
        finding.program
    )
}

fn repeat(finding: &Finding, place: &Path, campaign: &str) -> String {
    let place = rig::quoted(&place.display().to_string());
    let code = finding.exit_code;
    format!(
        "## Repeat\n\n```\ncargo lab replay {place}\n```\n\nends with exit code {code} if it repeats. The campaign that found it:\n\n\
         ```\n{campaign}\n```\n"
    )
}
