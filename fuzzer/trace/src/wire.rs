//! What host and agent say to each other: `u32` little-endian length, then postcard.

mod frame;

pub use frame::{FrameReader, MAX_FRAME, WireError, decode, encode};

use program::Program;
use serde::{Deserialize, Serialize};

use crate::event::Trace;

/// Version of this wire form; the agent's [`Hello`] carries it and the host refuses another.
pub const VERSION: u32 = 6;

/// Slots of the folded KCOV map: `(prev ^ pc)` hashed into this many cells.
pub const COVERAGE_CELLS: usize = 1 << 16;

/// The agent's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`]
    pub version: u32,
    /// `uname -r` of the target
    pub kernel: String,
    /// What the target offers: `kcov`, `ledger`, `double`
    pub features: Vec<String>,
}

/// From host to agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Run this program.
    Run {
        /// The program.
        program: Program,
        /// Collect KCOV coverage.
        coverage: bool,
    },
    /// Run this program twice more, once to tell the program counters that it went through, once to tell what it compared.
    /// Answered by [`Reply::Studied`].
    Study {
        /// The program.
        program: Program,
    },
    /// Scan for leaked memory (kmemleak) and answer with [`Reply::Leaks`].
    Kmemleak,
    /// Run `program` `times` times in a plain C-like loop of bare system calls with no observation at all.
    /// Answered by [`Reply::Looped`].
    Loop {
        /// The program.
        program: Program,
        /// How often.
        times: u32,
    },
    /// Run a program file of the target, with the ledger watching, until it ends. Answered by [`Reply::Executed`].
    Exec {
        /// Path in the target's root, then the arguments.
        argv: Vec<String>,
        /// Time of the target after which it is killed, in milliseconds.
        limit_ms: u32,
    },
    /// Unload the modules, sync and power off.
    PowerOff,
}

/// From agent to host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// A program ran.
    Ran(Box<Report>),
    /// A program was looked at closely.
    Studied(Box<Study>),
    /// What kmemleak reported, line by line; empty if clean, `None` if the kernel has none.
    Leaks(Option<Vec<String>>),
    /// A loop ran; system calls made per program.
    Looped {
        /// System calls of one run.
        calls: u32,
    },
    /// A program file ran.
    Executed(Box<Executed>),
}

/// The outcome of a [`Request::Study`]. All of it is empty if the kernel has no KCOV.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Study {
    /// The modules that [`Study::places`] names.
    pub modules: Vec<String>,
    /// Program counters, ascending, each once: 0 and an address in the kernel itself, or the number of a module (from 1)
    /// and the distance from where the kernel put its text. They are return addresses: the line is that of the byte before.
    pub places: Vec<(u8, u64)>,
    /// Pairs of values that were compared with one another, the constant first if there is one; ascending, each once.
    pub compared: Vec<(u64, u64)>,
}

/// The outcome of a [`Request::Exec`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executed {
    /// How it ended.
    pub end: Ended,
    /// What it wrote to standard output, at most [`MAX_OUTPUT`] bytes.
    pub output: Vec<u8>,
    /// What it wrote to standard error, at most [`MAX_OUTPUT`] bytes.
    pub errors: Vec<u8>,
    /// What the ledger and the kernel log told meanwhile, and the marks after it had ended. There are no calls in it.
    pub trace: Trace,
    /// Fence totals of the ledger.
    pub fences: FenceCounts,
}

/// Most bytes of each output that [`Executed`] carries; the rest is dropped.
pub const MAX_OUTPUT: usize = 1 << 20;

/// How a program file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// It exited with this code.
    Exited(i32),
    /// This signal killed it.
    Killed(i32),
    /// It was killed because its time was over.
    TimedOut,
    /// It could not be started: errno.
    NotStarted(i32),
}

/// The outcome of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What was observed.
    pub trace: Trace,
    /// Folded coverage, sparse: cell and hit count (saturated at 255), cells ascending.
    pub coverage: Vec<(u16, u8)>,
    /// Fence totals of the ledger for this run.
    pub fences: FenceCounts,
}

/// Totals of the ledger over one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceCounts {
    /// Fences attached to at least one resv.
    pub attached: u64,
    /// Fences signalled.
    pub signalled: u64,
    /// Fences destroyed.
    pub destroyed: u64,
    /// Fences initialised and not signalled when everything was closed.
    pub pending: u64,
}
