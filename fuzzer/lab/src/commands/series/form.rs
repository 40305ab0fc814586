//! The mail form: what is wrong with a series before anybody looks at its code.

use super::{
    diff::Diff,
    finding::Finding,
    input::{Letter, Series},
    mail::{self, Mail},
};

/// What a cover letter holds until somebody writes it.
const BLANKS: [&str; 2] = ["*** SUBJECT HERE ***", "*** BLURB HERE ***"];

/// The name that a missing cover letter would have.
pub(super) const COVER: &str = "0000-cover-letter.patch";

/// Traces of review systems that are not for the kernel's mailing lists.
const FOREIGN: [&str; 2] = ["Change-Id", "Gerrit-Change-Id"];

/// What is wrong with patch `index` (from 0).
pub(super) fn patch(series: &Series, index: usize) -> Vec<Finding> {
    let letter = &series.patches[index];
    let mail = letter.mail();
    let mut findings = numbering(series, index, &mail);
    findings.extend(headers(letter, &mail));
    findings.extend(sign_off(letter, &mail));
    findings.extend(trailers(letter, &mail));
    findings.extend(white_space(letter, &mail));
    findings
}

/// What is wrong with the cover letter, or with there being none.
pub(super) fn cover(series: &Series) -> Vec<Finding> {
    let Some(letter) = &series.cover else {
        let several = series.patches.len() > 1;
        let missing = "there is no cover letter (0000-*.patch), and more than one patch";
        return several
            .then(|| Finding::bounce(COVER, None, missing))
            .into_iter()
            .collect();
    };
    let mail = letter.mail();
    let mut findings = counted(letter, &mail, (0, series.patches.len()));
    findings.extend(headers(letter, &mail));
    let blank = (1..)
        .zip(letter.text.lines())
        .filter(|(_, line)| BLANKS.iter().any(|blank| line.contains(blank)));
    findings.extend(blank.map(|(line, text)| {
        Finding::bounce(&letter.name, line, format!("is not filled in: {text}"))
    }));
    findings
}

fn numbering(series: &Series, index: usize, mail: &Mail<'_>) -> Vec<Finding> {
    let letter = &series.patches[index];
    let mut findings = counted(letter, mail, (index + 1, series.patches.len()));
    let file = letter
        .name
        .split('-')
        .next()
        .and_then(|number| number.parse().ok());
    if file != Some(index + 1) {
        let complaint = format!(
            "is patch {} of the folder: the numbers have a gap",
            index + 1
        );
        findings.push(Finding::bounce(&letter.name, None, complaint));
    }
    let first = series.patches[0].mail();
    if revision(mail) != revision(&first) {
        let complaint = format!(
            "the subject's tag is of another revision than «{}»",
            first.subject()
        );
        findings.push(Finding::bounce(&letter.name, None, complaint));
    }
    findings
}

/// `[PATCH v2 3/14]` without the number.
fn revision(mail: &Mail<'_>) -> Vec<String> {
    let tag = mail::tag(mail.subject()).0.unwrap_or_default();
    tag.split_whitespace()
        .filter(|word| !word.contains('/'))
        .map(str::to_owned)
        .collect()
}

/// Whether the subject's tag counts as it should.
fn counted(letter: &Letter, mail: &Mail<'_>, wanted: (usize, usize)) -> Vec<Finding> {
    let refuse = |complaint: String| vec![Finding::bounce(&letter.name, None, complaint)];
    let (tag, _) = mail::tag(mail.subject());
    let Some(tag) = tag.filter(|tag| {
        tag.split_whitespace()
            .any(|word| word == "PATCH" || word == "RFC")
    }) else {
        return refuse(format!("the subject has no [PATCH …]: {}", mail.subject()));
    };
    let alone = wanted == (1, 1);
    match mail::number(tag) {
        None if alone => Vec::new(),
        Some(number) if number == wanted => Vec::new(),
        _ => refuse(format!(
            "the subject says [{tag}] instead of {}/{}",
            wanted.0, wanted.1
        )),
    }
}

