//! Programs: sequences of V4L2 and dma-buf operations as plain text. No I/O.
//!
//! One table ([`syntax`](OpKind)) says how every operation looks; parser, printer, generator, mutators and minimiser work on
//! the parts that it names. All of them draw from one source of choices, [`Choose`].

mod any;
mod blind;
pub mod c;
mod check;
mod choose;
mod driver;
mod generate;
mod handles;
mod keyword;
pub mod knobs;
mod limits;
mod minimise;
mod model;
mod mutate;
#[allow(
    missing_docs,
    reason = "a variant's doc is its text form, which names its fields"
)]
mod op;
mod operands;
mod parse;
mod part;
mod print;
mod profile;
mod shape;
mod syntax;

pub use blind::{generate_blindly, insert_blindly};
pub use check::Invalid;
pub use choose::{Choose, Exhaust, FromBytes, FromWords, Record, Replay, Seeded};
pub use driver::{Driver, STREAMS};
pub use generate::generate;
pub use handles::resolved;
pub use limits::{MAX_BYTES, MAX_TIME};
pub use minimise::minimise;
pub use model::Cost;
pub use mutate::{Mutation, mutate};
pub use op::*;
pub use operands::Operands;
pub use parse::{ParseError, Parsed, SourceMap, parse};
pub use profile::Profile;
pub use syntax::OpKind;
