//! The engine's own logic, on a target that is a few lines of script: no kernel is imitated here, only its ways to end a run.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, atomic::AtomicU64},
};

use anyhow::{Result, bail};
use engine::{
    Bound, Campaign, DETERMINISM, Ended, Events, Finding, Key, Outcome, Ran, Resumed, Stats,
    Strategy, Target,
};
use program::{Op, Program};
use trace::{
    Call, Death, Event, Out, Trace,
    wire::{Hello, Reply, Report, Request, VERSION},
};

/// What the script does when a program has the operation `reload double`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reload {
    /// Nothing special.
    Works,
    /// The kernel panics.
    Panics,
    /// The kernel panics unless the program is the first one since the boot.
    PanicsLater,
    /// The kernel panics, but after the first program since the boot it says something else.
    PanicsOtherwise,
    /// It takes longer each time.
    Drifts,
    /// It takes longer each time, but like the first time after a boot.
    Remembers,
    /// It leaks memory, as the boot does.
    Leaks,
}

struct Script {
    reload: Reload,
    boots: u64,
    since_boot: u64,
    runs: u64,
    alive: bool,
    leaked: Vec<&'static str>,
}

impl Script {
    fn new(reload: Reload) -> Script {
        Script {
            reload,
            boots: 0,
            since_boot: 0,
            runs: 0,
            alive: false,
            leaked: Vec::new(),
        }
    }

    fn report(&self, program: &Program) -> Report {
        let calls = program.steps.iter().enumerate().map(|(index, step)| {
            let drift = match self.reload {
                Reload::Drifts if step.op == Op::Reload => self.runs,
                Reload::Remembers if step.op == Op::Reload => self.since_boot,
                _ => 0,
            };
            let (op, start) = (index as u16, index as u64 * 1000);
            Event::Call(Call {
                op,
                start,
                end: start + drift,
                result: Ok(Out::Done),
            })
        });
        let cells: BTreeSet<u16> = program.steps.windows(2).map(cell).collect();
        let coverage = cells.into_iter().map(|cell| (cell, 1)).collect();
        Report {
            trace: Trace {
                events: calls.collect(),
            },
            coverage,
            ..Report::default()
        }
    }
}

/// A pair of operation kinds that follow one another is "new code".
fn cell<T: KindOf>(pair: &[T]) -> u16 {
    let mut hasher = DefaultHasher::new();
    pair.iter().for_each(|step| step.kind().hash(&mut hasher));
    hasher.finish() as u16
}

trait KindOf {
    fn kind(&self) -> std::mem::Discriminant<Op>;
}

impl KindOf for program::Step {
    fn kind(&self) -> std::mem::Discriminant<Op> {
        std::mem::discriminant(&self.op)
    }
}

impl Target for Script {
    fn boot(&mut self) -> Result<Hello> {
        self.boots += 1;
        self.since_boot = 0;
        self.alive = true;
        self.leaked = vec!["boot"];
        Ok(Hello {
            version: VERSION,
            kernel: "script".into(),
            features: Vec::new(),
        })
    }

    fn run(&mut self, program: &Program, _coverage: bool) -> Result<Ran> {
        assert!(self.alive, "the engine used a kernel that had died");
        self.runs += 1;
        self.since_boot += 1;
        let reloads = program.steps.iter().any(|step| step.op == Op::Reload);
        let dies = match self.reload {
            Reload::Panics | Reload::PanicsOtherwise => reloads,
            Reload::PanicsLater => reloads && self.since_boot > 1,
            Reload::Works | Reload::Drifts | Reload::Remembers | Reload::Leaks => false,
        };
        if reloads && self.reload == Reload::Leaks {
            self.leaked.push("reload");
        }
        if dies {
            self.alive = false;
            let why = match self.reload {
                Reload::PanicsOtherwise if self.since_boot > 1 => "another",
                _ => "script",
            };
            return Ok(Ran::Died {
                how: Death::Panic,
                log: vec![format!("Kernel panic - not syncing: {why}")],
            });
        }
        Ok(Ran::Report(Box::new(self.report(program))))
    }

