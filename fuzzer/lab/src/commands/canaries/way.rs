//! The ways in which a bug is looked for.

use engine::Strategy;
use serde::{Deserialize, Serialize};

/// A way to look for a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Way {
    /// As `lab fuzz` does.
    Lab,
    /// The same without seeds.
    NoSeeds,
    /// Without looking at what programs cover, and without seeds.
    NoFeedback,
    /// Without a model of the state, and without seeds.
    NoModel,
    /// Each seed once.
    Seeds,
    /// v4l2-compliance with streaming.
    Compliance,
}

impl Way {
    /// All of them; the lab's own comes first.
    pub(super) const ALL: [Way; 6] = [
        Way::Lab,
        Way::NoSeeds,
        Way::NoFeedback,
        Way::NoModel,
        Way::Seeds,
        Way::Compliance,
    ];

    /// The head of its column.
    pub(super) fn name(self) -> &'static str {
        match self {
            Way::Lab => "lab",
            Way::NoSeeds => "no seeds",
            Way::NoFeedback => "no feedback",
            Way::NoModel => "no model",
            Way::Seeds => "seeds",
            Way::Compliance => "compliance",
        }
    }

    /// How the engine searches; it has no part in the last one.
    pub(super) fn strategy(self) -> Option<Strategy> {
        match self {
            Way::Lab | Way::NoSeeds => Some(Strategy::Search),
            Way::NoFeedback => Some(Strategy::Generate),
            Way::NoModel => Some(Strategy::Blind),
            Way::Seeds => Some(Strategy::Seeds),
            Way::Compliance => None,
        }
    }

    /// Whether it begins with the seeds.
    pub(super) fn is_seeded(self) -> bool {
        matches!(self, Way::Lab | Way::Seeds)
    }

    /// Whether another seed is another campaign.
    pub(super) fn depends_on_seed(self) -> bool {
        !matches!(self, Way::Seeds | Way::Compliance)
    }
}
