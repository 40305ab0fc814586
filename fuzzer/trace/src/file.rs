//! The file form of a trace: text, one JSON value a line.
//!
//! The first line names the format, its version and the program; the last one counts the events. A file that was cut
//! short, that is something else, or that a newer lab wrote is therefore told apart from a trace, and refused. The same
//! trace gives the same bytes.

use std::fmt;
use std::str::FromStr;

use program::Program;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::event::{Event, Trace};

/// Version of the file form that this library writes and reads.
pub const VERSION: u32 = 2;

/// Identity of a program: FNV-1a over its text form, so that comments and spacing do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProgramHash(pub u64);

impl ProgramHash {
    /// The hash of this program.
    pub fn of(program: &Program) -> Self {
        let text = program.to_string();
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        Self(text.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
    }
}

impl fmt::Display for ProgramHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<ProgramHash> for String {
    fn from(hash: ProgramHash) -> Self {
        hash.to_string()
    }
}

impl FromStr for ProgramHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let canonical = |&hash: &Self| hash.to_string() == text;
        let parsed = u64::from_str_radix(text, 16).ok().map(Self);
        parsed.filter(canonical).ok_or_else(|| {
            format!("`{text}` is not a program hash (16 lower-case hexadecimal digits)")
        })
    }
}

impl TryFrom<String> for ProgramHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Why a text is not a trace.
#[derive(Debug, Error)]
pub enum FileError {
    /// The first line is not that of a trace.
    #[error(
        "not a trace: its first line must be like {{\"vb2-fence-lab trace\":{VERSION},\"program\":…}}"
    )]
    Foreign,
    /// Another version of this library wrote it.
    #[error(
        "trace of version {found}, this lab reads version {VERSION}: record it again, or use the lab that wrote it"
    )]
    Version {
        /// Its version.
        found: u32,
    },
    /// The last line is missing.
    #[error("trace is cut short after {events} events: its last line, the count, is missing")]
    Truncated {
        /// Complete events before the cut.
        events: usize,
    },
    /// The last line counts other than what is there.
    #[error("trace counts {counted} events but holds {found}: lines were lost or added")]
    Count {
        /// What the last line says.
        counted: usize,
        /// What is there.
        found: usize,
    },
    /// A line is not an event.
    #[error("line {line} of the trace is not an event: {reason}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: serde_json::Error,
    },
    /// Text follows the last line.
    #[error("line {line}: text follows the end of the trace")]
    Trailing {
        /// Number of that line, from 1.
        line: usize,
    },
}

/// What a trace file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceFile {
    /// Which program was run.
    pub program: ProgramHash,
    /// What was observed.
    pub trace: Trace,
}

#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(rename = "vb2-fence-lab trace")]
    version: u32,
    program: ProgramHash,
}

/// The header as far as every version has it.
#[derive(Deserialize)]
struct AnyHeader {
    #[serde(rename = "vb2-fence-lab trace")]
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    events: usize,
}

/// The file form of a trace of this program.
pub fn print(program: ProgramHash, trace: &Trace) -> String {
    let mut text = line(&Header {
        version: VERSION,
        program,
    });
    for event in &trace.events {
        text.push_str(&line(event));
    }
    text.push_str(&line(&Footer {
        events: trace.events.len(),
    }));
    text
}

fn line<T: Serialize>(value: &T) -> String {
    let mut json =
        serde_json::to_string(value).expect("events have no maps, so JSON can express them");
    json.push('\n');
    json
}

/// Reads the file form.
pub fn parse(text: &str) -> Result<TraceFile, FileError> {
    let mut lines = text.split_inclusive('\n').zip(1..);
    let program = header(lines.next().map_or("", |(first, _)| first))?;
    let mut events = Vec::new();
    while let Some((json, line)) = lines.next() {
        // A line without its end is what a full disk leaves behind, even if it happens to parse.
        if !json.ends_with('\n') {
            break;
        }
        if let Ok(footer) = serde_json::from_str::<Footer>(json) {
            let trace = Trace { events };
            return finish(
                &footer,
                lines.next().map(|(_, line)| line),
                TraceFile { program, trace },
            );
        }
        events.push(event(json, line)?);
    }
    Err(FileError::Truncated {
        events: events.len(),
    })
}

fn header(json: &str) -> Result<ProgramHash, FileError> {
    let any: AnyHeader = serde_json::from_str(json).map_err(|_| FileError::Foreign)?;
    if any.version != VERSION {
        return Err(FileError::Version { found: any.version });
    }
    let header: Header =
        serde_json::from_str(json).map_err(|reason| FileError::Line { line: 1, reason })?;
    Ok(header.program)
}

fn event(json: &str, line: usize) -> Result<Event, FileError> {
    serde_json::from_str(json).map_err(|reason| FileError::Line { line, reason })
}

fn finish(footer: &Footer, after: Option<usize>, file: TraceFile) -> Result<TraceFile, FileError> {
    let (counted, found) = (footer.events, file.trace.events.len());
    match after {
        Some(line) => Err(FileError::Trailing { line }),
        None if counted != found => Err(FileError::Count { counted, found }),
        None => Ok(file),
    }
}
