//! Running a program under observation: every operation, and what the agent looks at of its own accord.

use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use program::{File, Op, Program, Queue, Step};
use trace::wire::{Report, Study};
use trace::{Mark, Out};

use crate::coverage::Coverage;
use crate::exec::Executor;
use crate::guard::Guard;
use crate::journal::{Outcome, Seen};
use crate::pool::Job;
use crate::priority::HEAD_START;
use crate::shared::Shared;
use crate::sys::batch::Batch;
use crate::sys::clock::{self, MILLISECOND};
use crate::sys::fault;
use crate::{bare, finish, limits, look, places};

/// Programs start on a multiple of this, which is a multiple of any tick: jiffies then have the same phase in every run.
const START_GRID: u64 = 40 * MILLISECOND;

/// Runs programs, one after the other.
pub(crate) struct Runner {
    /// Slots, log and device.
    pub(crate) shared: Arc<Shared>,
    coverage: Option<Coverage>,
    guard: Guard,
    runs: u64,
}

/// The clock is compared with the kernel's own once in so many runs.
const CLOCK_CHECKS: u64 = 256;

impl Runner {
    /// A runner over what the target offers.
    pub(crate) fn new(shared: Arc<Shared>, guard: Guard) -> Self {
        Self {
            shared,
            coverage: Coverage::open(),
            guard,
            runs: 0,
        }
    }

    /// True if coverage can be collected.
    pub(crate) fn has_coverage(&self) -> bool {
        self.coverage.is_some()
    }

    /// Runs a program. `None` if that took so long that the guard has already reported it.
    pub(crate) fn run(&mut self, program: &Program, coverage: bool) -> Option<Report> {
        self.check_clock();
        if let Some(kcov) = &mut self.coverage {
            kcov.begin(coverage);
        }
        let start = self.start(program);
        self.shared.table().reset();
        self.shared.journal().begin(start);
        let shared = Arc::clone(&self.shared);
        Steps {
            executor: Executor {
                shared: &shared,
                observed: true,
                start,
            },
            coverage: self.coverage.as_mut(),
            returned: start,
            fault: 0,
        }
        .execute(program);
        self.guard.end().then(|| self.report(coverage))
    }

    /// Sleeps to the grid, with the guard on, and tells the time then.
    fn start(&self, program: &Program) -> u64 {
        let (now, start) = next_start();
        let limit = limits::whole(program, self.shared.driver.unwrap_or_default());
        let mut batch = Batch::default();
        self.guard.begin(&mut batch, start - now + limit);
        batch.sleep_until(start);
        batch.make();
        start
    }

    /// All times of a trace come from this clock: one that is wrong must not go on.
    fn check_clock(&mut self) {
        if self.runs.is_multiple_of(CLOCK_CHECKS) {
            assert!(
                clock::is_right(),
                "the page of the lab's channel does not show CLOCK_MONOTONIC"
            );
        }
        self.runs += 1;
    }

    /// Runs a program twice more, to look closely. `None` if the guard has already reported that it takes too long.
    pub(crate) fn study(&mut self, program: &Program) -> Option<Study> {
        let Some(kcov) = &mut self.coverage else {
            return Some(Study::default());
        };
        kcov.remember();
        let ran = self.run(program, true);
        let seen = self.coverage.as_mut()?.remembered();
        ran?;
        self.coverage.as_mut()?.begin_comparisons();
        let ran = self.run(program, false);
        let compared = self.coverage.as_mut()?.compared();
        ran?;
        Some(told(&seen, compared))
    }

    /// Runs a program many times, unobserved; tells how many system calls one run makes.
    pub(crate) fn repeat(&mut self, program: &Program, times: u32) -> u32 {
        if let Some(kcov) = &mut self.coverage {
            kcov.begin(false);
        }
        bare::repeat(&self.shared, program, times)
    }

    fn report(&mut self, coverage: bool) -> Report {
        let coverage = match &mut self.coverage {
            Some(kcov) if coverage => self
                .shared
                .device()
                .with_places(|places| kcov.collect(places)),
            _ => Vec::new(),
        };
        let mut journal = self.shared.journal();
        journal.kernel_log(self.shared.trouble());
        let fences = journal.tally.totals();
        Report {
            trace: journal.take(),
            coverage,
            fences,
        }
    }
}

/// Names modules by numbers instead of what stands for them here.
fn told(seen: &[u64], compared: Vec<(u64, u64)>) -> Study {
    let modules = places::modules();
    let place = |pc: &u64| {
        let (stands, distance) = places::split(*pc);
        let index = modules.iter().position(|module| module.0 == stands);
        let number = index.and_then(|index| u8::try_from(index + 1).ok());
        number.map_or((0, *pc), |number| (number, distance))
    };
    let mut places: Vec<_> = seen.iter().map(place).collect();
    places.sort_unstable();
    Study {
        places,
        modules: modules.into_iter().map(|module| module.1).collect(),
        compared,
    }
}

/// Now, and when the next run starts.
fn next_start() -> (u64, u64) {
    let now = clock::now();
    (now, (now / START_GRID + 1) * START_GRID)
}

