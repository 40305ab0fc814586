//! Properties of every program there can be, and of everything that the mutators make of them.

use program::{
    Exhaust, MAX_BYTES, MAX_TIME, Mutation, OpKind, Profile, Program, Replay, Seeded, generate,
    minimise, mutate, parse,
};
use proptest::prelude::*;

/// Any program at all, shrinking towards the empty one.
fn programs(longest: usize) -> impl Strategy<Value = Program> {
    let choices = prop::collection::vec(any::<u32>(), 0..longest * 16);
    choices.prop_map(move |choices| Program::any(&mut Replay::new(choices), longest))
}

/// What comes into a program by mistake: words of the language, numbers that are too large, and what is no text of anybody.
const WORDS: &str = "(open|qbuf|poll|async|mmap|=|;|#|\\+|-1|18446744073709551616|4294967296|999999999999s|0x|1e9|\u{0}|\u{1b}\\[2J|\u{202e}|ä| |\n|\r|.)";

/// The words of a text with some left out, doubled, swapped, or with others between or within them.
fn damaged(text: &str, damages: &[(prop::sample::Index, usize, String)]) -> String {
    let mut words: Vec<String> = text
        .split_inclusive([' ', '\n'])
        .map(str::to_owned)
        .collect();
    for (at, how, word) in damages {
        if words.is_empty() {
            break;
        }
        let at = at.index(words.len());
        match how {
            0 => drop(words.remove(at)),
            1 => words.insert(at, words[at].clone()),
            2 => words.insert(at, word.clone()),
            3 => words[at] = word.clone(),
            4 => words[at] += word,
            _ => words.swap(at, 0),
        }
    }
    words.concat()
}

fn reparse(program: &Program) -> Program {
    let text = program.to_string();
    text.parse()
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn printing_and_parsing_are_inverse(program in programs(60)) {
        prop_assert!(program.check().is_ok());
        prop_assert_eq!(reparse(&program), program);
    }

    #[test]
    fn the_canonical_text_is_a_fixed_point(program in programs(30)) {
        let text = program.with_header("one\ntwo");
        let parsed = parse(&text).unwrap();
        prop_assert_eq!(parsed.program.with_header("one\ntwo"), text);
        for step in 0..parsed.program.steps.len() {
            prop_assert_eq!(parsed.source.line(step), Some(step + 3));
        }
    }

    #[test]
    fn the_parser_survives_any_text(text in ".{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn errors_point_into_the_text(program in programs(20), cut in any::<prop::sample::Index>()) {
        let mut text = program.to_string();
        text.truncate(cut.index(text.len() + 1));
        if let Err(error) = parse(&text) {
            let line = text.lines().nth(error.line - 1).unwrap();
            prop_assert!(error.column <= line.chars().count() + 1, "{} in {:?}", error, line);
        }
    }

    #[test]
    fn damage_is_told_where_it_is_or_makes_another_program(
        program in programs(20),
        damages in prop::collection::vec((any::<prop::sample::Index>(), 0..6usize, WORDS), 1..6),
    ) {
        let text = damaged(&program.to_string(), &damages);
        match parse(&text) {
            // It may hold what no agent would run; it is the same program again when it is printed.
            Ok(parsed) => prop_assert_eq!(reparse(&parsed.program), parsed.program),
            Err(error) => {
                let line = text.lines().nth(error.line - 1).unwrap();
                prop_assert!(error.column <= line.chars().count() + 1, "{} in {:?}", error, line);
                prop_assert!(!error.to_string().chars().any(char::is_control), "{:?}", error);
            }
        }
    }

    #[test]
    fn mutants_of_any_program_parse_and_are_affordable(
        program in programs(40),
        donor in programs(40),
        seed in any::<u64>(),
    ) {
        let mut choose = Seeded::new(seed);
        for mutation in Mutation::ALL {
            let mutant = mutation.apply(&program, &donor, &Profile::default(), &mut choose);
            let Some(mutant) = mutant else { continue };
            prop_assert_ne!(&mutant, &program);
            prop_assert!(mutant.check().is_ok());
            prop_assert_eq!(&reparse(&mutant), &mutant);
            let cost = mutant.cost();
            prop_assert!(cost.time <= MAX_TIME && cost.bytes <= MAX_BYTES, "{:?}", cost);
        }
    }

    #[test]
    fn generated_programs_are_affordable(seed in any::<u64>()) {
        let mut choose = Seeded::new(seed);
        let profile = Profile::default().swarm(&mut choose);
        let program = generate(&mut choose, &profile);
        prop_assert!(program.check().is_ok());
        prop_assert_eq!(&reparse(&program), &program);
        let cost = program.cost();
        prop_assert!(cost.time <= MAX_TIME && cost.bytes <= MAX_BYTES, "{:?}", cost);
    }

    #[test]
    fn any_bytes_make_a_program(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut bytes = arbitrary::Unstructured::new(&bytes);
        let program: Program = bytes.arbitrary().unwrap();
        prop_assert_eq!(reparse(&program), program);
    }

    #[test]
    fn minimising_to_one_operation_finds_it(program in programs(30), pick in any::<prop::sample::Index>()) {
        prop_assume!(!program.steps.is_empty());
        let wanted = program.steps[pick.index(program.steps.len())].op.kind();
        let has = |candidate: &Program| candidate.steps.iter().any(|step| step.op.kind() == wanted);
        let small = minimise(&program, &mut |candidate| has(candidate));
        prop_assert_eq!(small.steps.len(), 1);
        prop_assert!(has(&small) && small.check().is_ok());
        prop_assert!(!small.steps[0].asynchronous);
    }
}

#[test]
fn a_chain_of_mutations_stays_in_the_language() {
    let profile = Profile::default();
    for seed in 0..20 {
        let mut choose = Seeded::new(seed);
        let mut program = generate(&mut choose, &profile);
        for _ in 0..300 {
            let donor = generate(&mut choose, &profile);
            if let Some(mutant) = mutate(&program, &donor, &profile, &mut choose) {
                assert!(mutant.check().is_ok());
                program = mutant;
            }
        }
        assert_eq!(reparse(&program), program);
    }
}

#[test]
fn every_kind_of_mutation_changes_something() {
    let profile = Profile::default();
    let mut choose = Seeded::new(3);
    for mutation in Mutation::ALL {
        let changed = (0..50).filter(|_| {
            let program = generate(&mut choose, &profile);
            let donor = generate(&mut choose, &profile);
            mutation
                .apply(&program, &donor, &profile, &mut choose)
                .is_some()
        });
        assert!(changed.count() > 15, "{mutation:?}");
    }
}

#[test]
fn enumeration_reaches_every_program_of_two_plain_operations() {
    let mut profile = Profile::default();
    profile.wrong_percent = 0;
    profile.scene_percent = 0;
    profile.job_percent = 0;
    profile.mean_ops = 2;
    profile.async_percent = 0;
    for kind in OpKind::ALL {
        let kept = matches!(kind, OpKind::Open | OpKind::GetFormat | OpKind::CloseFile);
        profile.set_weight(*kind, u32::from(kept));
    }
    let mut choose = Exhaust::new();
    let mut seen = vec![generate(&mut choose, &profile).to_string()];
    while choose.advance() {
        seen.push(generate(&mut choose, &profile).to_string());
    }
    seen.sort();
    seen.dedup();
    for wanted in [
        "a = open double\n",
        "a = open double\ng_fmt a cap\n",
        "a = open double\nclose a\n",
    ] {
        assert!(
            seen.iter().any(|text| text == wanted),
            "{wanted:?} not in {seen:#?}"
        );
    }
}
