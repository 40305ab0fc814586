//! `lab compliance`: v4l2-compliance on every node of the double, from every memory, and on the kernel's own drivers.

mod known;
mod outcome;
mod report;

use std::{path::PathBuf, time::Duration};

use judge::Expectation;
use program::Driver;

use self::{
    outcome::{Outcome, plain, verdict},
    report::Report,
};
use crate::{
    exit::Exit,
    json,
    progress::Stage,
    rig::{Inside, RigArgs, driver_parser},
    setup::{Options, debian},
    target::uml::double::{Memory, Node, Shape},
    theirs::{Theirs, Visit},
};

/// Time of the guest that one run may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Arguments of `lab compliance`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Test these nodes of the double only
    #[arg(long = "node", value_name = "NODE", value_enum, value_delimiter = ',')]
    pub nodes: Vec<Node>,
    /// Test the double with buffers from these memories only
    #[arg(
        long = "memory",
        value_name = "KIND",
        value_enum,
        value_delimiter = ','
    )]
    pub memories: Vec<Memory>,
    /// Test these drivers of the kernel; then no node of the double unless --node or --memory asks for it
    #[arg(long = "driver", value_name = "NAME", value_parser = driver_parser())]
    pub drivers: Vec<Driver>,
    /// Build this bug into the modules (`lab plants` lists them)
    #[arg(long, value_name = "NAME")]
    pub plant: Option<String>,
    /// Stream every format in every size, too (slower)
    #[arg(long)]
    pub formats: bool,
    /// Print everything that v4l2-compliance prints
    #[arg(long)]
    pub show: bool,
    /// Write the results to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

const HELP: &str = "v4l2-compliance comes with v4l-utils of the machine's own release, or of a newer one if that does not know kernels of today. \
Each run is the first program of a fresh boot; it streams from MMAP, USERPTR and DMABUF (exported by the same node, or by the single-planar one of its kind), and the \
ledger watches. A FAIL, a test that could not be made, a warning that this command cannot explain, and a violation that the \
judge finds are failures: of the kernel's own drivers as well, whose failures are upstream's. What v4l2-compliance draws from \
the kernel log on purpose is listed with its reason. The tests of inputs and outputs (-a) are for capture and output devices; \
mem2mem nodes have none.\n\
\n\
The exit code is 0 if every run passed, 10 if a test failed or a warning is unexplained, 14 if the kernel died or complained, \
else the class of the first violation.";

/// Something to test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Double(Node, Memory),
    Driver(Driver),
}

impl Subject {
    /// What the agent finds the node by.
    fn device(self) -> String {
        match self {
            Subject::Double(node, _) => node.device(),
            Subject::Driver(driver) => driver.name().to_owned(),
        }
    }

    /// What the agent finds the node by that exports dma-bufs. v4l2-compliance takes every mem2mem node for a single-planar one
    /// when it exports, and the double's must come from the same memory: dma-contig imports what is contiguous alone.
    fn exporter(self) -> String {
        match self {
            Subject::Double(node, _) => node.splane().device(),
            Subject::Driver(_) => self.device(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Subject::Double(node, _) => node.name(),
            Subject::Driver(driver) => driver.name(),
        }
    }

    fn memory(self) -> Option<Memory> {
        match self {
            Subject::Double(_, memory) => Some(memory),
            Subject::Driver(_) => None,
        }
    }

    fn driver(self) -> Driver {
        match self {
            Subject::Double(..) => Driver::Double,
            Subject::Driver(driver) => driver,
        }
    }
}

/// Runs all of it and prints the table.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    let subjects = subjects(&args);
    let mut stage = Stage::begin("v4l2-compliance", Some(subjects.len() as u64));
    let mut outcomes = Vec::new();
    for group in subjects.chunk_by(|one, other| one.memory() == other.memory()) {
        let mut theirs = ready(&args, group, options)?;
        for subject in group {
            outcomes.push(test(&args, *subject, &mut theirs, options)?);
            stage.step(subject.name());
        }
    }
    stage.done();
    print!("{}", plain(&outcomes));
    json::keep(args.json.as_deref(), &outcomes)?;
    Ok(verdict(&outcomes))
}

/// What to test, those with the same memory in a row.
fn subjects(args: &Args) -> Vec<Subject> {
    let foreign = args.nodes.is_empty() && args.memories.is_empty() && !args.drivers.is_empty();
    let memories = chosen(&args.memories, &Memory::ALL).into_iter();
    let of_memory = |memory| {
        let nodes = chosen(&args.nodes, &Node::ALL).into_iter();
        nodes.map(move |node| Subject::Double(node, memory))
    };
    let double = memories.filter(|_| !foreign).flat_map(of_memory);
    double
        .chain(args.drivers.iter().copied().map(Subject::Driver))
        .collect()
}

