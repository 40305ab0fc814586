//! Mutators: pure functions from a program to a similar one. Whatever they make prints, parses and stays affordable.

use crate::any;
use crate::choose::{Choose, pick};
use crate::generate::{next_scene, next_step};
use crate::limits;
use crate::model::Model;
use crate::op::{MAX_OPS, Program};
use crate::part::Part;
use crate::profile::Profile;

/// A way to change a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// Adds an operation that suits the state at its place.
    Insert,
    /// Adds a whole scene that suits the state at its place.
    Play,
    /// Drops up to four operations in a row.
    Delete,
    /// Repeats an operation, there or later.
    Duplicate,
    /// Exchanges two operations.
    Swap,
    /// Goes on with the rest of another program, or takes a piece of it.
    Splice,
    /// Names another slot, buffer index or queue.
    Retarget,
    /// Changes a number or size.
    Renumber,
    /// Changes a duration.
    Delay,
    /// Adds or removes `async`.
    Async,
    /// Changes a keyword: a fault, a completion context, an access, …
    Flip,
}

impl Mutation {
    /// Every mutation.
    pub const ALL: &'static [Self] = &[
        Self::Insert,
        Self::Play,
        Self::Delete,
        Self::Duplicate,
        Self::Swap,
        Self::Splice,
        Self::Retarget,
        Self::Renumber,
        Self::Delay,
        Self::Async,
        Self::Flip,
    ];

    /// The changed program; none if this mutation changes nothing here. `donor` is what [`Mutation::Splice`] takes from.
    pub fn apply(
        self,
        program: &Program,
        donor: &Program,
        profile: &Profile,
        choose: &mut dyn Choose,
    ) -> Option<Program> {
        let mut changed = program.clone();
        match self {
            Self::Insert => insert(&mut changed, profile, choose)?,
            Self::Play => play(&mut changed, profile, choose)?,
            Self::Delete => delete(&mut changed, choose)?,
            Self::Duplicate => duplicate(&mut changed, choose)?,
            Self::Swap => swap(&mut changed, choose)?,
            Self::Splice => splice(&mut changed, donor, choose)?,
            Self::Retarget => change_part(&mut changed, choose, is_target)?,
            Self::Renumber => change_part(&mut changed, choose, is_number)?,
            Self::Delay => change_part(&mut changed, choose, is_time)?,
            Self::Async => flip_async(&mut changed, choose)?,
            Self::Flip => change_part(&mut changed, choose, is_keyword)?,
        }
        changed.steps.truncate(MAX_OPS);
        limits::tame(&mut changed, profile.driver);
        (changed != *program && !changed.steps.is_empty()).then_some(changed)
    }
}

/// Applies one mutation that `choose` picks.
pub fn mutate(
    program: &Program,
    donor: &Program,
    profile: &Profile,
    choose: &mut dyn Choose,
) -> Option<Program> {
    let mutation = Mutation::ALL[choose.below(Mutation::ALL.len())];
    mutation.apply(program, donor, profile, choose)
}

fn insert(program: &mut Program, profile: &Profile, choose: &mut dyn Choose) -> Option<()> {
    if program.steps.len() >= MAX_OPS {
        return None;
    }
    let place = choose.below(program.steps.len() + 1);
    let model = Model::after(profile.driver, &program.steps[..place]);
    let step = next_step(&model, choose, profile)?;
    program.steps.insert(place, step);
    Some(())
}

fn play(program: &mut Program, profile: &Profile, choose: &mut dyn Choose) -> Option<()> {
    let place = choose.below(program.steps.len() + 1);
    let model = Model::after(profile.driver, &program.steps[..place]);
    let scene = next_scene(&model, choose, profile);
    (program.steps.len() + scene.len() <= MAX_OPS).then(|| {
        program.steps.splice(place..place, scene);
    })
}

fn delete(program: &mut Program, choose: &mut dyn Choose) -> Option<()> {
    let length = program.steps.len();
    let first = choose.below(length);
    let count = 1 + choose.weighted(&[8, 2, 1, 1]);
    (count < length).then(|| program.steps.drain(first..(first + count).min(length)))?;
    Some(())
}

fn duplicate(program: &mut Program, choose: &mut dyn Choose) -> Option<()> {
    let length = program.steps.len();
    let source = choose.below(length);
    let step = program.steps.get(source)?.clone();
    let later = source + 1 + choose.below(length - source);
    program.steps.insert(later, step);
    (length < MAX_OPS).then_some(())
}

