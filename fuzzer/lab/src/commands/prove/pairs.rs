//! Whether pruning was right: programs that the model takes for one must show the same, whatever follows.

use std::sync::Mutex;

use explorer::Pair;
use program::{Choose, Seeded};

use super::{
    Proof,
    console::Console,
    crew::{Go, Hand, locked},
    sweep::{self, Suspect, Swept},
};

/// Most symbols of a continuation.
const LONGEST: usize = 8;

/// What came of comparing.
pub(super) struct Compared {
    pub(super) suspects: Vec<Suspect>,
    pub(super) divergences: Vec<String>,
    pub(super) complete: bool,
    /// Pairs that were compared.
    pub(super) pairs: u64,
}

/// Draws pruned programs, and compares each with the one that stands for it under the same random continuation.
pub(super) fn compare(proof: &Proof<'_>) -> anyhow::Result<Compared> {
    let drawn = draw(proof);
    let swept = Mutex::new(Swept::default());
    let console = Mutex::new(Console::begin("comparing pruned programs", 0, drawn.len()));
    let complete = proof.crew.each(&drawn, |hand, pair| {
        let go = one(proof, hand, pair, &swept)?;
        locked(&console).step();
        Ok(go)
    })?;
    let swept = swept.into_inner().unwrap_or_else(|lock| lock.into_inner());
    Ok(Compared {
        suspects: swept.suspects,
        divergences: swept.divergences,
        complete,
        pairs: drawn.len() as u64,
    })
}

/// Transitions that were pruned, with a seed for what follows each.
fn draw(proof: &Proof<'_>) -> Vec<(usize, u64)> {
    let pruned = proof.subject.graph.pruned();
    let mut choose = Seeded::new(proof.args.seed);
    let count = if pruned.is_empty() {
        0
    } else {
        proof.args.samples
    };
    let mut one = || (pruned[choose.below(pruned.len())], choose.word());
    (0..count).map(|_| one()).collect()
}

fn one(
    proof: &Proof<'_>,
    hand: &mut Hand<'_, '_>,
    (edge, seed): &(usize, u64),
    swept: &Mutex<Swept>,
) -> anyhow::Result<Go> {
    let (scope, graph) = (&proof.subject.scope, &proof.subject.graph);
    let mut choose = Seeded::new(*seed);
    let length = 1 + choose.below(LONGEST);
    let Some(pair) = explorer::pair(scope, graph, *edge, length, &mut choose) else {
        anyhow::bail!(
            "what follows one of two programs that the model takes for one is not possible after the other"
        );
    };
    let mut runs = Vec::new();
    for program in [&pair.kept.program, &pair.pruned.program] {
        let run = hand.run(program)?;
        if let Some(suspect) = sweep::suspect(&[], program, &run) {
            locked(swept).suspects.push(suspect);
            return Ok(Go::Enough);
        }
        if let Some(wrong) = sweep::divergence(proof, program, &run) {
            return Ok(locked(swept).diverge(program, &wrong));
        }
        runs.push(run.trace);
    }
    Ok(match differs(&pair, &runs[0], &runs[1]) {
        Some(what) => locked(swept).diverge(&pair.pruned.program, &what),
        None => Go::On,
    })
}

fn differs(pair: &Pair, kept: &trace::Trace, pruned: &trace::Trace) -> Option<String> {
    let one = explorer::outcome(&pair.kept.program, kept, pair.kept_cut, |_, index| index);
    let other = explorer::outcome(
        &pair.pruned.program,
        pruned,
        pair.pruned_cut,
        |output, index| pair.translate(output, index),
    );
    sweep::difference(&one, &other).map(|what| {
        format!(
            "the model takes two programs for one, but what follows differs: {what}; the other one (its first {} operations):\n{}",
            pair.kept_cut, pair.kept.program
        )
    })
}
