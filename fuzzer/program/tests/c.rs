//! Programs as C: golden files, and a compiler that has nothing to complain about.

use std::{fs, path::Path, process::Command};

use program::{
    Access, Dmabuf, Driver, File, Op, OpKind, Pixels, Program, Queue, Sync,
    c::{Probe, Reproducer, Symptom, Watched},
};

const WATCHED: Watched = Watched {
    buffer: Some((File(0), Queue::Capture, 0)),
    dmabuf: None,
};

fn symptom(probe: Probe, step: usize) -> Symptom {
    Symptom {
        probe,
        watched: WATCHED,
        from: Some(step),
        until: Some(step),
        what: "the \"contract\" is broken".into(),
    }
}

fn source(program: &Program, symptom: &Symptom) -> String {
    let reproducer = Reproducer {
        program,
        driver: Driver::Double,
        attach: "buf_queue",
        symptom,
        head: vec!["A title".into(), "  kept as it is */".into()],
    };
    reproducer.source().unwrap()
}

/// Builds a file as strictly as a maintainer would.
fn compiles(text: &str, folder: &Path) {
    let file = folder.join("reproducer.c");
    fs::write(&file, text).unwrap();
    let mut cc = Command::new("cc");
    // They are linked and optimised where they are run.
    cc.args([
        "-std=gnu11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-S",
        "-o",
        "/dev/null",
    ]);
    let built = cc.arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{said}\n{text}");
}

/// Every operation once, as `blank` gives it, but calls of a wrong type, of which few are told.
fn every_operation() -> Program {
    let told = OpKind::ALL.iter().filter(|kind| **kind != OpKind::Wrong);
    let steps = told.map(|kind| program::Step {
        op: kind.blank(),
        asynchronous: false,
    });
    Program {
        steps: steps.collect(),
    }
}

/// Whether a program is one that can be told.
fn told(program: &Program) -> bool {
    program.steps.iter().all(|step| match step.op {
        Op::Open { node, .. } => !node.word().ends_with("mplane"),
        Op::Qbuf { more, .. } => more.second.is_none(),
        Op::PrepareBuf { more, .. } => more.second.is_none(),
        Op::SetFormat { pixels, .. } | Op::TryFormat { pixels, .. } => pixels == Pixels::First,
        Op::Wrong { .. } => false,
        Op::Expbuf { plane, .. } | Op::MmapFile { plane, .. } => plane == 0,
        _ => true,
    })
}

#[test]
fn every_operation_is_a_call() {
    let program = every_operation();
    let text = source(&program, &Symptom::of(Probe::Hidden, ""));
    for step in &program.steps {
        assert!(text.contains(&format!("did(\"{step}\", ")), "{step}");
    }
    compiles(&text, tempfile().path());
}

#[test]
fn requests_and_faults_are_told() {
    let text = "a = open double\nr0 = request a\nfail_nth 3\nqbuf a out 0 in r0\nqueue r0\npoll r0 1ms\nclose r0\n";
    let program: Program = text.parse().unwrap();
    let source = source(&program, &Symptom::of(Probe::Log, "x"));
    let main = source.split("int main(void)").nth(1).unwrap();
    for call in [
        "new_request(&r0, a)",
        "fail_allocation(\"3\");\n\tdid(\"qbuf a out 0 in r0\", without_fault(give_in_request(r0, a, OUTPUT, 0u, NULL, 0, 0u)));",
        "on_request(MEDIA_REQUEST_IOC_QUEUE, r0)",
        "wait_for(r0, POLLPRI, 1000)",
        "drop(&r0);",
    ] {
        assert!(main.contains(call), "{call}\n{main}");
    }
    compiles(&source, tempfile().path());
}

