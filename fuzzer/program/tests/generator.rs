//! What the generator's programs are like, over a fixed set of seeds.

use std::collections::BTreeMap;

use program::{
    Driver, MAX_TIME, Mutation, Op, OpKind, Profile, Program, Queue, Record, Replay, Seeded,
    generate,
};

const PROGRAMS: u64 = 4000;

fn sample() -> Vec<Program> {
    let profile = Profile::default();
    (0..PROGRAMS)
        .map(|seed| generate(&mut Seeded::new(seed), &profile))
        .collect()
}

fn share(programs: &[Program], fits: impl Fn(&Program) -> bool) -> f64 {
    programs.iter().filter(|program| fits(program)).count() as f64 / programs.len() as f64
}

fn position(program: &Program, fits: impl Fn(&Op) -> bool) -> Option<usize> {
    program.steps.iter().position(|step| fits(&step.op))
}

#[test]
fn programs_are_about_twenty_operations_long() {
    let programs = sample();
    let steps: usize = programs.iter().map(|program| program.steps.len()).sum();
    let mean = steps as f64 / programs.len() as f64;
    assert!((17.0..24.0).contains(&mean), "{mean}");
}

#[test]
fn most_programs_run_jobs() {
    let running = share(&sample(), |program| program.cost().runs_job);
    assert!(running > 0.8, "{running}");
}

#[test]
fn every_operation_is_regular() {
    let mut counts: BTreeMap<OpKind, usize> = BTreeMap::new();
    for program in sample() {
        for step in program.steps {
            *counts.entry(step.op.kind()).or_default() += 1;
        }
    }
    println!("{counts:#?}");
    for kind in OpKind::ALL {
        let count = counts.get(kind).copied().unwrap_or(0);
        assert!(count >= 40, "{kind:?}: {count} in {PROGRAMS} programs");
    }
}

#[test]
fn exports_stand_before_and_after_arming() {
    let programs = sample();
    let export = |op: &Op| matches!(op, Op::Expbuf { .. });
    let on = |op: &Op| {
        matches!(
            op,
            Op::Streamon {
                queue: Queue::Capture,
                ..
            }
        )
    };
    let order = |before: bool| {
        share(&programs, |program| {
            let (Some(first), Some(on)) = (position(program, export), position(program, on)) else {
                return false;
            };
            let later = program.steps[on..].iter().any(|step| export(&step.op));
            if before { first < on } else { later }
        })
    };
    assert!(
        order(true) > 0.25 && order(false) > 0.25,
        "{} {}",
        order(true),
        order(false)
    );
}

#[test]
fn gates_fences_and_threads_meet() {
    let programs = sample();
    let gated = |op: &Op| matches!(op, Op::GateClose { .. });
    let fence = |op: &Op| matches!(op, Op::ExportSync { .. });
    let held = share(&programs, |program| {
        let close = position(program, gated).unwrap_or(usize::MAX);
        program.steps.iter().skip(close).any(|step| fence(&step.op))
    });
    let threads = share(&programs, |program| {
        program.steps.iter().any(|step| step.asynchronous)
    });
    assert!(held > 0.2, "{held}");
    assert!(threads > 0.2, "{threads}");
}

/// Programs as a campaign makes them, each of another variation.
fn swarm() -> Vec<Program> {
    let made = |seed| {
        let mut choose = Seeded::new(seed);
        let profile = Profile::default().swarm(&mut choose);
        generate(&mut choose, &profile)
    };
    (0..PROGRAMS).map(made).collect()
}

/// In how many of the programs operations follow one another, with others between them.
fn follow(programs: &[Program], fits: &[&dyn Fn(&Op) -> bool]) -> usize {
    let all = |program: &&Program| {
        let mut steps = program.steps.iter();
        fits.iter().all(|fits| steps.any(|step| fits(&step.op)))
    };
    programs.iter().filter(all).count()
}

