//! Whatever the trace, the judge neither panics nor changes its mind.

mod support;

use judge::{Class, Expectation, Invariant, features, judge, judge_with, notes, story, to_json};
use program::{
    Access, Dmabuf, Driver, Exporter, File, Interest, Memory, Micros, Op, OpKind, Program, Queue,
    Step, Sync, Wait,
};
use proptest::prelude::*;
use trace::*;

fn queue() -> impl Strategy<Value = Queue> {
    prop_oneof![Just(Queue::Output), Just(Queue::Capture)]
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![
        Just(Access::Read),
        Just(Access::Write),
        Just(Access::ReadWrite)
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let file = || (0..2u8).prop_map(File);
    let dmabuf = || (0..3u8).prop_map(Dmabuf);
    let sync = || (0..3u8).prop_map(Sync);
    let memory = proptest::sample::select(Memory::ALL);
    prop_oneof![
        proptest::sample::select(OpKind::ALL).prop_map(OpKind::blank),
        file().prop_map(Op::open),
        file().prop_map(|file| Op::CloseFile { file }),
        (file(), queue(), memory, 0..3u32).prop_map(|(file, queue, memory, count)| Op::Reqbufs {
            file,
            queue,
            memory,
            count
        }),
        (file(), queue(), 0..3u32, proptest::option::of(dmabuf()))
            .prop_map(|(file, queue, index, dmabuf)| Op::qbuf(file, queue, index, dmabuf)),
        (file(), queue(), 0..3u32, proptest::option::of(dmabuf()))
            .prop_map(|(file, queue, index, dmabuf)| Op::prepare_buf(file, queue, index, dmabuf)),
        (file(), queue(), proptest::sample::select(Wait::ALL))
            .prop_map(|(file, queue, wait)| Op::Dqbuf { file, queue, wait }),
        (dmabuf(), file(), queue(), 0..3u32)
            .prop_map(|(dmabuf, file, queue, index)| Op::expbuf(dmabuf, file, queue, index)),
        (file(), queue()).prop_map(|(file, queue)| Op::Streamon { file, queue }),
        (file(), queue()).prop_map(|(file, queue)| Op::Streamoff { file, queue }),
        (sync(), dmabuf(), access()).prop_map(|(sync, dmabuf, access)| Op::ExportSync {
            sync,
            dmabuf,
            access
        }),
        (dmabuf(), sync(), access()).prop_map(|(dmabuf, sync, access)| Op::ImportSync {
            dmabuf,
            sync,
            access
        }),
        (sync(), sync(), sync()).prop_map(|(sync, a, b)| Op::Merge { sync, a, b }),
        sync().prop_map(|sync| Op::SwSync { sync }),
        sync().prop_map(|sync| Op::Signal { sync }),
        (dmabuf(), proptest::sample::select(Exporter::ALL)).prop_map(|(dmabuf, exporter)| {
            Op::Allocate {
                dmabuf,
                exporter,
                bytes: 4096,
            }
        }),
        (dmabuf(), Just(Interest::In)).prop_map(|(dmabuf, interest)| Op::PollDmabuf {
            dmabuf,
            interest,
            timeout: Micros(1)
        }),
        dmabuf().prop_map(|dmabuf| Op::Check { dmabuf }),
    ]
}

fn program() -> impl Strategy<Value = Program> {
    let step = (op(), proptest::bool::weighted(0.2));
    let step = step.prop_map(|(op, asynchronous)| Step { op, asynchronous });
    proptest::collection::vec(step, 0..24).prop_map(|steps| Program { steps })
}

fn fence() -> impl Strategy<Value = FenceId> {
    (0..4u32, 0..3u64).prop_map(|(context, seqno)| FenceId { context, seqno })
}

fn buffer() -> impl Strategy<Value = BufferId> {
    (1..4u32, any::<bool>(), 0..2u32).prop_map(|(queue, output, index)| BufferId {
        queue,
        output,
        index,
    })
}

fn phase() -> impl Strategy<Value = Phase> {
    proptest::sample::select(vec![
        Phase::Start,
        Phase::FirstStore,
        Phase::LastStore,
        Phase::End,
    ])
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        fence().prop_map(|fence| Kind::Init { fence }),
        (fence(), buffer(), 0..2u32, 0..5u32).prop_map(|(fence, buffer, plane, usage)| {
            Kind::Attach {
                fence,
                buffer,
                plane,
                usage,
                resv: 0,
            }
        }),
        (fence(), -5..1i32).prop_map(|(fence, error)| Kind::Signal { fence, error }),
        fence().prop_map(|fence| Kind::Destroy { fence }),
        buffer().prop_map(|buffer| Kind::Queue { buffer }),
        (buffer(), 3..7u32).prop_map(|(buffer, state)| Kind::Done { buffer, state }),
        (buffer(), 0..3u64, phase()).prop_map(|(buffer, job, phase)| Kind::Job {
            buffer,
            job,
            phase
        }),
    ]
}

