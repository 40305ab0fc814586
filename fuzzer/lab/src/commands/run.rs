//! `lab run`: runs a client program of yours in the guest, with the ledger watching.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use engine::store;
use judge::Expectation;
use program::Program;
use trace::{
    Event, Kind, ProgramHash, Trace,
    wire::{Ended, Executed},
};

use crate::{
    client::{self, Client, Copied},
    exit::Exit,
    rig::{self, Inside, Rig, RigArgs},
    setup::{Options, debian},
    target::uml::{execution::Execution, inside},
    verdict::{self, Verdict},
};

/// Arguments of `lab run`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Put this file into the guest too [default place: /bin]
    #[arg(long = "file", value_name = "HOST[:GUEST]", value_parser = client::copied)]
    pub files: Vec<Copied>,
    /// Run a program of these packages of the machine's own Debian or Ubuntu release (or a newer one), which are fetched and unpacked with all
    /// that they depend on; nothing is installed
    #[arg(long, value_name = "PACKAGES", value_delimiter = ',', num_args = 0.., require_equals = true,
        default_missing_value = debian::TOOLS)]
    pub debian: Option<Vec<String>>,
    /// Kill the program after so many seconds of the guest's time
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..100_000))]
    pub limit: u64,
    /// Write the ledger's records and the kernel's complaints to FILE, for `lab judge`
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// The program, a file of this machine, and its arguments
    #[arg(required = true, last = true, value_name = "PROGRAM")]
    pub command: Vec<String>,
    /// What runs
    #[command(flatten)]
    pub rig: RigArgs,
}

const HELP: &str = "The program finds /dev/video*, /dev/media*, /proc, /sys and /sys/kernel/debug, and may write to /tmp. A program that is \
linked dynamically brings the libraries that this machine has for it. With --debian it is a program of a package \
(without a list: v4l-utils), as in `lab run --debian -- v4l2-ctl --list-devices` or `lab run --debian=gstreamer1.0-tools -- \
gst-inspect-1.0`; a --file is then below /lab. What it prints is printed as it is; what the lab has to \
say goes to standard error. The exit code is the class of the first violation that the ledger shows (`lab --help` lists them), \
else 1 if the program failed, else 0.";

/// Runs the program and judges what the ledger saw.
pub fn run(mut args: Args, options: &Options) -> anyhow::Result<Exit> {
    args.rig.settle(options)?;
    let (mut rig, argv) = match args.debian.take() {
        Some(packages) => of_debian(&mut args, options, &packages)?,
        None => of_this_machine(&mut args, options)?,
    };
    let execution = rig.target.exec(&argv, Duration::from_secs(args.limit))?;
    let trace = execution.trace();
    if let Some(file) = &args.trace {
        let text = trace::file::print(ProgramHash::of(&Program::default()), &trace);
        store::write(file, text.as_bytes())?;
    }
    let failure = tell(&execution)?;
    let violations = judged(args.rig.expectation(), &trace);
    eprint!("{}", Verdict::new(&Program::default(), &trace, &violations));
    Ok(match (verdict::exit(&violations), failure) {
        (Exit::HELD, true) => Exit::SETUP,
        (exit, _) => exit,
    })
}

type Ready = (Rig, Vec<String>);

fn of_this_machine(args: &mut Args, options: &Options) -> anyhow::Result<Ready> {
    let program = PathBuf::from(&args.command[0]);
    let client = Client::find(&program)?;
    let mut guest = Inside::of(client.files);
    guest.files.append(&mut args.files);
    let mut argv = args.command.clone();
    argv[0] = client.path;
    Ok((rig::ready_with(options, &args.rig, guest)?, argv))
}

fn of_debian(args: &mut Args, options: &Options, packages: &[String]) -> anyhow::Result<Ready> {
    let mut guest = Inside::packages(options, packages)?;
    guest.files.append(&mut args.files);
    let name = args.command.iter().find(|word| !word.contains('='));
    if let Some(debian) = &guest.debian {
        debian.check_program(name.map_or("", String::as_str))?;
    }
    let argv = inside::command(args.command.clone());
    Ok((rig::ready_with(options, &args.rig, guest)?, argv))
}

