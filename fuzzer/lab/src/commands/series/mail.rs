//! A patch as mail, as `git format-patch` writes it: headers, message, diff.

/// A mail taken apart. Everything borrows from the text, but for unfolded headers.
#[derive(Clone, Debug)]
pub(super) struct Mail<'a> {
    headers: Vec<(String, String)>,
    /// The lines of the message up to the `---`, each with its number in the file.
    pub(super) message: Vec<(u32, &'a str)>,
    /// The lines behind it: diffstat and diff.
    pub(super) rest: Vec<(u32, &'a str)>,
}

impl<'a> Mail<'a> {
    /// Takes the text apart; none if it does not begin with mail headers.
    pub(super) fn parse(text: &'a str) -> Option<Mail<'a>> {
        let mut lines = (1..).zip(text.lines()).peekable();
        lines.next_if(|(_, line)| line.starts_with("From "));
        let mut headers: Vec<(String, String)> = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
            match headers.last_mut() {
                Some((_, value)) if line.starts_with([' ', '\t']) => {
                    *value += " ";
                    *value += line.trim();
                }
                _ => headers.push(header(line)?),
            }
        }
        lines.next_if(|(_, line)| line.is_empty());
        let (mut message, mut rest) = (Vec::new(), Vec::new());
        for (number, line) in lines {
            if rest.is_empty() && !begins_rest(line) {
                message.push((number, line));
            } else {
                rest.push((number, line));
            }
        }
        (!headers.is_empty()).then_some(Mail {
            headers,
            message,
            rest,
        })
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self
            .headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    /// Who wrote the patch: a `From:` at the top of the message goes before the header, as `git am` has it.
    pub(super) fn author(&self) -> Option<&str> {
        let first = self
            .message
            .iter()
            .map(|(_, line)| *line)
            .find(|line| !line.is_empty());
        first
            .and_then(|line| line.strip_prefix("From: "))
            .or_else(|| self.header("From"))
            .map(str::trim)
    }

    /// The subject.
    pub(super) fn subject(&self) -> &str {
        self.header("Subject").unwrap_or_default()
    }

    /// The trailers of this name, with the number of the line.
    pub(super) fn trailers(&self, name: &str) -> impl Iterator<Item = (u32, &'a str)> {
        let prefix = format!("{name}:").to_ascii_lowercase();
        self.message.iter().filter_map(move |(number, line)| {
            let found = line.to_ascii_lowercase().starts_with(&prefix);
            found.then(|| (*number, line[prefix.len()..].trim()))
        })
    }
}

fn header(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once(':')?;
    let is_name = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then(|| (key.to_owned(), value.trim().to_owned()))
}

fn begins_rest(line: &str) -> bool {
    line == "---" || line.starts_with("diff --git ") || line.starts_with("--- a/")
}

/// The part in brackets at the beginning of a subject, and the title behind it.
pub(super) fn tag(subject: &str) -> (Option<&str>, &str) {
    let parts = subject
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    match parts {
        Some((tag, title)) => (Some(tag), title.trim_start()),
        None => (None, subject),
    }
}

/// Which patch of how many the tag says this is.
pub(super) fn number(tag: &str) -> Option<(usize, usize)> {
    let (number, total) = tag.split_whitespace().last()?.split_once('/')?;
    Some((number.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "From 4a0240efe Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nSubject: [PATCH v2 03/14] media: x: a subject\n that is folded\n\nBody.\n\nFixes: abc\nSigned-off-by: A <a@example.org>\n---\n x.c | 1 +\n\ndiff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n";

    #[test]
    fn a_mail_is_taken_apart() {
        let mail = Mail::parse(TEXT).unwrap();
        assert_eq!(
            mail.subject(),
            "[PATCH v2 03/14] media: x: a subject that is folded"
        );
        assert_eq!(mail.author(), Some("A <a@example.org>"));
        assert_eq!(mail.trailers("fixes").collect::<Vec<_>>(), [(8, "abc")]);
        assert_eq!(mail.message[0], (6, "Body."));
        assert_eq!(mail.rest[0], (10, "---"));
        let (tag, title) = tag(mail.subject());
        assert_eq!(
            (tag.and_then(number), title),
            (Some((3, 14)), "media: x: a subject that is folded")
        );
    }

    #[test]
    fn the_author_may_stand_in_the_message() {
        let text = "From: list <l@example.org>\nSubject: x\n\nFrom: B <b@example.org>\n\nBody\n";
        assert_eq!(
            Mail::parse(text).unwrap().author(),
            Some("B <b@example.org>")
        );
    }

    #[test]
    fn what_is_no_mail_is_none() {
        assert!(Mail::parse("").is_none());
        assert!(Mail::parse("just some text\n").is_none());
        assert!(Mail::parse("--- a/x\n+++ b/x\n").is_none());
    }
}
