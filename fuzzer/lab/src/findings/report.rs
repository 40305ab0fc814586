//! `report.md`: a finding as a mail to the subsystem's list. Plain text that is Markdown too, no line longer than a mail's.

mod program;
mod wrap;

use std::path::Path;

use engine::Finding;

use super::{folder::Origin, record};
use crate::{
    reproducer::{Reproduction, Shown, Sight},
    rig, verdict,
};
use wrap::{command, indented, paragraph, title};

/// Most violations that a report tells: what follows the first ones is mostly their consequence.
const MOST: usize = 4;

/// The report of a finding whose folder will be at `place`, and which `campaign` found.
pub(super) fn text(
    finding: &Finding,
    origin: &Origin,
    place: &Path,
    campaign: &str,
    reproduction: &Reproduction,
) -> String {
    [
        subject(finding, origin),
        violations(finding),
        stacks(origin, finding),
        section("The program", &program(finding)),
        section("As C", &in_c(reproduction)),
        section("The kernel", &kernel(origin)),
        section("To repeat it", &repeat(finding, origin, place, campaign)),
    ]
    .concat()
}

fn section(heading: &str, body: &str) -> String {
    match body.is_empty() {
        true => String::new(),
        false => format!("\n## {heading}\n\n{body}"),
    }
}

fn subject(finding: &Finding, origin: &Origin) -> String {
    let what = format!("[BUG] {}: {}", origin.setup.driver, finding.key);
    format!("Subject: {}\n", title(&what))
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
    let more = paragraphs.len().saturating_sub(MOST);
    paragraphs.truncate(MOST);
    let mut body: String = paragraphs.iter().map(|text| indented(text)).collect();
    if more > 0 {
        body += &paragraph(&format!(
            "{more} more follow from it; trace.txt has them all."
        ));
    }
    if finding.other_trace.is_some() {
        body += &paragraph(
            "The same program left two different traces: trace.jsonl and other.jsonl. That is against the lab's own promise, and \
             either the kernel drew from something that the lab does not hold still, or the lab has a bug.",
        );
    }
    section("What was seen", &body)
}

fn stacks(origin: &Origin, finding: &Finding) -> String {
    let stacks = origin.symbols.stacks(&finding.trace);
    section(
        "Call trace",
        &stacks.map_or_else(String::new, |text| format!("{text}\n")),
    )
}

fn program(finding: &Finding) -> String {
    let (before, after) = (finding.original.steps.len(), finding.program.steps.len());
    let runs = finding.minimised_in;
    let lead = format!(
        "{after} operations, one a line, minimised from {before} in {runs} runs; behind each what it returned and what the \
         kernel's fence ledger recorded meanwhile."
    );
    format!(
        "{}\n{}",
        paragraph(&lead),
        program::commented(&finding.program, &finding.trace)
    )
}

fn in_c(reproduction: &Reproduction) -> String {
    let source = match &reproduction.source {
        Ok(source) => source,
        Err(why) => return paragraph(&format!("There is no C program: {why}.")),
    };
    let lead = match source.sight {
        Sight::Calls => "reproducer.c shows it by itself, with system calls alone.",
        Sight::Log => "reproducer.c makes the calls and reads the kernel's log.",
        Sight::Ledger => {
            "reproducer.c makes the calls; user space cannot see the failure, the tracepoints dma_fence:* can."
        }
    };
    let outcome = match &reproduction.outcome {
        Ok(outcome) => outcome,
        Err(why) => return paragraph(&format!("{lead} {why}.")),
    };
    let told = match outcome.shown {
        Shown::Failed => "Built with cc and run in a guest of its own it fails as it should:",
        Shown::InLedger => {
            "Built with cc and run in a guest of its own it has the ledger record the same:"
        }
        Shown::Held => "Built with cc and run in a guest of its own it does NOT fail:",
        Shown::Unseen => "Built with cc and run in a guest of its own it cannot tell:",
    };
    let output: String = tail(&outcome.output)
        .iter()
        .map(|line| indented(line))
        .collect();
    format!("{}\n{output}", paragraph(&format!("{lead} {told}")))
}

/// The last lines of what a reproducer printed.
fn tail(output: &str) -> Vec<&str> {
    const LINES: usize = 12;
    let lines: Vec<_> = output.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

fn kernel(origin: &Origin) -> String {
    let setup = &origin.setup;
    let plant = setup.plant.as_ref();
    let plant = plant.map_or(String::new(), |plant| format!("\n- planted bug: {plant}"));
    let lines = format!(
        "- Linux {}, User-Mode Linux, one CPU, virtual time\n- with KASAN, PROVE_LOCKING, DEBUG_ATOMIC_SLEEP and KCOV{}\n\
         - patches: {}\n- driver: {}{}, fences attached at {}{plant}\n- build: {}",
        origin.kernel,
        if setup.kmemleak { ", kmemleak" } else { "" },
        origin.patches,
        setup.driver,
        setup.shape.parameters(),
        setup.attach,
        origin.build,
    );
    lines.lines().map(paragraph).collect()
}

fn repeat(finding: &Finding, origin: &Origin, place: &Path, campaign: &str) -> String {
    let place = rig::quoted(&place.display().to_string());
    let options: String = origin
        .options
        .iter()
        .map(|word| format!(" {word}"))
        .collect();
    let (code, reproduced) = (finding.exit_code, record::reproduced(finding));
    let lead = format!(
        "Shown by {reproduced} replays on fresh boots. The first line ends with exit code {code} if it repeats; the second runs \
         the C program; the third is the campaign that found it."
    );
    [
        paragraph(&lead),
        "\n".into(),
        command(&format!("cargo lab replay{options} {place}")),
        command(&format!("cargo lab reproduce{options} {place}")),
        command(campaign),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use engine::Key;
    use trace::Trace;

    use super::*;
    use crate::reproducer::Outcome;

    fn finding() -> Finding {
        let program: ::program::Program = "a = open double\nclose a\n".parse().unwrap();
        Finding {
            key: Key {
                invariant: "I11".into(),
                title: "it was attached long before a job started, and a good deal more of words"
                    .into(),
            },
            exit_code: 10,
            reproduced: 3,
            program: program.clone(),
            original: program,
            trace: Trace::default(),
            other_trace: None,
            violations: Vec::new(),
            leaks: false,
            minimised_in: 7,
        }
    }

    #[test]
    fn a_report_fits_into_a_mail_and_carries_every_option() {
        let mut origin = Origin {
            kernel: "7.3.4".into(),
            options: vec![
                "--vanilla".into(),
                "--series /somewhere/that/is/quite/long".into(),
            ],
            ..Origin::default()
        };
        origin.setup.driver = "double".into();
        let mut reproduction = Reproduction::new(&finding(), &origin);
        reproduction.outcome = Ok(Outcome {
            shown: Shown::Failed,
            output: "FAIL: x\n".into(),
        });
        let place = Path::new("findings/I11-it-was-attached-long-before-a-job-started-ed1ccbba");
        let text = text(
            &finding(),
            &origin,
            place,
            "cargo lab fuzz --seed 1",
            &reproduction,
        );
        assert!(text.starts_with("Subject: [BUG] double: I11: "), "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= 75, "{line}");
        }
        let joined = text.replace(" \\\n        ", " ");
        let line =
            "cargo lab replay --vanilla --series /somewhere/that/is/quite/long findings/I11-";
        assert!(joined.contains(line), "{text}");
    }
}
