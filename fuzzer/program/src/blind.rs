//! Programs without a model of the state: random operations with random arguments. They find little, and are here so that
//! what the model is worth can be measured.

use crate::any;
use crate::choose::Choose;
use crate::driver::Driver;
use crate::limits;
use crate::op::{MAX_OPS, Program, Step};
use crate::profile::Profile;
use crate::syntax::OpKind;

/// Makes a program as long as those of the generator, of any operations that the driver knows.
pub fn generate_blindly(choose: &mut dyn Choose, profile: &Profile) -> Program {
    let length = 1 + choose.below(2 * profile.mean_ops);
    let steps = (0..length).map(|_| step(choose, profile)).collect();
    let mut program = Program { steps };
    limits::tame(&mut program, profile.driver);
    program
}

/// Adds any operation anywhere; none if the program is as long as it may be.
pub fn insert_blindly(
    program: &Program,
    profile: &Profile,
    choose: &mut dyn Choose,
) -> Option<Program> {
    if program.steps.len() >= MAX_OPS {
        return None;
    }
    let mut changed = program.clone();
    let place = choose.below(program.steps.len() + 1);
    changed.steps.insert(place, step(choose, profile));
    limits::tame(&mut changed, profile.driver);
    (!changed.steps.is_empty()).then_some(changed)
}

fn step(choose: &mut dyn Choose, profile: &Profile) -> Step {
    let known: Vec<OpKind> = known(profile.driver).collect();
    let kind = known[choose.below(known.len())];
    let asynchronous = kind.may_be_async() && choose.chance(profile.async_percent);
    Step {
        op: any::op(kind, choose),
        asynchronous,
    }
}

fn known(driver: Driver) -> impl Iterator<Item = OpKind> {
    let kinds = OpKind::ALL.iter().copied();
    kinds.filter(move |kind| driver.knows(*kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choose::Seeded;
    use crate::limits::{MAX_BYTES, MAX_TIME};

    #[test]
    fn blind_programs_say_everything_and_stay_affordable() {
        let profile = Profile::default();
        let mut choose = Seeded::new(1);
        let mut kinds = std::collections::HashSet::new();
        for _ in 0..400 {
            let program = generate_blindly(&mut choose, &profile);
            let grown = insert_blindly(&program, &profile, &mut choose).unwrap_or_default();
            for program in [program, grown] {
                let cost = program.cost();
                assert!(cost.time <= MAX_TIME && cost.bytes <= MAX_BYTES);
                assert!(program.check().is_ok());
                kinds.extend(program.steps.iter().map(|step| step.op.kind() as usize));
            }
        }
        assert_eq!(kinds.len(), OpKind::ALL.len());
    }
}
