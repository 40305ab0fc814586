//! Child processes: in a group of their own, dead with the lab, their long output in a log file.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    fs::File,
    io::{BufRead, BufReader, PipeReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context, bail};
use nix::sys::{prctl::set_pdeathsig, signal::Signal};

use crate::interrupt::{self, Group};

/// Lines of a failed child's output that the error quotes.
const QUOTED: usize = 15;

/// Variables that would steer a build from outside, so that the same inputs would not give the same kernel.
const STEERING: [&str; 22] = [
    "ARCH",
    "CC",
    "CROSS_COMPILE",
    "CFLAGS",
    "HOSTCC",
    "HOSTCFLAGS",
    "KBUILD_EXTMOD",
    "KBUILD_OUTPUT",
    "KCFLAGS",
    "KRUSTFLAGS",
    "LD",
    "LD_LIBRARY_PATH",
    "LDFLAGS",
    "LLVM",
    "M",
    "MAKEFLAGS",
    "MAKELEVEL",
    "O",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "RUST_LIB_SRC",
    "SUBARCH",
];

/// A command that inherits nothing that would steer a build, gets no input, and does not outlive the lab.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    STEERING.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.env("LC_ALL", "C").stdin(Stdio::null());
    die_with_the_lab(&mut command);
    command
}

/// Gives the child a process group of its own and has the kernel kill it when the thread that starts it is gone.
pub fn die_with_the_lab(command: &mut Command) {
    command.process_group(0);
    // SAFETY: prctl(2) is async-signal-safe and the closure touches no memory of the parent.
    unsafe { command.pre_exec(|| Ok(set_pdeathsig(Signal::SIGKILL)?)) };
}

/// The standard output of a short command; an error quotes what it said.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let name = name_of(command);
    let output = command
        .output()
        .with_context(|| format!("cannot start «{name}»"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("«{name}» failed ({}): {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a long command. Its output goes to the file `log` (appended) and, line by line, to `on_line`.
pub fn logged(
    command: &mut Command,
    log: &Path,
    mut on_line: impl FnMut(&str),
) -> anyhow::Result<()> {
    let whole = words_of(command);
    let name = shortened(whole.clone());
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| log.display().to_string())?;
    writeln!(file, "$ {whole}")?;
    let (reader, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start «{name}»"))?;
    let group = Group::of(child.id());
    // The command holds the pipe's writing ends; the reader would never see the end of the output.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let last = copy_lines(reader, &mut file, &mut on_line)?;
    let status = child.wait()?;
    drop(group);
    interrupt::hold_if_ending();
    if status.success() {
        Ok(())
    } else {
        Err(failure(&name, status, last, log))
    }
}

fn copy_lines(
    reader: PipeReader,
    file: &mut File,
    on_line: &mut impl FnMut(&str),
) -> anyhow::Result<VecDeque<String>> {
    let mut last = VecDeque::with_capacity(QUOTED);
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        writeln!(file, "{line}")?;
        on_line(&line);
        if last.len() == QUOTED {
            last.pop_front();
        }
        last.push_back(line);
    }
    Ok(last)
}

fn failure(name: &str, status: ExitStatus, last: VecDeque<String>, log: &Path) -> anyhow::Error {
    let last = Vec::from(last).join("\n  ");
    anyhow::anyhow!(
        "«{name}» failed ({status}):\n  {last}\nAll of its output is in {}",
        log.display()
    )
}

/// The command as one would type it.
fn words_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The command, short enough for a message.
fn name_of(command: &Command) -> String {
    shortened(words_of(command))
}

fn shortened(mut name: String) -> String {
    if name.len() > 160 {
        let end = (0..=160)
            .rev()
            .find(|at| name.is_char_boundary(*at))
            .unwrap_or(0);
        name.truncate(end);
        name.push('…');
    }
    name
}

/// Where `program` is on the search path, if it is.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_quotes_the_last_lines_and_names_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = "for i in $(seq 40); do echo line $i; done; echo broken >&2; exit 3";
        let mut lines = 0;
        let error = logged(command("sh").args(["-c", script]), &log, |_| lines += 1)
            .unwrap_err()
            .to_string();
        assert_eq!(lines, 41);
        assert!(
            error.contains("line 40\n  broken") && !error.contains("line 20"),
            "{error}"
        );
        assert!(error.contains(&log.display().to_string()), "{error}");
        assert!(std::fs::read_to_string(&log).unwrap().contains("line 20"));
    }

    #[test]
    fn output_quotes_standard_error() {
        assert_eq!(output(command("echo").arg("x")).unwrap(), "x\n");
        let error = output(command("sh").args(["-c", "echo why >&2; exit 1"]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("why"), "{error}");
    }
}
