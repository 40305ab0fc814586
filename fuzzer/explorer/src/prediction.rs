//! Whether the kernel did what the model says: every answer of every call, and which buffers had a pending fence after it.

use std::collections::BTreeMap;

use program::{Program, Step};
use trace::{BufferId, Call, Event, FenceId, Kind, Out, Trace};

use crate::{Told, World};

/// `V4L2_BUF_FLAG_ERROR`
const ERROR: u32 = 0x40;
/// `V4L2_BUF_FLAG_LAST`
const LAST: u32 = 0x0010_0000;

/// What the model says of one operation.
#[derive(Clone, Debug)]
struct Moment {
    told: Result<Told, i32>,
    /// Direction and index of the buffers with a pending fence, where that is certain.
    pending: Option<Vec<(bool, u32)>>,
}

/// Where the kernel first did something else than the model says; `fences` says whether the driver attaches as the model does.
pub fn divergence(program: &Program, trace: &Trace, fences: bool) -> Option<String> {
    let mut world = World::new();
    let moments: Vec<_> = program
        .steps
        .iter()
        .map(|step| moment(&mut world, step))
        .collect();
    let mut ledger = Pending::default();
    trace.events.iter().find_map(|event| match event {
        Event::Ledger(record) => {
            ledger.record(&record.kind);
            None
        }
        Event::Call(call) => {
            let step = program.steps.get(usize::from(call.op))?;
            let moment = &moments[usize::from(call.op)];
            let wrong = answer(moment, call).or_else(|| {
                let comparable = fences && !step.asynchronous;
                let pending = moment.pending.as_ref().filter(|_| comparable);
                pending.and_then(|pending| ledger.differs(pending))
            });
            wrong.map(|wrong| format!("operation {}, {step}: {wrong}", call.op + 1))
        }
        _ => None,
    })
}

fn moment(world: &mut World, step: &Step) -> Moment {
    let told = world.apply(step);
    let pending = world.pending();
    Moment { told, pending }
}

fn answer(moment: &Moment, call: &Call) -> Option<String> {
    let agrees = match (&moment.told, &call.result) {
        (Err(one), Err(other)) => one == other,
        (Ok(told), Ok(out)) => is(*told, out),
        _ => false,
    };
    (!agrees).then(|| {
        format!(
            "the model expects {:?}, the kernel answered {:?}",
            moment.told, call.result
        )
    })
}

fn is(told: Told, out: &Out) -> bool {
    match (told, out) {
        (Told::Done | Told::Anything, _) => true,
        (Told::Count(expected), Out::Buffers { count, .. }) => expected == *count,
        (
            Told::Buffer { index, error, last },
            Out::Buffer {
                index: seen, flags, ..
            },
        ) => index == *seen && error == (flags & ERROR != 0) && last == (flags & LAST != 0),
        (Told::Waits(waits), Out::Sync(info)) => waits == (info.status == 0),
        (Told::Waits(waits), Out::Polled { revents }) => waits == (*revents == 0),
        (Told::Polled(expected), Out::Polled { revents }) => expected == *revents,
        _ => false,
    }
}

/// The fences that the ledger knows to be pending.
#[derive(Default)]
struct Pending(BTreeMap<FenceId, BufferId>);

impl Pending {
    fn record(&mut self, kind: &Kind) {
        match *kind {
            Kind::Attach { fence, buffer, .. } => {
                self.0.insert(fence, buffer);
            }
            Kind::Signal { fence, .. } => {
                self.0.remove(&fence);
            }
            _ => {}
        }
    }

    fn differs(&self, expected: &[(bool, u32)]) -> Option<String> {
        let mut seen: Vec<_> = self
            .0
            .values()
            .map(|buffer| (buffer.output, buffer.index))
            .collect();
        let mut expected = expected.to_vec();
        seen.sort_unstable();
        expected.sort_unstable();
        (seen != expected).then(|| {
            format!(
                "the model expects {}, the ledger has {}",
                listed(&expected),
                listed(&seen)
            )
        })
    }
}

fn listed(buffers: &[(bool, u32)]) -> String {
    let name = |(output, index): &(bool, u32)| {
        format!("{} {index}", if *output { "OUTPUT" } else { "CAPTURE" })
    };
    match buffers {
        [] => "no pending fence".to_owned(),
        _ => format!(
            "pending fences on {}",
            buffers.iter().map(name).collect::<Vec<_>>().join(" and ")
        ),
    }
}