#[test]
fn what_goes_wrong_or_takes_long_is_regular() {
    use program::{Knob, Memory, Micros};
    let programs = swarm();
    let on = |op: &Op| matches!(op, Op::Streamon { .. });
    let off = |op: &Op| matches!(op, Op::Streamoff { .. });
    let patient =
        |op: &Op| matches!(op, Op::Watchdog { time: Micros(time), .. } if *time >= 2_000_000);
    let wait = |op: &Op| matches!(op, Op::CpuSync { .. });
    let late = |op: &Op| {
        let knob = Knob::FailLate;
        matches!(op, Op::SetKnob { knob: set, .. } if *set == knob)
    };
    let foreign = |op: &Op| matches!(op, Op::ImportSync { .. });
    let look = |op: &Op| matches!(op, Op::ExportSync { .. });
    let stops_late = |op: &Op| {
        matches!(
            op,
            Op::SetKnob {
                knob: Knob::Abort,
                value: 1,
                ..
            }
        )
    };
    let check = |op: &Op| matches!(op, Op::Check { .. });
    let made = |op: &Op| matches!(op, Op::SwSync { .. });
    let ended = |op: &Op| matches!(op, Op::Signal { .. });
    let allocated = |op: &Op| matches!(op, Op::Allocate { .. });
    let own = |op: &Op| {
        let memory = Memory::Userptr;
        matches!(op, Op::Reqbufs { memory: asked, .. } if *asked == memory)
    };
    let exported = |op: &Op| matches!(op, Op::Expbuf { .. });
    let bare = |op: &Op| matches!(op, Op::Qbuf { dmabuf: None, .. });
    let dequeued = |op: &Op| matches!(op, Op::Dqbuf { .. });
    let given = |op: &Op| {
        matches!(
            op,
            Op::Qbuf {
                dmabuf: Some(_),
                ..
            }
        )
    };
    let counts = [
        (
            "a wait for a job that hangs",
            follow(&programs, &[&patient, &on, &wait]),
        ),
        ("a late interrupt", follow(&programs, &[&late, &on, &check])),
        (
            "a stranger's fence",
            follow(&programs, &[&foreign, &on, &look]),
        ),
        (
            "a software fence",
            follow(&programs, &[&made, &foreign, &on, &ended]),
        ),
        (
            "memory of others",
            follow(&programs, &[&allocated, &given, &on, &look]),
        ),
        (
            "memory of the program",
            follow(&programs, &[&own, &bare, &on, &dequeued]),
        ),
        (
            "memory of the program beside a buffer of others",
            follow(&programs, &[&own, &exported, &bare, &on, &look]),
        ),
        (
            "STREAMOFF that waits",
            follow(&programs, &[&stops_late, &on, &off]),
        ),
    ];
    for (what, count) in counts {
        assert!(count >= 10, "{what}: {count} in {PROGRAMS} programs");
    }
}

#[test]
fn controls_are_put_into_requests_and_read_from_them() {
    let programs = swarm();
    let set = |op: &Op| matches!(op, Op::SetControl { request, .. } if request.is_some());
    let queue = |op: &Op| matches!(op, Op::QueueRequest { .. });
    let get = |op: &Op| matches!(op, Op::GetControl { request, .. } if request.is_some());
    let count = follow(&programs, &[&set, &queue, &get]);
    assert!(count >= 20, "{count} in {PROGRAMS} programs");
}

#[test]
fn scenes_are_played_into_programs() {
    let program: Program = "a = open double".parse().unwrap();
    let profile = Profile::default();
    let play = |seed| {
        let donor = Program::default();
        Mutation::Play.apply(&program, &donor, &profile, &mut Seeded::new(seed))
    };
    let longer = (0..100).filter_map(play).filter(|mutant| {
        let added = mutant.steps.len() - program.steps.len();
        mutant.steps.contains(&program.steps[0]) && added >= 5
    });
    let count = longer.count();
    assert!(count > 60, "{count}");
}

#[test]
fn waiting_calls_run_in_threads() {
    let steps: Vec<_> = sample()
        .into_iter()
        .flat_map(|program| program.steps)
        .collect();
    for kind in [OpKind::Streamoff, OpKind::Dqbuf, OpKind::Reqbufs] {
        let count = steps
            .iter()
            .filter(|step| step.asynchronous && step.op.kind() == kind)
            .count();
        assert!(count > 50, "{kind:?}: {count}");
    }
}

#[test]
fn a_recorded_generation_replays() {
    let profile = Profile::default();
    for seed in 0..200 {
        let mut record = Record::new(Seeded::new(seed));
        let program = generate(&mut record, &profile);
        let again = generate(&mut Replay::new(record.into_choices()), &profile);
        assert_eq!(again.steps, program.steps);
    }
}

