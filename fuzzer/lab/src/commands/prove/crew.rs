//! The workers: a target each, on a core of its own, that run what they are given and say what they saw.

use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use engine::{Run, Session};
use program::Program;

use crate::{
    findings::Origin,
    interrupt,
    rig::{self, Inside, Rig, RigArgs},
    setup::{Options, Prepared},
};

/// Programs after which a kernel is booted afresh, so that nothing builds up.
pub(super) const PER_BOOT: u64 = 2_000;

/// Who runs what.
pub(super) struct Crew<'a> {
    prepared: &'a Prepared,
    options: &'a Options,
    args: &'a RigArgs,
    /// How many targets run at once.
    size: usize,
    origin: Origin,
    boots: AtomicUsize,
}

/// A target at work.
pub(super) struct Hand<'s, 't> {
    session: &'s mut Session<'t>,
    since: u64,
}

impl Hand<'_, '_> {
    /// Runs a program, on a kernel that did not run too many before.
    pub(super) fn run(&mut self, program: &Program) -> anyhow::Result<Run> {
        if self.since >= PER_BOOT {
            self.session.boot()?;
            self.since = 0;
        }
        self.since += 1;
        self.session.observe(program, false)
    }

    /// Runs a program as the first one of a kernel.
    pub(super) fn run_afresh(&mut self, program: &Program) -> anyhow::Result<Run> {
        self.since = 1;
        self.session.observe_afresh(program)
    }
}

impl<'a> Crew<'a> {
    /// A crew of so many.
    pub(super) fn new(
        prepared: &'a Prepared,
        options: &'a Options,
        args: &'a RigArgs,
        size: usize,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let first = rig::on(prepared, options, args, Inside::default())?;
        Ok(Self {
            prepared,
            options,
            args,
            size,
            origin: first.origin(seed),
            boots: AtomicUsize::new(0),
        })
    }

    /// A target like those of the workers.
    pub(super) fn rig(&self) -> anyhow::Result<Rig> {
        rig::on(self.prepared, self.options, self.args, Inside::default())
    }

    /// What they run, for reports.
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Boots so far.
    pub(super) fn boots(&self) -> u64 {
        self.boots.load(Ordering::Relaxed) as u64
    }

    /// Gives each item to one of the workers, in order, until `work` fails, says that it is enough, or somebody interrupts.
    /// True if all items had their turn.
    pub(super) fn each<T: std::marker::Sync>(
        &self,
        items: &[T],
        work: impl Fn(&mut Hand<'_, '_>, &T) -> anyhow::Result<Go> + std::marker::Sync,
    ) -> anyhow::Result<bool> {
        let state = Shift {
            next: AtomicUsize::new(0),
            enough: AtomicBool::new(false),
            failure: Mutex::new(None),
        };
        thread::scope(|scope| {
            for _ in 0..self.size.min(items.len()) {
                scope.spawn(|| {
                    if let Err(error) = self.hand(items, &state, &work) {
                        state.fail(error);
                    }
                });
            }
        });
        let through = state.next.load(Ordering::SeqCst) >= items.len();
        match state
            .failure
            .into_inner()
            .unwrap_or_else(|lock| lock.into_inner())
        {
            Some(error) => Err(error),
            None => Ok(through && !state.enough.load(Ordering::SeqCst)),
        }
    }

    fn hand<T>(
        &self,
        items: &[T],
        shift: &Shift,
        work: &impl Fn(&mut Hand<'_, '_>, &T) -> anyhow::Result<Go>,
    ) -> anyhow::Result<()> {
        // The thread that boots a target must outlive it.
        let mut rig = self.rig()?;
        anyhow::ensure!(
            rig.build == self.origin.build,
            "the sources of kernel or modules changed meanwhile: this is build {}, the proof began with {}",
            rig.build,
            self.origin.build
        );
        let mut session = Session::new(&mut rig.target, self.args.expectation());
        let mut hand = Hand {
            session: &mut session,
            since: 0,
        };
        while !shift.enough.load(Ordering::SeqCst) && !interrupt::requested() {
            let index = shift.next.fetch_add(1, Ordering::SeqCst);
            let Some(item) = items.get(index) else { break };
            if let Go::Enough = work(&mut hand, item)? {
                shift.enough.store(true, Ordering::SeqCst);
            }
        }
        self.boots
            .fetch_add(session.boots() as usize, Ordering::Relaxed);
        Ok(())
    }
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Go {
    /// With the next item.
    On,
    /// No further: what is under way is finished.
    Enough,
}

/// What workers share while they go through one list.
struct Shift {
    next: AtomicUsize,
    enough: AtomicBool,
    failure: Mutex<Option<anyhow::Error>>,
}

impl Shift {
    /// The first failure ends the shift.
    fn fail(&self, error: anyhow::Error) {
        locked(&self.failure).get_or_insert(error);
        self.enough.store(true, Ordering::SeqCst);
    }
}

/// The content of a lock that a worker who panicked may have held.
pub(super) fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
