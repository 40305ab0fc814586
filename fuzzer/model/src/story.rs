//! What came of comparing a trace with the model.

use std::collections::BTreeMap;

/// A call that the kernel answered differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The operation: index into `Program::steps`.
    pub op: u16,
    /// The event that tells the answer: index into `Trace::events`.
    pub event: usize,
    /// What the model expects, and because of which function of the kernel.
    pub predicted: String,
    /// What the kernel answered.
    pub observed: String,
}

/// The calls of a trace, compared with the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Calls that the kernel answered differently, in order.
    pub differences: Vec<Difference>,
    /// All calls.
    pub calls: u32,
    /// Calls whose answer the model predicted.
    pub predicted: u32,
    /// How many it did not predict, and why not.
    pub unknown: BTreeMap<&'static str, u32>,
}

impl Story {
    /// A call went by without a prediction.
    pub(crate) fn not_predicted(&mut self, why: &'static str) {
        *self.unknown.entry(why).or_default() += 1;
    }
}
