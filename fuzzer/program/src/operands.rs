//! Values that the kernel compared with the numbers of programs: where it looks at a number it was given, another value may
//! take another branch, and chance would have to guess it.

use std::collections::{BTreeMap, BTreeSet};

use crate::choose::Choose;
use crate::driver::Driver;
use crate::limits;
use crate::op::{Op, Program};
use crate::part::Part;
use crate::syntax::OpKind;

/// Numbers up to this are compared with everything, and tell nothing.
const TELLING: u32 = 2;

/// Most values that are remembered for one kind of operation.
const MOST: usize = 64;

/// Candidates for the numbers of each kind of operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operands(BTreeMap<OpKind, BTreeSet<u32>>);

impl Operands {
    /// Learns from pairs of values that were compared while this program ran.
    pub fn learn(&mut self, program: &Program, compared: &[(u64, u64)]) {
        for step in &program.steps {
            let mut op = step.op.clone();
            for value in numbers(&mut op).map(|number| *number) {
                let others = compared.iter().filter_map(|pair| other(*pair, value));
                let known = self.0.entry(step.op.kind()).or_default();
                for other in others {
                    if known.len() < MOST {
                        known.insert(other);
                    }
                }
            }
        }
        self.0.retain(|_, values| !values.is_empty());
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    /// The program with one of the values, or one beside it, in one of its numbers; none if there is no candidate.
    pub fn apply(
        &self,
        program: &Program,
        driver: Driver,
        choose: &mut dyn Choose,
    ) -> Option<Program> {
        let mut changed = program.clone();
        let steps = changed.steps.iter_mut();
        let mut places: Vec<_> = steps
            .filter_map(|step| Some((self.0.get(&step.op.kind())?, step)))
            .flat_map(|(values, step)| numbers(&mut step.op).map(move |number| (values, number)))
            .collect();
        if places.is_empty() {
            return None;
        }
        let (values, number) = places.swap_remove(choose.below(places.len()));
        let value = *values.iter().nth(choose.below(values.len()))?;
        *number = match choose.weighted(&[4, 1, 1]) {
            0 => value,
            1 => value.saturating_add(1),
            _ => value.saturating_sub(1),
        };
        limits::tame(&mut changed, driver);
        (changed != *program).then_some(changed)
    }
}

/// What a telling value was compared with, if that fits a number of a program.
fn other((one, other): (u64, u64), value: u32) -> Option<u32> {
    if value <= TELLING {
        return None;
    }
    let other = match u64::from(value) {
        value if value == one => other,
        value if value == other => one,
        _ => return None,
    };
    u32::try_from(other).ok()
}

/// The numbers of an operation, those of sizes among them.
fn numbers(op: &mut Op) -> impl Iterator<Item = &mut u32> {
    op.parts().into_iter().flat_map(|part| match part {
        Part::Number(number, _) => vec![number],
        Part::Size(width, height) => vec![width, height],
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choose::Seeded;

    fn program(text: &str) -> Program {
        text.parse().unwrap()
    }

    #[test]
    fn a_value_that_was_compared_becomes_a_candidate() {
        let tried = program("a = open double\nreqbufs a cap mmap 77\nqbuf a cap 1\n");
        let mut operands = Operands::default();
        operands.learn(&tried, &[(32, 77), (1, 5), (9, 10), (77, u64::MAX)]);
        assert_eq!(operands.count(), 1, "{operands:?}");
        let made: BTreeSet<String> = (0..100)
            .filter_map(|seed| operands.apply(&tried, Driver::Double, &mut Seeded::new(seed)))
            .map(|program| program.to_string())
            .collect();
        assert_eq!(made.len(), 3, "{made:?}");
        assert!(made.iter().any(|text| text.contains("mmap 32")));
    }

    #[test]
    fn without_candidates_nothing_changes() {
        let tried = program("a = open double\nreqbufs a cap mmap 3\n");
        let operands = Operands::default();
        assert_eq!(
            operands.apply(&tried, Driver::Double, &mut Seeded::new(1)),
            None
        );
    }
}
