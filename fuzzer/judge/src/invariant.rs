//! The invariants of the contract: numbers, titles, and the exit code of the class that each belongs to. Which oracle judges
//! which, and what breaks it, is in `INVARIANTS.md`.

use std::fmt;

use serde::{Serialize, Serializer};

/// What kind of promise was broken. Each class has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Fences appear when a job is armed, where they must be seen, and end in finite time.
    Timing,
    /// No fence is signalled before the plane is written.
    EarlyRelease,
    /// Each fence is signalled once, then destroyed, and outlives its driver.
    Lifecycle,
    /// A fence tells whether its job succeeded.
    Status,
    /// The kernel complained or died.
    Splat,
    /// A call was answered as the reference model says.
    Model,
}

impl Class {
    /// Exit code of a run whose first violation is of this class.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Timing => 10,
            Self::EarlyRelease => 11,
            Self::Lifecycle => 12,
            Self::Status => 13,
            Self::Splat => 14,
            Self::Model => 16,
        }
    }
}

macro_rules! invariants {
    ($($name:ident $class:ident $title:literal;)+) => {
        /// An invariant of the release-fence contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Invariant { $(#[doc = $title] $name),+ }

        impl Invariant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What it promises.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            /// The class that it belongs to.
            pub fn class(self) -> Class {
                match self { $(Self::$name => Class::$class),+ }
            }
        }
    };
}

invariants! {
    I1 Timing "a pending fence is signalled in finite time without any further call";
    I2 Lifecycle "a fence is signalled exactly once between init and destroy";
    I3 Lifecycle "nobody tries to signal a fence twice";
    I4 Lifecycle "no fence is destroyed before it was signalled";
    I5 Lifecycle "every fence is destroyed once everything is closed";
    I6 EarlyRelease "the fences of a buffer are signalled when DQBUF returns it";
    I7 Timing "a dequeued buffer shows no pending fence";
    I8 EarlyRelease "at the signal the plane is complete, and it stays so until the buffer is queued again";
    I9 EarlyRelease "the signal is not earlier than the last store into the plane";
    I10 Timing "a fence is signalled before its buffer is given back";
    I11 Timing "a buffer that no running job will complete has no fence";
    I12 Timing "an armed buffer shows its pending fence on every plane and every export";
    I13 Timing "OUTPUT buffers carry READ fences and CAPTURE buffers WRITE fences";
    I14 Timing "all exports of a plane show the same fence";
    I15 Lifecycle "no fence id repeats, and buffers do not share a fence context";
    I16 EarlyRelease "a merged sync_file is pending while one of its fences is";
    I17 Status "a fence carries an error if and only if its buffer ended with one";
    I18 Timing "STREAMOFF, REQBUFS and close leave no pending fence behind";
    I19 EarlyRelease "one file's STREAMOFF or close does not signal another file's fence";
    I20 Lifecycle "exports of orphaned memory stay usable";
    I21 Lifecycle "sync_files outlive the file, the dma-buf and the driver";
    I22 Lifecycle "a reservation object does not collect fences";
    I23 Timing "whoever waits for a fence can be interrupted, and wakes at the signal";
    I24 Timing "QBUF and STREAMON do not wait for fences";
    I25 EarlyRelease "foreign fences in a reservation object survive and do not delay a job";
    I26 Lifecycle "every buffer that the driver got is given back once";
    I27 Splat "the kernel does not complain, and lives";
    I28 Lifecycle "module and dma-buf counts return to where they were";
    I29 EarlyRelease "a completed request's fences are signalled";
    I30 Timing "USERPTR buffers have no fence";
    I31 Timing "a job whose fences cannot be attached ends with an error and leaves none";
    I32 Timing "a holder of one reservation lock that waits for another fence of the job does not stall it";
    M1 Model "each call answers what the reference model says";
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Serialize for Invariant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
