//! The seed programs of the corpus: each is in the language, affordable, and says what it is about.

use std::fs;
use std::path::{Path, PathBuf};

use program::{Driver, MAX_TIME, OpKind, parse};

/// The seeds of the double.
fn seeds() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/seeds");
    programs(&folder)
}

/// The seeds of every driver.
fn all() -> Vec<(Driver, PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/seeds");
    let of = |driver: Driver| {
        let programs = match driver {
            Driver::Double => seeds(),
            other => programs(&folder.join(other.name())),
        };
        let named = programs.into_iter();
        named.map(move |(path, text)| (driver, path, text))
    };
    Driver::ALL.into_iter().flat_map(of).collect()
}

/// The files in a folder.
fn programs(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn every_seed_is_a_program_and_its_canonical_text_is_the_same_program() {
    assert!(seeds().len() >= 24, "{} seeds", seeds().len());
    for (_, path, text) in all() {
        let path = path.display();
        let parsed = parse(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let again = parse(&parsed.program.to_string()).unwrap();
        assert_eq!(again.program, parsed.program, "{path}");
        assert_eq!(
            again.program.to_string(),
            parsed.program.to_string(),
            "{path}"
        );
    }
}

#[test]
fn every_seed_is_affordable_and_runs_a_job() {
    for (driver, path, text) in all() {
        let cost = parse(&text).unwrap().program.cost_on(driver);
        assert!(
            cost.time <= MAX_TIME && cost.bytes <= driver.most_bytes(),
            "{}: {cost:?}",
            path.display()
        );
        assert!(cost.runs_job, "{}", path.display());
    }
}

#[test]
fn every_seed_is_named_and_explained() {
    for (_, path, text) in all() {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(path.extension().unwrap(), "vb2", "{name}");
        assert!(
            name[..2].bytes().all(|byte| byte.is_ascii_digit()),
            "{name}"
        );
        assert!(
            text.starts_with("# "),
            "{name} begins with a comment that explains it"
        );
        let widest = text.lines().map(str::len).max().unwrap();
        assert!(widest <= 122, "{name}: {widest} columns");
    }
}

#[test]
fn seeds_ask_their_driver_for_what_it_knows() {
    for (driver, path, text) in all() {
        for step in parse(&text).unwrap().program.steps {
            let kind = step.op.kind();
            assert!(driver.knows(kind), "{}: {kind:?}", path.display());
        }
    }
}

#[test]
fn the_seeds_show_every_operation() {
    let mut missing: Vec<_> = OpKind::ALL.to_vec();
    for (_, text) in seeds() {
        for step in parse(&text).unwrap().program.steps {
            missing.retain(|kind| *kind != step.op.kind());
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
