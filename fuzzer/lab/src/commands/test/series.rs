//! The series as its maintainers get it: nothing to send back, and what is broken is named.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{Check, Context, lab::lab};
use crate::{
    clone,
    exit::Exit,
    setup::{cache, source},
};

/// The whole series, and one of its patches broken in three ways.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("series: nothing to send back", |context| {
            lab(context, &["series", "verify"])?.expect(Exit::HELD)?;
            Ok(())
        }),
        Check::new("series: a patch of bad style is named", |context| {
            canary(
                context,
                with_white_space,
                "checkpatch",
                "trailing whitespace",
            )
        }),
        Check::new(
            "series: a patch that does not compile is named",
            |context| canary(context, with_nonsense, "um", "undeclared"),
        ),
        Check::new("series: a patch that does not apply is named", |context| {
            canary(context, with_other_context, "am-", "does not apply here")
        }),
    ]
}

/// How a patch is broken: gives the file and the line that must be named.
type Break = fn(&mut [String]) -> Option<(String, usize)>;

fn canary(context: &Context, damage: Break, check: &str, complaint: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut lines = first_patch()?;
    let (file, line) =
        damage(&mut lines).context("the first patch of the series has no line to break")?;
    fs::write(
        folder.path().join("0001-broken.patch"),
        lines.join("\n") + "\n",
    )?;
    let dir = folder.path().display().to_string();
    let tree = release(context)?;
    let words = [
        "series", "verify", &dir, "--arch", "um", "--tree", &tree, "--fresh",
    ];
    let ended = lab(context, &words)?;
    ended.expect(Exit::BOUNCED)?;
    ended.says(&format!("0001-broken.patch: {check}"))?;
    ended.says(&format!("{file}:{line}: "))?.says(complaint)?;
    Ok(())
}

/// The tree to do it on: the one that the whole series is built on.
fn release(context: &Context) -> anyhow::Result<String> {
    match &context.options.kernel_tree {
        Some(tree) => Ok(tree.display().to_string()),
        None => {
            let version = source::package(&context.cache, None)?.version;
            Ok(version.split('.').take(2).collect::<Vec<_>>().join("."))
        }
    }
}

/// The first patch applies without the others. It becomes the only one of its series.
fn first_patch() -> anyhow::Result<Vec<String>> {
    let folder = clone::root()?.join("kernel-patches");
    let is_patch = |path: &PathBuf| {
        let name = cache::name(path);
        name.ends_with(".patch") && !name.starts_with("0000-")
    };
    let first = cache::entries(&folder)?.into_iter().find(is_patch);
    let first = first.with_context(|| format!("{} holds no patch", folder.display()))?;
    Ok(alone(&read(&first)?))
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| file.display().to_string())
}

fn alone(text: &str) -> Vec<String> {
    let renumber = |line: &str| match line
        .strip_prefix("Subject: [")
        .and_then(|rest| rest.split_once(']'))
    {
        Some((_, title)) => format!("Subject: [PATCH]{title}"),
        None => line.to_owned(),
    };
    text.lines().map(renumber).collect()
}

fn with_white_space(lines: &mut [String]) -> Option<(String, usize)> {
    change(lines, '+', |line| line.push(' '))
}

fn with_nonsense(lines: &mut [String]) -> Option<(String, usize)> {
    change(lines, '+', |line| line.push_str(" vb2_fence_lab_canary();"))
}

/// `git am` names the place where the hunk should go.
fn with_other_context(lines: &mut [String]) -> Option<(String, usize)> {
    let hunk = lines.iter().find(|line| line.starts_with("@@ -"))?;
    let start = hunk
        .strip_prefix("@@ -")?
        .split([',', ' '])
        .next()?
        .parse()
        .ok()?;
    let (file, _) = change(lines, ' ', |line| line.push_str(" canary"))?;
    Some((file, start))
}

/// Changes the first line of the first hunk that begins with `sign` and holds a statement.
fn change(lines: &mut [String], sign: char, how: impl Fn(&mut String)) -> Option<(String, usize)> {
    let file = lines
        .iter()
        .find_map(|line| line.strip_prefix("+++ b/"))?
        .to_owned();
    let head = lines.iter().position(|line| line.starts_with("@@ -"))?;
    let mut number: usize = lines[head]
        .split_once(" +")?
        .1
        .split([',', ' '])
        .next()?
        .parse()
        .ok()?;
    for line in &mut lines[head + 1..] {
        if line.starts_with(sign) && line.ends_with(';') {
            how(line);
            return Some((file, number));
        }
        number += usize::from(!line.starts_with('-'));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Subject: [PATCH v2 01/14] x: y\n\n--- a/d/x.c\n+++ b/d/x.c\n@@ -7,4 +8,5 @@ f()\n {\n-\told();\n+\t/* why */\n+\tnew();\n \trest();\n";

    #[test]
    fn a_patch_is_broken_where_it_says() {
        let mut lines = alone(PATCH);
        assert_eq!(lines[0], "Subject: [PATCH] x: y");
        assert_eq!(with_white_space(&mut lines), Some(("d/x.c".into(), 10)));
        assert_eq!(lines[8], "+\tnew(); ");
        assert_eq!(with_other_context(&mut lines), Some(("d/x.c".into(), 7)));
        assert_eq!(lines[9], " \trest(); canary");
        let mut lines = alone(PATCH);
        assert_eq!(with_nonsense(&mut lines), Some(("d/x.c".into(), 10)));
        assert_eq!(with_nonsense(&mut alone("Subject: x\n")), None);
    }
}
