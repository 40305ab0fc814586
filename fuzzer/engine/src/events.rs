//! What a campaign tells while it runs, and what it asks.

use anyhow::Result;
use program::Program;
use trace::wire::Study;

use crate::{
    campaign::Stats,
    finding::{Finding, Key},
    session::Run,
};

/// What a campaign tells while it runs.
pub trait Events {
    /// After every program.
    fn progress(&mut self, stats: &Stats);

    /// Something broke the contract; triage begins.
    fn suspect(&mut self, key: &Key);

    /// Triage is done. Whoever listens keeps the finding: the campaign may die before it ends.
    fn finding(&mut self, finding: &Finding) -> Result<()>;

    /// A program ran. Unlike [`Events::progress`] it is told of those too that do not count.
    fn ran(&mut self, _program: &Program, _run: &Run) {}

    /// Cells of the coverage map were hit for the first time.
    fn reached(&mut self, _cells: &[u16]) {}

    /// A program is in the corpus from now on. No other one runs before this returns: whoever listens keeps it.
    fn kept(&mut self, _program: &Program) -> Result<()> {
        Ok(())
    }

    /// What a closer look at a new program of the corpus showed.
    fn studied(&mut self, _program: &Program, _study: &Study) -> Result<()> {
        Ok(())
    }

    /// A program broke something new; its triage takes seconds. No other one runs before this returns: whoever listens
    /// keeps it until [`Events::settled`].
    fn broke(&mut self, _program: &Program) -> Result<()> {
        Ok(())
    }

    /// Triage of that program is done.
    fn settled(&mut self, _program: &Program) -> Result<()> {
        Ok(())
    }

    /// False if another instance of the campaign has seen this before and looks into it.
    fn claim(&mut self, _key: &Key) -> bool {
        true
    }

    /// Programs that came into the corpora of other instances since this was last asked.
    fn others(&mut self) -> Vec<Program> {
        Vec::new()
    }

    /// True if the campaign shall stop now.
    fn interrupted(&self) -> bool;
}
