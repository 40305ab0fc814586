//! The program as a user meets it: exit codes and messages of what needs no kernel.

use std::{
    path::Path,
    process::{Command, Output},
};

fn lab(cache: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command
        .args(words)
        .arg("--cache")
        .arg(cache)
        .output()
        .expect("the lab starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn wrong_usage_is_a_set_up_error() {
    let cache = tempfile::tempdir().unwrap();
    let output = lab(cache.path(), &["frobnicate"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("frobnicate"));
}

#[test]
fn help_names_the_exit_codes() {
    let cache = tempfile::tempdir().unwrap();
    let output = lab(cache.path(), &["--help"]);
    assert_eq!(output.status.code(), Some(0));
    for code in ["\n  10  ", "\n  14  "] {
        assert!(said(&output).contains(code), "{}", said(&output));
    }
}

#[test]
fn a_folder_that_is_no_kernel_tree_is_refused_before_anything_is_fetched() {
    let (cache, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = tree.path().display().to_string();
    let output = lab(cache.path(), &["kernel", "--kernel-tree", &folder]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains(&folder) && said(&output).contains("no kernel tree"));
}

#[test]
fn a_series_without_patches_is_refused() {
    let (cache, series) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = series.path().display().to_string();
    let output = lab(cache.path(), &["kernel", "--series", &folder]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--no-series"));
}

#[test]
fn every_plant_is_listed() {
    let cache = tempfile::tempdir().unwrap();
    let output = lab(cache.path(), &["plants"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for plant in lab::plants::list().unwrap() {
        assert!(said(&output).contains(&plant.title));
    }
}
