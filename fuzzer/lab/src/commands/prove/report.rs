//! What is told: what will be run, what was proved, what was found.

use std::path::Path;

use anyhow::Context;
use engine::Finding;
use explorer::{Certificate, Checks, Extent, VERSION};

use super::{Proof, Subject, book::Book, crew::PER_BOOT, sweep::Suspect};
use crate::{
    exit::{Exit, malformed},
    findings, json,
    rig::{kernel_words, quoted},
};

/// Name of the certificate in a proof's folder.
const NAME: &str = "certificate.json";

/// What is about to be run.
pub(super) fn announcement(subject: &Subject) -> String {
    let Subject {
        scope, graph, plan, ..
    } = subject;
    let reach = match graph.is_closed() {
        true => "programs of any length lead nowhere else".to_owned(),
        false => format!("programs of at most {} symbols", scope.depth),
    };
    format!(
        "{}: {}\n{} states, {} transitions, {} programs to run; the farthest state is {} symbols away; {reach}\n",
        scope.name,
        scope.title,
        graph.states(),
        graph.edges().len(),
        plan.walks.len(),
        graph.eccentricity(),
    )
}

/// What was proved.
pub(super) fn certificate(
    proof: &Proof<'_>,
    book: &mut Book,
    pairs: u64,
) -> anyhow::Result<Certificate> {
    let Subject {
        scope,
        text,
        graph,
        plan,
    } = proof.subject;
    let (rig, origin) = (&proof.args.rig, proof.origin);
    let records = book.records();
    let fences = records.iter().map(|record| u64::from(record.fences)).sum();
    let repeated = records.iter().filter(|record| record.repeated).count() as u64;
    Ok(Certificate {
        version: VERSION,
        statement: explorer::statement(scope, graph, rig.attach().name()),
        scope: scope.name.clone(),
        text: text.clone(),
        depth: scope.depth,
        subject: explorer::Subject {
            kernel: origin.kernel.clone(),
            build: origin.build.clone(),
            patches: origin.patches.clone(),
            plant: rig.plant.clone(),
            attach: rig.attach().name().to_owned(),
        },
        extent: Extent {
            states: graph.states() as u64,
            transitions: graph.edges().len() as u64,
            programs: plan.walks.len() as u64,
            farthest: graph.eccentricity(),
            closed: graph.is_closed(),
            fences,
            fence_states: book.fence_states(),
        },
        checks: Checks {
            boots: proof.crew.boots(),
            programs_per_boot: PER_BOOT,
            repeated,
            pruned: pairs,
            seed: proof.args.seed,
        },
        seconds: book.seconds(),
        runs: book.seal()?,
    })
}

/// Keeps a certificate, and shows it.
pub(super) fn write(folder: &Path, certificate: &Certificate) -> anyhow::Result<()> {
    let path = folder.join(NAME);
    json::keep(Some(&path), certificate).context(NAME)?;
    let Certificate {
        statement,
        extent,
        checks,
        seconds,
        ..
    } = certificate;
    println!("{}", statement.join("\n"));
    println!(
        "{} states, {} transitions in {} programs, {} fences in {} fence states, 0 violations, {seconds} s",
        extent.states, extent.transitions, extent.programs, extent.fences, extent.fence_states
    );
    println!(
        "checked: {} programs again on fresh boots, {} pruned programs against those that stand for them",
        checks.repeated, checks.pruned
    );
    println!("certificate: {}", path.display());
    println!(
        "check: cargo lab prove --check {}",
        quoted(&path.display().to_string())
    );
    Ok(())
}

/// Reads a certificate.
pub(super) fn read(path: &Path) -> anyhow::Result<Certificate> {
    let refuse = |why: String| malformed(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    let certificate: Certificate = serde_json::from_str(&text)
        .map_err(|error| refuse(format!("not a certificate: {error}")))?;
    match certificate.version {
        VERSION => Ok(certificate),
        other => Err(refuse(format!(
            "version {other}, expected {VERSION}: prove again"
        ))),
    }
}

/// What the kernel did that the model does not say.
pub(super) fn diverged(divergences: &[String]) -> Exit {
    println!(
        "nothing is proved: no invariant was seen broken, but the kernel and the model disagree, so programs were taken for one that \
         are not ({} cases). The first:\n{}",
        divergences.len(),
        divergences[0]
    );
    Exit::NONDETERMINISM
}

/// The shortest counterexample.
pub(super) fn counterexample(
    proof: &Proof<'_>,
    shortest: &Suspect,
    finding: &Finding,
    path: &Path,
) -> String {
    let scope = &proof.subject.scope;
    let names: Vec<_> = shortest
        .word
        .iter()
        .map(|choice| scope.name(*choice))
        .collect();
    format!(
        "not proved: {}\nthe shortest program of the scope that breaks an invariant has {} symbols: {}\n\
         reproduced: {}, minimised from {} to {} operations: {}\nrepeat: cargo lab replay {}\n",
        finding.key,
        names.len(),
        names.join("; "),
        findings::reproduced(finding),
        finding.original.steps.len(),
        finding.program.steps.len(),
        path.display(),
        quoted(&path.display().to_string()),
    )
}

/// The command that proves the same again.
pub(super) fn line(proof: &Proof<'_>) -> String {
    let Proof { args, options, .. } = proof;
    let mut words = vec!["cargo lab prove".to_owned()];
    words.extend(
        args.scope
            .iter()
            .map(|scope| quoted(&scope.display().to_string())),
    );
    words.extend(args.depth.map(|depth| format!("--depth {depth}")));
    words.extend(args.rig.words());
    words.extend(kernel_words(options));
    words.join(" ")
}
