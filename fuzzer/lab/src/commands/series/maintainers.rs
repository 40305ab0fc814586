//! MAINTAINERS: which section a file is in, and who gets the mail.

use std::{collections::BTreeSet, path::Path};

use serde::{Deserialize, Serialize};

use super::input::Letter;
use crate::process;

/// The section that everything is in, and that therefore says nothing.
const REST: &str = "THE REST";

/// Who gets the series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recipients {
    /// Maintainers.
    pub(super) to: BTreeSet<String>,
    /// Lists, reviewers and everybody else.
    pub(super) cc: BTreeSet<String>,
}

impl Recipients {
    /// Asks the tree's own script. There is no history to guess from.
    pub(super) fn of(tree: &Path, patches: &[Letter]) -> anyhow::Result<Recipients> {
        let mut perl = process::command("perl");
        perl.current_dir(tree).arg("scripts/get_maintainer.pl");
        perl.args(["--nogit", "--nogit-fallback", "--rolestats"]);
        let said = process::output(perl.args(patches.iter().map(|patch| &patch.path)))?;
        Ok(Recipients::read(&said))
    }

    fn read(said: &str) -> Recipients {
        let mut recipients = Recipients::default();
        for line in said.lines().filter(|line| line.contains('@')) {
            let (who, role) = line.split_once(" (").unwrap_or((line, ""));
            let is_maintainer = ["maintainer", "supporter"]
                .iter()
                .any(|word| role.starts_with(word));
            let group = if is_maintainer {
                &mut recipients.to
            } else {
                &mut recipients.cc
            };
            group.insert(who.trim().to_owned());
        }
        recipients.cc.retain(|who| !recipients.to.contains(who));
        recipients
    }
}

/// The first section of MAINTAINERS, other than the last one, that a file is in.
pub(super) fn section<'a>(maintainers: &'a str, file: &str) -> Option<&'a str> {
    let (mut title, mut last) = ("", "");
    for line in maintainers.lines() {
        let field = line.split_once(":\t").filter(|(name, _)| name.len() == 1);
        match field {
            Some(("F", pattern)) if title != REST && covers(pattern.trim(), file) => {
                return Some(title);
            }
            Some(("M" | "L" | "S", _)) if !last.contains(":\t") => title = last,
            _ => (),
        }
        last = line;
    }
    None
}

/// Whether a pattern of an `F:` line covers the file: `a/` is a folder with all in it, `a/*` only what is directly there.
fn covers(pattern: &str, file: &str) -> bool {
    if pattern.ends_with('/') && !pattern.contains('*') {
        return file.starts_with(pattern);
    }
    let (pattern, file): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), file.split('/').collect());
    let open = pattern.last() == Some(&"");
    let depth = pattern.len() - usize::from(open);
    let fits = pattern
        .iter()
        .zip(&file)
        .take(depth)
        .all(|(pattern, name)| glob(pattern.as_bytes(), name.as_bytes()));
    fits && (file.len() == depth || (open && file.len() > depth))
}

fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skipped| glob(rest, &name[skipped..])),
        ([b'?', pattern @ ..], [_, name @ ..]) => glob(pattern, name),
        ([first, pattern @ ..], [other, name @ ..]) => first == other && glob(pattern, name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Maintainers List\n\n\tP: text\n\nVIDEOBUF2\nM:\tA <a@example.org>\nL:\tl@example.org\nF:\tdrivers/media/common/videobuf2/*\nF:\tinclude/media/videobuf2-*\n\n\
                        SELFTESTS\nS:\tMaintained\nF:\ttools/testing/selftests/\nF:\tdrivers/*/x/\n\nTHE REST\nM:\tB <b@example.org>\nF:\t*\nF:\t*/\n";

    #[test]
    fn a_file_is_in_the_section_that_names_it() {
        let of = |file| section(TEXT, file);
        assert_eq!(of("drivers/media/common/videobuf2/a.c"), Some("VIDEOBUF2"));
        assert_eq!(of("drivers/media/common/videobuf2/sub/a.c"), None);
        assert_eq!(of("include/media/videobuf2-core.h"), Some("VIDEOBUF2"));
        assert_eq!(of("tools/testing/selftests/a/b/c.c"), Some("SELFTESTS"));
        assert_eq!(of("drivers/y/x/c.c"), Some("SELFTESTS"));
        assert_eq!(of("kernel/fork.c"), None);
    }

    #[test]
    fn maintainers_are_written_to_and_others_get_a_copy() {
        let said = "A <a@example.org> (maintainer:X (V4L/DVB))\nB <b@example.org> (reviewer:Y)\nl@example.org (open list:X)\nA <a@example.org> (reviewer:Y)\n";
        let recipients = Recipients::read(said);
        assert_eq!(Vec::from_iter(recipients.to), ["A <a@example.org>"]);
        assert_eq!(
            Vec::from_iter(recipients.cc),
            ["B <b@example.org>", "l@example.org"]
        );
    }
}
