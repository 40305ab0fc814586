//! What comes of a campaign: a log, a corpus that is checked, made smaller and carried on, and a report.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

use super::{
    Check, Context,
    campaigns::fuzz,
    lab::{Ended, lab, number},
    replays::contents,
};
use crate::{
    campaign::{self, Line},
    exit::Exit,
};

/// A compositor's wait for a buffer that no job takes: I11 where the driver attaches in buf_queue.
const STARVED: &str = "a = open double\nreqbufs a cap mmap 1\nqbuf a cap 0\nstreamon a cap\n";

/// One check for each thing that is made from a campaign's folder.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "campaign: two instances, with a log to follow",
            two_instances,
        ),
        Check::new("corpus: checked, minimised, exported and imported", corpora),
        Check::new("corpus: a check tells what breaks an invariant", tells),
        Check::new("report: one page with all of it, and lcov", report),
    ]
}

fn two_instances(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("log.jsonl");
    let log = file.display().to_string();
    let words = ["--instances", "2", "--programs", "600", "--jsonl", &log];
    let (ended, json) = fuzz(context, folder.path(), &words)?;
    ended.expect(Exit::HELD)?;
    let lines = campaign::read_log(&file)?;
    ensure!(
        matches!(lines.first(), Some(Line::Start { instances: 2, .. })),
        "the log does not begin with two instances: {:?}",
        lines.first()
    );
    let Some(Line::End { numbers, .. }) = lines.last() else {
        anyhow::bail!("the log does not end: {:?}", lines.last());
    };
    ensure!(
        numbers.counts.programs >= 600 && numbers.counts.programs == number(&json, "programs")?,
        "log and summary differ: {numbers:?} and {json}"
    );
    let kept = lines
        .iter()
        .filter(|line| matches!(line, Line::Kept { .. }));
    let files = programs(&folder.path().join("campaign"))?;
    ensure!(
        kept.count() == files.len(),
        "the log does not tell of all {} programs that were kept",
        files.len()
    );
    Ok(())
}

fn corpora(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let big = searched(context, &folder.path().join("big"), "150")?;
    let small = searched(context, &folder.path().join("small"), "2")?;
    smaller(context, &big)?;
    carried(context, &big, &small, &folder.path().join("text"))
}

/// All programs agree with themselves, some are superfluous, and the others still agree.
fn smaller(context: &Context, campaign: &Path) -> anyhow::Result<()> {
    let all = programs(campaign)?.len();
    corpus(context, &["check", "--quick"], &[campaign])?
        .expect(Exit::HELD)?
        .says(&format!(
            "{all} of {all} programs ran twice, each time after others"
        ))?
        .says("0 of them differed or broke something\n")?;
    let minimised = corpus(context, &["minimise"], &[campaign])?;
    let kept = programs(campaign)?.len();
    minimised
        .expect(Exit::HELD)?
        .says(&format!("{kept} of {all} programs show all"))?;
    ensure!(0 < kept && kept < all, "{kept} of {all} programs were kept");
    corpus(context, &["check"], &[campaign])?
        .expect(Exit::HELD)?
        .says(&format!(
            "{kept} of {kept} programs ran twice on fresh boots; 0 of"
        ))?;
    Ok(())
}

/// What one campaign kept goes through a folder into another.
fn carried(context: &Context, from: &Path, to: &Path, text: &Path) -> anyhow::Result<()> {
    let kept = programs(from)?.len();
    corpus(context, &["export"], &[from, text])?
        .expect(Exit::HELD)?
        .says(&format!("{kept} programs written"))?;
    let before = programs(to)?.len();
    let imported = corpus(context, &["import"], &[to, text])?;
    let (here, there) = (programs(to)?, contents(text)?);
    let new = here.len() - before;
    ensure!(new > 0, "nothing was imported");
    imported.expect(Exit::HELD)?.says(&format!(
        "{new} of {kept} programs are new; the corpus has {}",
        before + new
    ))?;
    ensure!(
        there.keys().all(|name| here.contains_key(name)),
        "a program that was imported is missing"
    );
    refused(context, to, text)
}

