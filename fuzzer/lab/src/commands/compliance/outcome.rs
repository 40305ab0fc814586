//! What one run of v4l2-compliance came to, the table of all of them, and what follows from it.

use judge::Violation;
use serde::Serialize;

use super::{
    known,
    report::{End, Report},
};
use crate::{exit::Exit, table::Table, theirs::Visit, verdict};

/// One run.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    node: &'static str,
    memory: Option<&'static str>,
    passed: usize,
    not_supported: usize,
    failed: Vec<Failed>,
    warnings: Vec<Explained>,
    /// What the kernel log shows because v4l2-compliance wants it to.
    provoked: Vec<Explained>,
    /// What is wrong with the run as a whole.
    trouble: Option<String>,
    fences: u64,
    violations: Vec<String>,
    #[serde(skip)]
    exit: Exit,
}

#[derive(Debug, Serialize)]
struct Failed {
    test: String,
    said: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Explained {
    text: String,
    why: Option<&'static str>,
}

impl Outcome {
    /// The outcome of a run.
    pub(super) fn new(
        node: &'static str,
        memory: Option<&'static str>,
        report: &Report,
        visit: &Visit,
    ) -> Outcome {
        let warning = |text: &String| Explained {
            text: text.clone(),
            why: known::explain(text),
        };
        let provoked = visit.provoked.iter().map(|provoked| Explained {
            text: provoked.line.to_owned(),
            why: Some(provoked.why),
        });
        let mut outcome = Outcome {
            node,
            memory,
            passed: report.count(End::Passed),
            not_supported: report.count(End::NotSupported),
            failed: failed(report),
            warnings: report.warnings.iter().map(warning).collect(),
            provoked: provoked.collect(),
            trouble: trouble(report, visit),
            fences: visit.fences.attached,
            violations: visit.violations.iter().map(Violation::title).collect(),
            exit: verdict::exit(&visit.violations),
        };
        if outcome.exit == Exit::HELD && !outcome.is_well() {
            outcome.exit = Exit::TIMING;
        }
        outcome
    }

    fn is_well(&self) -> bool {
        let explained = self.warnings.iter().all(|warning| warning.why.is_some());
        self.trouble.is_none() && self.failed.is_empty() && explained
    }

    fn title(&self) -> String {
        match self.memory {
            Some(memory) => format!("{}, {memory}", self.node),
            None => self.node.to_owned(),
        }
    }

