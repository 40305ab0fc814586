//! Golden texts: how every operation looks, and what the parser says about texts that are none.

use program::{Op, OpKind, Program, Step, parse};

/// The variants of `Op` with the doc comment of each, from its source.
fn documented() -> Vec<(String, String)> {
    let source = include_str!("../src/op.rs");
    let body = source
        .split("pub enum Op {")
        .nth(1)
        .unwrap()
        .split("\n}")
        .next()
        .unwrap();
    let mut found = Vec::new();
    let mut doc = String::new();
    for line in body.lines() {
        if let Some(text) = line.trim().strip_prefix("///") {
            doc.push_str(text);
        } else if !doc.is_empty() {
            let name = line
                .trim()
                .split(|letter: char| !letter.is_alphanumeric())
                .next();
            found.push((name.unwrap().to_owned(), std::mem::take(&mut doc)));
        }
    }
    found
}

#[test]
fn every_operation_looks_as_it_is_documented() {
    let documented = documented();
    assert_eq!(documented.len(), OpKind::ALL.len());
    for ((name, doc), kind) in documented.iter().zip(OpKind::ALL) {
        assert_eq!(*name, format!("{kind:?}"));
        let head = doc.split(':').next().unwrap();
        let examples = head.split('`').skip(1).step_by(2);
        let words: Vec<_> = examples.filter(|text| text.contains(kind.word())).collect();
        assert!(!words.is_empty(), "{name} has no example: {doc}");
        for example in words {
            let program = parse(example)
                .unwrap_or_else(|error| panic!("{name}: {error}"))
                .program;
            assert_eq!(program.steps[0].op.kind(), *kind);
            assert_eq!(program.to_string(), format!("{example}\n"));
        }
    }
}

#[test]
fn operations() {
    let blank = OpKind::ALL.iter().map(|kind| kind.blank().to_string());
    insta::assert_snapshot!(blank.collect::<Vec<_>>().join("\n"));
}

#[test]
fn free_layout_has_one_canonical_text() {
    let text = "# header\n\n  a=open double;s_fmt a out 64x64 # why\n\tasync  streamoff\ta cap\r\n\
                poll s0 0us ; poll s0 1000us ; advance 2000ms ; gate a close 1 ; gate b close 2\n\
                qbuf a cap 0 d31 ; qbuf a cap 0 ; dqbuf h out wait";
    let parsed = parse(text).unwrap();
    let lines = (0..parsed.program.steps.len()).map(|step| parsed.source.line(step).unwrap());
    let numbered = lines
        .zip(&parsed.program.steps)
        .map(|(line, step)| format!("{line}: {step}"));
    insta::assert_snapshot!(numbered.collect::<Vec<_>>().join("\n"), @r"
    3: a = open double
    3: s_fmt a out 64x64
    4: async streamoff a cap
    5: poll s0
    5: poll s0 1ms
    5: advance 2s
    5: gate a close
    5: gate b close 2
    6: qbuf a cap 0 d31
    6: qbuf a cap 0
    6: dqbuf h out wait
    ");
}

/// Texts that are no programs.
const BROKEN: &[&str] = &[
    "qbfu a out 0",
    "frobnicate",
    "a = opne double",
    "a =",
    "= open double",
    "a = open",
    "a = open triple",
    "open double",
    "i = open double",
    "A = open double",
    "d0 = open double",
    "a = expbuf a cap 0",
    "expbuf a cap 0",
    "a = qbuf a out 0",
    "close",
    "close x9",
    "close d32",
    "close d01",
    "close a b",
    "s_fmt a out 64",
    "s_fmt a out 64X64",
    "s_fmt a out 64x-1",
    "s_fmt a up 64x64",
    "reqbufs a out overlay 2",
    "reqbufs a out mmap 4294967296",
    "reqbufs a out mmap +1",
    "reqbufs a out mmap 0x10",
    "reqbufs a out mmap",
    "qbuf a out 0 s0",
    "qbuf a out 0 d0 d1 d2 d3",
    "s_fmt a cap 64x64 YUYV",
    "qbuf a out 0 in d0",
    "fail_nth",
    "dqbuf a cap now",
    "poll s0 in 5ms",
    "poll d0 5ms",
    "poll a both 5ms",
    "poll s0 5",
    "poll s0 5 ms",
    "poll s0 4295s",
    "poll s0 1h",
    "poll s0 ms",
    "advance",
    "gate a shut",
    "gate a close never",
    "fail a error",
    "reload single",
    "join us",
    "async",
    "async frob",
    "async a = open double",
    "async join",
    "async advance 5ms",
    "async close d0",
    "async async streamoff a cap",
    "streamon a out ; ",
    "; streamon a out",
    "streamon a out ; ; streamon a cap",
    "streamon a out streamon a cap",
    "streamon a out,",
    "d0 = expbuf a cap 0 ; s0 = export_sync d0 x",
    "join\njoin # fine\n  check s0",
    "check \u{1b}[31mred",
    "größe a",
    "check aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

#[test]
fn errors() {
    let complaints = BROKEN.iter().map(|text| match parse(text) {
        Ok(parsed) => panic!("{text:?} was taken for {:?}", parsed.program),
        Err(error) => format!("{text:?}\n    {error}"),
    });
    insta::assert_snapshot!(complaints.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_program_too_many_operations_long_is_refused_at_the_first_too_many() {
    let most = "join\n".repeat(256);
    assert_eq!(parse(&most).unwrap().program.steps.len(), 256);
    let error = parse(&format!("{most}# one more\njoin ; join")).unwrap_err();
    insta::assert_snapshot!(
        error,
        @"line 258, column 1: expected at most 256 operations, found `join`"
    );
}

#[test]
fn invalid_programs_say_what_is_wrong() {
    use program::{Dmabuf, File};
    let refused = |op, asynchronous| {
        let program = Program {
            steps: vec![Step { op, asynchronous }],
        };
        program.check().unwrap_err().to_string()
    };
    insta::assert_snapshot!(
        refused(Op::open(File(8)), false),
        @"step 0 (`?8 = open double`) names a slot that does not exist"
    );
    insta::assert_snapshot!(
        refused(Op::Check { dmabuf: Dmabuf(32) }, false),
        @"step 0 (`check d32`) names a slot that does not exist"
    );
    insta::assert_snapshot!(
        refused(Op::Join, true),
        @"step 0 (`async join`) cannot be asynchronous"
    );
    let long = Program {
        steps: vec![
            Step {
                op: Op::Join,
                asynchronous: false
            };
            257
        ],
    };
    insta::assert_snapshot!(
        long.check().unwrap_err(),
        @"the program has 257 operations; at most 256 fit"
    );
}
