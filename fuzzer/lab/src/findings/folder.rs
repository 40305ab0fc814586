//! A finding's folder: writing it whole, and reading back what a replay needs.

use std::path::{Path, PathBuf};

use anyhow::Context;
use engine::{Finding, store};
use program::Program;
use trace::{Event, ProgramHash, Trace};

use super::{
    record::{self, Record, Setup},
    report,
};
use crate::{exit::malformed, reproducer::Reproduction, setup::cache, symbols::Symbols};

/// Name of the minimised program in a finding's folder.
pub const PROGRAM: &str = "program.vb2";
/// Name of the C program in a finding's folder.
pub const REPRODUCER: &str = "reproducer.c";

/// Where findings came from: what their reports have in common.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Driver, plant and attach point.
    pub setup: Setup,
    /// `uname -r`.
    pub kernel: String,
    /// Key of the build.
    pub build: String,
    /// Seed of the campaign.
    pub seed: u64,
    /// What patches were applied, for people.
    pub patches: String,
    /// The words of a command line that ask for the same kernel.
    pub options: Vec<String>,
    /// Where in the sources addresses of this build are.
    pub symbols: Symbols,
}

/// A finding's folder, read.
#[derive(Clone, Debug)]
pub struct Folder {
    /// `finding.json`.
    pub record: Record,
    /// `program.vb2`.
    pub program: Program,
}

impl Folder {
    /// Writes a finding below `root`. The name has what was broken, how, and by which program, so that the same finding
    /// of a later campaign lands in the same place. `campaign` is the command that found it.
    pub fn write(
        root: &Path,
        finding: &Finding,
        origin: &Origin,
        campaign: &str,
        reproduction: &Reproduction,
    ) -> anyhow::Result<PathBuf> {
        let path = root.join(name(finding));
        let report = report::text(finding, origin, &path, campaign, reproduction);
        store::write_folder(&path, |folder| {
            fill(folder, &report, finding, origin, reproduction)
        })?;
        Ok(path)
    }

    /// Reads a finding's folder.
    pub fn read(path: &Path) -> anyhow::Result<Folder> {
        let record = Record::read(path)?;
        let program = read_program(&path.join(PROGRAM))?;
        Ok(Folder { record, program })
    }
}

/// Reads a program's text.
pub fn read_program(path: &Path) -> anyhow::Result<Program> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        malformed(format!(
            "{}: a program is UTF-8 text: {error}",
            path.display()
        ))
    })?;
    let program: Program = text
        .parse()
        .map_err(|error| malformed(format!("{}: {error}", path.display())))?;
    match program.steps.is_empty() {
        true => Err(malformed(format!("{}: no operation in it", path.display()))),
        false => Ok(program),
    }
}

/// The programs in a folder (`*.vb2`), in the order of their names.
pub fn programs(folder: &Path) -> anyhow::Result<Vec<(PathBuf, Program)>> {
    let is_program = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "vb2") && !cache::name(path).starts_with('.')
    };
    let paths = cache::entries(folder)?.into_iter().filter(is_program);
    paths
        .map(|path| read_program(&path).map(|program| (path, program)))
        .collect()
}

fn fill(
    folder: &Path,
    report: &str,
    finding: &Finding,
    origin: &Origin,
    reproduction: &Reproduction,
) -> anyhow::Result<()> {
    let Origin {
        setup,
        kernel,
        build,
        seed,
        ..
    } = origin;
    let mut record = Record::new(finding, setup.clone(), kernel, build, *seed);
    record.reproducer = record::InC::of(reproduction);
    let json = serde_json::to_string_pretty(&record).context("finding.json")?;
    let write = |name: &str, text: String| store::write(&folder.join(name), text.as_bytes());
    write(PROGRAM, finding.program.with_header(&header(finding)))?;
    write(
        "original.vb2",
        finding.original.with_header(&header(finding)),
    )?;
    write("trace.jsonl", trace_text(&finding.program, &finding.trace))?;
    write("trace.txt", trace::render(&finding.program, &finding.trace))?;
    if let Some(other) = &finding.other_trace {
        write("other.jsonl", trace_text(&finding.program, other))?;
    }
    if let Ok(source) = &reproduction.source {
        write(REPRODUCER, source.text.clone())?;
    }
    write("kernel.log", kernel_log(&finding.trace))?;
    write("report.md", report.to_owned())?;
    write(record::NAME, json + "\n")
}