#[test]
fn a_swarm_switches_operations_off_but_still_runs_jobs() {
    let mut off = 0;
    let mut running = 0;
    for seed in 0..500 {
        let mut choose = Seeded::new(seed);
        let mut profile = Profile::default().swarm(&mut choose);
        // A scene is played with all that belongs to it.
        profile.scene_percent = 0;
        off += OpKind::ALL
            .iter()
            .filter(|kind| profile.weight(**kind) == 0)
            .count();
        let program = generate(&mut choose, &profile);
        let forbidden = |op: &Op| profile.weight(op.kind()) == 0;
        assert!(position(&program, forbidden).is_none(), "{program}");
        running += usize::from(program.cost().runs_job);
    }
    assert!(off > 500 * 5, "{off}");
    assert!(running > 250, "{running}");
}

#[test]
fn inserted_operations_suit_their_place() {
    let mut profile = Profile::default();
    profile.wrong_percent = 0;
    let mut streaming = Program::default();
    let setup = "a = open double ; reqbufs a out mmap 1 ; reqbufs a cap mmap 1 ; qbuf a out 0";
    streaming.steps = setup.parse::<Program>().unwrap().steps;
    let mut useful = 0;
    for seed in 0..400 {
        let mut choose = Seeded::new(seed);
        let donor = Program::default();
        if let Some(mutant) = Mutation::Insert.apply(&streaming, &donor, &profile, &mut choose) {
            useful += mutant
                .steps
                .iter()
                .any(|step| step.to_string() == "qbuf a cap 0") as u32
                + mutant
                    .steps
                    .iter()
                    .any(|step| step.to_string() == "streamon a out") as u32;
        }
    }
    assert!(useful > 40, "{useful}");
}

/// Programs for another driver than the double.
fn foreign(driver: Driver) -> Vec<Program> {
    let program = |seed| {
        let mut choose = Seeded::new(seed);
        let profile = Profile::of(driver).swarm(&mut choose);
        generate(&mut choose, &profile)
    };
    (0..500).map(program).collect()
}

#[test]
fn drivers_are_asked_for_nothing_that_they_do_not_know() {
    for driver in Driver::ALL {
        for program in foreign(driver) {
            let unknown = |op: &Op| !driver.knows(op.kind());
            assert!(position(&program, unknown).is_none(), "{program}");
        }
    }
}

#[test]
fn programs_for_every_driver_run_jobs_and_are_affordable() {
    for driver in Driver::ALL {
        let programs = foreign(driver);
        let running = share(&programs, |program| program.cost_on(driver).runs_job);
        assert!(running > 0.55, "{}: {running}", driver.name());
        let dear = |program: &Program| {
            let cost = program.cost_on(driver);
            cost.time > MAX_TIME || cost.bytes > driver.most_bytes()
        };
        assert_eq!(share(&programs, dear), 0.0, "{}", driver.name());
    }
}

#[test]
fn mutants_for_every_driver_are_affordable() {
    for driver in Driver::ALL {
        let profile = Profile::of(driver);
        let donor = generate(&mut Seeded::new(1), &profile);
        for (seed, program) in (0..).zip(foreign(driver).iter().take(50)) {
            let mut choose = Seeded::new(seed);
            for mutation in Mutation::ALL {
                if let Some(mutant) = mutation.apply(program, &donor, &profile, &mut choose) {
                    let cost = mutant.cost_on(driver);
                    assert!(cost.time <= MAX_TIME && cost.bytes <= driver.most_bytes());
                }
            }
        }
    }
}

#[test]
fn streams_of_a_decoder_begin_change_and_end() {
    let programs = foreign(Driver::VicodecDecoder);
    let with = |kind: OpKind| share(&programs, |p| position(p, |op| op.kind() == kind).is_some());
    for kind in [OpKind::SourceChange, OpKind::DecoderCmd] {
        assert!(with(kind) > 0.15, "{kind:?}: {}", with(kind));
    }
    let header_first = share(&programs, |program| {
        let on = |wanted: Queue| {
            position(
                program,
                move |op| matches!(op, Op::Streamon { queue, .. } if *queue == wanted),
            )
        };
        match (on(Queue::Output), on(Queue::Capture)) {
            (Some(output), Some(capture)) => output < capture,
            _ => false,
        }
    });
    assert!(header_first > 0.3, "{header_first}");
}
