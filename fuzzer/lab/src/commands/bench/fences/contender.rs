//! The kernels that are compared, and the client program that runs in them.

use anyhow::{Context, ensure};
use engine::Target;
use serde::Serialize;
use trace::wire::{Ended, Executed};

use super::{
    measure::{LIMIT, MEASURES, Measure, Said, Taken},
    report::Attached,
};
use crate::{
    setup::Prepared,
    target::uml::{Attach, Time, Uml, UmlOptions},
};

/// What a kernel is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// No series: what others are compared with.
    Vanilla,
    /// The same again: the noise.
    Control,
    /// The series, and drivers that do not opt in.
    NotOptedIn,
    /// The series, and drivers that attach fences.
    OptedIn,
}

impl Role {
    /// Every role, in the order in which answers are kept.
    pub(super) const ALL: [Role; 4] = [
        Role::Vanilla,
        Role::Control,
        Role::NotOptedIn,
        Role::OptedIn,
    ];

    /// For people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Role::Vanilla => "without the series",
            Role::Control => "the same again",
            Role::NotOptedIn => "series, not opted in",
            Role::OptedIn => "series, opted in",
        }
    }

    /// The kernel of this role.
    pub(super) fn pick<'a>(self, vanilla: &'a Prepared, series: &'a Prepared) -> &'a Prepared {
        match self {
            Role::Vanilla | Role::Control => vanilla,
            Role::NotOptedIn | Role::OptedIn => series,
        }
    }

    fn attach(self) -> Attach {
        match self {
            Role::OptedIn => Attach::DeviceRun,
            _ => Attach::None,
        }
    }

    fn options(self, core: usize, ledger: bool) -> UmlOptions {
        UmlOptions {
            attach: self.attach(),
            time: Time::Real,
            ledger,
            call_timer: true,
            vicodec_job_ms: 0,
            core: Some(core),
            ..UmlOptions::default()
        }
    }
}

/// A kernel that is measured.
#[derive(Debug)]
pub(super) struct Contender {
    /// What it is there for.
    pub(super) role: Role,
    target: Uml,
}

impl Contender {
    /// Makes it ready to boot.
    pub(super) fn new(role: Role, prepared: &Prepared, core: usize) -> anyhow::Result<Contender> {
        let target = Uml::new(prepared, role.options(core, false))?;
        Ok(Contender { role, target })
    }

    /// Boots it, measures everything, and powers it off.
    pub(super) fn visit(&mut self, cycles: impl Fn(&Measure) -> u32) -> anyhow::Result<Vec<Taken>> {
        self.target.boot()?;
        let mut taken = Vec::new();
        for measure in &MEASURES {
            let (said, _) = ask(&mut self.target, measure, cycles(measure))
                .with_context(|| format!("{}: {}", self.role.title(), measure.name))?;
            self.check(&said)?;
            taken.push(said.taken());
        }
        self.target.power_off()?;
        Ok(taken)
    }

    /// What is called pending must be pending, and nowhere else.
    fn check(&self, said: &Said) -> anyhow::Result<()> {
        let expected = self.role == Role::OptedIn;
        ensure!(
            said.pending.is_none_or(|pending| pending == expected),
            "{}: a job runs, and its fence is {}",
            self.role.title(),
            if expected { "not there" } else { "there" }
        );
        Ok(())
    }
}

/// Runs the client.
fn ask(target: &mut Uml, measure: &Measure, cycles: u32) -> anyhow::Result<(Said, Executed)> {
    let words = ["/init", "--measure", measure.name, &cycles.to_string()].map(str::to_owned);
    let executed = target.exec(&words, LIMIT)?.ended()?;
    ensure!(
        executed.end == Ended::Exited(0),
        "the client ended with {:?}: {}",
        executed.end,
        String::from_utf8_lossy(&executed.errors).trim()
    );
    let said = Said::parse(&String::from_utf8_lossy(&executed.output))?;
    Ok((said, executed))
}

/// Cycles whose fences are counted.
const COUNTED: u32 = 25;

/// Runs a few jobs of each driver with the ledger watching, and counts fences. Each buffer of a job has one, or none.
pub(super) fn count(role: Role, prepared: &Prepared, core: usize) -> anyhow::Result<Vec<Attached>> {
    let mut target = Uml::new(prepared, role.options(core, true))?;
    let mut counts = Vec::new();
    for measure in &MEASURES {
        let Some(driver) = measure.driver else {
            continue;
        };
        let (said, executed) = ask(&mut target, measure, COUNTED)
            .with_context(|| format!("{}: {driver}", role.title()))?;
        let fences = executed.fences;
        let expected = if role == Role::OptedIn {
            2 * said.made
        } else {
            0
        };
        ensure!(
            fences.attached == expected && fences.signalled == expected && fences.pending == 0,
            "{}: {} jobs of {driver} had {} fences attached, {} signalled and {} pending instead of {expected}, {expected} and 0",
            role.title(),
            said.made,
            fences.attached,
            fences.signalled,
            fences.pending
        );
        counts.push(Attached {
            kernel: role,
            driver,
            jobs: said.made,
            attached: fences.attached,
        });
    }
    target.power_off()?;
    Ok(counts)
}
