//! What the ledger's records of a run add up to.

use std::collections::HashMap;

use trace::wire::FenceCounts;
use trace::{FenceId, Kind, Phase};

/// Running totals, and what is not finished yet.
#[derive(Default)]
pub(crate) struct Tally {
    fences: HashMap<FenceId, Fence>,
    jobs: Vec<u64>,
    jobs_are_told: bool,
    with_driver: u64,
    destroyed: u64,
}

#[derive(Default)]
struct Fence {
    attached: bool,
    signalled: bool,
    initialised: bool,
}

impl Tally {
    /// Counts a record.
    pub(crate) fn count(&mut self, kind: &Kind) {
        match kind {
            Kind::Init { fence } => self.fence(fence).initialised = true,
            Kind::Attach { fence, .. } => self.fence(fence).attached = true,
            Kind::Signal { fence, .. } => self.fence(fence).signalled = true,
            Kind::Destroy { .. } => self.destroyed += 1,
            Kind::Job { job, phase, .. } => self.job(*job, *phase),
            Kind::Queue { .. } => self.with_driver += 1,
            Kind::Done { .. } => self.with_driver = self.with_driver.saturating_sub(1),
            Kind::Again { .. } | Kind::Userptr { .. } => {}
        }
    }

    fn job(&mut self, job: u64, phase: Phase) {
        self.jobs_are_told = true;
        match phase {
            Phase::Start if !self.jobs.contains(&job) => self.jobs.push(job),
            Phase::End => self.jobs.retain(|known| *known != job),
            _ => {}
        }
    }

    fn fence(&mut self, id: &FenceId) -> &mut Fence {
        self.fences.entry(*id).or_default()
    }

    /// True while a hardware job may run or an attached fence has not signalled. Of a driver that tells no jobs any
    /// buffer that it holds may be in one.
    pub(crate) fn unfinished(&self) -> bool {
        let runs = !self.jobs.is_empty() || (!self.jobs_are_told && self.with_driver > 0);
        let mut fences = self.fences.values();
        runs || fences.any(|fence| fence.attached && !fence.signalled)
    }

    /// The totals for the report.
    pub(crate) fn totals(&self) -> FenceCounts {
        let number = |of: fn(&Fence) -> bool| self.fences.values().filter(|f| of(f)).count() as u64;
        FenceCounts {
            attached: number(|fence| fence.attached),
            signalled: number(|fence| fence.signalled),
            destroyed: self.destroyed,
            pending: number(|fence| fence.initialised && !fence.signalled),
        }
    }
}

#[cfg(test)]
mod tests {
    use trace::BufferId;

    use super::*;

    const FENCE: FenceId = FenceId {
        context: 1,
        seqno: 1,
    };
    const BUFFER: BufferId = BufferId {
        queue: 1,
        output: false,
        index: 0,
    };

    fn tally(kinds: &[Kind]) -> Tally {
        let mut tally = Tally::default();
        kinds.iter().for_each(|kind| tally.count(kind));
        tally
    }

    #[test]
    fn a_fence_on_two_planes_is_attached_once() {
        let attach = |plane| Kind::Attach {
            fence: FENCE,
            buffer: BUFFER,
            plane,
            usage: 1,
            resv: 1,
        };
        let tally = tally(&[Kind::Init { fence: FENCE }, attach(0), attach(1)]);
        let expected = FenceCounts {
            attached: 1,
            signalled: 0,
            destroyed: 0,
            pending: 1,
        };
        assert_eq!(tally.totals(), expected);
        assert!(tally.unfinished());
    }

    #[test]
    fn a_job_is_unfinished_until_its_end() {
        let job = |phase| Kind::Job {
            buffer: BUFFER,
            job: 5,
            phase,
        };
        assert!(tally(&[job(Phase::Start), job(Phase::Start)]).unfinished());
        let ended = [
            job(Phase::Start),
            job(Phase::Start),
            job(Phase::End),
            job(Phase::End),
        ];
        assert!(!tally(&ended).unfinished());
    }

    #[test]
    fn a_buffer_with_a_driver_that_tells_no_jobs_may_be_in_one() {
        let queue = Kind::Queue { buffer: BUFFER };
        let done = Kind::Done {
            buffer: BUFFER,
            state: 5,
        };
        assert!(tally(&[queue]).unfinished());
        assert!(!tally(&[queue, done]).unfinished());
        let ended = Kind::Job {
            buffer: BUFFER,
            job: 5,
            phase: Phase::End,
        };
        assert!(!tally(&[queue, ended]).unfinished());
    }

    #[test]
    fn a_preallocated_fence_that_was_never_attached_keeps_nobody_waiting() {
        assert!(!tally(&[Kind::Init { fence: FENCE }]).unfinished());
    }
}