fn trace_text(program: &Program, trace: &Trace) -> String {
    trace::file::print(ProgramHash::of(program), trace)
}

fn header(finding: &Finding) -> String {
    format!(
        "{} ({} replays on fresh boots)",
        finding.key,
        record::reproduced(finding)
    )
}

fn kernel_log(trace: &Trace) -> String {
    let lines = trace.events.iter().filter_map(|event| match event {
        Event::Log { level, text } => Some(format!("<{level}> {text}\n")),
        _ => None,
    });
    lines.collect()
}

/// Longest part of a folder's name that comes from the title.
const SLUG: usize = 60;

fn name(finding: &Finding) -> String {
    let hash = ProgramHash::of(&finding.program).to_string();
    format!(
        "{}-{}-{}",
        finding.key.invariant,
        slug(&finding.key.title),
        &hash[..8]
    )
}

fn slug(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut slug = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
        .to_lowercase();
    slug.truncate(SLUG);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::uml::double::{Memory, Node, Shape};

    #[test]
    fn a_title_becomes_a_file_name() {
        assert_eq!(
            slug("BUG: KASAN: use-after-free in vb2_x+0x1/0x2 (../etc)"),
            "bug-kasan-use-after-free-in-vb2-x-0x1-0x2-etc"
        );
        assert_eq!(slug(&"word ".repeat(40)).len(), 59);
    }

    #[test]
    fn a_file_that_is_no_program_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.vb2");
        for (text, said) in [
            ("a = open double\nfly a\n", "line 2"),
            ("# nothing\n", "no operation"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = read_program(&path).unwrap_err();
            assert_eq!(crate::exit::of_error(&error), crate::exit::Exit::MALFORMED);
            assert!(
                error.to_string().contains("bad.vb2") && error.to_string().contains(said),
                "{error}"
            );
        }
    }

    #[test]
    fn a_finding_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let program: Program = "a = open double\nclose a\n".parse().unwrap();
        let finding = Finding {
            key: engine::Key {
                invariant: "I27".into(),
                title: "BUG: x in y".into(),
            },
            exit_code: 14,
            reproduced: 3,
            program: program.clone(),
            original: program.clone(),
            trace: Trace {
                events: vec![Event::Log {
                    level: 3,
                    text: "BUG: x".into(),
                }],
            },
            other_trace: None,
            violations: Vec::new(),
            leaks: true,
            minimised_in: 1,
        };
        let setup = Setup {
            driver: "vim2m".into(),
            plant: Some("p".into()),
            attach: "none".into(),
            shape: Shape::of(Node::M2m, Memory::DmaSg),
            kmemleak: false,
        };
        let origin = Origin {
            setup,
            ..Origin::default()
        };
        let reproduction = Reproduction::new(&finding, &origin);
        let line = "cargo lab fuzz";
        let path = Folder::write(folder.path(), &finding, &origin, line, &reproduction).unwrap();
        let read = Folder::read(&path).unwrap();
        assert_eq!((read.program, read.record.key()), (program, finding.key));
        assert_eq!(read.record.setup.plant.as_deref(), Some("p"));
        assert_eq!(read.record.setup.driver, "vim2m");
        assert_eq!(read.record.setup.shape.nodes, [Node::M2m]);
        assert!(read.record.setup.kmemleak, "a leak is only seen by a scan");
        assert_eq!(
            std::fs::read_to_string(path.join("kernel.log")).unwrap(),
            "<3> BUG: x\n"
        );
        let report = std::fs::read_to_string(path.join("report.md")).unwrap();
        assert!(report.contains("cargo lab replay"), "{report}");
    }
}
