//! What v4l2-compliance is known to warn about and to draw from the kernel log, and why neither is a fault of a driver.

use crate::theirs::Provoked;

/// A warning of v4l2-compliance.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Part of what it prints after `warn:`, without the line of its source, which moves.
    pub(super) text: &'static str,
    /// Why it is no fault.
    pub(super) why: &'static str,
}

/// The warnings that are explained.
pub(super) const WARNINGS: [Known; 0] = [];

/// The reason for a warning, if there is one.
pub(super) fn explain(warning: &str) -> Option<&'static str> {
    let known = WARNINGS.iter().find(|known| warning.contains(known.text));
    known.map(|known| known.why)
}

/// The lines of the kernel log that are explained.
pub(in crate::commands) static PROVOKED: [Provoked; 3] = [
    Provoked {
        line: "use of bytesused == 0 is deprecated and will be removed in the future,",
        why: "v4l2-compliance queues OUTPUT buffers that say nothing of their payload, to see that videobuf2 takes them as full",
    },
    Provoked {
        line: "use the actual size instead.",
        why: "the second half of the same message",
    },
    Provoked {
        line: "No buffer was provided with the request",
        why: "v4l2-compliance queues requests without a buffer, to see that vicodec refuses them",
    },
];
