//! The agent as a tool: `--copy MODULE FRAMES` loads a module that is at hand, streams frames through the mem2mem device
//! that it makes, which must copy them, and unloads it. Each frame has two release fences, and all of them go.
//! `--load MODULE` loads it only.

use anyhow::{Context, Result, ensure};

use crate::churn::within_patience;
use crate::device::Node;
use crate::ledger::{Ledger, Totals};
use crate::measure::stream::Stream;
use crate::measure::way::Way;
use crate::modules::Module;
use crate::sys::memory::Mapping;
use crate::sys::v4l2::{TYPE_CAPTURE, TYPE_OUTPUT};
use crate::sys::{double, file};

/// Loads the module of that name, which is also what its driver calls itself.
pub(crate) fn load(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let name = arguments.next().context("--load needs a module")?;
    module(&name).load().context(name)
}

/// Does what the arguments say, and prints what the ledger counted.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let name = arguments.next().context("--copy needs a module")?;
    let frames = arguments
        .next()
        .context("--copy needs a number of frames")?;
    let frames: u64 = frames.parse().context("--copy: how many frames")?;
    let ledger = Ledger::open()?.context("the target has no ledger")?;
    let module = module(&name);
    module.load().with_context(|| name.clone())?;
    copy(&name, frames)?;
    let gone = || ledger.totals().destroys == 2 * frames;
    within_patience(gone);
    let totals = ledger.totals();
    let Totals {
        inits,
        attaches,
        signals,
        destroys,
        ..
    } = totals;
    ensure!(
        [inits, attaches, signals, destroys] == [2 * frames; 4],
        "{frames} frames: {totals:?}"
    );
    module
        .unload()
        .with_context(|| format!("unloading {name}"))?;
    println!("frames {frames} fences {inits}");
    Ok(())
}

fn module(name: &str) -> Module {
    Module::of(format!("{}/{name}.ko", crate::MODULES))
}

fn copy(name: &str, frames: u64) -> Result<()> {
    let node = Node::named(name).find();
    let stream = Stream::at(&node.with_context(|| format!("{name} has no video node"))?)?;
    let mut from = plane(&stream, TYPE_OUTPUT)?;
    let to = plane(&stream, TYPE_CAPTURE)?;
    for frame in 0..frames {
        for word in 0..from.words() {
            from.set_word(word, double::word(frame + 1, word as u64));
        }
        stream.cycle(&Way::Outside)?;
        let wrong = (0..from.words()).find(|word| to.word(*word) != from.word(*word));
        ensure!(wrong.is_none(), "frame {frame} differs at word {wrong:?}");
    }
    Ok(())
}

/// The memory of a buffer through its export.
fn plane(stream: &Stream, kind: u32) -> Result<Mapping> {
    let export = stream.export_of(kind)?;
    let mapping = Mapping::new(export, file::size(export)? as usize, true);
    file::close(export)?;
    Ok(mapping?)
}
