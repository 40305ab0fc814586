//! The instances of a campaign, each with a guest on a core of its own and a thread that talks to it.

use std::{sync::Arc, thread};

use anyhow::Context;
use engine::{Campaign, Ended, Outcome};
use program::Seeded;

use crate::{
    campaign::{Desk, Member},
    rig::Rig,
};

/// Runs the campaign on every rig; says why it ended.
pub(super) fn run(desk: &Arc<Desk>, campaign: &Campaign, rigs: Vec<Rig>) -> anyhow::Result<Ended> {
    let work = |(instance, rig)| {
        let ended = one(desk, campaign, instance, rig);
        // The others need not go on if this one cannot, or has found enough.
        if !matches!(ended, Ok(Ended::Bound)) {
            desk.stop();
        }
        ended
    };
    let ended: Vec<_> = thread::scope(|scope| {
        let rigs = rigs.into_iter().enumerate();
        // A thread each, since the kernel that it boots dies with it.
        let threads: Vec<_> = rigs.map(|rig| scope.spawn(move || work(rig))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an instance does not panic"))
            .collect()
    });
    Ok(together(
        &ended.into_iter().collect::<anyhow::Result<Vec<_>>>()?,
    ))
}

fn one(
    desk: &Arc<Desk>,
    campaign: &Campaign,
    instance: usize,
    mut rig: Rig,
) -> anyhow::Result<Ended> {
    let mut member = Member::new(Arc::clone(desk), instance);
    let campaign = Campaign {
        seed: seed(campaign.seed, instance as u64),
        ..campaign.clone()
    };
    let outcome = engine::campaign(&campaign, &mut rig.target, &mut member);
    let Outcome { stats, ended, .. } =
        outcome.with_context(|| format!("instance {}", instance + 1))?;
    member.leave(&stats)?;
    Ok(ended)
}

/// The first instance has the campaign's own, so that one alone repeats it.
pub(super) fn seed(seed: u64, number: u64) -> u64 {
    match number {
        0 => seed,
        number => Seeded::new(seed ^ number.rotate_left(32)).word(),
    }
}

/// One that found enough stops the others, which takes them for interrupted.
fn together(ended: &[Ended]) -> Ended {
    let any = |wanted| ended.contains(&wanted);
    if any(Ended::Found) {
        Ended::Found
    } else if any(Ended::Interrupted) {
        Ended::Interrupted
    } else {
        Ended::Bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_have_different_seeds_and_the_first_the_campaign_s() {
        let seeds: std::collections::BTreeSet<_> = (0..10).map(|number| seed(7, number)).collect();
        assert!(seeds.len() == 10 && seed(7, 0) == 7);
    }

    #[test]
    fn who_found_enough_ends_the_campaign() {
        assert_eq!(together(&[Ended::Interrupted, Ended::Found]), Ended::Found);
        assert_eq!(together(&[Ended::Bound, Ended::Bound]), Ended::Bound);
    }
}
