//! The program with comments: what each operation returned, and what the ledger recorded meanwhile.

use program::Program;
use trace::{BufferId, Event, Kind, Phase, Trace};

use super::wrap::indented;

/// Column at which comments begin.
const COLUMN: usize = 30;

/// Each operation with its comments, which go on in further lines.
pub(super) fn commented(program: &Program, trace: &Trace) -> String {
    let notes = notes(program, trace);
    let steps = program.steps.iter().zip(notes);
    steps
        .map(|(step, notes)| line(&step.to_string(), &notes))
        .collect()
}

fn line(step: &str, notes: &[String]) -> String {
    let width = 75 - COLUMN - 6;
    let mut lines: Vec<String> = vec![String::new()];
    for note in notes {
        let last = lines.last_mut().expect("there is one");
        if last.is_empty() {
            last.clone_from(note);
        } else if last.chars().count() + 2 + note.chars().count() <= width {
            *last += "; ";
            *last += note;
        } else {
            *last += ";";
            lines.push(note.clone());
        }
    }
    let mut text = String::new();
    for (index, note) in lines.iter().enumerate() {
        let step = if index == 0 { step } else { "" };
        let line = match note.is_empty() {
            true => format!("    {step}"),
            false => format!("    {step:COLUMN$}# {note}"),
        };
        text += &if line.chars().count() <= 75 {
            line + "\n"
        } else {
            indented(&format!("{step}\n    # {note}"))
        };
    }
    text
}

/// What is to be said of each step.
fn notes(program: &Program, trace: &Trace) -> Vec<Vec<String>> {
    let mut notes = vec![Vec::new(); program.steps.len()];
    let mut pending = Vec::new();
    for event in &trace.events {
        match event {
            Event::Ledger(record) => pending.extend(happening(&record.kind)),
            Event::Call(call) => {
                let mut all = std::mem::take(&mut pending);
                if let Err(errno) = call.result {
                    all.insert(0, nix::errno::Errno::from_raw(errno).to_string());
                }
                if let Some(notes) = notes.get_mut(usize::from(call.op)) {
                    notes.extend(all);
                }
            }
            _ => {}
        }
    }
    notes
}

fn happening(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Attach {
            fence,
            buffer,
            plane: 0,
            ..
        } => format!(
            "fence {}-{} on {}",
            fence.context,
            fence.seqno,
            name(*buffer)
        ),
        Kind::Signal { fence, error: 0 } => {
            format!("{}-{} signals", fence.context, fence.seqno)
        }
        Kind::Signal { fence, error } => {
            format!("{}-{} signals {error}", fence.context, fence.seqno)
        }
        Kind::Job {
            buffer,
            job,
            phase: Phase::Start,
        } if !buffer.output => format!("job {} starts", job & 0xffff),
        Kind::Job {
            buffer,
            job,
            phase: Phase::LastStore,
        } if !buffer.output => format!("job {}: last store", job & 0xffff),
        _ => return None,
    })
}

fn name(buffer: BufferId) -> String {
    let queue = if buffer.output { "OUTPUT" } else { "CAPTURE" };
    format!("{queue} {}", buffer.index)
}

#[cfg(test)]
mod tests {
    use trace::{Call, FenceId, Irqs, Out, Record};

    use super::*;

    #[test]
    fn an_operation_is_followed_by_what_it_did() {
        let program: Program = "a = open double\nstreamon a cap\n".parse().unwrap();
        let call = |op, result| {
            Event::Call(Call {
                op,
                start: 0,
                end: 0,
                result,
            })
        };
        let attach = Kind::Attach {
            fence: FenceId {
                context: 1,
                seqno: 2,
            },
            buffer: BufferId {
                queue: 1,
                output: false,
                index: 3,
            },
            plane: 0,
            usage: 1,
            resv: 1,
        };
        let record = Record {
            time: 0,
            irqs: Irqs::On,
            kind: attach,
        };
        let events = vec![
            call(0, Ok(Out::Done)),
            Event::Ledger(record),
            call(1, Err(22)),
        ];
        let text = commented(&program, &Trace { events });
        assert!(text.contains("    a = open double\n"), "{text}");
        assert!(text.contains("# EINVAL"), "{text}");
        assert!(text.contains("fence 1-2 on CAPTURE 3"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 75));
    }
}
