// SPDX-License-Identifier: GPL-2.0

//! The hardware's state: which job it runs, and who ends it.
//!
//! A job is ended by exactly one of its completion, the watchdog and an abort. Whoever comes first
//! takes the [`Ended`] out of the engine, and with it the duty to give the buffers back; the writer
//! is dropped in the same step, so nothing is stored after that.

use crate::{
    formats::PerPlane,
    v4l2::mem2mem,
    vb2::{
        trace::{self, Phase},
        ActiveBuffer,
        Buffer,
        Direction,
        State, //
    },
    writer::{Completion, Fault, Plan, Progress, Writer},
};
use core::mem;

#[cfg(orphans)]
use crate::plant::Orphanage;

/// From the watchdog that ends a job to the interrupt that comes too late.
const LATENESS: u64 = 500_000;

/// Why a job ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The hardware is done with it.
    Completed,
    /// It is done, and says that something went wrong.
    Failed,
    /// It took too long.
    Watchdog,
    /// STREAMOFF or close.
    Aborted,
    /// It could not be started.
    Refused,
}

/// Where the buffers of a job are.
pub(crate) enum Hold {
    /// On their ready lists: the job ends for mem2mem when they are given back.
    Listed(mem2mem::Job),
    /// On none, if the job gives them back. For mem2mem the job has ended.
    Taken {
        /// The OUTPUT buffer.
        src: Option<ActiveBuffer>,
        /// The CAPTURE buffer.
        dst: Option<ActiveBuffer>,
    },
}

/// The buffers of a job.
pub(crate) struct Buffers {
    /// Where they are.
    pub(crate) hold: Hold,
    /// The job gives its OUTPUT buffer back: there are no more frames in it.
    pub(crate) gives_src: bool,
    /// The job gives its CAPTURE buffer back: it is not held for the next job.
    pub(crate) gives_dst: bool,
}

impl Buffers {
    /// The buffers of a job that is about to be prepared.
    pub(crate) fn new(m2m: mem2mem::Job, plan: &Plan) -> Self {
        Self {
            gives_src: plan.last_frame,
            gives_dst: !m2m.src().is_some_and(Buffer::holds_capture),
            hold: Hold::Listed(m2m),
        }
    }

    /// The OUTPUT buffer.
    pub(crate) fn src(&self) -> Option<&Buffer> {
        match &self.hold {
            Hold::Listed(m2m) => m2m.src(),
            Hold::Taken { src, .. } => src.as_deref(),
        }
    }

    /// The CAPTURE buffer.
    pub(crate) fn dst(&self) -> Option<&Buffer> {
        match &self.hold {
            Hold::Listed(m2m) => m2m.dst(),
            Hold::Taken { dst, .. } => dst.as_deref(),
        }
    }

    /// The buffers that the job gives back: OUTPUT, CAPTURE.
    pub(crate) fn given(&self) -> [Option<&Buffer>; 2] {
        [
            self.src().filter(|_| self.gives_src),
            self.dst().filter(|_| self.gives_dst),
        ]
    }

    /// Tells of a step of the job, for the buffers that it gives back: those have a fence.
    pub(crate) fn tell(&self, job: u64, phase: Phase) {
        for buffer in self.given().into_iter().flatten() {
            trace::hw_job(buffer, job, phase);
        }
    }

    /// Takes what the job gives back off its ready lists. Answers what mem2mem waits for.
    fn take(&mut self) -> Option<mem2mem::Job> {
        let Hold::Listed(m2m) = &mut self.hold else {
            return None;
        };
        let src = if self.gives_src {
            m2m.take(Direction::Output)
        } else {
            None
        };
        let dst = m2m.take(Direction::Capture);

        match mem::replace(&mut self.hold, Hold::Taken { src, dst }) {
            Hold::Listed(m2m) => Some(m2m),
            Hold::Taken { .. } => None,
        }
    }
}

/// How a job went.
#[derive(Clone, Copy)]
pub(crate) struct Outcome {
    /// How it was to go.
    pub(crate) plan: Plan,
    /// Why it ended.
    pub(crate) cause: Cause,
    /// Bytes that were to be written.
    pub(crate) bytes: PerPlane<usize>,
    /// Whether the hardware was kicked at all.
    pub(crate) kicked: bool,
}

impl Outcome {
    /// In which state the buffers go back.
    pub(crate) fn state(&self) -> State {
        match self.cause {
            Cause::Completed => State::Done,
            _ => State::Error,
        }
    }
}

