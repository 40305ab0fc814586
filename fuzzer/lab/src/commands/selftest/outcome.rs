//! What one test program gave, the table of all of them, and what follows from it.

use judge::Violation;
use serde::Serialize;
use trace::{
    Death,
    wire::{Ended, Executed},
};

use super::tap::{self, End, Test};
use crate::{commands::run, exit::Exit, table::Table, target::uml::execution::Execution, verdict};

/// Lines of a failed test's output that are quoted.
const QUOTED: usize = 4;

/// Failed tests of which more than their number is told.
const SHOWN: usize = 3;

/// How a test program ended.
#[derive(Debug)]
pub(in crate::commands) enum Verdict {
    /// The kernel died under it.
    Died(Death),
    /// What it printed is no whole output of a test.
    Broken(String),
    /// It told the results of its tests.
    Told(Vec<Test>),
}

impl Verdict {
    /// What it printed, if it lived to do so.
    pub(in crate::commands) fn of(execution: &Execution) -> Verdict {
        match execution {
            Execution::Died { how, .. } => Verdict::Died(*how),
            Execution::Ended(executed) => Verdict::of_output(executed),
        }
    }

    fn of_output(executed: &Executed) -> Verdict {
        let errors = String::from_utf8_lossy(&executed.errors);
        let failure = match executed.end {
            // A selftest that failed says so in two ways.
            Ended::Exited(_) => None,
            end => run::failure(end),
        };
        match (
            failure,
            tap::parse(&String::from_utf8_lossy(&executed.output)),
        ) {
            (Some(failure), _) => Verdict::Broken(failure),
            (None, Err(error)) => Verdict::Broken(format!("{error}; {}", errors.trim())),
            (None, Ok(mut tests)) => {
                tests.iter_mut().for_each(|test| explain(test, &errors));
                Verdict::Told(tests)
            }
        }
    }

    /// Only the tests with this in their names.
    pub(in crate::commands) fn of_node(mut self, mark: &str) -> Verdict {
        if let Verdict::Told(tests) = &mut self {
            tests.retain(|test| test.name.contains(mark));
        }
        self
    }
}

/// The harness says why a test failed on standard error: `file.c:7:name:Expected …`.
fn explain(test: &mut Test, errors: &str) {
    let End::Failed(said) = &mut test.end else {
        return;
    };
    let short = test.name.rsplit('.').next().unwrap_or(&test.name);
    let mark = format!(":{short}:");
    let lines = errors.lines().filter(|line| line.contains(&mark));
    said.extend(lines.map(|line| line.trim_start_matches("# ").to_owned()));
}

/// One test program and how it ended.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Outcome {
    name: String,
    passed: usize,
    failed: Vec<Failed>,
    skipped: Vec<Skipped>,
    /// What is wrong with the program or the kernel as a whole.
    trouble: Option<String>,
    violations: Vec<String>,
    #[serde(skip)]
    exit: Exit,
}

#[derive(Debug, Serialize)]
struct Failed {
    name: String,
    said: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Skipped {
    name: String,
    why: String,
}

impl Outcome {
    /// The outcome, with what the judge found meanwhile.
    pub(in crate::commands) fn new(
        name: String,
        verdict: Verdict,
        violations: &[Violation],
    ) -> Outcome {
        let mut outcome = Outcome {
            name,
            passed: 0,
            failed: Vec::new(),
            skipped: Vec::new(),
            trouble: None,
            violations: violations.iter().map(Violation::title).collect(),
            exit: verdict::exit(violations),
        };
        match verdict {
            Verdict::Died(how) => outcome.trouble = Some(format!("the kernel died: {how:?}")),
            Verdict::Broken(why) => outcome.trouble = Some(why),
            Verdict::Told(tests) => tests.into_iter().for_each(|test| outcome.count(test)),
        }
        if outcome.trouble.is_none() && outcome.passed == 0 && outcome.failed.is_empty() {
            outcome.trouble = Some("nothing was tested".to_owned());
        }
        if outcome.exit == Exit::HELD && (outcome.trouble.is_some() || !outcome.failed.is_empty()) {
            outcome.exit = Exit::TIMING;
        }
        outcome
    }

    /// How many tests failed, and how many passed.
    pub(in crate::commands) fn numbers(&self) -> (usize, usize) {
        (self.failed.len(), self.passed)
    }

    /// Nothing is wrong but that tests failed.
    pub(in crate::commands) fn held_otherwise(&self) -> bool {
        self.trouble.is_none() && self.violations.is_empty() && self.skipped.is_empty()
    }

