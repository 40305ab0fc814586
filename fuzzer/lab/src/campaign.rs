//! Campaigns on disk: what a search learns and finds is kept at once, so that one that was killed goes on where it was.
//!
//! ```text
//! DIR/
//!   campaign.json    what is searched, and on which build; another driver or bug is refused
//!   corpus/*.vb2     programs that showed something new, named by their hash
//!   suspects/*.vb2   programs that broke something and whose triage has not ended; the next start looks into them
//!   log.jsonl        what happened, a line each, in order; see [`Line`]
//!   coverage.pcs     where in the kernel the corpus went, see [`places`]
//!   totals.json      how often which state was visited, and how long fences lived; see [`Totals`]
//!   lock             held by the lab that writes here
//! ```
//!
//! A file in `corpus` and `suspects` is whole or not there. `log.jsonl` and `coverage.pcs` grow at their end; a kill may
//! leave a torn last line, which readers leave out. A line that says that something was kept is written after it was. What
//! is counted is in the last line of the log, and may lack the last second before a kill.
//!
//! The log tells of parts: a part begins with a `start` that is not `resumed`, and is over with an `end`. A part without
//! one was killed, and the next start resumes it: its counts, its bound and its findings go on.

mod desk;
mod folder;
mod log;
mod metrics;
pub mod places;
mod sync;
mod totals;

pub use desk::{Desk, Member, Plan, Screen, Total, name as ended};
pub use folder::{
    Before, Folder, Identity, Killed, corpus_of, forget, is_killed, log_of, name as program_name,
};
pub use log::{Bounded, Counts, Found, Line, Numbers, read as read_log};
pub use metrics::Metrics;
pub use totals::{LifeCount, StateCount, Totals};
