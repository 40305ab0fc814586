//! What commands write for machines: JSON that people can read as well.

use std::path::Path;

use engine::store;
use serde::Serialize;

/// The text of a value, as a file holds it.
pub fn text(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Writes a value to the file that was asked for, if one was.
pub fn keep(path: Option<&Path>, value: &impl Serialize) -> anyhow::Result<()> {
    match path {
        Some(path) => store::write(path, text(value)?.as_bytes()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_if_one_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.json");
        keep(None, &[1]).unwrap();
        assert!(!path.exists());
        keep(Some(&path), &[1]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[\n  1\n]\n");
    }
}