fn chosen<T: Copy + PartialEq>(wanted: &[T], all: &[T]) -> Vec<T> {
    let is_wanted = |one: &T| wanted.is_empty() || wanted.contains(one);
    all.iter().copied().filter(is_wanted).collect()
}

/// The nodes of these subjects, and those that export for them.
fn nodes(group: &[Subject]) -> Vec<Node> {
    let tested = group.iter().filter_map(|subject| match subject {
        Subject::Double(node, _) => Some(*node),
        Subject::Driver(_) => None,
    });
    let mut nodes: Vec<_> = tested.collect();
    for exporter in nodes.clone().into_iter().map(Node::splane) {
        if !nodes.contains(&exporter) {
            nodes.push(exporter);
        }
    }
    nodes
}

/// A target whose double has the nodes of these subjects. One that is not asked about looks as it always does.
fn ready(args: &Args, group: &[Subject], options: &Options) -> anyhow::Result<Theirs> {
    let mut args = RigArgs {
        plant: args.plant.clone(),
        shape: Shape {
            nodes: nodes(group),
            memory: group.first().and_then(|subject| subject.memory()),
        },
        ..RigArgs::default()
    };
    args.settle(options)?;
    equip(options, &args)
}

/// A target with v4l2-compliance in it.
pub(super) fn equip(options: &Options, args: &RigArgs) -> anyhow::Result<Theirs> {
    let inside = Inside::packages(options, &[debian::TOOLS])?;
    Theirs::ready(options, args, inside, &known::PROVOKED)
}

/// Runs v4l2-compliance on the node that the double always has, with streaming.
pub(super) fn visit_decoder(theirs: &mut Theirs, options: &Options) -> anyhow::Result<Visit> {
    let decoder = Subject::Double(Node::Decoder, Memory::Vmalloc);
    visit(decoder, false, theirs, options)
}

/// Runs v4l2-compliance as the first program of a fresh boot.
fn visit(
    subject: Subject,
    formats: bool,
    theirs: &mut Theirs,
    options: &Options,
) -> anyhow::Result<Visit> {
    theirs.boot()?;
    let device = theirs.node(&subject.device())?;
    let exporter = theirs.node(&subject.exporter())?;
    let expectation = Expectation::of(subject.driver(), !options.vanilla);
    theirs.visit(&words(&device, &exporter, formats), LIMIT, expectation)
}

/// Runs v4l2-compliance on a subject and reads what it says.
fn test(
    args: &Args,
    subject: Subject,
    theirs: &mut Theirs,
    options: &Options,
) -> anyhow::Result<Outcome> {
    let visit = visit(subject, args.formats, theirs, options)?;
    if args.show {
        print!("{}{}", visit.output, visit.errors);
    }
    Ok(Outcome::new(
        subject.name(),
        subject.memory().map(Memory::name),
        &Report::parse(&visit.output),
        &visit,
    ))
}

/// The command line: streaming, DMABUF from the exporter, no progress and no colours.
pub(super) fn words(device: &str, exporter: &str, formats: bool) -> Vec<String> {
    let mut words = vec!["v4l2-compliance", "-d", device, "-e", exporter, "-s"];
    words.extend(formats.then_some("-f"));
    words.extend(["-P", "-C", "never"]);
    words.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_the_double_is_tested_unless_something_is_chosen() {
        let all = subjects(&Args::default());
        assert_eq!(all.len(), 6 * 3);
        let groups = all.chunk_by(|one, other| one.memory() == other.memory());
        assert_eq!(groups.count(), 3);
        let one = Args {
            nodes: vec![Node::M2m],
            memories: vec![Memory::DmaSg],
            ..Args::default()
        };
        assert_eq!(subjects(&one), [Subject::Double(Node::M2m, Memory::DmaSg)]);
    }

    #[test]
    fn the_kernel_s_drivers_are_tested_when_named() {
        let foreign = Args {
            drivers: vec![Driver::Vim2m],
            ..Args::default()
        };
        assert_eq!(subjects(&foreign), [Subject::Driver(Driver::Vim2m)]);
        let both = Args {
            nodes: vec![Node::Decoder],
            ..foreign
        };
        assert_eq!(subjects(&both).len(), 3 + 1);
    }

    #[test]
    fn dma_bufs_come_from_a_single_planar_node() {
        let subject = Subject::Double(Node::M2mMplane, Memory::DmaSg);
        assert_eq!(nodes(&[subject]), [Node::M2mMplane, Node::M2m]);
        assert_eq!(subject.exporter(), "vb2_double-m2m");
        let both = [subject, Subject::Double(Node::M2m, Memory::DmaSg)];
        assert_eq!(nodes(&both), [Node::M2mMplane, Node::M2m]);
        let line = words("/dev/video3", "/dev/video1", true).join(" ");
        assert!(line.starts_with("v4l2-compliance -d /dev/video3 -e /dev/video1 -s -f"));
        assert!(!words("a", "b", false).contains(&"-f".to_owned()));
    }
}
