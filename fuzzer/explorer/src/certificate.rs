//! What was proved, as a file.

use serde::{Deserialize, Serialize};

use crate::{Graph, Scope};

/// Version of the form.
pub const VERSION: u32 = 1;

/// The content of a certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// [`VERSION`]
    pub version: u32,
    /// What was proved, in words; each paragraph a line.
    pub statement: Vec<String>,
    /// The scope's name.
    pub scope: String,
    /// Its whole text, with which it can be explored again.
    pub text: String,
    /// Most symbols in a program.
    pub depth: u32,
    /// What it was proved of.
    pub subject: Subject,
    /// How much was run.
    pub extent: Extent,
    /// What was done to check the proof itself.
    pub checks: Checks,
    /// SHA-256 of the file that holds what each program showed, a number each.
    pub runs: String,
    /// Real time that it took, in seconds.
    pub seconds: u64,
}

/// The kernel and driver that programs ran on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `uname -r`
    pub kernel: String,
    /// A hash over tree, patches, configuration and tools, and one over the modules.
    pub build: String,
    /// How many patches were applied.
    pub patches: String,
    /// The bug that was planted.
    pub plant: Option<String>,
    /// When the driver attaches fences.
    pub attach: String,
}

/// Numbers of an exploration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// States of the model.
    pub states: u64,
    /// Transitions between them, each of which was run.
    pub transitions: u64,
    /// Programs that this took.
    pub programs: u64,
    /// Symbols on the way to the state that is farthest away.
    pub farthest: u32,
    /// Whether there are no further states, however long a program is.
    pub closed: bool,
    /// Fences attached in all runs.
    pub fences: u64,
    /// Different states of all fences together that the kernel was seen in.
    pub fence_states: u64,
}

/// Checks of the proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// Boots; no kernel ran more than so many programs.
    pub boots: u64,
    /// Programs after which a kernel is booted afresh.
    pub programs_per_boot: u64,
    /// Programs that were run again on a fresh boot, where they showed the same.
    pub repeated: u64,
    /// Pairs of a program that was pruned and the one that stands for it, with the same continuation: they showed the same.
    pub pruned: u64,
    /// Seed of both samples.
    pub seed: u64,
}

/// What is proved of a scope whose graph this is, in words.
pub fn statement(scope: &Scope, graph: &Graph, attach: &str) -> Vec<String> {
    let reach = if graph.is_closed() {
        format!(
            "Every program over the {} symbols of this scope, however long, keeps the contract: no invariant of the judge is broken \
             (fences appear when and only when a job is armed, are never signalled before the last write, exactly once, in finite \
             time, with the right status, and none leaks).",
            scope.choices().count()
        )
    } else {
        format!(
            "Every program of at most {} of the {} symbols of this scope keeps the contract: no invariant of the judge is broken \
             (fences appear when and only when a job is armed, are never signalled before the last write, exactly once, in finite \
             time, with the right status, and none leaks).",
            scope.depth,
            scope.choices().count()
        )
    };
    let how = format!(
        "How: up to the names of buffers these programs lead to {} states of the reference model. Each of the {} transitions (a \
         state and one more symbol) was executed on the kernel at least once; from each state a program ended there, with everything \
         waited for, looked at, closed and judged. After every call the kernel's answer and its pending fences were those of the model.",
        graph.states(),
        graph.edges().len()
    );
    let bounds = format!(
        "Bounds: one process, one CPU, virtual time; at most {} REQBUFS with buffers in a program; hardware events where the symbols \
         put them; attach point {attach}. What is taken as one: programs that lead to the same model state, which a sample of pairs \
         confirms on the kernel; it does not prove it.",
        scope.allocations
    );
    vec![format!("Scope: {}.", scope.title), reach, how, bounds]
}
