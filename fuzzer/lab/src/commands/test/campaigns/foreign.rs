//! Campaigns on drivers of the kernel's own, which attach release fences as the double does.

use anyhow::ensure;
use program::Driver;

use super::{
    super::{Check, Context, lab::number},
    fuzz,
};
use crate::exit::Exit;

/// Programs of a campaign here.
const PROGRAMS: &str = "150";

/// A clean campaign and one without fences for each driver, and one that must find something.
pub(super) fn checks() -> Vec<Check> {
    let foreign = Driver::ALL.into_iter().filter(|d| *d != Driver::Double);
    let mut checks: Vec<Check> = foreign
        .flat_map(|driver| [clean(driver), without_fences(driver)])
        .collect();
    checks.push(Check::new(
        "campaign: attaching when a buffer is queued is found in vim2m",
        draft,
    ));
    checks
}

fn clean(driver: Driver) -> Check {
    let name = driver.name();
    Check::new(format!("campaign: {name} stays clean"), move |context| {
        let folder = tempfile::tempdir()?;
        let words = ["--driver", name, "--programs", PROGRAMS];
        let (ended, json) = fuzz(context, folder.path(), &words)?;
        ended.expect(Exit::HELD)?.says(&format!(
            "repeat: cargo lab fuzz --seed 1 --programs {PROGRAMS} --driver {name}"
        ))?;
        ensure!(
            number(&json, "fences_attached")? > 0 && number(&json, "fences_signalled")? > 0,
            "no job had a fence: {json}"
        );
        ensure!(
            number(&json, "fences_pending")? == 0,
            "fences are pending: {json}"
        );
        Ok(())
    })
}

fn without_fences(driver: Driver) -> Check {
    let name = driver.name();
    let title = format!("campaign: {name} has no fence unless it opts in");
    Check::new(title, move |context| {
        super::without_fences(context, &["--driver", name, "--programs", PROGRAMS])
    })
}

/// What the posted draft did with vim2m.
fn draft(context: &Context) -> anyhow::Result<()> {
    let json = super::draft(context, &["--driver", Driver::Vim2m.name()])?;
    ensure!(
        ["I11", "I1"]
            .map(Into::into)
            .contains(&json["findings"][0]["invariant"]),
        "something else was found: {json}"
    );
    Ok(())
}