/// Prints what the program printed and what the ledger counted. True if the program failed.
fn tell(execution: &Execution) -> anyhow::Result<bool> {
    let Execution::Ended(executed) = execution else {
        eprintln!("the guest died under the program");
        return Ok(true);
    };
    io::stdout().write_all(&executed.output)?;
    io::stdout().flush()?;
    io::stderr().write_all(&executed.errors)?;
    let failure = failure(executed.end);
    if let Some(words) = &failure {
        eprintln!("{words}");
    }
    eprintln!("{}", counts(executed));
    Ok(failure.is_some())
}

/// What is wrong with how the program ended, if anything is.
pub fn failure(end: Ended) -> Option<String> {
    match end {
        Ended::Exited(0) => None,
        Ended::Exited(code) => Some(format!("the program failed with exit code {code}")),
        Ended::Killed(signal) => Some(format!("the program was killed by signal {signal}")),
        Ended::TimedOut => Some("the program was killed: its time was over (--limit)".into()),
        Ended::NotStarted(errno) => {
            let error = io::Error::from_raw_os_error(errno);
            Some(format!("the program could not be started: {error}"))
        }
    }
}

fn counts(executed: &Executed) -> String {
    let fences = executed.fences;
    format!(
        "fences: {} attached, {} signalled, {} destroyed, {} pending",
        fences.attached, fences.signalled, fences.destroyed, fences.pending
    )
}

/// The verdict on a client's trace. A driver that tells no jobs cannot be held to having one for each fence.
pub fn judged(expectation: Expectation, trace: &Trace) -> Vec<judge::Violation> {
    let expectation = Expectation {
        tells_jobs: expectation.tells_jobs && every_fenced_queue_has_jobs(trace),
        ..expectation
    };
    judge::judge_with(&expectation, &Program::default(), trace)
}

fn every_fenced_queue_has_jobs(trace: &Trace) -> bool {
    let mut fenced = BTreeSet::new();
    let mut telling = BTreeSet::new();
    let records = trace.events.iter().filter_map(|event| match event {
        Event::Ledger(record) => Some(record.kind),
        _ => None,
    });
    for kind in records {
        match kind {
            Kind::Attach { buffer, .. } => drop(fenced.insert(buffer.queue)),
            Kind::Job { buffer, .. } => drop(telling.insert(buffer.queue)),
            _ => {}
        }
    }
    fenced.is_subset(&telling)
}

#[cfg(test)]
mod tests {
    use trace::{BufferId, FenceId, Irqs, Phase, Record};

    use super::*;

    const BUFFER: BufferId = BufferId {
        queue: 1,
        output: false,
        index: 0,
    };

    fn trace(kinds: &[Kind]) -> Trace {
        let record = |kind: &Kind| Record {
            time: 0,
            irqs: Irqs::On,
            kind: *kind,
        };
        Trace {
            events: kinds.iter().map(record).map(Event::Ledger).collect(),
        }
    }

    fn attach(queue: u32) -> Kind {
        Kind::Attach {
            fence: FenceId {
                context: queue,
                seqno: 1,
            },
            buffer: BufferId { queue, ..BUFFER },
            plane: 0,
            usage: 1,
            resv: 1,
        }
    }

    #[test]
    fn jobs_are_missed_only_where_a_driver_tells_them() {
        let job = Kind::Job {
            buffer: BUFFER,
            job: 1,
            phase: Phase::Start,
        };
        assert!(every_fenced_queue_has_jobs(&trace(&[attach(1), job])));
        assert!(!every_fenced_queue_has_jobs(&trace(&[
            attach(1),
            job,
            attach(2)
        ])));
        assert!(every_fenced_queue_has_jobs(&trace(&[])));
    }

    #[test]
    fn only_an_exit_code_of_zero_is_no_failure() {
        assert_eq!(failure(Ended::Exited(0)), None);
        for end in [
            Ended::Exited(1),
            Ended::Killed(9),
            Ended::TimedOut,
            Ended::NotStarted(2),
        ] {
            assert!(failure(end).is_some(), "{end:?}");
        }
    }
}