fn sync_info() -> impl Strategy<Value = SyncInfo> {
    let fence = (-5..2i32, any::<i64>(), proptest::option::of(fence()));
    let fence = fence.prop_map(|(status, timestamp, id)| FenceInfo {
        driver: "vb2".to_owned(),
        status,
        timestamp,
        id,
    });
    (-5..2i32, proptest::collection::vec(fence, 0..3))
        .prop_map(|(status, fences)| SyncInfo { status, fences })
}

fn content() -> impl Strategy<Value = Content> {
    let stamp = (0..3u64, any::<i64>()).prop_map(|(job, time)| Stamp { job, time });
    (proptest::option::of(stamp), 0..3u32, 0..3u32, 0..3u64).prop_map(
        |(stamp, good_words, words, hash)| Content {
            stamp,
            good_words,
            words,
            hash,
        },
    )
}

fn out() -> impl Strategy<Value = Out> {
    prop_oneof![
        Just(Out::Done),
        (any::<u32>(), 0..4u32).prop_map(|(index, count)| Out::Buffers { index, count }),
        (0..3u32, any::<u32>()).prop_map(|(index, flags)| Out::Buffer {
            index,
            flags,
            bytesused: 0,
            length: 0,
            sequence: 0,
        }),
        sync_info().prop_map(Out::Sync),
        any::<u16>().prop_map(|revents| Out::Polled { revents }),
        content().prop_map(Out::Content),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let result = prop_oneof![3 => out().prop_map(Ok), 1 => any::<i32>().prop_map(Err)];
    let looked = prop_oneof![Just(Looked::Sync), Just(Looked::Dmabuf)];
    let look = prop_oneof![
        (0..3u8, sync_info()).prop_map(|(slot, info)| Look::Sync { slot, info }),
        (0..3u8, content()).prop_map(|(slot, content)| Look::Dmabuf { slot, content }),
        (0..3u8, any::<u16>()).prop_map(|(slot, revents)| Look::Poll { slot, revents }),
        (looked, 0..3u8, any::<i32>()).prop_map(|(what, slot, errno)| Look::Failed {
            what,
            slot,
            errno
        }),
    ];
    let marks = vec![
        Mark::ProgramEnd,
        Mark::Quiet,
        Mark::VideoClosed,
        Mark::AllClosed,
    ];
    let irqs = vec![Irqs::On, Irqs::Off, Irqs::Handler];
    let deaths = vec![Death::Panic, Death::Hang, Death::Lost];
    prop_oneof![
        2 => (0..26u16, any::<u64>()).prop_map(|(op, time)| Event::Begin { op, time }),
        8 => (0..26u16, 0..9u64, 0..9u64, result)
            .prop_map(|(op, start, end, result)| Event::Call(Call { op, start, end, result })),
        16 => (0..9u64, proptest::sample::select(irqs), kind())
            .prop_map(|(time, irqs, kind)| Event::Ledger(Record { time, irqs, kind })),
        4 => look.prop_map(Event::Look),
        1 => (0..8u8, ".{0,20}").prop_map(|(level, text)| Event::Log { level, text }),
        1 => (proptest::sample::select(marks), any::<u64>())
            .prop_map(|(mark, time)| Event::Mark { mark, time }),
        1 => any::<u16>().prop_map(|op| Event::Stuck { op }),
        1 => proptest::sample::select(deaths).prop_map(|how| Event::Died { how }),
    ]
}

fn trace() -> impl Strategy<Value = Trace> {
    proptest::collection::vec(event(), 0..80).prop_map(|events| Trace { events })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nonsense_is_judged_without_a_panic_and_always_alike(program in program(), trace in trace()) {
        let first = judge(&program, &trace);
        prop_assert_eq!(&first, &judge(&program, &trace));
        prop_assert!(first.iter().all(|violation| violation.event <= trace.events.len()));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&to_json(&first)).is_ok());
    }

    #[test]
    fn features_are_a_set_and_always_alike(program in program(), trace in trace()) {
        let first = features(&program, &trace);
        prop_assert!(first.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(first, features(&program, &trace));
    }

    #[test]
    fn a_lost_record_leaves_only_what_the_ledger_does_not_tell(program in program(), trace in trace()) {
        let mut lossy = trace.clone();
        lossy.events.push(Event::LedgerLost { count: 1 });
        let direct = [
            Invariant::I1,
            Invariant::I20,
            Invariant::I21,
            Invariant::I23,
            Invariant::I24,
            Invariant::I27,
            Invariant::I28,
        ];
        let judged = judge(&program, &lossy);
        prop_assert!(judged.iter().all(|violation| direct.contains(&violation.invariant)));
        prop_assert_eq!(notes(&lossy).len(), 1);
    }

    #[test]
    fn the_reference_model_survives_any_trace(program in program(), trace in trace(), driver in prop::sample::select(&Driver::ALL)) {
        let expectation = Expectation::of(driver, true);
        let once = story(&expectation, &program, &trace);
        prop_assert_eq!(&once, &story(&expectation, &program, &trace));
        prop_assert!(once.predicted <= once.calls);
        let told = judge_with(&expectation, &program, &trace).into_iter();
        let told = told.filter(|violation| violation.invariant == Invariant::M1);
        prop_assert_eq!(told.count(), once.differences.len());
    }

    #[test]
    fn expecting_less_finds_no_more(program in program(), trace in trace()) {
        let little = Expectation { opted_in: false, tells_jobs: false, ..Expectation::default() };
        let few = judge_with(&little, &program, &trace);
        let all = judge(&program, &trace);
        prop_assert!(few.iter().all(|violation| all.contains(violation)));
    }
}

