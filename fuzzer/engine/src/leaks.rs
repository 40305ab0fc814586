//! Leaked memory. A scan takes as long as hundreds of programs, so the search scans now and then; which of the programs
//! since the last scan leaks is found by halving.

use anyhow::{Result, bail};
use program::Program;
use trace::{
    Event, Trace,
    wire::{Reply, Request},
};

use crate::{
    finding::Key,
    session::{Leaks, Session},
    target::Target,
    triage::Suspect,
};

/// Programs between two scans.
pub(crate) const INTERVAL: usize = 500;

/// The level of a leak among kernel log lines: `KERN_WARNING`.
const LEVEL: u8 = 4;

/// Callers of the allocator that a leak's title names.
const NAMED: usize = 3;

/// Asks the kernel what leaked since it was last asked: a title for each kind of leak, in a stable order.
pub fn leaks(target: &mut dyn Target) -> Result<Vec<String>> {
    let text = |event| match event {
        Event::Log { text, .. } => Some(text),
        _ => None,
    };
    Ok(scan(target)?.into_iter().filter_map(text).collect())
}

/// Asks the kernel what leaked since it was last asked; one log line for each kind of leak, in a stable order.
pub(crate) fn scan(target: &mut dyn Target) -> Result<Vec<Event>> {
    let Reply::Leaks(lines) = target.request(Request::Kmemleak)? else {
        bail!("the agent answered a scan for leaks with something else");
    };
    let Some(lines) = lines else {
        bail!("this kernel has no kmemleak, or it was booted without: leave --kmemleak away");
    };
    let mut titles = titles(&lines);
    titles.sort();
    titles.dedup();
    Ok(titles
        .into_iter()
        .map(|text| Event::Log { level: LEVEL, text })
        .collect())
}

/// A line for each leaked object: its size and who asked for it.
fn titles(lines: &[String]) -> Vec<String> {
    let mut titles = Vec::new();
    let mut rest = lines;
    while let Some(begin) = rest
        .iter()
        .position(|line| line.starts_with("unreferenced object"))
    {
        let after = &rest[begin + 1..];
        let end = after
            .iter()
            .position(|line| line.starts_with("unreferenced object"));
        let (object, next) = after.split_at(end.unwrap_or(after.len()));
        titles.push(title(&rest[begin], object));
        rest = next;
    }
    titles
}

fn title(first: &str, object: &[String]) -> String {
    let size = first
        .rsplit_once("(size ")
        .map_or("?", |(_, size)| size.trim_end_matches("):"));
    let frames = object
        .iter()
        .skip_while(|line| !line.trim_start().starts_with("backtrace"))
        .skip(1);
    let names = frames
        .map(|line| function(line))
        .filter(|name| !is_allocator(name));
    let callers: Vec<&str> = names.take(NAMED).collect();
    format!("kmemleak: {size} bytes from {}", callers.join(" < "))
}

/// `    [<address>] vb2_core_reqbufs+0x1a/0x20 [videobuf2_common]`
fn function(line: &str) -> &str {
    let words = line
        .split_whitespace()
        .filter(|word| !word.starts_with("[<"));
    let word = words.into_iter().next().unwrap_or_default();
    word.split_once('+').map_or(word, |(name, _)| name)
}

fn is_allocator(name: &str) -> bool {
    [
        "kmalloc",
        "__kmalloc",
        "kmem_cache",
        "__kvmalloc",
        "kvmalloc",
        "slab_",
        "__vmalloc",
        "vmalloc",
        "krealloc",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}

/// Scans, and gives a suspect for the first leak that is not known yet: the program that shows it by itself, or the last
/// one if none does, which triage will find out.
pub(crate) fn suspect(
    session: &mut Session<'_>,
    known: &dyn Fn(&Key) -> bool,
) -> Result<Option<Suspect>> {
    let programs = session.unscanned().to_vec();
    let Some(last) = programs.last().cloned() else {
        return Ok(None);
    };
    let trace = Trace {
        events: session.scan()?,
    };
    let violations = session.judge(&Program::default(), &trace);
    let new = violations.iter().map(Key::of).find(|key| !known(key));
    let Some(key) = new else {
        return Ok(None);
    };
    let program = culprit(session, &programs)?.unwrap_or(last);
    Ok(Some(Suspect {
        key,
        program,
        trace,
        other_trace: None,
        leaks: Leaks::Told,
    }))
}

/// The program that leaks by itself, if one does.
fn culprit(session: &mut Session<'_>, programs: &[Program]) -> Result<Option<Program>> {
    let mut programs = programs;
    while programs.len() > 1 {
        let (one, other) = programs.split_at(programs.len() / 2);
        programs = if leak(session, one)? { one } else { other };
    }
    match programs {
        [program] if leak(session, programs)? => Ok(Some(program.clone())),
        _ => Ok(None),
    }
}

fn leak(session: &mut Session<'_>, programs: &[Program]) -> Result<bool> {
    session.boot()?;
    for program in programs {
        session.observe(program, false)?;
    }
    Ok(!session.scan()?.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "unreferenced object 0xffff8880 (size 96):
  comm \"init\", pid 1, jiffies 4294938000
  hex dump (first 8 bytes):
    00 00 00 00 00 00 00 00                          ........
  backtrace (crc 1234):
    __kmalloc_cache_noprof+0x1f0/0x230
    vb2_attach_release_fences+0x10/0x20 [videobuf2_common]
    [<0000000060001234>] device_run+0x1/0x2
unreferenced object 0xffff8881 (size 8):
  backtrace (crc 0):
    kmalloc_trace+0x1/0x2
    other+0x1/0x2";

    #[test]
    fn a_leak_is_named_by_its_size_and_its_callers() {
        let lines: Vec<String> = REPORT.lines().map(str::to_owned).collect();
        assert_eq!(
            titles(&lines),
            [
                "kmemleak: 96 bytes from vb2_attach_release_fences < device_run",
                "kmemleak: 8 bytes from other"
            ]
        );
        assert!(titles(&[]).is_empty());
    }
}
