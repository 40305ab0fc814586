//! `lab compositor`: what a compositor sees of the kernel without the series, in the posted draft's shape, and with the
//! series.

mod outcome;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail, ensure};
use compositor::{HandOver, Options as Client, Wait};
use engine::{Target, store};
use program::Driver;

use self::outcome::{Outcome, markdown, plain, verdict};
use super::run;
use crate::{
    exit::Exit,
    json,
    progress::Stage,
    rig::driver_parser,
    setup::{self, Options, Prepared},
    target::uml::{Attach, Uml, UmlOptions},
};

/// Where the compositor stands in the guest.
const PROGRAM: &str = "/bin/compositor";

/// Time of the guest beyond that of the frames: the waits that are given up, and slack.
const PATIENCE: Duration = Duration::from_secs(60);

/// Arguments of `lab compositor`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Play so many frames, 30 a second
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(2..100_000))]
    pub frames: u32,
    /// Compare these kernels only
    #[arg(long = "kernel", value_name = "KERNEL", value_enum)]
    pub kernels: Vec<Kernel>,
    /// Use these drivers only
    #[arg(long = "driver", value_name = "NAME", value_parser = driver_parser())]
    pub drivers: Vec<Driver>,
    /// Hand buffers over at these points only
    #[arg(long = "hand-over", value_name = "POINT", value_enum)]
    pub hand_overs: Vec<HandOver>,
    /// Wait in these ways only
    #[arg(long = "wait", value_name = "WAY", value_enum)]
    pub waits: Vec<Wait>,
    /// Write the numbers to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the table to FILE, as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

const HELP: &str = "A producer plays frames through a mem2mem device and hands each CAPTURE buffer to a compositor, which waits and then reads it: \
`armed` right after the QBUF that completes the pair, so that the job has been started, `dqbuf` when the frame was dequeued, as \
is done today, `qbuf` as soon as the buffer is queued; then the OUTPUT queue runs dry after half of the frames. The \
compositor waits as KWin does for a sync_file that it exports from the dma-buf (`fence`), polls the dma-buf (`poll`), or does \
not wait (`none`).\n\
\n\
«early» counts frames that the device still wrote to after they were used; «endless» waits that were given up after five \
seconds; «no fence» hand-overs of a queued buffer that had none, which are no frames. Everything is in virtual time, so the \
numbers are the same on every machine.\n\
\n\
The exit code is 0 if a compositor that waits used no frame early, waited for none in vain, and the judge found nothing, all on \
the kernel with the series; otherwise 11, 10, or the class of the first violation.";

/// A kernel of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kernel {
    /// Without any release fences
    Vanilla,
    /// Fences attached when buffers are queued, as the posted draft did
    Draft,
    /// With the series
    Series,
}

impl Kernel {
    const ALL: [Kernel; 3] = [Kernel::Vanilla, Kernel::Draft, Kernel::Series];

    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Vanilla => "vanilla",
            Kernel::Draft => "draft",
            Kernel::Series => "series",
        }
    }

    fn attach(self) -> Attach {
        match self {
            Kernel::Vanilla => Attach::None,
            Kernel::Draft => Attach::BufQueue,
            Kernel::Series => Attach::DeviceRun,
        }
    }

    fn options(self, given: &Options) -> Options {
        let mut options = given.clone();
        if self == Kernel::Vanilla {
            options.vanilla = true;
            options.series = None;
        }
        options
    }
}

/// Runs all of it and prints the table.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    let kernels = kernels(&args, options)?;
    let clients = clients(&args);
    ensure!(
        !clients.is_empty(),
        "nothing is left to run: a buffer that is only queued is never used without a wait"
    );
    let mut outcomes = Vec::new();
    for kernel in kernels {
        outcomes.extend(on_kernel(kernel, &clients, options)?);
    }
    print!("{}", plain(&outcomes));
    json::keep(args.json.as_deref(), &outcomes)?;
    if let Some(path) = &args.markdown {
        store::write(path, markdown(&outcomes).as_bytes())?;
    }
    Ok(verdict(&outcomes))
}

/// The kernels to compare. A tree with a helper of its own has no version without.
fn kernels(args: &Args, options: &Options) -> anyhow::Result<Vec<Kernel>> {
    ensure!(
        !options.vanilla,
        "the comparison brings its own kernels: use --kernel vanilla instead of --vanilla"
    );
    let own = options.no_series;
    if own && args.kernels.contains(&Kernel::Vanilla) {
        bail!("with --no-series there is no kernel without a helper to compare with");
    }
    let wanted = |kernel: &Kernel| match args.kernels.as_slice() {
        [] => !own || *kernel != Kernel::Vanilla,
        wanted => wanted.contains(kernel),
    };
    Ok(Kernel::ALL.into_iter().filter(wanted).collect())
}

