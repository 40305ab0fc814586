//! What the engine asks of whatever executes programs.

use program::Program;
use trace::wire::{Hello, Reply, Report, Request, Study};

/// Something that executes programs: a booted kernel with the agent in it.
pub trait Target {
    /// Kills what runs and boots afresh.
    fn boot(&mut self) -> anyhow::Result<Hello>;

    /// Runs one program. A dead target is an answer, not an error; the next call boots afresh.
    fn run(&mut self, program: &Program, coverage: bool) -> anyhow::Result<Ran>;

    /// Looks at a program closely, if the target can; none if it did not survive that.
    fn study(&mut self, _program: &Program) -> anyhow::Result<Option<Study>> {
        Ok(Some(Study::default()))
    }

    /// Any other request.
    fn request(&mut self, request: Request) -> anyhow::Result<Reply>;
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// The agent answered.
    Report(Box<Report>),
    /// The target died under the program.
    Died {
        /// How it died.
        how: trace::Death,
        /// The last lines of its console.
        log: Vec<String>,
    },
}
