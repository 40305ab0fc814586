//! Campaigns that are killed at any moment: what they said is kept is there, and the next start goes on.

mod account;
mod ordeal;

use super::Check;
use crate::exit::Exit;
use ordeal::{Ordeal, Sufferer};

/// Nothing is found, however often lab and guest are killed.
const CLEAN: Sufferer = Sufferer {
    words: &[],
    seed: 1,
    in_triage: 0,
    exit: Exit::HELD,
};

/// The posted draft's attach point, with which there is always something to find.
const FINDING: Sufferer = Sufferer {
    words: &["--attach", "buf_queue"],
    seed: 2,
    in_triage: 50,
    exit: Exit::TIMING,
};

/// A campaign that finds nothing, and one that is killed while it makes findings.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("resume: kill -9 of lab or guest loses nothing", |context| {
            Ordeal::new(context, CLEAN)?.suffer(context.kills)
        }),
        Check::new(
            "resume: kill -9 while findings are made loses none",
            |context| Ordeal::new(context, FINDING)?.suffer(context.kills),
        ),
    ]
}