/// What the compositor is asked to do, driver by driver.
fn clients(args: &Args) -> Vec<Client> {
    let mut clients = Vec::new();
    for driver in chosen(&args.drivers, &Driver::ALL) {
        for hand_over in chosen(
            &args.hand_overs,
            &[HandOver::Armed, HandOver::Dqbuf, HandOver::Qbuf],
        ) {
            for wait in chosen(&args.waits, &[Wait::Fence, Wait::Poll, Wait::None]) {
                let queued = hand_over == HandOver::Qbuf;
                if queued && wait == Wait::None {
                    continue;
                }
                clients.push(Client {
                    driver,
                    hand_over,
                    wait,
                    frames: args.frames,
                    starve: queued.then_some(args.frames / 2),
                });
            }
        }
    }
    clients
}

fn chosen<T: Copy + PartialEq>(wanted: &[T], all: &[T]) -> Vec<T> {
    let is_wanted = |one: &T| wanted.is_empty() || wanted.contains(one);
    all.iter().copied().filter(is_wanted).collect()
}

fn on_kernel(
    kernel: Kernel,
    clients: &[Client],
    options: &Options,
) -> anyhow::Result<Vec<Outcome>> {
    let prepared = setup::prepare(&kernel.options(options))?;
    let title = format!("playing frames, kernel «{}»", kernel.name());
    let mut stage = Stage::begin(title, Some(clients.len() as u64));
    let mut target = target(kernel, &prepared)?;
    let mut outcomes = Vec::new();
    for client in clients {
        let outcome = play(kernel, client, &mut target);
        let words = client.words().join(" ");
        stage.step(&words);
        outcomes.push(outcome.with_context(|| format!("kernel «{}», {words}", kernel.name()))?);
    }
    stage.done();
    Ok(outcomes)
}

fn target(kernel: Kernel, prepared: &Prepared) -> anyhow::Result<Uml> {
    let uml = UmlOptions {
        attach: kernel.attach(),
        files: vec![(prepared.compositor.clone(), PROGRAM.into())],
        ..UmlOptions::default()
    };
    Uml::new(prepared, uml)
}

/// Runs the compositor as the first program of a fresh boot.
fn play(kernel: Kernel, client: &Client, target: &mut Uml) -> anyhow::Result<Outcome> {
    target.boot()?;
    let mut argv = vec![PROGRAM.to_owned()];
    argv.extend(client.words());
    let frames = Duration::from_secs(u64::from(client.frames / 30 + 1));
    let execution = target.exec(&argv, frames + PATIENCE)?;
    let trace = execution.trace();
    let executed = execution.ended()?;
    if let Some(failure) = run::failure(executed.end) {
        let said = String::from_utf8_lossy(&executed.errors);
        bail!("{failure}: {}", said.trim());
    }
    let report = serde_json::from_slice(&executed.output)
        .context("the compositor's report: it is of another version than this lab")?;
    let expectation = judge::Expectation::of(client.driver, kernel != Kernel::Vanilla);
    Ok(Outcome {
        kernel: kernel.name(),
        report,
        violations: run::judged(expectation, &trace).into(),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(words: &[&str]) -> Args {
        Line::parse_from(["lab"].iter().chain(words)).args
    }

    #[test]
    fn everything_is_compared_unless_something_is_chosen() {
        assert_eq!(clients(&args(&[])).len(), 4 * 8);
        let chosen = clients(&args(&["--driver", "vim2m", "--wait", "fence"]));
        assert_eq!(chosen.len(), 3);
        assert!(chosen.iter().all(|client| client.driver == Driver::Vim2m));
        assert_eq!(chosen[2].starve, Some(150));
        assert!(clients(&args(&["--hand-over", "qbuf", "--wait", "none"])).is_empty());
    }

    #[test]
    fn a_tree_with_a_helper_of_its_own_is_not_compared_with_one_without() {
        let own = Options {
            no_series: true,
            ..Options::default()
        };
        let both = kernels(&args(&[]), &own).unwrap();
        assert_eq!(both, [Kernel::Draft, Kernel::Series]);
        assert!(kernels(&args(&["--kernel", "vanilla"]), &own).is_err());
        let all = kernels(&args(&[]), &Options::default()).unwrap();
        assert_eq!(all, Kernel::ALL);
    }
}
