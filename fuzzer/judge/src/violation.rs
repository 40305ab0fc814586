//! What an oracle found.

use serde::Serialize;
use trace::FenceId;

use crate::invariant::{Class, Invariant};

/// One broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// The operation during which it was seen, if it was during one: index into `Program::steps`.
    pub op: Option<u16>,
    /// The fence, if it is about one.
    pub fence: Option<FenceId>,
    /// What the contract asks for.
    pub expected: String,
    /// What was there instead.
    pub observed: String,
    /// The event that shows it: index into `Trace::events`.
    pub event: usize,
}

impl Violation {
    /// One line for people and for telling findings apart: the same for every run that meets the same fault.
    pub fn title(&self) -> String {
        match self.invariant {
            Invariant::I27 => self.observed.clone(),
            invariant => format!("{invariant}: {}", without_numbers(&self.observed)),
        }
    }
}

/// Numbers become `*`, so that times, indices and fence ids do not make another finding.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '0'..='9' if out.ends_with('*') => {}
            '0'..='9' => out.push('*'),
            other => out.push(other),
        }
    }
    out
}

#[derive(Serialize)]
struct Json<'a> {
    title: String,
    invariant: Invariant,
    promise: &'static str,
    class: Class,
    exit_code: u8,
    op: Option<u16>,
    fence: Option<FenceId>,
    expected: &'a str,
    observed: &'a str,
    event: usize,
}

impl<'a> From<&'a Violation> for Json<'a> {
    fn from(violation: &'a Violation) -> Self {
        let Violation {
            invariant,
            op,
            fence,
            expected,
            observed,
            event,
        } = violation;
        let class = invariant.class();
        Self {
            title: violation.title(),
            invariant: *invariant,
            promise: invariant.title(),
            class,
            exit_code: class.exit_code(),
            op: *op,
            fence: *fence,
            expected,
            observed,
            event: *event,
        }
    }
}

/// The violations as a JSON array, for machines.
pub fn to_json(violations: &[Violation]) -> String {
    let list: Vec<Json> = violations.iter().map(Json::from).collect();
    serde_json::to_string_pretty(&list).expect("a list of plain fields is JSON")
}
