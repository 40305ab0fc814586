//! The ledger: its text form, what it does when its ring overruns, and that it counts the same on every driver.

mod counts;

use std::{fs, time::Duration};

use anyhow::{Context as _, ensure};
use trace::{
    Event,
    wire::{Ended, Executed},
};

use super::{Check, Context};
use crate::rig::{self, RigArgs};

/// What debugfs must show of one job.
const GOLDEN: &str = include_str!("ledger/records.txt");

/// Time of the guest that a tool may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Checks of the ledger.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = vec![
        Check::new("ledger: debugfs shows one job as it always did", text),
        Check::new("ledger: counts what the double counts", |context| {
            let executed = tool(context, &["--ledger", "stats"])?;
            let said = String::from_utf8_lossy(&executed.output);
            ensure!(said.lines().count() == 4, "it said «{said}»");
            Ok(())
        }),
        Check::new("ledger: a ring that overruns counts what is lost", overrun),
    ];
    checks.extend(counts::checks());
    checks
}

/// What a tool of the agent says.
fn tool(context: &Context, words: &[&str]) -> anyhow::Result<Executed> {
    let mut rig = rig::ready(&context.options, &RigArgs::default())?;
    let argv: Vec<String> = ["/init"]
        .iter()
        .chain(words)
        .map(|word| (*word).to_owned())
        .collect();
    let executed = rig.target.exec(&argv, LIMIT)?.ended()?;
    ensure!(
        executed.end == Ended::Exited(0),
        "{}: {:?}: {}",
        words.join(" "),
        executed.end,
        String::from_utf8_lossy(&executed.errors)
    );
    Ok(executed)
}

fn text(context: &Context) -> anyhow::Result<()> {
    let executed = tool(context, &["--ledger", "text"])?;
    let text = normalised(&String::from_utf8_lossy(&executed.output))?;
    if text != GOLDEN {
        let file = std::env::temp_dir().join("records.txt");
        fs::write(&file, &text)?;
        anyhow::bail!(
            "debugfs shows a job differently; {} has what it shows. If that is meant, copy it over \
             fuzzer/lab/src/commands/test/ledger/records.txt:\n{text}",
            file.display()
        );
    }
    Ok(())
}

/// Numbers and times from 0 on, and small numbers for addresses and contexts, in order of appearance.
fn normalised(text: &str) -> anyhow::Result<String> {
    let (mut first, mut names) = (None, Vec::new());
    let mut small = |name: &str| {
        let known = names.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        })
    };
    let mut out = String::new();
    for line in text.lines() {
        let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (seq, time): (u64, u64) = (words[0].parse()?, words[1].parse()?);
        let (seq_0, time_0) = *first.get_or_insert((seq, time));
        words[0] = (seq - seq_0).to_string();
        words[1] = (time - time_0).to_string();
        for index in 1..words.len() {
            let kind = words[index - 1].clone();
            match kind.as_str() {
                "queue" | "resv" | "job" if index > 4 => {
                    words[index] = format!("#{}", small(&format!("{kind} {}", words[index])));
                }
                "fence" => {
                    let (context, seqno) = words[index].split_once('-').context("a fence")?;
                    words[index] = format!("#{}-{seqno}", small(&format!("context {context}")));
                }
                _ => {}
            }
        }
        out += &words.join(" ");
        out.push('\n');
    }
    Ok(out)
}

fn overrun(context: &Context) -> anyhow::Result<()> {
    let executed = tool(context, &["--ledger", "overrun"])?;
    let said = String::from_utf8_lossy(&executed.output);
    ensure!(said.starts_with("written "), "it said «{said}»");
    // The agent empties the ring in time, or says what it lost: nothing is missing from its trace without a word.
    let attached = |event: &Event| matches!(event, Event::Ledger(record) if matches!(record.kind, trace::Kind::Attach { .. }));
    let lost = executed
        .trace
        .events
        .iter()
        .any(|event| matches!(event, Event::LedgerLost { .. }));
    let seen = executed
        .trace
        .events
        .iter()
        .filter(|event| attached(event))
        .count();
    ensure!(lost || seen > 1000, "{seen} attachments and no loss");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_contexts_numbers_and_times_become_small() {
        let line = "     812  5000123 .d attach  fence 77-1 queue 6f00 type 1 index 0 plane 0 usage 1 resv 6f80\n";
        let next = "     813  5000125 H. job     queue 6f00 type 1 index 0 job 900 phase 2\n";
        let expected = "0 0 .d attach fence #0-1 queue #1 type 1 index 0 plane 0 usage 1 resv #2\n\
                        1 2 H. job queue #1 type 1 index 0 job #3 phase 2\n";
        assert_eq!(normalised(&format!("{line}{next}")).unwrap(), expected);
        assert!(normalised("seq time\n").is_err());
    }
}