fn headers(letter: &Letter, mail: &Mail<'_>) -> Vec<Finding> {
    let refuse = |complaint: String| Finding::bounce(&letter.name, None, complaint);
    let missing = ["From", "Date"]
        .into_iter()
        .filter(|name| mail.header(name).is_none());
    let mut findings: Vec<_> = missing
        .map(|name| refuse(format!("has no {name}:")))
        .collect();
    let (_, title) = mail::tag(mail.subject());
    if letter.name.starts_with("0000-") {
        return findings;
    }
    if !title.contains(": ") {
        findings.push(refuse(format!(
            "the subject names no subsystem («area: what»): {title}"
        )));
    }
    if title.ends_with('.') {
        findings.push(refuse(format!(
            "the subject ends with a full stop: {title}"
        )));
    }
    findings
}

fn sign_off(letter: &Letter, mail: &Mail<'_>) -> Vec<Finding> {
    let author = mail.author().unwrap_or_default();
    let signed: Vec<_> = mail.trailers("Signed-off-by").collect();
    let complaint = match signed.as_slice() {
        [] => "has no Signed-off-by:".to_owned(),
        all if all.iter().any(|(_, who)| *who == author) => return Vec::new(),
        _ => format!("no Signed-off-by: is that of its author, {author}"),
    };
    let line = signed.first().map(|(line, _)| *line);
    vec![Finding::bounce(&letter.name, line, complaint)]
}

fn trailers(letter: &Letter, mail: &Mail<'_>) -> Vec<Finding> {
    let foreign = FOREIGN.iter().flat_map(|name| {
        mail.trailers(name)
            .map(move |(line, _)| (line, format!("{name}: is not for the kernel's lists")))
    });
    let fixes = mail
        .trailers("Fixes")
        .filter(|(_, what)| !names_a_commit(what));
    let fixes = fixes.map(|(line, what)| {
        (
            line,
            format!("Fixes: wants 12 or more hex digits and (\"the title\"), not: {what}"),
        )
    });
    foreign
        .chain(fixes)
        .map(|(line, complaint)| Finding::bounce(&letter.name, line, complaint))
        .collect()
}

/// `0123456789ab ("subsystem: title")`
fn names_a_commit(what: &str) -> bool {
    let Some((hash, title)) = what.split_once(' ') else {
        return false;
    };
    let is_hash =
        (12..=40).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let title = title
        .strip_prefix("(\"")
        .and_then(|rest| rest.strip_suffix("\")"));
    is_hash && title.is_some_and(|title| !title.trim().is_empty())
}

