//! The console's log: what it says about a death, without what differs from boot to boot.

use std::path::Path;

use trace::Death;

/// Lines that begin a kernel's last words.
const SIGNS: [&str; 9] = [
    "BUG:",
    "KASAN:",
    "Oops",
    "Kernel panic",
    "general protection fault",
    "WARNING:",
    "kernel BUG at",
    "UBSAN:",
    "INFO: task",
];

/// Lines quoted when nothing in the log tells of a fault.
const TAIL: usize = 12;

/// What stands between the words of a kernel message.
const SEPARATORS: [char; 13] = [
    ' ', '\t', ',', ':', ';', '(', ')', '[', ']', '<', '>', '=', '-',
];

/// Most lines quoted.
const MOST: usize = 80;

/// The log's lines, normalised. An unreadable log is an empty one: the guest may have died before its first word.
pub fn read(file: &Path) -> Vec<String> {
    let bytes = std::fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&bytes)
        .lines()
        .map(normalise)
        .filter(|line| !line.is_empty())
        .collect()
}

/// What the log says about the end: a panic, or nothing.
pub fn death(lines: &[String]) -> Death {
    let fatal = lines
        .iter()
        .find(|line| line.contains("Kernel panic") || line.contains("Oops"));
    match fatal {
        // Then the agent died, which is the lab's fault and not the kernel's.
        Some(line) if line.contains("Attempted to kill init") => Death::Lost,
        Some(_) => Death::Panic,
        None => Death::Lost,
    }
}

/// The lines from the first sign of a fault on, or the last few.
pub fn telling(lines: &[String]) -> Vec<String> {
    let complaints = complaints(lines);
    if complaints.is_empty() {
        lines[lines.len().saturating_sub(TAIL)..].to_vec()
    } else {
        complaints
    }
}

/// The lines from the first sign of a fault on; none if there is no sign of one.
pub fn complaints(lines: &[String]) -> Vec<String> {
    let is_sign = |line: &String| SIGNS.iter().any(|sign| line.contains(sign));
    let first = lines.iter().position(is_sign).unwrap_or(lines.len());
    lines[first..].iter().take(MOST).cloned().collect()
}

/// Replaces times, addresses and process ids.
fn normalise(line: &str) -> String {
    let line = without_time(line.trim_end());
    let mut text = String::with_capacity(line.len());
    for word in line.split_inclusive(SEPARATORS) {
        let (body, end) = word.split_at(word.trim_end_matches(SEPARATORS).len());
        let after_pid = text.ends_with("PID: ");
        text += if is_address(body) && text.ends_with('<') {
            "address"
        } else if is_address(body) {
            "<address>"
        } else if after_pid {
            "<pid>"
        } else {
            body
        };
        text += end;
    }
    text
}

/// `[    1.234567] text` without its time.
fn without_time(line: &str) -> &str {
    let rest = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    match rest {
        Some((time, text)) if time.trim().parse::<f64>().is_ok() => text,
        _ => line,
    }
}

/// `0x6a3f0c40`, or eight or more hexadecimal digits of which one at least is a digit.
fn is_address(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let enough = if word.starts_with("0x") { 5 } else { 8 };
    is_hex && digits.len() >= enough && digits.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(normalise).collect()
    }

    #[test]
    fn what_differs_from_boot_to_boot_is_replaced() {
        assert_eq!(
            normalise("[   12.345678] BUG: KASAN: x in dma_resv_add_fence+0x1f0/0x230"),
            "BUG: KASAN: x in dma_resv_add_fence+0x1f0/0x230"
        );
        assert_eq!(
            normalise("Read of size 8 at addr 0000000061a4f0c8 by task agent/1"),
            "Read of size 8 at addr <address> by task agent/1"
        );
        assert_eq!(
            normalise("RIP: 0033:0x60234abc (rev 12345678)"),
            "RIP: 0033:<address> (rev <address>)"
        );
        assert_eq!(
            normalise("CPU: 0 UID: 0 PID: 31 Comm: agent"),
            "CPU: 0 UID: 0 PID: <pid> Comm: agent"
        );
        assert_eq!(
            normalise("a decade of defaced facades"),
            "a decade of defaced facades"
        );
    }

    #[test]
    fn a_panic_is_told_from_a_dead_agent() {
        assert_eq!(
            death(&lines(
                "boot\nKernel panic - not syncing: Fatal exception\n"
            )),
            Death::Panic
        );
        assert_eq!(
            death(&lines(
                "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n"
            )),
            Death::Lost
        );
        assert_eq!(
            death(&lines(
                "Oops: 0000\nKernel panic - not syncing: Attempted to kill init!\n"
            )),
            Death::Panic
        );
        assert_eq!(death(&lines("all is well\n")), Death::Lost);
    }

    #[test]
    fn the_telling_lines_begin_with_the_first_sign() {
        assert_eq!(
            telling(&lines("one\ntwo\nBUG: x\nstack\n")),
            ["BUG: x", "stack"]
        );
        assert_eq!(telling(&lines("one\ntwo\n")), ["one", "two"]);
        assert_eq!(telling(&[]).len(), 0);
        assert_eq!(complaints(&lines("one\ntwo\n")).len(), 0);
    }
}
