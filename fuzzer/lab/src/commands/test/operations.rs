//! Every operation of the language, on the real kernel: it changes what a later call answers, or it is refused as documented.
//!
//! What shows an operation stands in one `match` over the enum, so that an operation without a program does not compile.

mod shown;

use anyhow::{Context as _, bail, ensure};
use engine::{Ran, Target};
use program::{OpKind, Program};
use trace::{Call, Event, Out};

use self::shown::{Shown, shown};
use super::{Check, Context};
use crate::rig::{self, Rig, RigArgs};

/// Checks of the operations.
pub(super) fn checks() -> Vec<Check> {
    let title = "operations: each changes what a later call answers, or returns its errno";
    vec![Check::new(title, every_operation)]
}

fn every_operation(context: &Context) -> anyhow::Result<()> {
    let mut rig = rig::ready(&context.options, &RigArgs::default())?;
    rig.target.boot()?;
    let mut wrong = Vec::new();
    for kind in OpKind::ALL {
        if let Err(error) = show(&mut rig, *kind) {
            wrong.push(format!("{kind:?}: {error:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn show(rig: &mut Rig, kind: OpKind) -> anyhow::Result<()> {
    let Shown { effect, refused } = shown(kind);
    ensure!(
        effect.is_some() || refused.is_some(),
        "no program shows it at all"
    );
    if let Some(text) = effect {
        changes(rig, kind, &text)?;
    }
    if let Some((text, errno)) = refused {
        is_refused(rig, kind, &text, errno)?;
    }
    Ok(())
}

/// With the last operation of this kind a later call answers otherwise than without it.
fn changes(rig: &mut Rig, kind: OpKind, text: &str) -> anyhow::Result<()> {
    let program = parsed(text)?;
    let at = last(&program, kind)?;
    let mut without = program.clone();
    without.steps.remove(at);
    let calls = answers(rig, &program)?;
    let here = calls.iter().find(|(op, _)| *op == at);
    let (_, answer) = here.with_context(|| format!("it did not return in:\n{text}"))?;
    ensure!(answer.is_ok(), "it fails with {answer:?} in:\n{text}");
    let with = calls.into_iter().filter(|(op, _)| *op > at);
    let with: Vec<_> = with.map(|(op, answer)| (op - 1, answer)).collect();
    let left_out = answers(rig, &without)?.into_iter();
    let left_out: Vec<_> = left_out.filter(|(op, _)| *op >= at).collect();
    ensure!(
        with != left_out,
        "what comes after it answers the same without it in:\n{text}"
    );
    Ok(())
}

/// The last operation of this kind fails with this errno.
fn is_refused(rig: &mut Rig, kind: OpKind, text: &str, errno: i32) -> anyhow::Result<()> {
    let program = parsed(text)?;
    let at = last(&program, kind)?;
    let calls = answers(rig, &program)?;
    let answer = calls.into_iter().find(|(op, _)| *op == at);
    let (_, answer) = answer.with_context(|| format!("it did not return in:\n{text}"))?;
    ensure!(
        answer == Err(errno),
        "errno {errno} was expected, {answer:?} came, in:\n{text}"
    );
    Ok(())
}

fn parsed(text: &str) -> anyhow::Result<Program> {
    text.parse().with_context(|| text.to_owned())
}

fn last(program: &Program, kind: OpKind) -> anyhow::Result<usize> {
    let is_it = |step: &program::Step| step.op.kind() == kind;
    let at = program.steps.iter().rposition(is_it);
    at.context("the program that shows it does not have it")
}

/// What each operation answered, without the time that it did.
fn answers(rig: &mut Rig, program: &Program) -> anyhow::Result<Vec<(usize, Result<Out, i32>)>> {
    let report = match rig.target.run(program, false)? {
        Ran::Report(report) => report,
        Ran::Died { how, .. } => bail!("the target {how} under:\n{program}"),
    };
    let mut answers: Vec<_> = report.trace.events.into_iter().filter_map(answer).collect();
    answers.sort_by_key(|(op, _)| *op);
    Ok(answers)
}

fn answer(event: Event) -> Option<(usize, Result<Out, i32>)> {
    let Event::Call(Call { op, result, .. }) = event else {
        return None;
    };
    Some((usize::from(op), result.map(timeless)))
}

fn timeless(out: Out) -> Out {
    match out {
        Out::Sync(mut info) => {
            info.fences.iter_mut().for_each(|fence| fence.timestamp = 0);
            Out::Sync(info)
        }
        Out::Content(mut content) => {
            if let Some(stamp) = &mut content.stamp {
                stamp.time = 0;
            }
            Out::Content(content)
        }
        other => other,
    }
}