fn white_space(letter: &Letter, mail: &Mail<'_>) -> Vec<Finding> {
    let ends_so = |text: &str| text.ends_with([' ', '\t', '\r']);
    let message = mail.message.iter().filter(|(_, text)| ends_so(text));
    let message = message.map(|(line, _)| {
        Finding::bounce(&letter.name, *line, "trailing white space in the message")
    });
    let diff = Diff::parse(mail);
    let added = diff.added.iter().filter(|added| ends_so(added.text));
    let added = added.map(|added| Finding::bounce(added.file, added.line, "trailing white space"));
    message.chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "From 4a0240efe Mon Sep 17 00:00:00 2001\nFrom: A B <a@example.org>\nDate: Sun, 22 Nov 2026 11:44:11 +0000\nSubject: [PATCH NN] media: x: do it\n\nWhy.\n\nFixes: 0123456789ab (\"media: x: add it\")\nSigned-off-by: A B <a@example.org>\n---\n x.c | 1 +\n\ndiff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1 +1,2 @@\n one\n+two\n-- \n2.39\n";

    fn letter(name: &str, text: String) -> Letter {
        Letter {
            name: name.into(),
            path: name.into(),
            text,
        }
    }

    fn series(of: &[(&str, &str)]) -> Series {
        let letters = of
            .iter()
            .map(|(name, number)| letter(name, GOOD.replace("PATCH NN", number)));
        Series {
            cover: None,
            patches: letters.collect(),
            prerequisites: Default::default(),
        }
    }

    fn one(from: &str, to: &str) -> String {
        let mut series = series(&[("0001-a.patch", "PATCH")]);
        assert!(series.patches[0].text.contains(from), "{from}");
        series.patches[0].text = series.patches[0].text.replace(from, to);
        let findings: Vec<_> = patch(&series, 0).iter().map(ToString::to_string).collect();
        findings.join("\n")
    }

    #[test]
    fn a_good_patch_has_nothing_to_complain_about() {
        assert_eq!(one("Why.", "Because."), "");
    }

    #[test]
    fn each_fault_is_told_with_its_line() {
        let faults = [
            ("[PATCH] ", "", "no [PATCH"),
            ("media: x: do it", "do it", "no subsystem"),
            ("x: do it\n", "x: do it.\n", "full stop"),
            (
                "Signed-off-by: A B",
                "Signed-off-by: C D",
                "patch:9: no Signed-off-by: is that of its author, A B <a@example.org>",
            ),
            (
                "Signed-off-by: A B <a@example.org>\n",
                "",
                "has no Signed-off-by",
            ),
            ("0123456789ab (", "0123456789 (", "patch:8: Fixes:"),
            (
                "(\"media: x: add it\")",
                "media: x: add it",
                "patch:8: Fixes:",
            ),
            ("Fixes:", "Change-Id: I0123\nFixes:", "patch:8: Change-Id"),
            (
                "Why.",
                "Why. ",
                "patch:6: trailing white space in the message",
            ),
            ("+two", "+two\t", "x.c:2: trailing white space"),
            ("Date: ", "X-Date: ", "has no Date"),
        ];
        for (from, to, said) in faults {
            let found = one(from, to);
            assert!(
                found.contains(said) && found.lines().count() == 1,
                "{to}: {found}"
            );
        }
    }

    #[test]
    fn numbers_are_those_of_the_order() {
        let good = series(&[("0001-a.patch", "PATCH 1/2"), ("0002-b.patch", "PATCH 2/2")]);
        assert_eq!((patch(&good, 0), patch(&good, 1)), (vec![], vec![]));
        let gap = series(&[("0001-a.patch", "PATCH 1/2"), ("0003-b.patch", "PATCH 2/2")]);
        assert!(patch(&gap, 1)[0].complaint.contains("gap"));
        let miscounted = series(&[
            ("0001-a.patch", "PATCH 1/3"),
            ("0002-b.patch", "PATCH v2 2/2"),
        ]);
        assert!(
            patch(&miscounted, 0)[0]
                .complaint
                .contains("[PATCH 1/3] instead of 1/2")
        );
        assert!(
            patch(&miscounted, 1)[0]
                .complaint
                .contains("another revision")
        );
    }

    #[test]
    fn a_cover_letter_is_there_and_filled_in() {
        let mut several = series(&[("0001-a.patch", "PATCH 1/2"), ("0002-b.patch", "PATCH 2/2")]);
        assert!(cover(&several)[0].complaint.contains("no cover letter"));
        assert!(cover(&series(&[("0001-a.patch", "PATCH")])).is_empty());
        let text = "From: A B <a@example.org>\nDate: x\nSubject: [PATCH 0/2] *** SUBJECT HERE ***\n\nHello\n";
        several.cover = Some(letter("0000-cover-letter.patch", text.into()));
        assert_eq!(
            cover(&several)[0].to_string(),
            "0000-cover-letter.patch:3: is not filled in: Subject: [PATCH 0/2] *** SUBJECT HERE ***"
        );
        several.cover.as_mut().unwrap().text = text.replace("*** SUBJECT HERE ***", "A thing");
        assert!(cover(&several).is_empty());
    }
}