    fn request(&mut self, request: Request) -> Result<Reply> {
        match request {
            Request::Kmemleak => {
                let leaked = std::mem::take(&mut self.leaked);
                Ok(Reply::Leaks(Some(
                    leaked.into_iter().flat_map(unreferenced).collect(),
                )))
            }
            other => bail!("the script knows no {other:?}"),
        }
    }
}

/// kmemleak's report of one object.
fn unreferenced(function: &str) -> [String; 3] {
    let frame = format!("    {function}+0x1/0x2");
    [
        "unreferenced object <address> (size 96):".into(),
        "  backtrace (crc 0):".into(),
        frame,
    ]
}

#[derive(Default)]
struct Quiet {
    interrupt_after: Option<u64>,
    programs: u64,
    suspects: Vec<Key>,
    findings: usize,
    kept: Vec<String>,
    /// Programs that broke something and are not settled.
    open: BTreeSet<String>,
    /// What another instance would find.
    others: Vec<Program>,
    taken: Vec<Key>,
}

impl Events for Quiet {
    fn progress(&mut self, stats: &Stats) {
        self.programs = stats.programs;
    }

    fn suspect(&mut self, key: &Key) {
        self.suspects.push(key.clone());
    }

    fn finding(&mut self, _finding: &Finding) -> Result<()> {
        self.findings += 1;
        Ok(())
    }

    fn kept(&mut self, program: &Program) -> Result<()> {
        self.kept.push(program.to_string());
        Ok(())
    }

    fn broke(&mut self, program: &Program) -> Result<()> {
        self.open.insert(program.to_string());
        Ok(())
    }

    fn settled(&mut self, program: &Program) -> Result<()> {
        self.open.remove(&program.to_string());
        Ok(())
    }

    fn claim(&mut self, key: &Key) -> bool {
        !self.taken.contains(key)
    }

    fn others(&mut self) -> Vec<Program> {
        std::mem::take(&mut self.others)
    }

    fn interrupted(&self) -> bool {
        self.interrupt_after
            .is_some_and(|most| self.programs >= most)
    }
}

fn plan(programs: u64) -> Campaign {
    Campaign {
        strategy: Strategy::Search,
        seed: 7,
        bound: Bound::Programs(programs),
        seeds: vec!["a = open double\nclose a\n".parse().unwrap()],
        driver: program::Driver::Double,
        expectation: judge::Expectation::default(),
        resumed: Resumed::default(),
        ran: Arc::default(),
        stop_after: None,
        minimise_budget: 500,
        leak_checks: false,
    }
}

fn run(plan: &Campaign, reload: Reload) -> (Outcome, Quiet) {
    let mut quiet = Quiet::default();
    let outcome = engine::campaign(plan, &mut Script::new(reload), &mut quiet).unwrap();
    (outcome, quiet)
}

#[test]
fn a_seed_repeats_a_campaign() {
    let runs = [0; 2].map(|_| {
        let (outcome, quiet) = run(&plan(2000), Reload::Works);
        assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
        assert_eq!(
            (outcome.ended, outcome.stats.programs),
            (Ended::Bound, 2000)
        );
        let stats = outcome.stats;
        (stats.coverage, stats.operations, quiet.kept)
    });
    assert_eq!(runs[0], runs[1]);
    let kept = &runs[0].2;
    assert!(kept.len() > 20, "{} programs were kept", kept.len());
    assert!(kept.iter().all(|text| text.parse::<Program>().is_ok()));
}

#[test]
fn what_was_kept_is_read_again_and_does_not_count() {
    let (_, first) = run(&plan(500), Reload::Works);
    let corpus: Vec<Program> = first
        .kept
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    let resumed = Campaign {
        resumed: Resumed {
            corpus: corpus.clone(),
            ..Resumed::default()
        },
        seeds: Vec::new(),
        ran: Arc::new(AtomicU64::new(500)),
        ..plan(600)
    };
    let (outcome, second) = run(&resumed, Reload::Works);
    assert_eq!(outcome.stats.programs, 100, "the bound is for all parts");
    assert!(outcome.stats.corpus >= corpus.len() / 2);
    assert_eq!(second.kept[0], first.kept[0]);
}