#[test]
fn exit_codes_are_those_of_the_classes() {
    let codes = [
        (Class::Timing, 10),
        (Class::EarlyRelease, 11),
        (Class::Lifecycle, 12),
        (Class::Status, 13),
        (Class::Splat, 14),
        (Class::Model, 16),
    ];
    for (class, code) in codes {
        assert_eq!(class.exit_code(), code);
    }
    let class = |invariant: Invariant| invariant.class();
    use Invariant::*;
    assert!(
        [I1, I11, I12, I18]
            .map(class)
            .iter()
            .all(|class| *class == Class::Timing)
    );
    assert!(
        [I6, I8, I9]
            .map(class)
            .iter()
            .all(|class| *class == Class::EarlyRelease)
    );
    assert!(
        [I2, I4, I5, I21]
            .map(class)
            .iter()
            .all(|class| *class == Class::Lifecycle)
    );
    assert_eq!((I17.class(), I27.class()), (Class::Status, Class::Splat));
    assert_eq!(M1.class(), Class::Model);
}

#[test]
fn every_invariant_has_its_number_and_promise() {
    let names: Vec<String> = Invariant::ALL.iter().map(ToString::to_string).collect();
    let contract = (1..=32).map(|number| format!("I{number}"));
    let numbers: Vec<String> = contract.chain(["M1".to_owned()]).collect();
    assert_eq!(names, numbers);
    assert!(
        Invariant::ALL
            .iter()
            .all(|invariant| !invariant.title().is_empty())
    );
}

#[test]
fn a_title_is_the_same_whatever_the_numbers() {
    let late = |wait: u64| {
        let mut run = support::exported();
        run.wait(wait).cut(-5).ok("advance 1ms");
        run.finds(Invariant::I1).title()
    };
    assert_eq!(late(3001 * support::MS), late(4567 * support::MS + 890));
    assert_eq!(late(3001 * support::MS), "I1: it took *.* ms");
}

#[test]
fn json_tells_class_and_exit_code() {
    let mut run = support::exported();
    run.ok("streamoff a cap");
    let json: serde_json::Value = serde_json::from_str(&to_json(&run.judge())).unwrap();
    let first = &json[0];
    assert_eq!(
        (&first["invariant"], &first["class"]),
        (&"I18".into(), &"timing".into())
    );
    assert_eq!(
        (&first["exit_code"], &first["op"]),
        (&10.into(), &12.into())
    );
    assert_eq!(first["fence"]["seqno"], 1);
}

#[test]
fn the_first_violation_is_the_one_seen_first() {
    let mut run = support::exported();
    run.ok("streamoff a cap")
        .log(3, "odd")
        .ok("streamoff a out");
    let order: Vec<_> = run
        .judge()
        .iter()
        .map(|violation| violation.invariant)
        .collect();
    use Invariant::{I18, I26, I27};
    assert_eq!(order, [I18, I26, I27, I18, I26]);
}

#[test]
fn states_make_features() {
    let plain = support::whole();
    let seen = features(&plain.program, &plain.trace);
    assert!(
        seen.len() > 10 && seen.len() <= plain.program.steps.len(),
        "{}",
        seen.len()
    );
    let mut other = support::exported();
    other.wait(support::MS).cut(-5).ok("streamoff a cap");
    let new = features(&other.program, &other.trace);
    assert!(new.iter().any(|feature| !seen.contains(feature)));
}
