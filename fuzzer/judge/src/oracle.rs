//! The oracles: one file an invariant. Each is a pure function of a replayed trace.

mod i01_finite;
mod i02_once;
mod i03_call;
mod i04_destroy;
mod i05_leak;
mod i06_dequeue;
mod i07_stale;
mod i08_complete;
mod i09_stamp;
mod i10_order;
mod i11_unarmed;
mod i11_untold;
mod i12_armed;
mod i12_shared;
mod i13_usage;
mod i14_name;
mod i15_identity;
mod i16_merge;
mod i17_cause;
mod i17_status;
mod i18_drain;
mod i19_stranger;
mod i20_orphan;
mod i21_outlive;
mod i22_bounded;
mod i23_interrupt;
mod i24_waits;
mod i25_delay;
mod i25_foreign;
mod i26_balance;
mod i27_log;
mod i28_counts;
mod i29_request;
mod i30_userptr;
mod i31_failure;
mod i32_holder;
mod m01_model;

use trace::{BufferId, FenceId};

use crate::expectation::Expectation;
use crate::invariant::Invariant;
use crate::loss::lost;
use crate::violation::Violation;
use crate::world::World;
use crate::world::span::Span;

/// What an oracle is asked about.
struct Case<'a> {
    expectation: &'a Expectation,
    world: &'a World<'a>,
}

type Oracle = fn(&Case) -> Vec<Violation>;

/// Oracles that do not rest on the ledger.
const DIRECT: &[Oracle] = &[
    i01_finite::endless,
    i20_orphan::usable,
    i21_outlive::oracle,
    i23_interrupt::stubborn,
    i24_waits::oracle,
    i27_log::oracle,
    i28_counts::oracle,
];

/// Oracles that do: a lost record misleads them.
const LEDGER: &[Oracle] = &[
    i01_finite::oracle,
    i02_once::oracle,
    i03_call::oracle,
    i04_destroy::oracle,
    i05_leak::oracle,
    i06_dequeue::oracle,
    i07_stale::oracle,
    i08_complete::oracle,
    i09_stamp::oracle,
    i10_order::oracle,
    i11_unarmed::oracle,
    i11_untold::oracle,
    i12_armed::oracle,
    i12_shared::oracle,
    i13_usage::oracle,
    i14_name::oracle,
    i15_identity::oracle,
    i16_merge::oracle,
    i17_cause::oracle,
    i17_status::oracle,
    i18_drain::oracle,
    i19_stranger::oracle,
    i20_orphan::oracle,
    i22_bounded::oracle,
    i25_delay::oracle,
    i25_foreign::oracle,
    i26_balance::oracle,
    i29_request::oracle,
    i23_interrupt::oracle,
    i30_userptr::oracle,
    i31_failure::oracle,
    i32_holder::oracle,
    m01_model::oracle,
];

/// Asks all oracles, or with a lossy ledger those that do not rest on it.
pub(crate) fn run(expectation: &Expectation, world: &World) -> Vec<Violation> {
    let case = Case { expectation, world };
    let ledger = if lost(world.trace) == 0 { LEDGER } else { &[] };
    DIRECT
        .iter()
        .chain(ledger)
        .flat_map(|oracle| oracle(&case))
        .collect()
}

impl Case<'_> {
    /// A violation that the ledger shows at event `event`.
    fn recorded(
        &self,
        invariant: Invariant,
        event: usize,
        fence: FenceId,
        expected: String,
        observed: String,
    ) -> Violation {
        let op = self.world.op_at(event);
        Violation {
            invariant,
            op,
            fence: Some(fence),
            expected,
            observed,
            event,
        }
    }
}

/// A violation that a call or a look shows.
fn seen(
    invariant: Invariant,
    span: &Span,
    fence: Option<FenceId>,
    expected: String,
    observed: String,
) -> Violation {
    let Span { event, op, .. } = *span;
    Violation {
        invariant,
        op,
        fence,
        expected,
        observed,
        event,
    }
}

/// A buffer as a maintainer calls it.
fn name(buffer: BufferId) -> String {
    format!(
        "{} buffer {}",
        if buffer.output { "OUTPUT" } else { "CAPTURE" },
        buffer.index
    )
}

/// A buffer if there is one.
fn name_or_none(buffer: Option<BufferId>) -> String {
    buffer.map_or_else(|| "a buffer".to_owned(), name)
}

/// A time in milliseconds.
fn ms(nanos: u64) -> String {
    format!("{}.{:06} ms", nanos / 1_000_000, nanos % 1_000_000)
}
