//! Takes out of a log line what says where in memory or in which process something happened, and keeps what happened.
//!
//! `*` stands for what was taken out. Offsets into functions (`vb2_buffer_done+0x1c/0x80`) stay: they belong to the build.

/// The line without time stamp, addresses, pids, CPU numbers and the list of modules.
pub fn normalise(line: &str) -> String {
    let line = without_prefix(line);
    if let Some(at) = line.find("Modules linked in:") {
        return format!("{}Modules linked in:", normalise(&line[..at]));
    }
    let mut words = Words {
        rest: line,
        out: String::with_capacity(line.len()),
        last: "",
    };
    while words.step() {}
    words.out.truncate(words.out.trim_end().len());
    words.out
}

/// Cuts off `[   12.345678]` and `[T123]` or `[C0]`, as often as they stand there.
fn without_prefix(mut line: &str) -> &str {
    while let Some((inside, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        if !is_time(inside.trim_start()) && !is_caller(inside.trim_start()) {
            break;
        }
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    line
}

fn is_time(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(seconds, fraction)| is_number(seconds) && is_number(fraction))
}

fn is_caller(text: &str) -> bool {
    text.strip_prefix(['T', 'C'])
        .is_some_and(|number| is_number(number.trim_start()))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// A line on its way through, word by word.
struct Words<'a> {
    rest: &'a str,
    out: String,
    /// The word before, as it was read.
    last: &'a str,
}

impl<'a> Words<'a> {
    /// Copies up to and including the next word; false at the end of the line.
    fn step(&mut self) -> bool {
        let start = self.rest.find(is_word).unwrap_or(self.rest.len());
        self.out.push_str(&self.rest[..start]);
        let tail = &self.rest[start..];
        let word = &tail[..tail.find(|c| !is_word(c)).unwrap_or(tail.len())];
        self.rest = &tail[word.len()..];
        match word {
            "kworker" => self.kworker(),
            _ => self.out.push_str(self.replacement(word)),
        }
        self.last = word;
        !self.rest.is_empty()
    }

    /// `kworker/0:1`, `kworker/u4:2-events/17`: which worker it was is chance.
    fn kworker(&mut self) {
        let end = self
            .rest
            .find(|c: char| !is_word(c) && !"/:-+*".contains(c));
        self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
        self.out.push_str("kworker/*");
    }

    fn replacement(&self, word: &'a str) -> &'a str {
        if word == "____ptrval____" || self.is_identity(word) {
            return "*";
        }
        match word.strip_prefix("0x") {
            Some(digits) if is_hex(digits) && !self.is_offset() => "0x*",
            _ if word.len() >= 8 && is_hex(word) => "*",
            _ => word,
        }
    }

    /// `func+0x1c/0x80`: the word is one of these two numbers.
    fn is_offset(&self) -> bool {
        self.out.ends_with('+') || (self.out.ends_with('/') && self.last.starts_with("0x"))
    }

    /// A pid or CPU number: `PID: 12`, `pid 12`, `CPU#0`, `task agent/12`.
    fn is_identity(&self, word: &str) -> bool {
        let labelled = ["pid", "tgid", "cpu"]
            .iter()
            .any(|l| self.last.eq_ignore_ascii_case(l));
        let named = self.out.ends_with('/') && !self.last.is_empty() && !is_number(self.last);
        is_number(word) && (labelled || named)
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
