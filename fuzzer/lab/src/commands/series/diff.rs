//! What a diff says: which files it touches, and where it puts which lines.

use std::collections::BTreeSet;

use super::mail::Mail;

/// A line that a patch adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Added<'a> {
    /// The file that it is added to.
    pub(super) file: &'a str,
    /// Its number there.
    pub(super) line: u32,
    /// The line.
    pub(super) text: &'a str,
}

/// The diff of a patch.
#[derive(Clone, Debug, Default)]
pub(super) struct Diff<'a> {
    /// Every file that is touched, also those that are deleted or come to be.
    pub(super) files: BTreeSet<&'a str>,
    /// Every line that is added.
    pub(super) added: Vec<Added<'a>>,
}

impl<'a> Diff<'a> {
    /// Reads the diff of a mail.
    pub(super) fn parse(mail: &Mail<'a>) -> Diff<'a> {
        let mut reader = Reader::default();
        mail.rest.iter().for_each(|(_, line)| reader.line(line));
        reader.diff
    }
}

/// Walks the lines. Only the counts of a hunk's head tell `--- a/x` from a removed line that begins with `-- a/x`.
#[derive(Default)]
struct Reader<'a> {
    diff: Diff<'a>,
    file: &'a str,
    next: u32,
    old_left: u32,
    new_left: u32,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        if self.old_left > 0 || self.new_left > 0 {
            self.in_hunk(line);
        } else if let Some((old, start, new)) = hunk(line) {
            (self.old_left, self.next, self.new_left) = (old, start, new);
        } else {
            self.between(line);
        }
    }

    fn between(&mut self, line: &'a str) {
        let sides = ["--- a/", "+++ b/", "rename from ", "rename to ", "copy to "];
        let named = sides.iter().find_map(|side| line.strip_prefix(side));
        // Neither an empty file nor a binary one has lines that begin so.
        let named = named.or_else(|| {
            line.strip_prefix("diff --git a/")?
                .split_once(" b/")
                .map(|(_, name)| name)
        });
        if let Some(name) = named {
            self.file = name.split('\t').next().unwrap_or(name).trim_end();
            self.diff.files.insert(self.file);
        }
    }

    fn in_hunk(&mut self, line: &'a str) {
        match line.as_bytes().first() {
            Some(b'+') => {
                let (file, number) = (self.file, self.next);
                self.diff.added.push(Added {
                    file,
                    line: number,
                    text: &line[1..],
                });
                self.step(0, 1);
            }
            Some(b'-') => self.step(1, 0),
            Some(b'\\') => (),
            _ => self.step(1, 1),
        }
    }

    fn step(&mut self, old: u32, new: u32) {
        self.old_left = self.old_left.saturating_sub(old);
        self.new_left = self.new_left.saturating_sub(new);
        self.next += new;
    }
}

/// The lines that a hunk covers before, its first line behind, and the lines that it covers behind.
fn hunk(line: &str) -> Option<(u32, u32, u32)> {
    let (old, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let count = |side: &str| {
        side.split_once(',')
            .map_or(Some(1), |(_, count)| count.parse().ok())
    };
    let start = new.split(',').next()?.parse().ok()?;
    Some((count(old)?, start, count(new)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_added_lines_are_found() {
        let text = "Subject: x\n\n---\n a.c | 2 +-\n\ndiff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@ int f()\n one\n--- a/two\n+++ b/2\n three\n@@ -9 +9,2 @@\n x\n+y \n\
                    diff --git a/new.h b/new.h\nnew file mode 100644\n--- /dev/null\n+++ b/new.h\n@@ -0,0 +1 @@\n+z\n\
                    diff --git a/old b/now\nsimilarity index 100%\nrename from old\nrename to now\n-- \n2.39\n";
        let diff = Diff::parse(&Mail::parse(text).unwrap());
        let files: Vec<_> = diff.files.iter().copied().collect();
        assert_eq!(files, ["a.c", "new.h", "now", "old"]);
        let added: Vec<_> = diff
            .added
            .iter()
            .map(|added| (added.file, added.line, added.text))
            .collect();
        assert_eq!(
            added,
            [("a.c", 2, "++ b/2"), ("a.c", 10, "y "), ("new.h", 1, "z")]
        );
    }
}
