//! The program crate's generator and mutations, driven by LibAFL's random numbers.

use std::{borrow::Cow, cell::RefCell, rc::Rc};

use libafl::{
    Error,
    corpus::{Corpus, CorpusId},
    generators::Generator,
    mutators::{MutationResult, Mutator},
    state::{HasCorpus, HasRand},
};
use libafl_bolts::{
    Named,
    rands::Rand,
    tuples::{tuple_list, tuple_list_type},
};
use program::{Driver, FromWords, Mutation, Operands, Profile, Program};

use crate::{input::Case, strategy::Strategy, wiring::State};

/// Makes programs from nothing, each from a variation of the campaign's profile: programs that do everything at once get
/// nowhere.
#[derive(Clone, Debug)]
pub(crate) struct ProgramGenerator {
    /// What programs are made for.
    pub(crate) driver: Driver,
    /// What the campaign prefers.
    pub(crate) profile: Profile,
    /// Whether the model has a say.
    pub(crate) strategy: Strategy,
}

impl Generator<Case, State> for ProgramGenerator {
    fn generate(&mut self, state: &mut State) -> Result<Case, Error> {
        let mut choose = FromWords(|| state.rand_mut().next());
        let profile = self.profile.swarm(&mut choose);
        let generate = match self.strategy.follows_model() {
            true => program::generate,
            false => program::generate_blindly,
        };
        Ok(Case(generate(&mut choose, &profile)))
    }
}

/// One of the program crate's mutations.
#[derive(Debug)]
pub(crate) struct ProgramMutator {
    maker: ProgramGenerator,
    mutation: Mutation,
    name: Cow<'static, str>,
}

impl ProgramMutator {
    fn new(maker: ProgramGenerator, mutation: Mutation) -> ProgramMutator {
        ProgramMutator {
            maker,
            mutation,
            name: Cow::Owned(format!("{mutation:?}").to_lowercase()),
        }
    }
}

impl Named for ProgramMutator {
    fn name(&self) -> &Cow<'static, str> {
        &self.name
    }
}

impl Mutator<Case, State> for ProgramMutator {
    fn mutate(&mut self, state: &mut State, case: &mut Case) -> Result<MutationResult, Error> {
        let donor = match self.mutation {
            Mutation::Splice => donor(state)?,
            _ => Program::default(),
        };
        let mut choose = FromWords(|| state.rand_mut().next());
        let profile = self.maker.profile.swarm(&mut choose);
        let changed = match self.mutation {
            // These two ask the model.
            Mutation::Play if !self.maker.strategy.follows_model() => None,
            Mutation::Insert if !self.maker.strategy.follows_model() => {
                program::insert_blindly(&case.0, &profile, &mut choose)
            }
            mutation => mutation.apply(&case.0, &donor, &profile, &mut choose),
        };
        Ok(replaced(case, changed))
    }

    fn post_exec(&mut self, _state: &mut State, _new: Option<CorpusId>) -> Result<(), Error> {
        Ok(())
    }
}

/// Puts what a mutation made in the place of what it was made of.
fn replaced(case: &mut Case, changed: Option<Program>) -> MutationResult {
    match changed {
        Some(changed) => {
            case.0 = changed;
            MutationResult::Mutated
        }
        None => MutationResult::Skipped,
    }
}

/// A corpus entry to take pieces from.
fn donor(state: &mut State) -> Result<Program, Error> {
    let count = state.corpus().count();
    let place = state.rand_mut().below_or_zero(count);
    let id = state.corpus().nth(place);
    Ok(state.corpus().cloned_input_for_id(id)?.0)
}

/// Puts a new program in the place of the old one, so that the search never runs out of what its corpus does not hold.
#[derive(Debug)]
pub(crate) struct Anew(ProgramGenerator);

impl Named for Anew {
    fn name(&self) -> &Cow<'static, str> {
        &Cow::Borrowed("anew")
    }
}

impl Mutator<Case, State> for Anew {
    fn mutate(&mut self, state: &mut State, case: &mut Case) -> Result<MutationResult, Error> {
        *case = self.0.generate(state)?;
        Ok(MutationResult::Mutated)
    }

    fn post_exec(&mut self, _state: &mut State, _new: Option<CorpusId>) -> Result<(), Error> {
        Ok(())
    }
}

/// Puts a value into a program that the kernel compared with one of its numbers.
#[derive(Debug)]
pub(crate) struct Compared {
    driver: Driver,
    operands: Rc<RefCell<Operands>>,
}

impl Named for Compared {
    fn name(&self) -> &Cow<'static, str> {
        &Cow::Borrowed("compared")
    }
}

impl Mutator<Case, State> for Compared {
    fn mutate(&mut self, state: &mut State, case: &mut Case) -> Result<MutationResult, Error> {
        let mut choose = FromWords(|| state.rand_mut().next());
        let operands = self.operands.borrow();
        let changed = operands.apply(&case.0, self.driver, &mut choose);
        Ok(replaced(case, changed))
    }

    fn post_exec(&mut self, _state: &mut State, _new: Option<CorpusId>) -> Result<(), Error> {
        Ok(())
    }
}

/// All mutators, insertion twice: programs grow by it, and all else makes them shorter or leaves their length.
pub(crate) type Mutations = tuple_list_type!(
    ProgramMutator,
    ProgramMutator,
    ProgramMutator,
    ProgramMutator,
    ProgramMutator,
    ProgramMutator,
    ProgramMutator,
    ProgramMutator,
    ProgramMutator,
    ProgramMutator,
    ProgramMutator,
    ProgramMutator,
    Compared,
    Anew
);

/// The mutators that LibAFL stacks, for what this generator makes.
pub(crate) fn mutations(maker: ProgramGenerator, operands: Rc<RefCell<Operands>>) -> Mutations {
    let one = |mutation| ProgramMutator::new(maker.clone(), mutation);
    let driver = maker.driver;
    tuple_list!(
        one(Mutation::Insert),
        one(Mutation::Insert),
        one(Mutation::Play),
        one(Mutation::Delete),
        one(Mutation::Duplicate),
        one(Mutation::Swap),
        one(Mutation::Splice),
        one(Mutation::Retarget),
        one(Mutation::Renumber),
        one(Mutation::Delay),
        one(Mutation::Async),
        one(Mutation::Flip),
        Compared { driver, operands },
        Anew(maker.clone())
    )
}

#[cfg(test)]
mod tests {
    use libafl_bolts::tuples::NamedTuple;

    use super::*;

    #[test]
    fn every_mutation_of_the_program_crate_is_wired() {
        let maker = ProgramGenerator {
            driver: Driver::Double,
            profile: Profile::default(),
            strategy: Strategy::Search,
        };
        let names = mutations(maker.clone(), Rc::default()).names();
        for mutation in Mutation::ALL {
            let name = ProgramMutator::new(maker.clone(), *mutation).name;
            assert!(names.contains(&name), "{name} is missing");
        }
    }
}
