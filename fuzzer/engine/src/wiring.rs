//! LibAFL's types with all their parameters, named once, and how they are put together.

use std::{cell::RefCell, num::NonZeroUsize, rc::Rc};

use anyhow::Result;
use libafl::{
    corpus::InMemoryCorpus,
    events::NopEventManager,
    feedback_and_fast, feedback_or,
    feedbacks::{ConstFeedback, EagerOrFeedback, FastAndFeedback, ListFeedback, MaxMapFeedback},
    fuzzer::StdFuzzer,
    inputs::BytesInputConverter,
    mutators::HavocScheduledMutator,
    schedulers::QueueScheduler,
    stages::StdMutationalStage,
    state::StdState,
};
use libafl_bolts::{
    rands::StdRand,
    tuples::{tuple_list, tuple_list_type},
};

use program::Operands;

use crate::{
    executor::TargetExecutor,
    filter::SeenFilter,
    input::Case,
    mutation::{Mutations, ProgramGenerator, mutations},
    observation::{CoverageObserver, Observers, observers},
    oracle::{MemoryFeedback, OracleFeedback},
    strategy::Strategy,
};

/// A campaign is one process, so its events go nowhere.
pub(crate) type Manager = NopEventManager;

/// Whoever listens keeps the corpus; solutions stay in memory until triage has made findings of them.
pub(crate) type State = StdState<InMemoryCorpus<Case>, Case, StdRand, InMemoryCorpus<Case>>;

/// If the campaign learns at all: new coverage or a new state of the model; the last part only remembers.
pub(crate) type Novelty = FastAndFeedback<
    ConstFeedback,
    EagerOrFeedback<
        MaxMapFeedback<CoverageObserver, CoverageObserver>,
        EagerOrFeedback<ListFeedback<u64>, MemoryFeedback>,
    >,
>;

/// A queue in order of discovery repeats itself from a seed; weighted schedulers do not.
pub(crate) type Fuzzer =
    StdFuzzer<QueueScheduler, Novelty, BytesInputConverter, SeenFilter, OracleFeedback>;

/// Mutates one corpus entry for a while.
pub(crate) type Stages<'t> = tuple_list_type!(
    StdMutationalStage<
        TargetExecutor<'t>,
        Manager,
        Case,
        Case,
        HavocScheduledMutator<Mutations>,
        State,
        Fuzzer,
    >
);

/// Most programs made from one corpus entry before the next one has its turn. Small, so that findings and new entries are
/// looked at soon.
const ROUND: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// Two to the power of this is the most mutations stacked on one program.
const STACK: usize = 3;

/// State, fuzzer and observers of a campaign whose random numbers come from `seed`.
pub(crate) fn search(strategy: Strategy, seed: u64) -> Result<(State, Fuzzer, Observers)> {
    let observers = observers();
    let mut novelty = feedback_and_fast!(
        ConstFeedback::new(strategy.learns()),
        feedback_or!(
            MaxMapFeedback::new(&observers.0),
            ListFeedback::new(&observers.1.0),
            MemoryFeedback
        )
    );
    let mut objective = OracleFeedback::default();
    let rand = StdRand::with_seed(seed);
    let state = StdState::new(
        rand,
        InMemoryCorpus::new(),
        InMemoryCorpus::new(),
        &mut novelty,
        &mut objective,
    )?;
    let fuzzer = StdFuzzer::builder()
        .scheduler(QueueScheduler::new())
        .feedback(novelty)
        .objective(objective)
        .input_filter(SeenFilter::default())
        .build();
    Ok((state, fuzzer, observers))
}

/// The stages that a chosen corpus entry goes through.
pub(crate) fn stages<'t>(maker: ProgramGenerator, operands: Rc<RefCell<Operands>>) -> Stages<'t> {
    let mutator = HavocScheduledMutator::with_max_stack_pow(mutations(maker, operands), STACK);
    tuple_list!(StdMutationalStage::with_max_iterations(mutator, ROUND))
}
