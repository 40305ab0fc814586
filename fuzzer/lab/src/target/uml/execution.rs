//! What came of a program file that ran in the guest.

use anyhow::bail;
use trace::{Death, Trace, wire::Executed};

/// How it ended. A dead guest is an answer, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Execution {
    /// The agent saw the program to its end.
    Ended(Box<Executed>),
    /// The guest died under it.
    Died {
        /// How.
        how: Death,
        /// The telling lines of its console.
        log: Vec<String>,
    },
}

impl Execution {
    /// What was observed, for the judge.
    pub fn trace(&self) -> Trace {
        match self {
            Execution::Ended(executed) => executed.trace.clone(),
            Execution::Died { how, log } => engine::death(*how, log.clone()),
        }
    }

    /// The program's end, where a dead guest is an error.
    pub fn ended(self) -> anyhow::Result<Executed> {
        match self {
            Execution::Ended(executed) => Ok(*executed),
            Execution::Died { how, log } => {
                bail!("the guest died ({how:?}):\n  {}", log.join("\n  "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_guest_leaves_a_trace_that_says_so() {
        let died = Execution::Died {
            how: Death::Panic,
            log: vec!["Kernel panic - not syncing".to_owned()],
        };
        let found = judge::judge(&program::Program::default(), &died.trace());
        assert!(found.iter().any(|one| one.observed.contains("panicked")));
        assert!(
            died.ended()
                .unwrap_err()
                .to_string()
                .contains("not syncing")
        );
    }
}
