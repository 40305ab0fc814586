//! `lab selftest`: the kernel's own tests of release fences, a selftest and a KUnit suite, in the guest.

mod build;
pub(super) mod outcome;
pub mod tap;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail, ensure};
use engine::Target;
use judge::{Class, Expectation};
use program::Driver;
use trace::wire::{Ended, Executed};

use self::outcome::{Outcome, Verdict, plain, verdict};
use super::run;
use crate::{
    exit::Exit,
    json,
    rig::{self, Inside, Rig, RigArgs, driver_parser},
    setup::Options,
    target::uml::{Attach, execution::Execution},
};

/// Time of the guest that one program may take.
const LIMIT: Duration = Duration::from_secs(600);

/// The agent, which can do more than serve.
const AGENT: &str = "/init";

/// The suite's modules.
const KUNIT: [&str; 2] = ["/modules/kunit.ko", "/modules/videobuf2-kunit.ko"];

/// Arguments of `lab selftest`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Run the selftest on these drivers only
    #[arg(long = "driver", value_name = "NAME", value_parser = driver_parser())]
    pub drivers: Vec<Driver>,
    /// Run the selftest only, or the KUnit suite only
    #[arg(long, value_name = "TEST", value_enum)]
    pub only: Option<Only>,
    /// Build this bug into the modules (`lab plants` lists them)
    #[arg(long, value_name = "NAME")]
    pub plant: Option<String>,
    /// When the drivers attach release fences
    #[arg(long, value_name = "POINT", value_parser = rig::attach_parser())]
    pub attach: Option<Attach>,
    /// Print everything that the tests print
    #[arg(long)]
    pub show: bool,
    /// Write the results to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// One of the two kinds of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Only {
    /// The program of tools/testing/selftests
    Selftest,
    /// The unit tests
    Kunit,
}

const HELP: &str = "The selftest is built from the kernel tree that is under test, and runs as it would on a machine, with --require on each \
driver's node; the KUnit suite is loaded as a module. Each runs as the first program of a fresh boot, with the ledger \
watching. The exit code is 0 if every test passed or was skipped, and some passed; 10 if one failed, 14 if the kernel died or \
complained, else the class of the first violation.";

/// Runs the tests and prints the table.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    let mut bench = Bench::set_up(&args, options)?;
    let mut outcomes = Vec::new();
    if args.only != Some(Only::Kunit) {
        for driver in bench.drivers.clone() {
            outcomes.push(bench.selftest(driver)?);
        }
    }
    if args.only != Some(Only::Selftest) {
        outcomes.push(bench.kunit()?);
    }
    print!("{}", plain(&outcomes));
    json::keep(args.json.as_deref(), &outcomes)?;
    Ok(verdict(&outcomes))
}

/// A target with the tests in it.
struct Bench {
    rig: Rig,
    drivers: Vec<Driver>,
    attaches: bool,
    show: bool,
}

impl Bench {
    fn set_up(args: &Args, options: &Options) -> anyhow::Result<Bench> {
        let mut rig_args = RigArgs {
            plant: args.plant.clone(),
            attach: args.attach,
            ..RigArgs::default()
        };
        rig_args.settle(options)?;
        let prepared = rig::prepare(options, &rig_args)?;
        let mut files = Vec::new();
        if args.only != Some(Only::Kunit) {
            files.push((build::build(&prepared)?, program().into()));
        }
        if args.only != Some(Only::Selftest) {
            let modules = prepared.modules(None)?.files()?;
            ensure!(
                modules
                    .iter()
                    .any(|module| module.ends_with("videobuf2-kunit.ko")),
                "the kernel tree has no KUnit suite of videobuf2 (CONFIG_VIDEOBUF2_KUNIT_TEST): the project's own series \
                 brings it, so leave out --series, --no-series and --vanilla, or say --only selftest"
            );
        }
        let drivers = match args.drivers.as_slice() {
            [] => Driver::ALL.to_vec(),
            chosen => chosen.to_vec(),
        };
        Ok(Bench {
            rig: rig::on(&prepared, options, &rig_args, Inside::of(files))?,
            drivers,
            attaches: rig_args.attach() != Attach::None,
            show: args.show,
        })
    }

    /// The selftest on a driver's node.
    fn selftest(&mut self, driver: Driver) -> anyhow::Result<Outcome> {
        self.rig.target.boot()?;
        let node = self.node(driver)?;
        let mut argv = vec![program(), "-d".to_owned(), node.clone()];
        argv.extend(self.input(driver)?);
        argv.extend(self.attaches.then(|| "--require".to_owned()));
        let execution = self.execute(&argv)?;
        let expectation = Expectation::of(driver, self.attaches);
        let violations = run::judged(expectation, &execution.trace());
        // The tests are called after the node that they ran on.
        let mark = format!("-{}.", node.trim_start_matches("/dev/"));
        let verdict = Verdict::of(&execution).of_node(&mark);
        let title = format!("selftest, {}", driver.name());
        Ok(Outcome::new(title, verdict, &violations))
    }

    /// Words that give a decoder something to decode. The double says that it is one, and takes anything.
    fn input(&mut self, driver: Driver) -> anyhow::Result<Vec<String>> {
        Ok(match driver {
            Driver::Double => vec!["--bitstream".to_owned(), AGENT.to_owned()],
            Driver::VicodecDecoder => vec!["-d".to_owned(), self.node(Driver::VicodecEncoder)?],
            Driver::Vim2m | Driver::VicodecEncoder => Vec::new(),
        })
    }

    fn kunit(&mut self) -> anyhow::Result<Outcome> {
        self.rig.target.boot()?;
        let words = [AGENT, "--kunit"].into_iter().chain(KUNIT);
        let argv: Vec<_> = words.map(str::to_owned).collect();
        let execution = self.execute(&argv)?;
        let mut violations = run::judged(Expectation::default(), &execution.trace());
        // The suite's queues are no video node's, and it does on purpose what a driver must not do. Its fences are still
        // fences, and the kernel still must not complain.
        violations.retain(|violation| {
            matches!(violation.invariant.class(), Class::Lifecycle | Class::Splat)
        });
        let verdict = Verdict::of(&execution);
        Ok(Outcome::new("KUnit".to_owned(), verdict, &violations))
    }

    fn execute(&mut self, argv: &[String]) -> anyhow::Result<Execution> {
        let execution = self.rig.target.exec(argv, LIMIT)?;
        if self.show
            && let Execution::Ended(executed) = &execution
        {
            print!("{}", said(executed));
        }
        Ok(execution)
    }

    /// Where a driver's node is in this boot.
    fn node(&mut self, driver: Driver) -> anyhow::Result<String> {
        let argv = [AGENT, "--node", driver.name()].map(str::to_owned);
        let executed = self.rig.target.exec(&argv, LIMIT)?.ended()?;
        let path = String::from_utf8_lossy(&executed.output).trim().to_owned();
        if executed.end != Ended::Exited(0) {
            bail!("{}", String::from_utf8_lossy(&executed.errors).trim());
        }
        Some(path)
            .filter(|path| !path.is_empty())
            .with_context(|| format!("the agent does not tell where {} is", driver.name()))
    }
}

/// Where the selftest stands in the guest.
fn program() -> String {
    format!("/bin/{}", build::NAME)
}

fn said(executed: &Executed) -> String {
    [&executed.output, &executed.errors]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .concat()
}
