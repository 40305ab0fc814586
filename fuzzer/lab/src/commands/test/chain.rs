//! Two stages: what one writes, the next reads. Their fences meet in one reservation object, nobody waits in the kernel, and
//! who waits in userspace reads a whole frame.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use trace::{Event, Kind, Phase, Trace};

use super::{Check, Context};
use crate::{
    commands::run,
    rig::{self, RigArgs},
    target::uml::double::{Node, Shape},
};

/// Time of the guest that a chain may take.
const LIMIT: Duration = Duration::from_secs(30);

/// `enum dma_resv_usage`
const WRITE: u32 = 1;
const READ: u32 = 2;

/// Checks of chains.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "chain: QBUF of a buffer that is still written to does not wait, and neither does the job",
            |context| {
                let chain = Chain::run(context, "none")?;
                ensure!(
                    chain.said.ends_with("early true"),
                    "it said «{}»",
                    chain.said
                );
                let (first, second) = (chain.at(1, Phase::LastStore)?, chain.at(2, Phase::End)?);
                ensure!(second < first, "the second stage waited for the first");
                Ok(())
            },
        ),
        Check::new(
            "chain: a second stage that polled the dma-buf reads a whole frame",
            |context| {
                let chain = Chain::run(context, "poll")?;
                ensure!(
                    chain.said.ends_with("early false"),
                    "it said «{}»",
                    chain.said
                );
                let (first, second) = (chain.at(1, Phase::LastStore)?, chain.at(2, Phase::Start)?);
                ensure!(
                    first < second,
                    "the second stage began before the first ended"
                );
                Ok(())
            },
        ),
    ]
}

/// What a chain did.
struct Chain {
    said: String,
    trace: Trace,
}

impl Chain {
    fn run(context: &Context, wait: &str) -> anyhow::Result<Self> {
        let args = RigArgs {
            shape: Shape {
                nodes: vec![Node::Decoder, Node::M2m],
                memory: None,
            },
            ..RigArgs::default()
        };
        let mut rig = rig::ready(&context.options, &args)?;
        let argv = ["/init", "--chain", wait].map(str::to_owned);
        let executed = rig.target.exec(&argv, LIMIT)?.ended()?;
        let errors = String::from_utf8_lossy(&executed.errors);
        ensure!(run::failure(executed.end).is_none(), "{errors}");
        let violations = run::judged(args.expectation(), &executed.trace);
        ensure!(violations.is_empty(), "the judge found: {violations:#?}");
        let chain = Self {
            said: String::from_utf8_lossy(&executed.output).trim().to_owned(),
            trace: executed.trace,
        };
        let took = chain
            .said
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok());
        let took = Duration::from_nanos(took.context("how long QBUF took")?);
        ensure!(took < Duration::from_millis(1), "QBUF took {took:?}");
        chain.meets()?;
        Ok(chain)
    }

    /// The fence of the writer and that of the reader are in one reservation object.
    fn meets(&self) -> anyhow::Result<()> {
        let attached = |usage_asked: u32, stage: u64| {
            let queues: Vec<u32> = self.jobs(stage).map(|(_, queue, _)| queue).collect();
            self.kinds().find_map(|(_, kind)| match kind {
                Kind::Attach {
                    buffer,
                    usage,
                    resv,
                    ..
                } if usage == usage_asked && queues.contains(&buffer.queue) => Some(resv),
                _ => None,
            })
        };
        let (writer, reader) = (attached(WRITE, 1), attached(READ, 2));
        ensure!(
            writer.is_some() && writer == reader,
            "the writer's fence is in {writer:?}, the reader's in {reader:?}"
        );
        Ok(())
    }

    /// When the job of a stage came to that phase.
    fn at(&self, stage: u64, phase: Phase) -> anyhow::Result<usize> {
        let found = self.jobs(stage).find(|(_, _, at)| *at == phase);
        let (index, ..) = found.with_context(|| format!("stage {stage} has no {phase:?}"))?;
        Ok(index)
    }

    fn jobs(&self, stage: u64) -> impl Iterator<Item = (usize, u32, Phase)> {
        self.kinds().filter_map(move |(index, kind)| match kind {
            Kind::Job { buffer, job, phase } if job >> 20 == stage => {
                Some((index, buffer.queue, phase))
            }
            _ => None,
        })
    }

    fn kinds(&self) -> impl Iterator<Item = (usize, Kind)> {
        let events = self.trace.events.iter().enumerate();
        events.filter_map(|(index, event)| match event {
            Event::Ledger(record) => Some((index, record.kind)),
            _ => None,
        })
    }
}
