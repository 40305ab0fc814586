// SPDX-License-Identifier: GPL-2.0

//! The hardware's state: which job it runs, and who ends it.
//!
//! A job is ended by exactly one of its completion, the watchdog and an abort. Whoever comes first
//! takes the [`Ended`] out of the engine, and with it the duty to give the buffers back; the writer
//! is dropped in the same step, so nothing is stored after that.

use crate::{
    formats::{PerPlane, MAX_PLANES},
    v4l2::mem2mem,
    vb2::{
        trace::{self, Phase},
        State, //
    },
    writer::{Completion, Fault, Plan, Progress, Writer},
};

#[cfg(plant = "abort_signals_early")]
use crate::plant::Orphanage;

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

/// A job that has ended and whose buffers must be given back: the writer is stopped.
#[must_use = "somebody waits for the buffers of this job"]
pub(crate) struct Ended {
    /// What mem2mem waits for.
    pub(crate) m2m: mem2mem::Job,
    /// The job's id.
    pub(crate) job: u64,
    /// Why it ended.
    pub(crate) cause: Cause,
    /// Bytes that a completed job wrote to each plane.
    pub(crate) bytes: PerPlane<usize>,
    /// Whether the hardware was kicked at all.
    pub(crate) kicked: bool,
}

impl Ended {
    /// In which state the buffers go back.
    pub(crate) fn state(&self) -> State {
        match self.cause {
            Cause::Completed => State::Done,
            _ => State::Error,
        }
    }
}

/// A job that the hardware works on.
pub(crate) struct Job {
    /// Writes it.
    pub(crate) writer: Writer,
    /// What mem2mem waits for, and its buffers.
    pub(crate) m2m: mem2mem::Job,
    /// How it is to go.
    pub(crate) plan: Plan,
    /// Bytes to be written to each plane.
    pub(crate) bytes: PerPlane<usize>,
    /// When the watchdog bites.
    pub(crate) deadline: u64,
    #[cfg(plant = "abort_signals_early")]
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

/// The hardware of one open file.
#[derive(Default)]
pub(crate) enum Engine {
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

impl Engine {
    /// `device_run` begins to prepare a job.
    pub(crate) fn begin(&mut self, aborted: bool) {
        *self = Self::Starting(aborted.then_some(Cause::Aborted));
    }

    /// The job that was being prepared cannot run.
    pub(crate) fn refuse(&mut self, m2m: mem2mem::Job, job: u64, cause: Cause) -> Ended {
        *self = Self::Ending;
        Ended {
            m2m,
            job,
            cause,
            bytes: [0; MAX_PLANES],
            kicked: false,
        }
    }

    /// The hardware is kicked. Fails if somebody ended the job while it was being prepared.
    pub(crate) fn kick(&mut self, job: Job) -> Result<(), Ended> {
        if let Self::Starting(Some(cause)) = *self {
            #[cfg(plant = "abort_signals_early")]
            if let Some(orphanage) = job.orphanage {
                orphanage.take(job.writer, Cause::Refused);
            }
            return Err(self.refuse(job.m2m, job.plan.job, cause));
        }
        tell(&job.m2m, job.plan.job, Phase::Start);
        *self = Self::Running(job);
        Ok(())
    }

    /// Ends the running job: the writer stores nothing after this.
    fn end(&mut self, cause: Cause) -> Next {
        let Self::Running(job) = core::mem::replace(self, Self::Ending) else {
            return Next::Nothing;
        };
        let ended = Ended {
            m2m: job.m2m,
            job: job.plan.job,
            cause,
            bytes: match cause {
                Cause::Completed => job.bytes,
                _ => [0; MAX_PLANES],
            },
            kicked: true,
        };

        #[cfg(plant = "abort_signals_early")]
        if let Some(orphanage) = job.orphanage {
            orphanage.take(job.writer, cause);
        }
        Next::End(ended)
    }

    /// As [`end`](Self::end), from outside: what `device_run` polls, it also gives back.
    fn interrupt(&mut self, cause: Cause) -> Next {
        let polled =
            matches!(self, Self::Running(job) if job.plan.completion == Completion::Inline);

        match self.end(cause) {
            Next::End(ended) if polled => {
                *self = Self::Stopped(ended);
                Next::From(Completion::Inline)
            }
            next => next,
        }
    }

    /// The job shall end soon. False if there is none yet, and the next has to be told.
    pub(crate) fn abort(&mut self) -> Result<Next, NotRunning> {
        match self {
            Self::Idle => Err(NotRunning),
            Self::Starting(cause) => {
                *cause = Some(Cause::Aborted);
                Ok(Next::Nothing)
            }
            Self::Running(_) => Ok(self.interrupt(Cause::Aborted)),
            Self::Stopped(_) | Self::Ending => Ok(Next::Nothing),
        }
    }

    /// The timer expired.
    pub(crate) fn tick(&mut self, now: u64, gate: u32) -> Next {
        let Self::Running(job) = self else {
            return Next::Nothing;
        };

        if now >= job.deadline {
            return self.interrupt(Cause::Watchdog);
        }
        match job.plan.completion {
            Completion::Timer => self.work(now, gate),
            other => Next::From(other),
        }
    }

    /// The hardware works, in the context that the job completes in.
    pub(crate) fn work(&mut self, now: u64, gate: u32) -> Next {
        let Self::Running(job) = self else {
            return Next::Nothing;
        };
        let (id, m2m) = (job.plan.job, &job.m2m);
        let tell = |phase| {
            if let Some(dst) = m2m.dst() {
                trace::hw_job(dst, id, phase);
            }
        };

        match job.writer.advance(now, gate, tell) {
            Progress::Until(at) => Next::At(at.min(job.deadline)),
            Progress::Held => Next::At(job.deadline),
            Progress::Written => match job.plan.fault {
                None => self.end(Cause::Completed),
                Some(Fault::Error) => self.end(Cause::Failed),
                Some(Fault::Lost) => Next::At(job.deadline),
            },
        }
    }

    /// As [`work`](Self::work), for `device_run` that polls.
    pub(crate) fn poll(&mut self, now: u64, gate: u32) -> Next {
        match core::mem::replace(self, Self::Ending) {
            Self::Stopped(ended) => Next::End(ended),
            other => {
                *self = other;
                self.work(now, gate)
            }
        }
    }

    /// The buffers of the ended job are about to be given back.
    pub(crate) fn rest(&mut self) {
        *self = Self::Idle;
    }

    /// Whether the hardware works on a job.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }
}

/// Tells a step of a job for both of its buffers.
pub(crate) fn tell(m2m: &mem2mem::Job, job: u64, phase: Phase) {
    for buffer in [m2m.src(), m2m.dst()].into_iter().flatten() {
        trace::hw_job(buffer, job, phase);
    }
}

/// There is no job that could be aborted.
pub(crate) struct NotRunning;
