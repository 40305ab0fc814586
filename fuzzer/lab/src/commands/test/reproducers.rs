//! C programs: those of the kept programs fail where the bug is, and nowhere else.

use anyhow::{Context as _, ensure};

use super::{Check, Context, campaigns, lab::lab};
use crate::{
    corpus,
    exit::Exit,
    findings::{REPRODUCER, Record},
    plants,
    reproducer::{Built, Sight},
};

/// What user space cannot see: the ledger alone sees that a fence is leaked or signalled twice, or is on no dma-buf, an id that is
/// used twice, or a job that ends too late.
const HIDDEN: [&str; 12] = [
    "constant-seqno",
    "fence-for-userptr",
    "last-buffer-twice",
    "leak-init-reference",
    "leak-on-streamoff",
    "one-context-per-queue",
    "retry-gets-another-fence",
    "reuse-the-fence",
    "signal-twice",
    "stale-fence-pointer",
    "two-fences-per-buffer",
    "worker-takes-the-lock",
];

/// What the C programs do not show yet: an instant within a call, the answers of the reference model, other files' fences,
/// and splats that need what the agent does when a program is over.
const MISSED: [&str; 12] = [
    "attach-what-fits",
    "early-signal-on-abort",
    "error-after-signal",
    "forget-last-buffer",
    "leak-imported-dma-buf",
    "lock-in-the-queue",
    "newest-first",
    "signal-after-done",
    "start-with-finished",
    "streamoff-ends-all",
    "supersede-foreign-fences",
    "uninterruptible-cpu-access",
];

/// What has a C program that says something else without the bug: the frame that a late interrupt cuts short fails there as
/// well, and a stream that cannot start has nothing to look at.
const UNTOLD: [&str; 2] = ["late-interrupt-ends-next-job", "start-without-fences"];

/// A check for each planted bug, and one for a campaign's finding.
pub(super) fn checks() -> anyhow::Result<Vec<Check>> {
    let told = plants::list()?.into_iter();
    let told = told.filter(|plant| !UNTOLD.contains(&plant.name.as_str()));
    let kept = told.map(|plant| {
        let title = format!("reproducer: {} in C, with the bug and without", plant.name);
        Check::new(title, move |context| kept(context, &plant.name))
    });
    let found = Check::new(
        "reproducer: a campaign's finding has a short program and a C program that shows it",
        found,
    );
    Ok(kept.chain([found]).collect())
}

fn kept(context: &Context, plant: &str) -> anyhow::Result<()> {
    let file = corpus::regression_of(plant)?.display().to_string();
    let ended = lab(
        context,
        &["reproduce", "--without", "--plant", plant, &file],
    )?;
    ended.says(match plant {
        _ if HIDDEN.contains(&plant) => "as C: in the ledger alone; without the bug: ",
        _ if MISSED.contains(&plant) => "as C: ok; without the bug: ok",
        _ => "as C: FAIL; without the bug: ok",
    })?;
    Ok(())
}

/// The shape of the posted draft: found at once, minimised to no more lines than a mail quotes, shown by system calls alone.
fn found(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let words = [
        "--attach",
        "buf_queue",
        "--stop-after",
        "1",
        "--programs",
        "2000",
    ];
    let (ended, json) = campaigns::fuzz(context, folder.path(), &words)?;
    ended.expect(Exit::TIMING)?;
    let finding = &json["findings"][0];
    let operations = finding["operations"].as_u64().unwrap_or(u64::MAX);
    ensure!(operations <= 8, "minimised to {operations} operations only");
    let place = finding["folder"].as_str().context("no folder")?;
    let record = Record::read(place.as_ref())?;
    let in_c = record.reproducer.context("the finding has no C program")?;
    ensure!(
        in_c.sight == Sight::Calls && in_c.shows == Some(true),
        "the C program does not show it: {in_c:?}"
    );
    Built::of(&std::path::Path::new(place).join(REPRODUCER))?;
    lab(context, &["reproduce", "--without", place])?
        .expect(Exit::TIMING)?
        .says("as C: FAIL; without the bug: ok")?;
    Ok(())
}
