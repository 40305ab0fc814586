//! Every program of a scope, up to the state that it leads to: what `lab prove` runs. No I/O.
//!
//! A [`Scope`] is a small text: what programs may do, with how many buffers, and how long they may be. [`explore`] walks
//! through all of it with a reference model ([`World`]) of videobuf2, mem2mem and the test double, and gives the programs
//! that have to be run; [`divergence`] checks the model against what the kernel did in each.

mod canonical;
mod certificate;
mod graph;
mod outcome;
mod pair;
mod plan;
mod prediction;
mod scope;
mod world;

pub use canonical::{Naming, State, canonical};
pub use certificate::{Certificate, Checks, Extent, Subject, VERSION, statement};
pub use graph::{Edge, ExploreError, Graph, NodeId, Spelled, explore, lengthen, spell, step};
pub use outcome::{FenceState, digest, fence_states, outcome};
pub use pair::{Pair, pair};
pub use plan::{Plan, Walk};
pub use prediction::divergence;
pub use scope::{Choice, Scope, ScopeError};
pub use world::{Told, World};
