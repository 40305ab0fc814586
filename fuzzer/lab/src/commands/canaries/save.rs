//! Keeps the smallest program that shows each bug as a regression.

use anyhow::{Context, ensure};
use engine::{Session, store};
use program::Program;

use super::{
    results::{Found, Record},
    way::Way,
};
use crate::{
    corpus,
    plants::Plant,
    progress::Stage,
    rig::{self, Inside, RigArgs},
    setup::{Options, Prepared},
    verdict::Verdict,
};

/// Writes a file for each bug that was found by an invariant that it is meant to break. A program that breaks something
/// without the bug is refused: it would show nothing of the bug.
pub(super) fn all(
    prepared: &Prepared,
    options: &Options,
    plants: &[Plant],
    records: &[Record],
) -> anyhow::Result<()> {
    let args = RigArgs::default();
    let mut rig = rig::on(prepared, options, &args, Inside::default())?;
    let mut session = Session::new(&mut rig.target, args.expectation());
    let mut stage = Stage::begin("replaying without the bugs", Some(plants.len() as u64));
    for plant in plants {
        let Some(found) = smallest(plant, records) else {
            stage.say(&format!("{}: no campaign found it as meant", plant.name));
            continue;
        };
        let program: Program = found.program.parse().context("a program in the results")?;
        let run = session.observe_afresh(&program)?;
        ensure!(
            run.violations.is_empty(),
            "the program of {} breaks something without the bug: {}{program}",
            plant.name,
            Verdict::new(&program, &run.trace, &run.violations)
        );
        let path = corpus::regression_of(&plant.name)?;
        store::write(&path, program.with_header(&header(plant, found)).as_bytes())?;
        stage.step(&plant.name);
    }
    stage.done();
    Ok(())
}

fn smallest<'a>(plant: &Plant, records: &'a [Record]) -> Option<&'a Found> {
    let mine = |record: &&Record| record.trial.bug == plant.name && record.trial.way == Way::Lab;
    let found = records
        .iter()
        .filter(mine)
        .filter_map(|record| record.found.as_ref());
    found
        .filter(|found| plant.invariants.contains(&found.invariant))
        .min_by_key(|found| found.minimised)
}

/// What to expect.
fn header(plant: &Plant, found: &Found) -> String {
    format!(
        "Planted bug {}: {}.\nWith --plant {} it breaks {}; without, every invariant holds.\n",
        plant.name, plant.title, plant.name, found.invariant
    )
}
