//! How long a panic of the guest keeps a campaign from its next program.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use engine::Session;
use judge::Expectation;
use program::Program;

use crate::target::uml::{Uml, execution::Execution};

/// Panics that are measured.
const PANICS: usize = 5;

/// The agent as a tool that has the kernel panic.
const PANIC: [&str; 2] = ["/init", "--panic"];

/// Time of the guest that this may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The median of the seconds from a panic to the answer to the first program on the next kernel: noticing, reading the last
/// words, booting and running are in it.
pub(super) fn to_program(
    target: &mut Uml,
    expectation: Expectation,
    probe: &Program,
) -> anyhow::Result<f64> {
    let mut seconds = Vec::new();
    for _ in 0..PANICS {
        let begin = Instant::now();
        panic_guest(target)?;
        // What the session knows of is a kernel that has to be booted.
        Session::new(target, expectation).observe(probe, true)?;
        seconds.push(begin.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    seconds
        .get(PANICS / 2)
        .copied()
        .context("nothing was measured")
}

fn panic_guest(target: &mut Uml) -> anyhow::Result<()> {
    match target.exec(&PANIC.map(String::from), LIMIT)? {
        Execution::Died {
            how: trace::Death::Panic,
            ..
        } => Ok(()),
        other => bail!("the guest was to panic, and did not: {other:?}"),
    }
}
