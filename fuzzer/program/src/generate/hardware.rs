//! Kinds of hardware. What a device is like shows only together with what is done to it, so a scene draws its device first: every
//! scene is then played on devices that end their jobs in a kworker, that wait for their writer when they are stopped, that are slow,
//! that are given up early.

use super::details;
use super::script::Script;
use crate::driver::Driver;
use crate::op::{Completion, File, Knob, Micros, Op};

/// Chances in 100 that a device differs from the plainest one: in how its jobs end, in how it is stopped, in how fast it is and
/// in how long its watchdog waits.
const ENDS: u32 = 35;
const WAITS_WHEN_STOPPED: u32 = 25;
const PACE: u32 = 10;
const PATIENCE: u32 = 10;

/// Makes hardware of some kind of the device behind `file`; mostly the kind that it is.
pub(super) fn draw(script: &mut Script<'_>, file: File) {
    if script.model.driver != Driver::Double {
        return;
    }
    if script.choose.chance(ENDS) {
        let context = Completion::ALL[script.choose.below(Completion::ALL.len())];
        script.run(Op::Completion { file, context });
    }
    if script.choose.chance(WAITS_WHEN_STOPPED) {
        let knob = Knob::Abort;
        script.run(Op::SetKnob {
            file,
            knob,
            value: 1,
        });
    }
    let time = Micros(0);
    if script.choose.chance(PACE) {
        numbered(script, Op::JobTime { file, time });
    }
    if script.choose.chance(PATIENCE) {
        numbered(script, Op::Watchdog { file, time });
    }
}

fn numbered(script: &mut Script<'_>, mut op: Op) {
    details::fill(&mut op, script.model.driver, script.choose);
    script.run(op);
}
