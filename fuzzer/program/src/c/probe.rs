//! What a reproducer looks at beside the program's calls, so that a failure shows in user space.

use super::calls::{Call, flags, kind};
use crate::op::{Access, Dmabuf, File, Queue, Sync};

/// How a failure shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// An export of a buffer that no job has is pending.
    Unfenced,
    /// A fence does not signal by itself.
    Finite,
    /// An export of a buffer that a job has is not pending for whoever accesses it so.
    Pending(Access),
    /// An export of an OUTPUT buffer is pending for who only reads.
    Free,
    /// A fence has not signalled after a call that had to end it.
    Ended,
    /// A buffer can be dequeued while its fence is pending.
    Returned,
    /// A plane is not whole when its fence signals, or is written later. Planes of the double carry a stamp.
    Over {
        /// Whether they do.
        stamped: bool,
    },
    /// The fence tells of a success, or of an error, where the buffer ended otherwise.
    Tells {
        /// Whether the buffer ended with an error.
        error: bool,
    },
    /// A buffer comes back with an error that nothing asked for.
    Well,
    /// A call waits for a fence.
    Prompt,
    /// A merged sync_file signals before one of its parts.
    Merged(Sync, Sync, Sync),
    /// A call on a live descriptor fails.
    Answers,
    /// The kernel complains in its log, or dies.
    Log,
    /// User space cannot see it.
    Hidden,
}

/// The buffer whose fence a probe is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// File, queue and index.
    pub buffer: Option<(File, Queue, u32)>,
    /// A dma-buf of the program that is its memory; without one the reproducer exports it.
    pub dmabuf: Option<Dmabuf>,
}

/// A probe, and where in the program it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// How the failure shows.
    pub probe: Probe,
    /// On which buffer.
    pub watched: Watched,
    /// The step after which the buffer's fence is exported; none for the program's end.
    pub from: Option<usize>,
    /// The step after which the failure shows; none for the program's end.
    pub until: Option<usize>,
    /// What `FAIL:` says.
    pub what: String,
}

/// Where behind the program's last line a check belongs that no step is the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// At once.
    End,
    /// After so long that whatever is pending then is pending for ever.
    Quiet,
    /// After the video files were closed.
    Closed,
    /// After everything was closed.
    Gone,
}

impl Symptom {
    /// A symptom of which only its kind is known.
    pub fn of(probe: Probe, what: &str) -> Symptom {
        Symptom {
            probe,
            watched: Watched::default(),
            from: None,
            until: None,
            what: what.to_owned(),
        }
    }

    /// The stage of the check if it has no step.
    pub(super) fn stage(&self) -> Option<Stage> {
        match (self.probe, self.until) {
            (Probe::Finite | Probe::Well, _) => Some(Stage::Quiet),
            (Probe::Tells { .. } | Probe::Answers, _) => Some(Stage::Closed),
            (Probe::Log, _) => Some(Stage::Gone),
            (Probe::Hidden | Probe::Prompt, _) => None,
            (_, Some(_)) => None,
            (Probe::Ended, None) => Some(Stage::Closed),
            _ => Some(Stage::End),
        }
    }

    /// Whether the check belongs behind this step.
    pub(super) fn is_due(&self, step: usize) -> bool {
        self.stage().is_none() && self.until == Some(step)
    }

    /// Whether a fence has to be exported for it.
    pub(super) fn watches(&self) -> bool {
        let watched = self.watched != Watched::default();
        watched
            && !matches!(
                self.probe,
                Probe::Well | Probe::Merged(..) | Probe::Answers | Probe::Log | Probe::Hidden
            )
    }

    /// The export.
    pub(super) fn watch(&self) -> Call {
        let (file, queue, index) = match self.watched.buffer {
            Some((file, queue, index)) => (file.to_string(), kind(queue), index),
            None => ("-1".to_owned(), "OUTPUT", 0),
        };
        match self.watched.dmabuf {
            Some(dmabuf) => Call::new(
                &["watch_dmabuf"],
                format!("watch_dmabuf(&watched, {dmabuf}, {file}, {queue}, {index})"),
            ),
            None => Call::new(
                &["watch_buffer"],
                format!("watch_buffer(&watched, {file}, {queue}, {index})"),
            ),
        }
    }

    /// The check; none where there is nothing to call.
    pub(super) fn check(&self) -> Option<Call> {
        let what = quoted(&self.what);
        let (name, before, between) = match self.probe {
            Probe::Unfenced => ("must_be_unfenced", "&watched".into(), String::new()),
            Probe::Finite => ("must_end", "&watched".into(), String::new()),
            Probe::Pending(access) => (
                "must_be_pending",
                "&watched".into(),
                format!("{}, ", flags(access)),
            ),
            Probe::Free => (
                "must_be_free_for",
                "DMA_BUF_SYNC_READ, &watched".into(),
                String::new(),
            ),
            Probe::Ended => ("must_have_ended", "&watched".into(), String::new()),
            Probe::Returned => ("must_end_before_done", "&watched".into(), String::new()),
            Probe::Over { stamped } => (
                "must_be_over",
                "&watched".into(),
                format!("{}, ", u8::from(stamped)),
            ),
            Probe::Tells { error } => (
                "must_tell",
                "&watched".into(),
                format!("{}, ", u8::from(error)),
            ),
            Probe::Well => {
                let (file, queue, index) = self.watched.buffer?;
                let buffer = format!("{file}, {}, {index}", kind(queue));
                ("must_end_well", buffer, String::new())
            }
            Probe::Prompt => (
                "must_not_have_waited",
                "&watched".into(),
                "begin, ".to_owned(),
            ),
            Probe::Merged(merged, one, other) => (
                "must_wait_for_both",
                format!("{merged}, {one}, {other}"),
                String::new(),
            ),
            Probe::Answers | Probe::Log | Probe::Hidden => return None,
        };
        Some(Call::new(
            &[name],
            format!("{name}({before}, {between}{what})"),
        ))
    }
}

/// A string literal of C.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            control if control.is_control() => quoted.push(' '),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}
