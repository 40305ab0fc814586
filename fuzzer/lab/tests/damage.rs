//! Damaged folders of campaigns and findings: whatever is in them, the lab names the file and the reason, and changes
//! nothing; or it reads what is there.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use lab::{
    campaign::{Folder, Identity, Line, corpus_of, log_of, places, program_name},
    exit::{Exit, of_error},
    findings::{self, Setup},
};
use program::Program;
use proptest::{collection::vec, prelude::*, sample::Index};

fn identity() -> Identity {
    Identity::new(Setup::default(), "7.3", "key")
}

fn program() -> Program {
    "a = open double\nreqbufs a cap mmap 2\nclose a\n"
        .parse()
        .unwrap()
}

const PLACES: &str = "# build key\nkernel 60123456\nvb2_double 1a2b\n";
const TOTALS: &str = r#"{"states":[{"operation":"qbuf cap","buffers":"queued","fences":"none","count":3}],"lifetimes":[{"below_ns":1024,"count":2}]}"#;
const FINDING: &str = r#"{"version":1,"invariant":"I9","title":"early","exit_code":11,"reproduced":"3/3","driver":"double","plant":null,"attach":"device_run","nodes":["m2m"],"memory":"vmalloc","kmemleak":false,"kernel":"7.3","build":"key","seed":1}"#;

/// A campaign that was killed, with something in every file.
fn campaign(place: &Path) {
    let (mut folder, _) = Folder::open(place, &identity()).unwrap();
    folder.keep_told(&program()).unwrap();
    folder.suspect(&program()).unwrap();
    for programs in [1, 2] {
        let file = format!("{programs}.vb2");
        folder.tell(&Line::Kept { file, programs }).unwrap();
    }
    fs::write(place.join("coverage.pcs"), PLACES).unwrap();
    fs::write(place.join("totals.json"), TOTALS).unwrap();
}

/// The files that somebody may damage.
fn files(place: &Path) -> Vec<PathBuf> {
    let name = program_name(&program());
    let inside = ["campaign.json", "log.jsonl", "coverage.pcs", "totals.json"];
    let mut files: Vec<_> = inside.map(|name| place.join(name)).into();
    files.push(corpus_of(place).join(&name));
    files.push(place.join("suspects").join(name));
    files
}

/// Every file below a folder, with its content.
fn content(place: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(place).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(content(&path)),
            false => drop(all.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    all
}

/// Bytes changed, put in, or cut off.
fn damaged(bytes: &[u8], at: Index, how: u8, more: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = at.index(bytes.len().max(1)).min(bytes.len());
    match how {
        0 => bytes.truncate(at),
        1 => drop(bytes.splice(at..at, more.iter().copied())),
        2 => {
            let end = (at + more.len()).min(bytes.len());
            bytes.splice(at..end, more.iter().copied());
        }
        _ => bytes = more.to_vec(),
    }
    bytes
}

/// The error names the file and is one of input, not of the lab.
fn well_refused(error: &anyhow::Error, path: &Path) -> Result<(), TestCaseError> {
    let told = format!("{error:#}");
    let name = path.file_name().unwrap().to_string_lossy();
    prop_assert!(told.contains(name.as_ref()), "{told} does not name {name}");
    prop_assert_eq!(of_error(error), Exit::MALFORMED, "{}", told);
    prop_assert!(told.len() > name.len() + 5, "{told} gives no reason");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_damaged_campaign_is_refused_as_it_is_or_read(
        which in any::<Index>(),
        at in any::<Index>(),
        how in 0..4_u8,
        more in vec(any::<u8>(), 0..40),
    ) {
        let place = tempfile::tempdir().unwrap();
        campaign(place.path());
        let files = files(place.path());
        let path = which.get(&files);
        fs::write(path, damaged(&fs::read(path).unwrap(), at, how, &more)).unwrap();
        let before = content(place.path());
        if let Err(error) = Folder::open(place.path(), &identity()) {
            let other = error.to_string().contains("another target");
            if !other {
                well_refused(&error, path)?;
            }
            prop_assert_eq!(content(place.path()), before, "{:#}", error);
        }
    }

    #[test]
    fn what_a_kill_can_leave_is_read(cuts in vec((any::<Index>(), any::<bool>()), 2)) {
        let place = tempfile::tempdir().unwrap();
        campaign(place.path());
        for (name, (cut, _)) in ["log.jsonl", "coverage.pcs"].iter().zip(&cuts) {
            let path = place.path().join(name);
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..cut.index(bytes.len() + 1)]).unwrap();
        }
        let half = corpus_of(place.path()).join(format!(".x.vb2.{}-0.new", u32::MAX));
        fs::write(&half, "a = open dou").unwrap();
        let whole = log_of(place.path()).unwrap();
        let known = places::read(&place.path().join("coverage.pcs")).unwrap();
        let (mut folder, before) = Folder::open(place.path(), &identity()).unwrap();
        prop_assert_eq!((before.corpus.len(), before.suspects.len()), (1, 1));
        prop_assert!(!half.exists());
        let line = Line::Dropped { file: "x".into() };
        folder.tell(&line).unwrap();
        let mut expected = whole;
        expected.push(line);
        prop_assert_eq!(log_of(place.path()).unwrap(), expected);
        let known = known.map_or(0, |(_, places)| places.len());
        let open = places::Places::open(&place.path().join("coverage.pcs"), "key").unwrap();
        prop_assert_eq!(open.count(), known);
    }

    #[test]
    fn a_damaged_finding_is_refused_or_read(
        of_record in any::<bool>(),
        at in any::<Index>(),
        how in 0..4_u8,
        more in vec(any::<u8>(), 0..40),
    ) {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("finding.json"), FINDING).unwrap();
        fs::write(place.path().join("program.vb2"), program().to_string()).unwrap();
        findings::Folder::read(place.path()).unwrap();
        let path = place.path().join(if of_record { "finding.json" } else { "program.vb2" });
        fs::write(&path, damaged(&fs::read(&path).unwrap(), at, how, &more)).unwrap();
        if let Err(error) = findings::Folder::read(place.path()) {
            well_refused(&error, &path)?;
        }
    }
}

#[test]
fn what_is_no_file_is_told() {
    let place = tempfile::tempdir().unwrap();
    campaign(place.path());
    for path in files(place.path()) {
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let error = format!("{:#}", Folder::open(place.path(), &identity()).unwrap_err());
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(error.contains(name.as_ref()), "{error}");
        fs::remove_dir(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    Folder::open(place.path(), &identity()).unwrap();
}
