//! Two programs that the model takes for one, and what may follow them.

use program::Choose;

use crate::{
    Choice, Graph, Scope, Spelled,
    canonical::Naming,
    graph::{lengthen, spell},
    plan::renaming,
};

/// A program that was not continued, the one that stands for it, and the same continuation of both.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The shortest program to the state, continued.
    pub kept: Spelled,
    /// Its steps before the continuation.
    pub kept_cut: usize,
    /// The other program, continued in the same way up to the names of buffers.
    pub pruned: Spelled,
    /// Its steps before the continuation.
    pub pruned_cut: usize,
    names: (Naming, Naming),
}

impl Pair {
    /// The name in the kept program of what the pruned one calls `name`.
    pub fn translate(&self, output: bool, name: u32) -> u32 {
        let (kept, pruned) = &self.names;
        renaming(pruned, kept, output, name as usize) as u32
    }
}

/// Continues both programs of a transition that was pruned with at most `length` symbols that `choose` draws. `None` if the
/// continuation of one is not possible for the other, which is what must never be.
pub fn pair(
    scope: &Scope,
    graph: &Graph,
    edge: usize,
    length: usize,
    choose: &mut dyn Choose,
) -> Option<Pair> {
    let kept = graph.path(graph.edges()[edge].to);
    let pruned = graph.word(edge);
    let (at_kept, at_pruned) = (spell(scope, &kept)?, spell(scope, &pruned)?);
    let (_, kept_names) = scope.canonical(&at_kept.world);
    let (_, pruned_names) = scope.canonical(&at_pruned.world);
    let long = lengthen(scope, &kept, kept.len() + length, choose);
    let more = long[kept.len()..].iter().map(|choice| {
        scope.renamed(*choice, |output, name| {
            renaming(&kept_names, &pruned_names, output, name)
        })
    });
    let other: Vec<Choice> = pruned.into_iter().chain(more).collect();
    let other = spell(scope, &other)?;
    Some(Pair {
        kept: spell(scope, &long)?,
        kept_cut: at_kept.acted,
        pruned: other,
        pruned_cut: at_pruned.acted,
        names: (kept_names, pruned_names),
    })
}
