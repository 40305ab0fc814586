//! The search: LibAFL around a [`Target`], what counts as interesting, and what becomes a [`Finding`].
//!
//! [`campaign`] is the whole of it: it runs the seeds, lets LibAFL mutate what showed something new, and hands every
//! violation to [`triage`], which replays it on fresh boots and minimises it. LibAFL stays inside this crate: its types
//! are named in `wiring` alone.

mod calibration;
mod campaign;
mod events;
mod executor;
mod filter;
mod finding;
mod input;
mod leaks;
mod mutation;
mod observation;
mod oracle;
mod session;
pub mod store;
mod strategy;
mod target;
pub mod triage;
mod wiring;

pub use campaign::{Bound, Campaign, Ended, Outcome, Resumed, Sighting, Stats, campaign};
pub use events::Events;
pub use finding::{DETERMINISM, Finding, Key};
pub use leaks::leaks;
pub use session::{Leaks, Run, Session, death};
pub use strategy::Strategy;
pub use target::{Ran, Target};
