//! Programs of a Debian release: a folder of the host that pid 1 mounts, and a tool that starts a program in it.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};
use nix::mount::{MsFlags, mount};
use nix::unistd::{chdir, chroot};

/// Where the folder is mounted.
const PLACE: &str = "/debian";

/// What the target has and its programs need, each at the same place; the rest of the target is below `/lab`.
const SHARED: [(&str, &str); 5] = [
    ("/dev", "/debian/dev"),
    ("/proc", "/debian/proc"),
    ("/sys", "/debian/sys"),
    ("/tmp", "/debian/tmp"),
    ("/", "/debian/lab"),
];

/// Mounts the host's folder, read-only.
pub(crate) fn mount_all(folder: &str) -> Result<()> {
    mount(
        Some("none"),
        PLACE,
        Some("hostfs"),
        MsFlags::MS_RDONLY,
        Some(folder),
    )
    .with_context(|| format!("cannot mount {folder} of the host on {PLACE}"))?;
    for (from, to) in SHARED {
        // What is mounted below, as debugfs, comes along; but the root of the target would bring all of this once more.
        let depth = match from {
            "/" => MsFlags::empty(),
            _ => MsFlags::MS_REC,
        };
        mount(
            Some(from),
            to,
            None::<&str>,
            MsFlags::MS_BIND | depth,
            None::<&str>,
        )
        .with_context(|| format!("cannot show {from} at {to}"))?;
    }
    Ok(())
}

/// The agent as a tool: `--in FOLDER [NAME=VALUE…] PROGRAM [ARGUMENT…]` becomes the program, with the folder as its root.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<Infallible> {
    let folder = arguments.next().context("--in needs a folder")?;
    let (variables, mut words) = parse(arguments);
    let name = words.next().context("--in needs a program")?;
    chroot(folder.as_str()).with_context(|| format!("cannot make {folder} the root"))?;
    chdir("/").context("cannot enter the new root")?;
    let error = Command::new(&name).args(words).envs(variables).exec();
    Err(error).with_context(|| format!("cannot start {name} in {folder}"))
}

/// A variable of the environment.
type Variable = (String, String);

/// Splits the variables from the program.
fn parse(arguments: impl Iterator<Item = String>) -> (Vec<Variable>, impl Iterator<Item = String>) {
    let mut arguments = arguments.peekable();
    let mut variables = Vec::new();
    while let Some((name, value)) = arguments.peek().and_then(|word| word.split_once('=')) {
        variables.push((name.to_owned(), value.to_owned()));
        arguments.next();
    }
    (variables, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_stand_before_the_program() {
        let words = ["A=1", "B=x=y", "/bin/p", "C=3"].map(str::to_owned);
        let (variables, rest) = parse(words.into_iter());
        let expected = [("A", "1"), ("B", "x=y")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(variables, expected);
        assert_eq!(rest.collect::<Vec<_>>(), ["/bin/p", "C=3"]);
    }
}
