//! The table of who judges what names every invariant, oracle and test that there is, and none that there is not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use judge::Invariant;

const TABLE: &str = include_str!("../INVARIANTS.md");

struct Row {
    invariant: String,
    oracles: Vec<String>,
    plant: String,
    trips: String,
    near: String,
}

/// The words in backticks of a cell.
fn words(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn word(cell: &str) -> String {
    words(cell).into_iter().next().unwrap_or_default()
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| line.starts_with("| I"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [invariant, oracles, plant, trips, near] = cells[..] else {
            panic!("{line}: five cells")
        };
        Row {
            invariant: invariant.to_owned(),
            oracles: words(oracles),
            plant: plant.to_owned(),
            trips: word(trips),
            near: word(near),
        }
    };
    lines.map(row).collect()
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder, with their names without the ending.
fn files(path: &str, ending: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder(path))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let named = entries.filter(|file| file.extension().is_some_and(|found| found == ending));
    let name = |file: &Path| file.file_stem().unwrap().to_string_lossy().into_owned();
    named.map(|file| (name(&file), file)).collect()
}

/// The body of a test of that name.
fn body(sources: &str, name: &str) -> String {
    let start = sources.find(&format!("#[test]\nfn {name}() {{"));
    let rest = &sources[start.unwrap_or_else(|| panic!("there is no test {name}"))..];
    rest[..rest.find("\n}").unwrap()].to_owned()
}

#[test]
fn every_invariant_has_a_row() {
    let named: Vec<String> = rows().into_iter().map(|row| row.invariant).collect();
    let all = Invariant::ALL.iter().map(ToString::to_string);
    let contract: Vec<String> = all.filter(|name| name.starts_with('I')).collect();
    assert_eq!(named, contract);
}

#[test]
fn every_oracle_has_its_row() {
    let rows = rows();
    let named: BTreeSet<String> = rows.iter().flat_map(|row| row.oracles.clone()).collect();
    let there = files("src/oracle", "rs").into_iter().map(|(name, _)| name);
    let there: BTreeSet<String> = there.filter(|name| name.starts_with('i')).collect();
    assert_eq!(named, there);
    for row in rows {
        let number: u32 = row.invariant[1..].parse().unwrap();
        assert!(!row.oracles.is_empty(), "{}: no oracle", row.invariant);
        let mut own = row.oracles.iter();
        assert!(own.all(|name| name.starts_with(&format!("i{number:02}_"))));
    }
}

#[test]
fn every_test_trips_or_comes_near() {
    let sources: String = files("tests", "rs")
        .iter()
        .map(|(_, file)| read(file))
        .collect();
    for row in rows() {
        let prefix = format!("{}_", row.invariant.to_lowercase());
        assert!(
            row.trips.starts_with(&prefix) && row.near.starts_with(&prefix),
            "{prefix}"
        );
        let (trips, near) = (body(&sources, &row.trips), body(&sources, &row.near));
        assert!(trips.contains(".finds"), "{}", row.trips);
        assert!(
            near.contains("clean()") || near.contains("assert!(!"),
            "{}",
            row.near
        );
    }
}

#[test]
fn every_planted_bug_says_that_it_breaks_the_invariant() {
    for row in rows().into_iter().filter(|row| !row.plant.starts_with('(')) {
        let plant = word(&row.plant);
        let file = folder("../../kernel-patches/plants").join(format!("{plant}.patch"));
        let text = read(&file);
        let breaks = text
            .lines()
            .find_map(|line| line.strip_prefix("Invariants: "));
        let mut breaks = breaks.expect("a header").split_whitespace();
        assert!(
            breaks.any(|name| name == row.invariant),
            "{plant}: {}",
            row.invariant
        );
        let program = folder("../../corpus/regressions").join(format!("{plant}.vb2"));
        assert!(program.is_file(), "{} is missing", program.display());
    }
}
