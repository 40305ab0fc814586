//! `coverage.pcs`: where in the kernel the programs of a corpus went.
//!
//! The first line is `# build KEY`: numbers of another build mean other lines. Each further line is a place, `kernel
//! 60123456` or `vb2_double 1a2b`: the module, and in hexadecimal the address in the kernel itself, or the distance from
//! where the kernel put the module's text. It is a return address: the instruction, and with it the line, is the one before.

use std::{collections::BTreeSet, fmt::Write, path::Path};

use anyhow::Context;
use trace::wire::Study;

use super::log::Log;
use crate::exit::malformed;

/// What stands for the kernel itself.
pub const KERNEL: &str = "kernel";

/// A place: module and offset.
pub type Place = (String, u64);

/// The places of a study.
pub fn of(study: &Study) -> impl Iterator<Item = Place> {
    let name = |module: u8| match module {
        0 => Some(KERNEL.to_owned()),
        number => study.modules.get(usize::from(number) - 1).cloned(),
    };
    let places = study.places.iter();
    places.filter_map(move |(module, place)| Some((name(*module)?, *place)))
}

/// The file and what is in it.
#[derive(Debug)]
pub struct Places {
    log: Log,
    known: BTreeSet<Place>,
}

impl Places {
    /// Opens the file for a build. What another build covered is forgotten.
    pub fn open(path: &Path, build: &str) -> anyhow::Result<Places> {
        let known = match read(path)? {
            Some((of, known)) if of == build => known,
            Some(_) => {
                std::fs::remove_file(path).with_context(|| path.display().to_string())?;
                BTreeSet::new()
            }
            None => BTreeSet::new(),
        };
        let mut log = Log::open(path)?;
        if known.is_empty() && std::fs::metadata(path)?.len() == 0 {
            log.add_text(&format!("# build {build}\n"))?;
        }
        Ok(Places { log, known })
    }

    /// Adds what is new.
    pub fn add(&mut self, study: &Study) -> anyhow::Result<()> {
        let mut lines = String::new();
        for place in of(study) {
            if !self.known.contains(&place) {
                writeln!(lines, "{} {:x}", place.0, place.1)?;
                self.known.insert(place);
            }
        }
        match lines.is_empty() {
            true => Ok(()),
            false => self.log.add_text(&lines),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known.len()
    }
}

/// The build and the places in a file, if it is there; a torn last line is left out.
pub fn read(path: &Path) -> anyhow::Result<Option<(String, BTreeSet<Place>)>> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.with_context(|| path.display().to_string())?,
    };
    let text = String::from_utf8(text).map_err(|_| refused(path, 1))?;
    let Some((text, _torn)) = text.rsplit_once('\n') else {
        return Ok(None);
    };
    let mut lines = text.lines();
    let build = lines.next().and_then(|line| line.strip_prefix("# build "));
    let build = build.ok_or_else(|| refused(path, 1))?.to_owned();
    let place = |(index, line)| parse(line).ok_or_else(|| refused(path, index + 2));
    let parsed = lines.enumerate().map(place);
    Ok(Some((build, parsed.collect::<anyhow::Result<_>>()?)))
}

fn parse(line: &str) -> Option<Place> {
    let (module, offset) = line.split_once(' ')?;
    Some((module.to_owned(), u64::from_str_radix(offset, 16).ok()?))
}

fn refused(path: &Path, line: usize) -> anyhow::Error {
    malformed(format!(
        "{}: line {line}: this is no list of covered places",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study() -> Study {
        Study {
            modules: vec!["vb2_double".into()],
            places: vec![(0, 0x6012_3456), (1, 0x1a2b), (2, 1)],
            compared: Vec::new(),
        }
    }

    #[test]
    fn places_are_read_back_and_belong_to_a_build() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("coverage.pcs");
        for _ in 0..2 {
            Places::open(&path, "one").unwrap().add(&study()).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "# build one\nkernel 60123456\nvb2_double 1a2b\n");
        std::fs::write(&path, text + "vb2_dou").unwrap();
        let places = Places::open(&path, "one").unwrap();
        assert_eq!(places.count(), 2, "a torn line counts");
        assert_eq!(Places::open(&path, "other").unwrap().count(), 0);
        assert_eq!(read(&path).unwrap().unwrap().0, "other");
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("coverage.pcs");
        for text in ["hello\n", "# build x\nkernel xyz\n"] {
            std::fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("coverage.pcs: line"), "{error}");
        }
    }
}
