//! `lab prove --check`: a random part of a proof, again.

use std::{path::Path, sync::Mutex};

use anyhow::{Context, ensure};
use explorer::{Certificate, Spelled};
use program::{Choose, Seeded};

use super::{
    Args, Subject, book,
    console::Console,
    crew::{Crew, Go, locked},
    report, sweep, workers,
};
use crate::{
    exit::{Exit, malformed},
    interrupt::Graceful,
    rig,
    setup::Options,
    verdict,
};

/// Checks a certificate against its records, the scope against its numbers, and the records against the kernel.
pub(super) fn run(args: &Args, options: &Options, path: &Path) -> anyhow::Result<Exit> {
    let certificate = report::read(path)?;
    let mut args = args.clone();
    args.rig.plant.clone_from(&certificate.subject.plant);
    args.rig.attach = rig::attach(&certificate.subject.attach);
    let folder = path
        .parent()
        .context("a certificate lies in the folder of its proof")?;
    let subject = explored(path, &certificate)?;
    let records = book::read(folder)?;
    if book::seal(folder)? != certificate.runs || records.len() != subject.plan.walks.len() {
        return Err(malformed(format!(
            "{}: the records beside it (runs) are not those that it was made of",
            path.display()
        )));
    }
    let prepared = rig::prepare(options, &args.rig)?;
    let crew = Crew::new(&prepared, options, &args.rig, workers(&args)?, args.seed)?;
    let build = &crew.origin().build;
    ensure!(
        *build == certificate.subject.build,
        "{} is about the build {}, here is {build}: nothing can be said of one from the other",
        path.display(),
        certificate.subject.build
    );
    let _graceful = Graceful::hold();
    let drawn = draw(&args, subject.plan.walks.len());
    let outcome = again(&crew, &subject, &records, &drawn)?;
    if let Some((exit, what)) = outcome {
        println!("{}: not confirmed: {what}", path.display());
        return Ok(exit);
    }
    println!(
        "{}: {} of {} programs run again, all as recorded (seed {})",
        path.display(),
        drawn.len(),
        subject.plan.walks.len(),
        args.seed
    );
    Ok(Exit::HELD)
}

/// Explores the certificate's scope and compares the numbers.
fn explored(path: &Path, certificate: &Certificate) -> anyhow::Result<Subject> {
    let name = path.display().to_string();
    let subject = Subject::of(&name, certificate.text.clone(), Some(certificate.depth))?;
    let extent = &certificate.extent;
    let (graph, plan) = (&subject.graph, &subject.plan);
    let here = [graph.states(), graph.edges().len(), plan.walks.len()].map(|count| count as u64);
    let there = [extent.states, extent.transitions, extent.programs];
    match here == there && graph.is_closed() == extent.closed {
        true => Ok(subject),
        false => Err(malformed(format!(
            "{name}: its scope has {here:?} states, transitions and programs, not {there:?}: prove again"
        ))),
    }
}

fn draw(args: &Args, programs: usize) -> Vec<usize> {
    let mut choose = Seeded::new(args.seed);
    (0..args.samples).map(|_| choose.below(programs)).collect()
}

/// Runs programs again; the first that breaks an invariant or shows something else than recorded.
fn again(
    crew: &Crew<'_>,
    subject: &Subject,
    records: &[book::Record],
    drawn: &[usize],
) -> anyhow::Result<Option<(Exit, String)>> {
    let wrong = Mutex::new(None);
    let console = Mutex::new(Console::begin("running programs again", 0, drawn.len()));
    let complete = crew.each(drawn, |hand, index| {
        let word = &subject.plan.walks[*index].word;
        let Some(Spelled { program, .. }) = explorer::spell(&subject.scope, word) else {
            anyhow::bail!("the model does not know its own program {word:?}");
        };
        let run = hand.run(&program)?;
        locked(&console).step();
        let digest = explorer::digest(&sweep::outcome(&program, &run.trace));
        let told = match run.violations.first() {
            Some(broken) => Some((verdict::exit(&run.violations), broken.title())),
            None if digest == records[*index].digest => None,
            None => Some((
                Exit::NONDETERMINISM,
                "another outcome than recorded".to_owned(),
            )),
        };
        let Some((exit, what)) = told else {
            return Ok(Go::On);
        };
        locked(&wrong).get_or_insert((exit, format!("program {index}: {what}\n{program}")));
        Ok(Go::Enough)
    })?;
    let wrong = wrong.into_inner().unwrap_or_else(|lock| lock.into_inner());
    ensure!(complete || wrong.is_some(), "interrupted");
    Ok(wrong)
}