/// Sleeps to the grid and tells the time then.
pub(crate) fn start() -> u64 {
    let (_, start) = next_start();
    clock::sleep_until(start);
    start
}

/// The main thread's way through a program.
struct Steps<'a> {
    executor: Executor<'a>,
    coverage: Option<&'a mut Coverage>,
    /// When the last operation returned. Nothing but the next one's preparation follows it, so that is when the next
    /// one starts; this saves half of the clock's system calls.
    returned: u64,
    /// Which of the allocations of the next operation fails; 0 for none.
    fault: u32,
}

impl Steps<'_> {
    fn execute(mut self, program: &Program) {
        for (index, step) in program.steps.iter().enumerate() {
            let index = index as u16;
            self.executor.shared.set_step(index);
            if step.asynchronous {
                self.hand_over(index, step);
            } else {
                self.step(index, &step.op);
            }
        }
        self.executor.shared.set_step(program.steps.len() as u16);
        self.executor
            .shared
            .journal()
            .mark(Mark::ProgramEnd, self.returned);
        finish::finish(&self.executor, program);
    }

    fn step(&mut self, index: u16, op: &Op) {
        let shared = self.executor.shared;
        let closing = shared.table().closes(op);
        let fault = std::mem::take(&mut self.fault);
        if let Op::FailNth { nth } = *op {
            self.fault = nth;
        }
        let armed = fault > 0 && fault::arm(fault).is_ok();
        let outcome = match (&mut self.coverage, op) {
            (Some(coverage), Op::Reload | Op::Unload) => {
                coverage.around_reload(|| self.executor.execute(op))
            }
            _ => self.executor.execute(op),
        };
        let hit = armed && fault::disarm();
        let end = clock::now();
        let dequeued = dequeued(op, &outcome);
        let claim = claim(shared, op);
        let memory_lives = closing.is_some() && shared.table().holds_anything();
        let mut journal = shared.journal();
        journal.drain(claim);
        if armed {
            journal.fault(index, hit);
        }
        journal.call(index, self.returned, end, outcome);
        if let Some(serial) = closing.filter(|_| shared.pool.is_idle()) {
            journal.file_closed(serial, memory_lives);
        }
        drop(journal);
        self.returned = end;
        if let Some((file, queue, buffer)) = dequeued {
            look::after_dequeue(&self.executor, file, queue, buffer);
            self.returned = clock::now();
        }
    }

    fn hand_over(&mut self, index: u16, step: &Step) {
        let shared = self.executor.shared;
        let run = shared.journal().run;
        let job = Job {
            run,
            op_index: index,
            op: step.op.clone(),
            fault: std::mem::take(&mut self.fault),
            observed: true,
        };
        shared.journal().handed_over(index, self.returned);
        if shared.pool.hand_over(job) {
            clock::sleep(HEAD_START);
        } else {
            let busy = Err(Errno::EBUSY);
            shared
                .journal()
                .call(index, self.returned, self.returned, busy);
        }
        self.returned = clock::now();
    }
}

/// Executes an operation that was handed over, on a thread of its own.
pub(crate) fn execute_async(shared: &Shared, job: &Job) {
    let start = shared.journal().start;
    let executor = Executor {
        shared,
        observed: job.observed,
        start,
    };
    if !job.observed {
        let _ = executor.execute(&job.op);
        return;
    }
    let called = clock::now();
    let armed = job.fault > 0 && fault::arm(job.fault).is_ok();
    let outcome = executor.execute(&job.op);
    let hit = armed && fault::disarm();
    let end = clock::now();
    let dequeued = dequeued(&job.op, &outcome);
    let claim = shared.table().only_serial();
    let mut journal = shared.journal();
    if journal.run != job.run {
        return;
    }
    journal.drain(claim);
    if armed {
        journal.fault(job.op_index, hit);
    }
    journal.call(job.op_index, called, end, outcome);
    drop(journal);
    if let Some((file, queue, buffer)) = dequeued {
        look::after_dequeue(&executor, file, queue, buffer);
    }
}

/// The open(2) to whose queues the buffers belong that the driver was just given, as far as that is certain.
fn claim(shared: &Shared, op: &Op) -> Option<u32> {
    let table = shared.table();
    let named = match *op {
        Op::Qbuf { file, .. } | Op::Streamon { file, .. } => table.serial(file),
        Op::QueueRequest { request } => table.filler(request),
        _ => None,
    };
    table
        .only_serial()
        .or_else(|| named.filter(|_| shared.pool.is_idle()))
}

fn dequeued(op: &Op, outcome: &Outcome) -> Option<(File, Queue, u32)> {
    match (op, outcome) {
        (&Op::Dqbuf { file, queue, .. }, Ok(Seen::Out(Out::Buffer { index, .. }))) => {
            Some((file, queue, *index))
        }
        _ => None,
    }
}

/// Waits for the operations that still run; false if some do not return in time.
pub(crate) fn join(shared: &Shared, limit: u64) -> bool {
    shared.pool.join(Duration::from_nanos(limit))
}
