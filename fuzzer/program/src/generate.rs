//! The generator: programs that mostly make sense. It follows a cheap model of slots and queues, so that most programs
//! really run jobs, and is wrong on purpose now and then: wrong order, wrong type, stale handle, double free, absurd number.

mod controls;
mod details;
mod fences;
mod fit;
mod hardware;
mod requests;
mod scene;
mod script;
mod slices;
mod stateful;
mod strangers;
mod troubles;
mod userptr;
mod wrong;

use arbitrary::{Arbitrary, Unstructured};

use crate::choose::{Choose, FromBytes};
use crate::driver::Driver;
use crate::limits;
use crate::model::Model;
use crate::op::{MAX_OPS, Op, Program, Step};
use crate::profile::Profile;
use crate::syntax::OpKind;

/// Attempts to find an operation that keeps the program affordable.
const ATTEMPTS: usize = 4;

/// Makes a program.
pub fn generate(choose: &mut dyn Choose, profile: &Profile) -> Program {
    let builder = build(choose, profile);
    Program {
        steps: builder.steps,
    }
}

fn build(choose: &mut dyn Choose, profile: &Profile) -> Builder {
    // Scenes overshoot the length, so what is drawn is a little short of the mean.
    let shortest = profile.mean_ops / 2;
    let length = shortest + choose.below(profile.mean_ops / 2 + 1);
    let mut builder = Builder::new(profile.driver);
    while builder.steps.len() < length.clamp(1, MAX_OPS) && !choose.exhausted() {
        let before = builder.steps.len();
        builder.grow(choose, profile);
        if builder.steps.len() == before {
            break;
        }
    }
    builder.finish(choose, profile);
    builder.steps.truncate(MAX_OPS);
    builder
}

impl<'a> Arbitrary<'a> for Program {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(generate(&mut FromBytes(bytes), &Profile::default()))
    }
}

/// One operation for the state which `model` is in: a sensible one mostly.
pub(crate) fn next_step(model: &Model, choose: &mut dyn Choose, profile: &Profile) -> Option<Step> {
    draw(model, choose, profile).map(|(step, _)| step)
}

/// A whole scene for the state which `model` is in; none if it has no room for the one that was drawn.
pub(crate) fn next_scene(model: &Model, choose: &mut dyn Choose, profile: &Profile) -> Vec<Step> {
    scene::play(model, choose, profile)
}

/// A step, and whether it is wrong on purpose.
fn draw(model: &Model, choose: &mut dyn Choose, profile: &Profile) -> Option<(Step, bool)> {
    let wrong = !model.open_files().is_empty() && choose.chance(profile.wrong_percent);
    let op = if wrong {
        wrong::pick_op(model, choose, profile)?
    } else {
        let mut op = fit::pick_op(model, choose, profile)?;
        details::fill(&mut op, model.driver, choose);
        op
    };
    let asynchronous = goes_async(&op, model, choose, profile);
    Some((Step { op, asynchronous }, wrong))
}

/// Calls that wait for a job are worth more in another thread while a job runs.
fn goes_async(op: &Op, model: &Model, choose: &mut dyn Choose, profile: &Profile) -> bool {
    let waits = matches!(
        op,
        Op::Streamoff { .. } | Op::Dqbuf { .. } | Op::Reqbufs { count: 0, .. }
    );
    let factor = if waits && model.in_flight() { 5 } else { 1 };
    op.kind().may_be_async() && choose.chance(profile.async_percent * factor)
}

struct Builder {
    model: Model,
    steps: Vec<Step>,
    /// How many of the steps are wrong on purpose.
    wrong: usize,
}

impl Builder {
    fn new(driver: Driver) -> Self {
        Self {
            model: Model::new(driver),
            steps: Vec::new(),
            wrong: 0,
        }
    }

    /// Adds an operation or a scene.
    fn grow(&mut self, choose: &mut dyn Choose, profile: &Profile) {
        // A scene brings its own set-up, so it is a good start.
        let start = if self.steps.is_empty() { 5 } else { 1 };
        if choose.chance(profile.scene_percent * start) {
            for step in scene::play(&self.model, choose, profile) {
                self.disturb(choose, profile);
                if self.model.knows_slots_of(&step.op) {
                    self.push(step);
                }
            }
            return;
        }
        for _ in 0..ATTEMPTS {
            let Some((step, wrong)) = draw(&self.model, choose, profile) else {
                continue;
            };
            if self.push(step) {
                self.wrong += usize::from(wrong);
                return;
            }
        }
    }

    /// A program that has run no job yet gets one, mostly: the others have told what they can by then.
    fn finish(&mut self, choose: &mut dyn Choose, profile: &Profile) {
        let can_run = !self.model.unloaded || profile.weight(OpKind::Load) > 0;
        let wants = !self.model.armed && !choose.exhausted();
        if wants && choose.chance(profile.job_percent) && can_run {
            if self.model.unloaded {
                self.push(Step {
                    op: Op::Load,
                    asynchronous: false,
                });
            }
            for step in scene::start_job(&self.model, choose, profile) {
                self.push(step);
            }
        }
    }

    /// Adds something wrong between the steps of a scene, as often as elsewhere.
    fn disturb(&mut self, choose: &mut dyn Choose, profile: &Profile) {
        if self.model.open_files().is_empty() || !choose.chance(profile.wrong_percent) {
            return;
        }
        if let Some(op) = wrong::pick_op(&self.model, choose, profile) {
            let wrong = Step {
                op,
                asynchronous: false,
            };
            self.wrong += usize::from(self.push(wrong));
        }
    }

    /// Adds a step unless it makes the program too dear.
    fn push(&mut self, step: Step) -> bool {
        let mut model = self.model.clone();
        model.apply(&step);
        if !limits::affordable(&model) {
            return false;
        }
        self.model = model;
        self.steps.push(step);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choose::Seeded;

    #[test]
    fn between_a_seventh_and_a_quarter_is_wrong() {
        let (mut wrong, mut all) = (0, 0);
        for seed in 0..2000 {
            let builder = build(&mut Seeded::new(seed), &Profile::default());
            wrong += builder.wrong;
            all += builder.steps.len();
        }
        let percent = 100 * wrong / all;
        assert!((14..=25).contains(&percent), "{percent} %");
    }
}