    fn count(&mut self, test: Test) {
        let name = test.name;
        match test.end {
            End::Passed => self.passed += 1,
            End::Failed(said) => self.failed.push(Failed { name, said }),
            End::Skipped(why) => self.skipped.push(Skipped { name, why }),
        }
    }

    /// What a reader wants to know beyond the numbers.
    fn details(&self) -> String {
        let mut text = String::new();
        for failed in self.failed.iter().take(SHOWN) {
            text += &format!("{}: FAILED {}\n", self.name, failed.name);
            let from = failed.said.len().saturating_sub(QUOTED);
            for line in &failed.said[from..] {
                text += &format!("    {line}\n");
            }
        }
        if let more @ 1.. = self.failed.len().saturating_sub(SHOWN) {
            text += &format!("{}: FAILED {more} more, see --show\n", self.name);
        }
        for skipped in &self.skipped {
            text += &format!("{}: skipped {}: {}\n", self.name, skipped.name, skipped.why);
        }
        for title in self.trouble.iter().chain(&self.violations) {
            text += &format!("{}: {title}\n", self.name);
        }
        text
    }

    fn words(&self) -> &'static str {
        if self.exit == Exit::HELD {
            "ok"
        } else {
            "FAILED"
        }
    }
}

/// For the terminal: the table, then what is not as it should be.
pub(in crate::commands) fn plain(outcomes: &[Outcome]) -> String {
    let mut table = Table::new(&[
        "test",
        "passed",
        "failed",
        "skipped",
        "violations",
        "verdict",
    ]);
    for outcome in outcomes {
        let counts = [
            outcome.passed,
            outcome.failed.len(),
            outcome.skipped.len(),
            outcome.violations.len(),
        ];
        let mut cells = vec![outcome.name.clone()];
        cells.extend(counts.map(|count| count.to_string()));
        cells.push(outcome.words().to_owned());
        table.row(cells);
    }
    let details: String = outcomes.iter().map(Outcome::details).collect();
    table.plain() + &details
}

/// The first outcome that is not held decides.
pub(in crate::commands) fn verdict(outcomes: &[Outcome]) -> Exit {
    Exit::first(outcomes.iter().map(|outcome| outcome.exit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ends: &[End]) -> Verdict {
        let test = |end: &End| Test {
            name: "a.b".into(),
            end: end.clone(),
        };
        Verdict::Told(ends.iter().map(test).collect())
    }

    fn exit(verdict: Verdict) -> Exit {
        Outcome::new("x".into(), verdict, &[]).exit
    }

    #[test]
    fn passing_is_more_than_not_failing() {
        let skipped = End::Skipped("why".into());
        assert_eq!(exit(told(&[End::Passed, skipped.clone()])), Exit::HELD);
        assert_eq!(exit(told(&[skipped])), Exit::TIMING);
        assert_eq!(exit(told(&[])), Exit::TIMING);
        let failed = End::Failed(Vec::new());
        assert_eq!(exit(told(&[End::Passed, failed])), Exit::TIMING);
        assert_eq!(exit(Verdict::Broken("cut".into())), Exit::TIMING);
    }

    #[test]
    fn what_the_harness_says_of_a_failure_stands_with_it() {
        let executed = Executed {
            end: Ended::Exited(1),
            output: b"1..2\nnot ok 1 f.vim2m-video1.one\nok 2 f.vim2m-video1.two\n".to_vec(),
            errors: b"# t.c:7:one:Expected 0 == 1\n# t.c:9:two:fine\n".to_vec(),
            trace: trace::Trace::default(),
            fences: trace::wire::FenceCounts::default(),
        };
        let verdict = || Verdict::of(&Execution::Ended(Box::new(executed.clone())));
        let Verdict::Told(tests) = verdict().of_node("-video1.") else {
            panic!("{:?}", verdict());
        };
        let said = End::Failed(vec!["t.c:7:one:Expected 0 == 1".to_owned()]);
        assert_eq!((&tests[0].end, &tests[1].end), (&said, &End::Passed));
        assert!(matches!(verdict().of_node("-video2."), Verdict::Told(none) if none.is_empty()));
    }

    #[test]
    fn failures_are_quoted_by_their_last_lines() {
        let said = (0..20).map(|number| format!("line {number}")).collect();
        let outcome = Outcome::new("x".into(), told(&[End::Failed(said)]), &[]);
        let text = plain(&[outcome]);
        assert!(
            text.contains("line 19") && !text.contains("line 3\n"),
            "{text}"
        );
        assert!(text.contains("FAILED"), "{text}");
    }
}