/// A folder with a file that is no program changes nothing.
fn refused(context: &Context, campaign: &Path, text: &Path) -> anyhow::Result<()> {
    let before = programs(campaign)?;
    fs::write(text.join("0-new.vb2"), STARVED)?;
    fs::write(text.join("zz.vb2"), "a = open double\nfrobnicate a\n")?;
    corpus(context, &["import"], &[campaign, text])?
        .expect(Exit::MALFORMED)?
        .says("zz.vb2")?
        .says("line 2")?;
    corpus(context, &["minimise"], &[text])?
        .expect(Exit::MALFORMED)?
        .says("is no campaign's folder")?;
    ensure!(
        programs(campaign)? == before,
        "an import that was refused changed the corpus"
    );
    Ok(())
}

/// Both checks can fail.
fn tells(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let words = ["--attach", "buf_queue", "--programs", "1"];
    fuzz(context, folder.path(), &words)?;
    let (campaign, text) = (folder.path().join("campaign"), folder.path().join("text"));
    fs::create_dir(&text)?;
    fs::write(text.join("starved.vb2"), STARVED)?;
    corpus(context, &["import"], &[&campaign, &text])?.expect(Exit::HELD)?;
    for words in [&["check", "--quick"][..], &["check"]] {
        corpus(context, words, &[&campaign])?
            .expect(Exit::TIMING)?
            .says("I11")?
            .says("ran twice on fresh boots; 1 of them differed or broke something")?;
    }
    Ok(())
}

fn report(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let campaign = searched(context, folder.path(), "400")?;
    let files = [
        campaign,
        folder.path().join("page.html"),
        folder.path().join("lines.info"),
    ];
    let [campaign, page, lcov] = files.map(|path| path.display().to_string());
    let words = ["report", &campaign, "--html", &page, "--lcov", &lcov];
    lab(context, &words)?
        .expect(Exit::HELD)?
        .says("videobuf2-core.c")?;
    let page = fs::read_to_string(&page).context(page)?;
    let parts = [
        "400 programs and ",
        "<h2>Findings: 0</h2>",
        "<polyline",
        "videobuf2-v4l2.c",
        "v4l2-mem2mem.c",
        "drivers/dma-buf/dma-resv.c",
        "class=\"hit\"",
        "class=\"miss\"",
        "<td>vb2_fop_read<td>",
        "class=\"heat\"",
        " fences below ",
    ];
    for part in parts {
        ensure!(page.contains(part), "the page has no «{part}»");
    }
    for outside in ["<script", "<link", "<img", " src="] {
        ensure!(
            !page.contains(outside),
            "the page needs more than itself: {outside}"
        );
    }
    let lcov = fs::read_to_string(&lcov).context(lcov)?;
    let lines = |begin: &str| lcov.lines().filter(|line| line.starts_with(begin)).count();
    ensure!(
        lines("SF:") > 10 && lines("SF:") == lines("end_of_record") && lines("DA:") > 1000,
        "the line coverage has {} files and {} lines",
        lines("SF:"),
        lines("DA:")
    );
    Ok(())
}

/// Runs `lab corpus` with folders behind the words.
fn corpus(context: &Context, words: &[&str], folders: &[&Path]) -> anyhow::Result<Ended> {
    let folders = folders.iter().map(|folder| folder.display().to_string());
    let words = ["corpus"].into_iter().chain(words.iter().copied());
    let words: Vec<_> = words.map(str::to_owned).chain(folders).collect();
    lab(context, &words)
}

/// A campaign of so many programs that finds nothing; tells its folder.
fn searched(context: &Context, folder: &Path, programs: &str) -> anyhow::Result<PathBuf> {
    let (ended, _) = fuzz(context, folder, &["--programs", programs])?;
    ended.expect(Exit::HELD)?;
    Ok(folder.join("campaign"))
}

/// What a campaign has kept.
fn programs(campaign: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    contents(&campaign::corpus_of(campaign))
}