/// A job that has ended and whose buffers must be given back: the writer is stopped.
#[must_use = "somebody waits for the buffers of this job"]
pub(crate) struct Ended {
    /// How it went.
    pub(crate) outcome: Outcome,
    /// Its buffers.
    pub(crate) buffers: Buffers,
}

/// A job that the hardware works on.
pub(crate) struct Job {
    /// Writes it.
    pub(crate) writer: Writer,
    /// Its buffers.
    pub(crate) buffers: Buffers,
    /// How it is to go.
    pub(crate) plan: Plan,
    /// Bytes to be written.
    pub(crate) bytes: PerPlane<usize>,
    /// When the watchdog bites.
    pub(crate) deadline: u64,
    #[cfg(orphans)]
    pub(crate) orphanage: Option<Orphanage>,
}

/// What has to be done after a look at the engine.
pub(crate) enum Next {
    /// Nothing.
    Nothing,
    /// Look again at this time.
    At(u64),
    /// Look again from the context that the job completes in.
    From(Completion),
    /// Give the buffers back.
    End(Ended),
}

/// What the hardware is at.
#[derive(Default)]
enum Stage {
    /// No job.
    #[default]
    Idle,
    /// `device_run` prepares a job; it shall end right away if there is a cause.
    Starting(Option<Cause>),
    /// The hardware works.
    Running(Job),
    /// A job that `device_run` polls was ended from elsewhere; it will give the buffers back.
    Stopped(Ended),
    /// The buffers are being given back.
    Ending,
}

/// An interrupt that comes after the watchdog has ended its job.
#[derive(Clone, Copy)]
struct Late {
    /// Which kick it is the answer to.
    kick: u64,
    at: u64,
}

/// The hardware of one open file.
#[derive(Default)]
pub(crate) struct Engine {
    stage: Stage,
    /// Number of the latest kick. Ids of jobs may come again, as userspace likes.
    kick: u64,
    late: Option<Late>,
    late_count: u64,
}

impl Engine {
    /// `device_run` begins to prepare a job.
    pub(crate) fn begin(&mut self, aborted: bool) {
        self.stage = Stage::Starting(aborted.then_some(Cause::Aborted));
    }

    /// The job that was being prepared cannot run.
    pub(crate) fn refuse(&mut self, buffers: Buffers, plan: Plan, cause: Cause) -> Ended {
        self.stage = Stage::Ending;
        Ended {
            outcome: Outcome {
                plan,
                cause,
                bytes: PerPlane::default(),
                kicked: false,
            },
            buffers,
        }
    }

    /// The hardware is kicked. Fails if somebody ended the job while it was being prepared.
    pub(crate) fn kick(&mut self, job: Job) -> Result<(), Ended> {
        if let Stage::Starting(Some(cause)) = self.stage {
            #[cfg(orphans)]
            if let Some(orphanage) = job.orphanage {
                orphanage.take(job.writer, Cause::Refused);
            }
            return Err(self.refuse(job.buffers, job.plan, cause));
        }
        job.buffers.tell(job.plan.job, Phase::Start);
        self.kick = self.kick.wrapping_add(1);
        self.stage = Stage::Running(job);
        Ok(())
    }

    /// Takes the buffers of the running job off their ready lists, if it is pipelined, after
    /// `label` has seen them. Answers what mem2mem waits for.
    pub(crate) fn take_over(
        &mut self,
        label: impl FnOnce(&Plan, &Buffer, &Buffer),
    ) -> Option<mem2mem::Job> {
        let Stage::Running(job) = &mut self.stage else {
            return None;
        };
        if job.plan.completion != Completion::Pipelined {
            return None;
        }

        if let (Some(src), Some(dst)) = (job.buffers.src(), job.buffers.dst()) {
            label(&job.plan, src, dst);
        }
        job.buffers.take()
    }

    /// When to look again, if the running job wants it at `at`.
    pub(crate) fn next_look(&self, at: u64) -> u64 {
        self.late.map_or(at, |late| at.min(late.at))
    }

    /// When to look again, if no job runs.
    pub(crate) fn next_look_at_rest(&self) -> Option<u64> {
        self.late.map(|late| late.at)
    }

    /// Interrupts that came too late.
    pub(crate) fn late_count(&self) -> u64 {
        self.late_count
    }