#[test]
fn memory_of_user_space_is_told_where_a_program_has_some() {
    let text = "a = open m2m\nreqbufs a out userptr 1\nreqbufs a cap mmap 1\nr0 = request a\nqbuf a out 0 in r0\n\
                prepare_buf a cap 0\nqbuf a cap 0 at 7us\nqbuf a cap 0 d1\n";
    let program: Program = text.parse().unwrap();
    let text = source(&program, &Symptom::of(Probe::Log, "x"));
    let main = text.split("int main(void)").nth(1).unwrap();
    for call in [
        "reqbufs(a, OUTPUT, V4L2_MEMORY_USERPTR, 1u)",
        "give_user_in_request(r0, a, OUTPUT, 0u, NULL, 0, 0u)",
        "give_user(VIDIOC_PREPARE_BUF, a, CAPTURE, 0u, 0, 0u)",
        "give_user(VIDIOC_QBUF, a, CAPTURE, 0u, 0, 7u)",
        "give(VIDIOC_QBUF, a, CAPTURE, 0u, &d1)",
    ] {
        assert!(main.contains(call), "{call}\n{main}");
    }
    compiles(&text, tempfile().path());
}

#[test]
fn what_a_file_looks_like() {
    let starved: Program = "a = open double\nreqbufs a cap mmap 1\nqbuf a cap 0\nstreamon a cap\nasync streamoff a cap\n"
        .parse()
        .unwrap();
    insta::assert_snapshot!(source(&starved, &symptom(Probe::Unfenced, 3)));
}

#[test]
fn every_probe_compiles_and_is_called_once() {
    let program: Program =
        "a = open double\nqbuf a cap 0 d1\ns2 = merge s0 s1\ns3 = export_sync d1 r\n"
            .parse()
            .unwrap();
    let folder = tempfile();
    let probes = [
        Probe::Unfenced,
        Probe::Finite,
        Probe::Pending(Access::Read),
        Probe::Free,
        Probe::Ended,
        Probe::Returned,
        Probe::Over { stamped: true },
        Probe::Tells { error: true },
        Probe::Well,
        Probe::Prompt,
        Probe::Merged(Sync(2), Sync(0), Sync(1)),
        Probe::Answers,
        Probe::Log,
        Probe::Hidden,
    ];
    for probe in probes {
        for dmabuf in [None, Some(Dmabuf(1))] {
            for until in [None, Some(2)] {
                let symptom = Symptom {
                    watched: Watched { dmabuf, ..WATCHED },
                    until: until.or((probe == Probe::Prompt).then_some(1)),
                    ..symptom(probe, 1)
                };
                let text = source(&program, &symptom);
                let main = text.split("int main(void)").nth(1).unwrap();
                let looks = main.matches("must_").count() + main.matches("cannot_tell").count();
                assert!(looks > 0, "{probe:?} looks at nothing:\n{main}");
                let exports = main.matches("watch_").count();
                assert!(exports <= 1, "{probe:?}:\n{main}");
                compiles(&text, folder.path());
            }
        }
    }
}

#[test]
fn every_kept_program_compiles() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let folder = tempfile();
    let mut seen = 0;
    for part in ["regressions", "seeds"] {
        for entry in fs::read_dir(corpus.join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "vb2") {
                let program: Program = fs::read_to_string(&path).unwrap().parse().unwrap();
                if told(&program) {
                    compiles(
                        &source(&program, &Symptom::of(Probe::Log, "x")),
                        folder.path(),
                    );
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 60, "{seen}");
}

#[test]
fn a_decoder_s_stream_is_refused() {
    let program: Program = "a = open double\n".parse().unwrap();
    let symptom = Symptom::of(Probe::Log, "x");
    let reproducer = Reproducer {
        program: &program,
        driver: Driver::VicodecDecoder,
        attach: "device_run",
        symptom: &symptom,
        head: Vec::new(),
    };
    assert!(
        reproducer
            .source()
            .unwrap_err()
            .to_string()
            .contains("coded")
    );
}

/// A folder that goes with the test.
fn tempfile() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