/// Neighbours mostly: that is a race turned round.
fn swap(program: &mut Program, choose: &mut dyn Choose) -> Option<()> {
    let length = program.steps.len();
    let first = choose.below(length.saturating_sub(1));
    let second = if choose.chance(60) {
        first + 1
    } else {
        choose.below(length)
    };
    (second < length).then(|| program.steps.swap(first, second))
}

fn splice(program: &mut Program, donor: &Program, choose: &mut dyn Choose) -> Option<()> {
    let place = choose.below(program.steps.len() + 1);
    let first = choose.below(donor.steps.len());
    let tail = program.steps.split_off(place);
    if choose.chance(50) {
        program.steps.extend_from_slice(donor.steps.get(first..)?);
    } else {
        let count = 1 + choose.below(8.min(donor.steps.len() - first));
        let piece = donor.steps.iter().skip(first).take(count).cloned();
        program.steps.extend(piece.chain(tail));
    }
    Some(())
}

fn flip_async(program: &mut Program, choose: &mut dyn Choose) -> Option<()> {
    let fits = |step: &&mut crate::op::Step| step.op.kind().may_be_async();
    let mut steps: Vec<_> = program.steps.iter_mut().filter(fits).collect();
    let index = choose.below(steps.len());
    let step = steps.get_mut(index)?;
    step.asynchronous = !step.asynchronous;
    Some(())
}

/// Gives another value to one part, of one operation, that fits.
fn change_part(
    program: &mut Program,
    choose: &mut dyn Choose,
    fits: fn(&Part<'_>) -> bool,
) -> Option<()> {
    let mut parts: Vec<_> = program
        .steps
        .iter_mut()
        .flat_map(|step| step.op.parts())
        .map(Part::bare)
        .filter(fits)
        .collect();
    if parts.is_empty() {
        return None;
    }
    let index = choose.below(parts.len());
    nudge(parts.swap_remove(index), choose);
    Some(())
}

/// A value near the present one, of the palette, or any.
fn nudge(part: Part<'_>, choose: &mut dyn Choose) {
    let style = choose.weighted(&[3, 2, 1]);
    match part {
        Part::Number(value, _) => *value = near(*value, style, choose),
        Part::Size(width, height) => {
            let side = if choose.chance(50) { width } else { height };
            *side = near(*side, style, choose);
        }
        Part::Time(time, _) => time.0 = near_time(time.0, style, choose),
        other => any::scramble(other, choose),
    }
}

fn near(value: u32, style: usize, choose: &mut dyn Choose) -> u32 {
    match style {
        0 if choose.chance(50) => value.saturating_add(1),
        0 => value.saturating_sub(1),
        1 => choose.below(5) as u32,
        _ => any::number(choose),
    }
}

/// Durations at which jobs, gates and watchdogs meet.
const TIMES: [u32; 8] = [0, 10, 500, 1_000, 2_000, 5_000, 50_000, 1_000_000];

fn near_time(value: u32, style: usize, choose: &mut dyn Choose) -> u32 {
    match style {
        0 if choose.chance(50) => value.saturating_mul(2),
        0 => value / 2,
        1 => pick(choose, &TIMES).unwrap_or(0),
        _ => choose.below(2_000_000) as u32,
    }
}

/// Slots, queues and buffer indices; an index cannot be told from another number, and need not.
fn is_target(part: &Part<'_>) -> bool {
    let slot = matches!(
        part,
        Part::File(_)
            | Part::Dmabuf(_)
            | Part::Sync(_)
            | Part::Map(_)
            | Part::Import(_)
            | Part::Imports(..)
            | Part::Request(_)
            | Part::InRequest(_)
    );
    let queue = matches!(part, Part::Keyword(word) if word.words().contains(&"cap"));
    slot || queue || is_number(part)
}

fn is_number(part: &Part<'_>) -> bool {
    matches!(part, Part::Number(..) | Part::Size(..))
}

fn is_time(part: &Part<'_>) -> bool {
    matches!(part, Part::Time(..))
}

fn is_keyword(part: &Part<'_>) -> bool {
    matches!(part, Part::Keyword(_) | Part::Choice(_) | Part::Flag(..))
}
