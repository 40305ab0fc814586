//! Every program of the plan, once.

use std::sync::Mutex;

use engine::{Key, Run};
use explorer::{Choice, Spelled};
use program::Program;
use trace::Trace;

use super::{
    Proof,
    book::{Book, Record},
    console::Console,
    crew::{Go, Hand, locked},
};
use crate::target::uml::Attach;

/// One program in so many is run again on a fresh boot: what ran before must not show.
const REPEAT: usize = 400;
/// Divergences that are kept; after so many the model is wrong, and running on tells nothing new.
const DIVERGENCES: usize = 10;

/// A program that broke the contract.
#[derive(Clone, Debug)]
pub(super) struct Suspect {
    /// What it broke.
    pub(super) key: Key,
    /// Its symbols, if it is made of nothing else.
    pub(super) word: Vec<Choice>,
    /// The program.
    pub(super) program: Program,
    /// What it showed.
    pub(super) trace: Trace,
}

/// What came of running programs.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub(super) suspects: Vec<Suspect>,
    /// What the kernel did that the model does not say, each with its program.
    pub(super) divergences: Vec<String>,
    /// All had their turn.
    pub(super) complete: bool,
}

impl Swept {
    /// Keeps a divergence; says whether to go on.
    pub(super) fn diverge(&mut self, program: &Program, what: &str) -> Go {
        self.divergences.push(format!("{what}\n{program}"));
        match self.divergences.len() < DIVERGENCES {
            true => Go::On,
            false => Go::Enough,
        }
    }
}

/// Runs what has not been run.
pub(super) fn sweep(proof: &Proof<'_>, book: &mut Book) -> anyhow::Result<Swept> {
    let missing = book.missing();
    let all = proof.subject.plan.walks.len();
    let swept = Mutex::new(Swept::default());
    let console = Mutex::new(Console::begin("running programs", all - missing.len(), all));
    let book = Mutex::new(book);
    let complete = proof.crew.each(&missing, |hand, index| {
        let go = walk(proof, hand, *index, &swept, &book)?;
        locked(&console).step();
        Ok(go)
    })?;
    let mut swept = swept.into_inner().unwrap_or_else(|lock| lock.into_inner());
    swept.complete = complete;
    Ok(swept)
}

fn walk(
    proof: &Proof<'_>,
    hand: &mut Hand<'_, '_>,
    index: usize,
    swept: &Mutex<Swept>,
    book: &Mutex<&mut Book>,
) -> anyhow::Result<Go> {
    let word = &proof.subject.plan.walks[index].word;
    let spelled = explorer::spell(&proof.subject.scope, word);
    let Some(Spelled { program, .. }) = spelled else {
        anyhow::bail!("the model does not know its own program {word:?}");
    };
    let run = hand.run(&program)?;
    if let Some(suspect) = suspect(word, &program, &run) {
        locked(swept).suspects.push(suspect);
        return Ok(Go::Enough);
    }
    if let Some(wrong) = divergence(proof, &program, &run) {
        return Ok(locked(swept).diverge(&program, &wrong));
    }
    let repeated = index.is_multiple_of(REPEAT);
    if repeated && let Some(wrong) = differs_afresh(hand, &program, &run)? {
        return Ok(locked(swept).diverge(&program, &wrong));
    }
    let record = Record {
        digest: explorer::digest(&outcome(&program, &run.trace)),
        fences: u16::try_from(run.fences.attached).unwrap_or(u16::MAX),
        repeated,
    };
    locked(book).keep(index, record, &explorer::fence_states(&run.trace))?;
    Ok(Go::On)
}

/// The first violation of a run.
pub(super) fn suspect(word: &[Choice], program: &Program, run: &Run) -> Option<Suspect> {
    let violation = run.violations.first()?;
    Some(Suspect {
        key: Key::of(violation),
        word: word.to_vec(),
        program: program.clone(),
        trace: run.trace.clone(),
    })
}

/// What the kernel did in a run that the model does not say, and what a run left behind.
pub(super) fn divergence(proof: &Proof<'_>, program: &Program, run: &Run) -> Option<String> {
    let fences = proof.args.rig.attach() == Attach::DeviceRun;
    explorer::divergence(program, &run.trace, fences).or_else(|| {
        let counts = run.fences;
        let clean = counts.pending == 0
            && counts.attached == counts.signalled
            && counts.attached == counts.destroyed;
        (!clean).then(|| format!("fences are left at the end: {counts:?}"))
    })
}

/// What a run on a kernel that ran others before shows, but one on a fresh kernel does not.
fn differs_afresh(
    hand: &mut Hand<'_, '_>,
    program: &Program,
    run: &Run,
) -> anyhow::Result<Option<String>> {
    let again = hand.run_afresh(program)?;
    let (one, other) = (outcome(program, &run.trace), outcome(program, &again.trace));
    Ok(difference(&one, &other).map(|what| format!("another outcome on a fresh boot: {what}")))
}

/// The whole outcome of a program.
pub(super) fn outcome(program: &Program, trace: &Trace) -> Vec<String> {
    explorer::outcome(program, trace, 0, |_, index| index)
}

/// The first line in which two outcomes differ.
pub(super) fn difference(one: &[String], other: &[String]) -> Option<String> {
    let longest = one.len().max(other.len());
    let line =
        |lines: &[String], at: usize| lines.get(at).map_or("nothing", String::as_str).to_owned();
    (0..longest)
        .find(|at| one.get(*at) != other.get(*at))
        .map(|at| format!("«{}» and «{}»", line(one, at), line(other, at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_told() {
        let lines = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(difference(&lines(&["a", "b"]), &lines(&["a", "b"])), None);
        let told = difference(&lines(&["a"]), &lines(&["a", "b"])).unwrap();
        assert_eq!(told, "«nothing» and «b»");
    }
}
