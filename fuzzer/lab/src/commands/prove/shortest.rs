//! From any counterexample to the shortest one of the scope.

use std::sync::Mutex;

use engine::{Session, triage};

use super::{
    Proof,
    console::Console,
    crew::{Go, locked},
    report,
    sweep::{self, Suspect},
};
use crate::{exit::Exit, findings::Folder, reproducer::Reproduction};

/// Most programs that minimising may run.
const MINIMISE: u32 = 600;

/// Looks for the shortest, makes a finding of it, and says so.
pub(super) fn conclude(proof: &Proof<'_>, found: &Suspect) -> anyhow::Result<Exit> {
    eprintln!(
        "{}: looking for the shortest program that breaks an invariant",
        found.key
    );
    let shortest = search(proof, found)?.unwrap_or_else(|| found.clone());
    let mut rig = proof.crew.rig()?;
    let mut session = Session::new(&mut rig.target, proof.args.rig.expectation());
    let suspect = triage::Suspect {
        key: shortest.key.clone(),
        program: shortest.program.clone(),
        trace: shortest.trace.clone(),
        other_trace: None,
        leaks: engine::Leaks::Ignored,
    };
    let finding = triage::triage(&mut session, &suspect, MINIMISE)?;
    let line = report::line(proof);
    let reproduction = Reproduction::new(&finding, proof.origin);
    let findings = &proof.args.findings;
    let path = Folder::write(findings, &finding, proof.origin, &line, &reproduction)?;
    print!(
        "{}",
        report::counterexample(proof, &shortest, &finding, &path)
    );
    Ok(Exit(finding.exit_code))
}

/// Runs the set-up alone, then every transition as a program of its own, shorter ones first, up to the length of what was
/// found. The first that breaks an invariant is as short as any.
fn search(proof: &Proof<'_>, found: &Suspect) -> anyhow::Result<Option<Suspect>> {
    let words = words(proof, found);
    let first: Mutex<Option<(usize, Suspect)>> = Mutex::new(None);
    let console = Mutex::new(Console::begin("shorter programs", 0, words.len()));
    let indices: Vec<usize> = (0..words.len()).collect();
    proof.crew.each(&indices, |hand, index| {
        let word = match words[*index] {
            Some(edge) => proof.subject.graph.word(edge),
            None => Vec::new(),
        };
        let Some(spelled) = explorer::spell(&proof.subject.scope, &word) else {
            anyhow::bail!("the model does not know its own program {word:?}");
        };
        let run = hand.run(&spelled.program)?;
        locked(&console).step();
        let Some(suspect) = sweep::suspect(&word, &spelled.program, &run) else {
            return Ok(Go::On);
        };
        let mut first = locked(&first);
        if first.as_ref().is_none_or(|(known, _)| index < known) {
            *first = Some((*index, suspect));
        }
        Ok(Go::Enough)
    })?;
    let first = first.into_inner().unwrap_or_else(|lock| lock.into_inner());
    Ok(first.map(|(_, suspect)| suspect))
}

/// What is tried: nothing but the set-up, then transitions.
fn words(proof: &Proof<'_>, found: &Suspect) -> Vec<Option<usize>> {
    let graph = &proof.subject.graph;
    let longest = match found.word.len() {
        // It was not made of symbols alone, so its length says nothing.
        0 => proof.subject.scope.depth as usize,
        length => length,
    };
    let is_short = |edge: &usize| graph.depth(graph.edges()[*edge].from) as usize + 1 < longest;
    let edges = (0..graph.edges().len()).take_while(is_short).map(Some);
    std::iter::once(None).chain(edges).collect()
}
