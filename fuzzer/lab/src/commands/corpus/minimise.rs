//! `lab corpus minimise`: the fewest programs, about, that show all that a corpus shows.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use engine::{Run, Session};
use program::Program;

use super::{equipped, identity};
use crate::{
    campaign::{self, Folder},
    exit::Exit,
    interrupt,
    progress::Stage,
    setup::Options,
};

/// Runs every program and removes those that others make superfluous.
pub(super) fn run(campaign: &Path, options: &Options) -> anyhow::Result<Exit> {
    let (programs, args, mut rigs) = equipped(campaign, 1, options)?;
    let (mut folder, _) = Folder::open(campaign, &identity(campaign)?)?;
    let mut session = Session::new(&mut rigs[0].target, args.expectation());
    let mut stage = Stage::begin("programs", Some(programs.len() as u64));
    let mut shown = Vec::new();
    for (_, program) in &programs {
        anyhow::ensure!(!interrupt::requested(), "interrupted; nothing was removed");
        let run = session.observe(program, true)?;
        shown.push((program.steps.len(), signs(program, &run)));
        stage.step(&campaign::program_name(program));
    }
    stage.done();
    let wanted = cover(&shown);
    for (index, (_, program)) in programs.iter().enumerate() {
        if !wanted.contains(&index) {
            folder.drop_told(program)?;
        }
    }
    let signs: BTreeSet<_> = shown.iter().flat_map(|(_, signs)| signs).collect();
    println!(
        "{} of {} programs show all {} signs (coverage and states) of the corpus; the others are removed",
        wanted.len(),
        programs.len(),
        signs.len()
    );
    Ok(Exit::HELD)
}

/// Everything that makes a run one to keep: cells of the coverage map with the class of their hit count, and states.
fn signs(program: &Program, run: &Run) -> Vec<u64> {
    let cell = |(cell, count): &(u16, u8)| u64::from(*cell) << 8 | u64::from(class(*count));
    let cells = run.coverage.iter().map(cell);
    // A hash has bits above those of a cell, as good as always.
    let states = judge::features(program, &run.trace);
    cells.chain(states).collect()
}

/// LibAFL's classes of hit counts.
fn class(count: u8) -> u8 {
    match count {
        0..=3 => count,
        4..=7 => 4,
        8..=15 => 5,
        16..=31 => 6,
        32..=127 => 7,
        128.. => 8,
    }
}

/// Indices of programs that show together what all show: again and again the one that shows most of what is missing, the
/// shortest of those, the first of those.
fn cover(shown: &[(usize, Vec<u64>)]) -> BTreeSet<usize> {
    let mut showing: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, (_, signs)) in shown.iter().enumerate() {
        for sign in signs {
            showing.entry(*sign).or_default().push(index);
        }
    }
    let mut missing: Vec<usize> = shown.iter().map(|(_, signs)| signs.len()).collect();
    let mut wanted = BTreeSet::new();
    loop {
        let best = (0..shown.len()).max_by_key(|index| {
            (
                missing[*index],
                usize::MAX - shown[*index].0,
                usize::MAX - index,
            )
        });
        let Some(best) = best.filter(|best| missing[*best] > 0) else {
            return wanted;
        };
        wanted.insert(best);
        for sign in &shown[best].1 {
            // A sign that is not missing any longer is missing in none.
            for index in showing.remove(sign).unwrap_or_default() {
                missing[index] -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_others_make_superfluous_goes() {
        let shown = [
            (5, vec![1, 2]),
            (5, vec![2, 3]),
            (9, vec![1, 2, 3]),
            (1, vec![]),
            (4, vec![4]),
        ];
        assert_eq!(cover(&shown), BTreeSet::from([2, 4]));
    }

    #[test]
    fn of_equals_the_shortest_stays() {
        assert_eq!(cover(&[(9, vec![1]), (3, vec![1])]), BTreeSet::from([1]));
        assert!(cover(&[]).is_empty());
    }

    #[test]
    fn hit_counts_fall_into_few_classes() {
        let classes: BTreeSet<_> = (0..=u8::MAX).map(class).collect();
        assert_eq!(classes.len(), 9);
        assert!((1..=u8::MAX).all(|count| class(count - 1) <= class(count)));
    }
}