#[test]
fn a_suspect_is_told_before_triage_and_settled_after_it() {
    let (outcome, quiet) = run(&plan(3000), Reload::Panics);
    assert_eq!((outcome.findings.len(), quiet.open.len()), (1, 0));
    let left = Campaign {
        resumed: Resumed {
            suspects: vec![outcome.findings[0].original.clone()],
            ..Resumed::default()
        },
        strategy: Strategy::Seeds,
        ..plan(10)
    };
    let (again, _) = run(&left, Reload::Panics);
    assert_eq!(again.findings.len(), 1, "the suspect was not looked into");
    assert_eq!(again.stats.programs, 1, "only the seed counts");
}

#[test]
fn a_finding_is_made_once_by_all_instances_and_parts() {
    let (outcome, _) = run(&plan(3000), Reload::Panics);
    let finding = &outcome.findings[0];
    let keys: Vec<_> = finding.violations.iter().map(Key::of).collect();
    let known = Campaign {
        resumed: Resumed {
            known: keys.clone(),
            ..Resumed::default()
        },
        ..plan(3000)
    };
    let (outcome, _) = run(&known, Reload::Panics);
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    let mut quiet = Quiet {
        taken: keys,
        ..Quiet::default()
    };
    let outcome = engine::campaign(&plan(3000), &mut Script::new(Reload::Panics), &mut quiet);
    let findings = outcome.unwrap().findings;
    assert!(findings.is_empty(), "{findings:?}");
    assert!(
        quiet.open.is_empty(),
        "who does not look into it lets it go"
    );
}

#[test]
fn what_another_instance_kept_is_learnt_from() {
    let text = "a = open double\nadvance 3ms\nreload double\nadvance 4ms\nadvance 5ms\n";
    let mut quiet = Quiet {
        others: vec![text.parse().unwrap()],
        ..Quiet::default()
    };
    engine::campaign(&plan(300), &mut Script::new(Reload::Works), &mut quiet).unwrap();
    assert!(quiet.others.is_empty());
    assert!(quiet.kept.iter().any(|kept| kept == text));
}

#[test]
fn another_seed_is_another_campaign() {
    let (one, _) = run(&plan(500), Reload::Works);
    let (other, _) = run(
        &Campaign {
            seed: 8,
            ..plan(500)
        },
        Reload::Works,
    );
    assert_ne!(one.stats.operations, other.stats.operations);
}

#[test]
fn a_death_is_found_once_replayed_and_minimised() {
    let (outcome, quiet) = run(&plan(3000), Reload::Panics);
    let [finding] = &outcome.findings[..] else {
        panic!("{:?}", outcome.findings)
    };
    assert_eq!((finding.reproduced, finding.exit_code), (3, 14));
    assert_eq!(finding.program.to_string(), "reload double\n");
    assert!(finding.original.steps.len() > 1);
    assert_eq!(
        finding.trace.events.last(),
        Some(&Event::Died { how: Death::Panic })
    );
    assert_eq!((quiet.suspects.len(), quiet.findings), (1, 1));
    assert_eq!(outcome.stats.programs, 3000, "a finding ended the campaign");
}

#[test]
fn a_campaign_stops_after_so_many_findings() {
    let (outcome, _) = run(
        &Campaign {
            stop_after: Some(1),
            ..plan(5000)
        },
        Reload::Panics,
    );
    assert_eq!((outcome.ended, outcome.findings.len()), (Ended::Found, 1));
}

#[test]
fn a_death_that_a_fresh_boot_does_not_repeat_is_nondeterminism() {
    let (outcome, _) = run(
        &Campaign {
            stop_after: Some(1),
            ..plan(5000)
        },
        Reload::PanicsLater,
    );
    let finding = &outcome.findings[0];
    assert_eq!((finding.reproduced, finding.exit_code), (0, 15));
    assert!(
        finding.other_trace.is_some(),
        "the replay's trace is kept beside the death"
    );
}

#[test]
fn what_fresh_boots_agree_on_is_the_finding() {
    let mut plan = plan(3000);
    plan.stop_after = Some(1);
    let (outcome, quiet) = run(&plan, Reload::PanicsOtherwise);
    assert!(quiet.suspects[0].to_string().contains("another"));
    let finding = &outcome.findings[0];
    assert!(finding.repeats());
    assert!(finding.key.title.contains("script"), "{}", finding.key);
    assert_eq!(finding.program.steps.len(), 1);
}

