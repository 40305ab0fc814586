//! How a campaign searches.

use serde::{Deserialize, Serialize};

/// How a campaign searches. All but the first leave something out, and are there for comparison: what a search is worth shows
/// only beside one that does without.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Seeds, then programs made by the model, then mutations of whatever showed new coverage or a new state.
    #[default]
    Search,
    /// Seeds, then programs made by the model, one as good as the other: nobody looks at what they cover.
    Generate,
    /// As the search, but operations and their arguments are random: no model says what suits.
    Blind,
    /// Each seed once.
    Seeds,
}

impl Strategy {
    /// Whether what a program showed decides what is run next.
    pub(crate) fn learns(self) -> bool {
        matches!(self, Strategy::Search | Strategy::Blind)
    }

    /// Whether a model of the state says which operation suits.
    pub(crate) fn follows_model(self) -> bool {
        self != Strategy::Blind
    }
}
