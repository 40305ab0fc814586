//! Kernel log lines: what differs from run to run is taken out of them, and splats get a title.

mod normalise;
mod rust_name;
mod splat;

pub use normalise::normalise;
pub use rust_name::readable;
pub use splat::{Digest, Frame, Splat, digest, frame, is_machinery, title};
