//! The kernel patches: what the kernel's own checker says about them.

use std::path::{Path, PathBuf};

use anyhow::ensure;

use super::{Check, Context};
use crate::{
    clone, process,
    setup::{self, cache},
};

/// One check for each patch that is no part of the series. `series verify` looks at those, and knows which complaints are
/// none.
pub(super) fn checks() -> anyhow::Result<Vec<Check>> {
    let own = clone::root()?.join("kernel-patches");
    let mut patches = Vec::new();
    for folder in ["buf_queue", "lab", "lab/opt-in"].map(|name| own.join(name)) {
        if folder.is_dir() {
            patches.extend(
                cache::entries(&folder)?
                    .into_iter()
                    .filter(|path| is_patch(path)),
            );
        }
    }
    Ok(patches.into_iter().map(check).collect())
}

fn is_patch(path: &Path) -> bool {
    let name = cache::name(path);
    name.ends_with(".patch") && !name.starts_with("0000-")
}

/// What is not asked of the lab's own patches: the first two are how TRACE_EVENT is written everywhere in the kernel, and a
/// parameter of the lab's kernel belongs in the lab's documentation.
const IGNORED: &str = "OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,UNDOCUMENTED_SETUP";

fn check(patch: PathBuf) -> Check {
    let name = format!("patches: checkpatch {}", cache::name(&patch));
    Check::new(name, move |context| checkpatch(context, &patch))
}

fn checkpatch(context: &Context, patch: &Path) -> anyhow::Result<()> {
    let tree = setup::prepare(&context.options)?.kernel.tree;
    let script = tree.join("scripts/checkpatch.pl");
    ensure!(
        script.is_file(),
        "{} is missing: the kernel tree is not whole",
        script.display()
    );
    let mut perl = process::command("perl");
    perl.arg(script)
        .args(["--strict", "--quiet", "--no-summary", "--show-types"])
        .arg(patch)
        .current_dir(&tree);
    if !patch
        .parent()
        .is_some_and(|folder| folder.ends_with("buf_queue"))
    {
        perl.args(["--ignore", IGNORED]);
    }
    process::logged(&mut perl, &context.cache.log("test-checkpatch"), |_| ())
}
