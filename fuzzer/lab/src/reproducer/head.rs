//! The comment at the head of a reproducer: what fails, where, and how to run it.

use judge::Violation;
use program::{
    Driver, Program,
    c::{Probe, Symptom},
};

use crate::findings::Origin;

/// The paragraphs.
pub(super) fn paragraphs(
    program: &Program,
    violation: &Violation,
    symptom: &Symptom,
    origin: &Origin,
) -> Vec<String> {
    vec![
        format!("{}: {}", violation.invariant, violation.invariant.title()),
        observed(program, violation),
        found(origin),
        format!(
            "  cc -Wall -Wextra -pthread -o reproducer reproducer.c\n  ./reproducer      # as root{}",
            loaded(origin)
        ),
        verdict(symptom.probe).to_owned(),
        format!("The program:\n{}", indented(program)),
    ]
}

fn observed(program: &Program, violation: &Violation) -> String {
    let step = violation
        .op
        .and_then(|op| program.steps.get(usize::from(op)));
    let at = step.map_or(String::new(), |step| format!("at: {step}\n"));
    format!(
        "{at}expected: {}\nobserved: {}",
        violation.expected, violation.observed
    )
}

fn found(origin: &Origin) -> String {
    let setup = &origin.setup;
    let plant = setup.plant.as_ref();
    let plant = plant.map_or(String::new(), |plant| format!(", planted bug {plant}"));
    format!(
        "Found on Linux {} by vb2-fence-lab: driver {}, fences attached at {}{plant}.",
        origin.kernel, setup.driver, setup.attach
    )
}

/// What has to be loaded before.
fn loaded(origin: &Origin) -> String {
    let setup = &origin.setup;
    match Driver::named(&setup.driver) {
        Some(Driver::Double) => format!(
            ", after\n  insmod vb2_double.ko attach={}{}",
            setup.attach,
            setup.shape.parameters()
        ),
        _ => String::new(),
    }
}

fn verdict(probe: Probe) -> &'static str {
    match probe {
        Probe::Log => {
            "The failure is in the kernel's log, which this reads from /dev/kmsg: it prints the complaint behind \"FAIL: \" and ends \
             with 1, or \"ok\" and 0. A kernel that dies says so on its console. Build it with KASAN, PROVE_LOCKING and \
             DEBUG_ATOMIC_SLEEP; lockdep speaks once a boot."
        }
        Probe::Hidden => {
            "User space cannot see this failure: it ends with 2. The tracepoints dma_fence:* (dma_fence_init, dma_fence_signaled, \
             dma_fence_destroy) and vb2:vb2_buf_done tell of each fence and buffer; write 1 to \
             /sys/kernel/tracing/events/dma_fence/enable and run it."
        }
        _ => {
            "It prints \"FAIL: \" and what is wrong, and ends with 1, when the failure shows; \"ok\" and 0 when it does not; \
             \"cannot tell: \" and 2 when it could not look. The video node is found by its driver's name."
        }
    }
}

fn indented(program: &Program) -> String {
    let lines = program.steps.iter().map(|step| format!("  {step}"));
    lines.collect::<Vec<_>>().join("\n")
}