    /// Ends the running job: the writer stores nothing after this.
    fn end(&mut self, cause: Cause) -> Next {
        let stage = mem::replace(&mut self.stage, Stage::Ending);
        let Stage::Running(job) = stage else {
            self.stage = stage;
            return Next::Nothing;
        };

        #[cfg(orphans)]
        if let Some(orphanage) = job.orphanage {
            orphanage.take(job.writer, cause);
        }
        Next::End(Ended {
            outcome: Outcome {
                plan: job.plan,
                cause,
                bytes: job.bytes,
                kicked: true,
            },
            buffers: job.buffers,
        })
    }

    /// As [`end`](Self::end), from outside: what `device_run` polls, it also gives back.
    fn interrupt(&mut self, cause: Cause) -> Next {
        match self.end(cause) {
            Next::End(ended) if ended.outcome.plan.completion == Completion::Inline => {
                self.stage = Stage::Stopped(ended);
                Next::From(Completion::Inline)
            }
            next => next,
        }
    }

    /// Planted bug: the stream changes, and what is armed is given back.
    #[cfg(plant = "change_flushes_armed")]
    pub(crate) fn flush(&mut self) -> Next {
        self.interrupt(Cause::Failed)
    }

    /// The job shall end soon: at once, or when its writer is through if `waits`. Fails if there is
    /// none yet, and the next has to be told.
    pub(crate) fn abort(&mut self, waits: bool) -> Result<Next, NotRunning> {
        match &mut self.stage {
            Stage::Idle => return Err(NotRunning),
            // By itself, or because the watchdog bites.
            _ if waits => (),
            Stage::Starting(cause) => *cause = Some(Cause::Aborted),
            Stage::Running(_) => return Ok(self.interrupt(Cause::Aborted)),
            Stage::Stopped(_) | Stage::Ending => (),
        }
        Ok(Next::Nothing)
    }

    /// The watchdog bites. If the interrupt of this job is not lost, it is yet to come.
    fn bite(&mut self) -> Next {
        if let Stage::Running(job) = &self.stage {
            if job.plan.fault == Some(Fault::Late) {
                self.late = Some(Late {
                    kick: self.kick,
                    at: job.deadline.saturating_add(LATENESS),
                });
            }
        }
        self.interrupt(Cause::Watchdog)
    }

    /// An interrupt says that the job of this kick is done.
    fn done(&mut self, kick: u64) -> Next {
        if kick == self.kick && self.is_running() {
            return self.end(Cause::Completed);
        }
        // The watchdog has ended that job; what runs now is another.
        self.late_count += 1;
        Next::Nothing
    }

    /// The timer expired.
    pub(crate) fn tick(&mut self, now: u64, gate: u32) -> Next {
        if let Some(late) = self.late.take_if(|late| now >= late.at) {
            if let next @ Next::End(_) = self.done(late.kick) {
                return next;
            }
        }
        let Stage::Running(job) = &self.stage else {
            return self.late.map_or(Next::Nothing, |late| Next::At(late.at));
        };

        if now >= job.deadline {
            return self.bite();
        }
        match job.plan.completion {
            Completion::Timer | Completion::Locked | Completion::Pipelined => self.work(now, gate),
            other => Next::From(other),
        }
    }

    /// The hardware works, in the context that the job completes in.
    pub(crate) fn work(&mut self, now: u64, gate: u32) -> Next {
        let Stage::Running(job) = &mut self.stage else {
            return Next::Nothing;
        };
        let (id, buffers) = (job.plan.job, &job.buffers);
        let tell = |phase| {
            if let [_, Some(dst)] = buffers.given() {
                trace::hw_job(dst, id, phase);
            }
        };

        match job.writer.advance(now, gate, tell) {
            Progress::Until(at) => Next::At(at.min(job.deadline)),
            Progress::Held => Next::At(job.deadline),
            Progress::Written => match job.plan.fault {
                None => self.done(self.kick),
                Some(Fault::Error) => self.end(Cause::Failed),
                Some(Fault::Lost | Fault::Late) => Next::At(job.deadline),
            },
        }
    }

    /// As [`work`](Self::work), for `device_run` that polls.
    pub(crate) fn poll(&mut self, now: u64, gate: u32) -> Next {
        match mem::replace(&mut self.stage, Stage::Ending) {
            Stage::Stopped(ended) => Next::End(ended),
            other => {
                self.stage = other;
                self.work(now, gate)
            }
        }
    }

    /// The buffers of the ended job are about to be given back, or have been if it was pipelined.
    pub(crate) fn rest(&mut self) {
        self.stage = Stage::Idle;
    }

    /// Whether the hardware works on a job.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.stage, Stage::Running(_))
    }

    /// Whether it has nothing to do with any job.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }
}

/// There is no job that could be aborted.
pub(crate) struct NotRunning;
