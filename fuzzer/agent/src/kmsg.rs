//! The kernel's log, read from `/dev/kmsg`.

use nix::errno::Errno;
use nix::libc;
use trace::klog::normalise;

use crate::sys::file;

/// Lines that are taken of one splat at most; a reader wants its beginning.
const LONGEST_SPLAT: usize = 400;
/// Lowest level of trouble: `KERN_WARNING`.
const WARNING: u8 = 4;
/// Longest record that the kernel hands out.
const RECORD_BYTES: usize = 8192;

/// An open `/dev/kmsg`.
pub(crate) struct Kmsg {
    fd: i32,
    record: Box<[u8; RECORD_BYTES]>,
}

impl Kmsg {
    /// Opens it past all that was logged so far; `None` if the target does not let us.
    pub(crate) fn open() -> Option<Self> {
        let fd = file::open(c"/dev/kmsg", libc::O_RDONLY | libc::O_NONBLOCK).ok()?;
        // SAFETY: lseek takes no pointers.
        unsafe { libc::lseek(fd, 0, libc::SEEK_END) };
        Some(Self {
            fd,
            record: Box::new([0; RECORD_BYTES]),
        })
    }

    /// The lines since the last time that tell of trouble: level and normalised text.
    pub(crate) fn trouble(&mut self) -> Vec<(u8, String)> {
        let mut filter = Filter::default();
        let mut lines = Vec::new();
        while let Some(length) = self.next_record() {
            let record = String::from_utf8_lossy(&self.record[..length]);
            let kept = parse(&record).filter(|(level, text)| filter.keeps(*level, text));
            lines.extend(kept.map(|(level, text)| (level, normalise(&text))));
        }
        lines
    }

    fn next_record(&mut self) -> Option<usize> {
        loop {
            match file::read(self.fd, &mut self.record[..]) {
                Ok(0) => return None,
                Ok(length) => return Some(length),
                // The ring overran: the next read goes on with the oldest record that is left.
                Err(Errno::EPIPE) => {}
                Err(_) => return None,
            }
        }
    }
}

/// Level and lines of a record: `priority,sequence,time,flags;text`, control characters written as `\x0a`.
fn parse(record: &str) -> impl Iterator<Item = (u8, String)> + use<> {
    let (prefix, rest) = record.split_once(';').unwrap_or(("", record));
    let priority = prefix
        .split(',')
        .next()
        .and_then(|field| field.parse::<u32>().ok());
    let level = (priority.unwrap_or(u32::from(WARNING)) & 7) as u8;
    let text = rest.split('\n').next().unwrap_or("").to_owned();
    let lines: Vec<String> = text.split("\\x0a").map(str::to_owned).collect();
    lines.into_iter().map(move |line| (level, line))
}

/// Decides which lines are kept.
#[derive(Default)]
struct Filter {
    splat_lines: Option<usize>,
}

impl Filter {
    /// Keeps warnings and worse, and every line of a splat whatever its level.
    fn keeps(&mut self, level: u8, text: &str) -> bool {
        if begins_splat(text) {
            self.splat_lines.get_or_insert(0);
        }
        let Some(lines) = &mut self.splat_lines else {
            return level <= WARNING;
        };
        *lines += 1;
        let kept = *lines <= LONGEST_SPLAT;
        if text.contains("---[ end") {
            self.splat_lines = None;
        }
        kept
    }
}

fn begins_splat(text: &str) -> bool {
    [
        "[ cut here ]",
        "BUG:",
        "KASAN:",
        "WARNING:",
        "Oops",
        "INFO: task",
        "==========",
    ]
    .iter()
    .any(|marker| text.contains(marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(lines: &[(u8, &str)]) -> Vec<String> {
        let mut filter = Filter::default();
        let kept = lines
            .iter()
            .filter(|(level, text)| filter.keeps(*level, text));
        kept.map(|(_, text)| (*text).to_owned()).collect()
    }

    #[test]
    fn a_record_has_level_and_text() {
        let record = "4,339,5140900,-;vb2: something odd\n SUBSYSTEM=pci\n";
        let parsed: Vec<_> = parse(record).collect();
        assert_eq!(parsed, [(4, "vb2: something odd".to_owned())]);
    }

    #[test]
    fn the_facility_is_not_the_level() {
        assert_eq!(
            parse("30,1,2,-;hello\n").next(),
            Some((6, "hello".to_owned()))
        );
    }

    #[test]
    fn embedded_newlines_make_lines() {
        assert_eq!(parse("3,1,2,-;one\\x0atwo\n").count(), 2);
    }

    #[test]
    fn only_trouble_is_kept() {
        assert_eq!(kept(&[(6, "loaded"), (4, "odd"), (7, "debug")]), ["odd"]);
    }

    #[test]
    fn a_splat_is_kept_whole() {
        let lines = [
            (5, "------------[ cut here ]------------"),
            (6, "Modules linked in: vb2_double"),
            (5, "---[ end trace 0000000000000000 ]---"),
            (6, "loaded"),
        ];
        assert_eq!(kept(&lines).len(), 3);
    }

    #[test]
    fn an_endless_splat_is_cut() {
        let mut lines = vec![(3, "BUG: KASAN: use-after-free")];
        lines.extend(std::iter::repeat_n((6, " frame"), 2 * LONGEST_SPLAT));
        assert_eq!(kept(&lines).len(), LONGEST_SPLAT);
    }
}