#[test]
fn a_trace_that_does_not_repeat_is_a_finding() {
    let (outcome, _) = run(
        &Campaign {
            stop_after: Some(1),
            ..plan(2000)
        },
        Reload::Drifts,
    );
    let finding = &outcome.findings[0];
    assert_eq!(
        (finding.key.invariant.as_str(), finding.exit_code),
        (DETERMINISM, 15)
    );
    assert_ne!(Some(&finding.trace), finding.other_trace.as_ref());
}

#[test]
fn a_trace_that_repeats_on_fresh_boots_is_counted_and_no_finding() {
    let (outcome, _) = run(&plan(2000), Reload::Remembers);
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    assert!(outcome.stats.history_dependent > 0);
}

#[test]
fn a_leak_is_pinned_on_the_program_that_leaks() {
    let (outcome, _) = run(
        &Campaign {
            leak_checks: true,
            ..plan(1500)
        },
        Reload::Leaks,
    );
    let [finding] = &outcome.findings[..] else {
        panic!("{:?}", outcome.findings)
    };
    assert_eq!(finding.key.title, "kmemleak: 96 bytes from reload");
    assert_eq!((finding.reproduced, finding.leaks), (3, true));
    assert_eq!(finding.program.to_string(), "reload double\n");
}

#[test]
fn an_interrupt_ends_a_campaign_with_what_it_has() {
    let mut quiet = Quiet {
        interrupt_after: Some(100),
        ..Quiet::default()
    };
    let outcome =
        engine::campaign(&plan(100_000), &mut Script::new(Reload::Works), &mut quiet).unwrap();
    assert_eq!(
        (outcome.ended, outcome.stats.programs),
        (Ended::Interrupted, 100)
    );
}

#[test]
fn a_kernel_that_does_not_boot_is_an_error() {
    struct Dead;
    impl Target for Dead {
        fn boot(&mut self) -> Result<Hello> {
            bail!("no such kernel")
        }
        fn run(&mut self, _: &Program, _: bool) -> Result<Ran> {
            unreachable!("a kernel that did not boot was used")
        }
        fn request(&mut self, _: Request) -> Result<Reply> {
            unreachable!("a kernel that did not boot was used")
        }
    }
    let error = engine::campaign(&plan(10), &mut Dead, &mut Quiet::default()).unwrap_err();
    assert!(error.to_string().contains("no such kernel"), "{error:#}");
}

#[test]
fn the_seeds_alone_end_a_campaign() {
    let seeds = ["a = open double\n", "b = open double\n", "reload double\n"];
    let seeds: Vec<Program> = seeds.map(|text| text.parse().unwrap()).into();
    let plan = Campaign {
        strategy: Strategy::Seeds,
        seeds,
        ..plan(5000)
    };
    let (outcome, _) = run(&plan, Reload::Panics);
    assert_eq!((outcome.stats.programs, outcome.findings.len()), (3, 1));
    let first = outcome.stats.first.expect("the third seed panics");
    assert_eq!((first.programs, outcome.ended), (3, Ended::Bound));
}

#[test]
fn a_campaign_that_does_not_learn_keeps_nothing() {
    let generated = Campaign {
        strategy: Strategy::Generate,
        ..plan(1000)
    };
    let (outcome, _) = run(&generated, Reload::Works);
    assert_eq!((outcome.stats.programs, outcome.stats.corpus), (1000, 0));
    assert_eq!((outcome.stats.repeated, outcome.stats.first), (0, None));
}

#[test]
fn each_strategy_is_repeated_by_its_seed_and_unlike_the_others() {
    let strategies = [Strategy::Search, Strategy::Generate, Strategy::Blind];
    let campaign = |strategy| {
        let plan = Campaign {
            strategy,
            ..plan(1000)
        };
        let (outcome, _) = run(&plan, Reload::Works);
        (outcome.stats.operations, outcome.stats.coverage)
    };
    let counts: BTreeSet<_> = strategies.map(campaign).into();
    assert_eq!(counts.len(), 3, "two strategies do the same");
    assert_eq!(
        strategies
            .map(campaign)
            .into_iter()
            .collect::<BTreeSet<_>>(),
        counts
    );
}
