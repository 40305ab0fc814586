//! Lines that a mail can hold.

/// Columns.
const WIDTH: usize = 75;
/// What code and quotations begin with.
const INDENT: &str = "    ";

/// A paragraph, broken between words.
pub(super) fn paragraph(text: &str) -> String {
    let rest = if text.starts_with("- ") { "  " } else { "" };
    wrapped(text, "", rest, "")
}

/// A text that keeps its lines, as a block of code; what is too long goes on in the next one.
pub(super) fn indented(text: &str) -> String {
    let line = |line: &str| {
        let inner = line.len() - line.trim_start().len();
        let first = format!("{INDENT}{}", " ".repeat(inner));
        wrapped(line, &first, &format!("{first}  "), "")
    };
    text.lines().map(line).collect()
}

/// A command, in a block of code, that a shell takes though it is broken.
pub(super) fn command(text: &str) -> String {
    wrapped(text, INDENT, "        ", " \\")
}

/// As much of a title as a line holds.
pub(super) fn title(text: &str) -> String {
    let room = WIDTH - "Subject: ".len();
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let cut: String = text.chars().take(room - 2).collect();
    let whole = cut.rsplit_once(' ').map_or(&*cut, |(whole, _)| whole);
    format!("{whole} …")
}

fn wrapped(text: &str, first: &str, rest: &str, joint: &str) -> String {
    let room = WIDTH - joint.chars().count();
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > room {
            lines += &format!("{line}{joint}\n");
            line = rest.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line += word;
        empty = false;
    }
    lines + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_whole_when_its_joints_are_taken_out() {
        let long = format!("cargo lab replay {}", "--option value ".repeat(12));
        let broken = command(&long);
        assert!(broken.lines().count() > 2);
        assert!(broken.lines().all(|line| line.chars().count() <= WIDTH));
        let whole = broken.replace(" \\\n", " ");
        let words: Vec<_> = whole.split_whitespace().collect();
        assert_eq!(words, long.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn a_title_ends_with_a_whole_word() {
        let short = title(&"word ".repeat(30));
        assert!(short.ends_with("word …") && short.chars().count() <= 66);
        assert_eq!(title("as it is"), "as it is");
    }

    #[test]
    fn indentation_stays() {
        assert_eq!(indented("a\n  b"), "    a\n      b\n");
    }
}