    /// What a reader wants to know beyond the numbers.
    fn details(&self) -> String {
        let title = self.title();
        let mut text = String::new();
        for failed in &self.failed {
            text += &format!("{title}: FAIL {}\n", failed.test);
            for line in &failed.said {
                text += &format!("    {line}\n");
            }
        }
        for warning in self.warnings.iter().filter(|warning| warning.why.is_none()) {
            text += &format!("{title}: unexplained warning: {}\n", warning.text);
        }
        for line in self.trouble.iter().chain(&self.violations) {
            text += &format!("{title}: {line}\n");
        }
        text
    }
}

/// Failed tests, and those that could not be made: nobody knows how they would end.
fn failed(report: &Report) -> Vec<Failed> {
    let tests = report.tests.iter().filter_map(|test| {
        let said = match test.end {
            End::Failed => test.failures.clone(),
            End::NotMade => vec!["it could not be made".to_owned()],
            End::Passed | End::NotSupported => return None,
        };
        Some(Failed {
            test: test.name.clone(),
            said,
        })
    });
    tests.collect()
}

/// v4l2-compliance ends with 1 if a test failed, which its report says as well.
fn trouble(report: &Report, visit: &Visit) -> Option<String> {
    let told = report.trouble();
    match &visit.failure {
        Some(failure) if told.is_some() => {
            Some([failure.as_str(), &told?, visit.errors.trim()].join("; "))
        }
        Some(failure) if report.count(End::Failed) == 0 => Some(failure.clone()),
        _ => told,
    }
}

/// For the terminal: the table, then what is not as it should be, then what is known.
pub(super) fn plain(outcomes: &[Outcome]) -> String {
    let mut table = Table::new(&[
        "node",
        "memory",
        "passed",
        "not supported",
        "failed",
        "warnings",
        "fences",
        "violations",
        "verdict",
    ]);
    for outcome in outcomes {
        let counts = [
            outcome.passed as u64,
            outcome.not_supported as u64,
            outcome.failed.len() as u64,
            outcome.warnings.len() as u64,
            outcome.fences,
            outcome.violations.len() as u64,
        ];
        let mut cells = vec![
            outcome.node.to_owned(),
            outcome.memory.unwrap_or("-").to_owned(),
        ];
        cells.extend(counts.map(|count| count.to_string()));
        cells.push(
            if outcome.exit == Exit::HELD {
                "ok"
            } else {
                "FAILED"
            }
            .to_owned(),
        );
        table.row(cells);
    }
    let details: String = outcomes.iter().map(Outcome::details).collect();
    table.plain() + &details + &explanations(outcomes)
}

/// Each explained warning and each provoked line, once.
fn explanations(outcomes: &[Outcome]) -> String {
    let mut all: Vec<&Explained> = Vec::new();
    for one in outcomes
        .iter()
        .flat_map(|outcome| outcome.warnings.iter().chain(&outcome.provoked))
    {
        if one.why.is_some() && !all.contains(&one) {
            all.push(one);
        }
    }
    let line =
        |one: &&Explained| format!("known: {}\n    {}\n", one.text, one.why.unwrap_or_default());
    all.iter().map(line).collect()
}

/// The first outcome that is not held decides.
pub(super) fn verdict(outcomes: &[Outcome]) -> Exit {
    Exit::first(outcomes.iter().map(|outcome| outcome.exit))
}

#[cfg(test)]
mod tests {
    use trace::wire::FenceCounts;

    use super::*;

    fn visit(failure: Option<&str>) -> Visit {
        Visit {
            failure: failure.map(str::to_owned),
            output: String::new(),
            errors: "said".to_owned(),
            fences: FenceCounts::default(),
            violations: Vec::new(),
            provoked: vec![&known::PROVOKED[0]],
        }
    }

    fn outcome(text: &str, failure: Option<&str>) -> Outcome {
        Outcome::new("m2m", Some("dma-sg"), &Report::parse(text), &visit(failure))
    }

    const PASSED: &str =
        "\ttest A: OK\nTotal for x device y: 1, Succeeded: 1, Failed: 0, Warnings: 0\n";
    const FAILED: &str = "\t\tfail: a.cpp(7): wrong\n\ttest A: FAIL\n\
        Total for x device y: 1, Succeeded: 0, Failed: 1, Warnings: 0\n";
    const WARNED: &str = "\t\twarn: a.cpp(7): strange\n\ttest A: OK\n\
        Total for x device y: 1, Succeeded: 1, Failed: 0, Warnings: 1\n";
    const NOT_MADE: &str = "\ttest A: OK\n\ttest DMABUF: Cannot test, specify --expbuf-device\n\
        Total for x device y: 1, Succeeded: 1, Failed: 0, Warnings: 0\n";

    #[test]
    fn only_a_run_in_which_everything_passed_passes() {
        assert_eq!(outcome(PASSED, None).exit, Exit::HELD);
        let exits = [
            outcome(FAILED, Some("exit code 1")).exit,
            outcome(WARNED, None).exit,
            outcome(NOT_MADE, None).exit,
            outcome("", None).exit,
            outcome(PASSED, Some("killed")).exit,
        ];
        assert_eq!(exits, [Exit::TIMING; 5]);
    }

    #[test]
    fn what_failed_and_what_is_known_are_told() {
        let text = plain(&[outcome(FAILED, Some("exit code 1")), outcome(WARNED, None)]);
        assert!(
            text.contains("m2m, dma-sg: FAIL A\n    a.cpp(7): wrong\n"),
            "{text}"
        );
        assert!(
            text.contains("unexplained warning: a.cpp(7): strange"),
            "{text}"
        );
        assert_eq!(text.matches("known: use of bytesused").count(), 1, "{text}");
        assert!(!text.contains("exit code 1"), "said twice: {text}");
    }
}
