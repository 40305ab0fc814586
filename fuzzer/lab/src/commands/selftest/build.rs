//! The kernel's own selftest of release fences, built as a static program from the kernel tree that is under test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

use crate::{
    process,
    progress::Stage,
    setup::{
        Prepared,
        cache::Cache,
        key::Key,
        tree::{self, How},
    },
};

/// Changes whenever this file builds something else from the same tree.
const RECIPE: &str = "selftest 2";

/// The test, and what it is called when it is built.
pub(super) const NAME: &str = "vb2_release_fence";

/// Its folder in a kernel tree.
const FOLDER: &str = "tools/testing/selftests/media_tests";

/// What the headers for user space are made of.
const HEADERS: [&str; 5] = [
    "scripts",
    "include/uapi",
    "include/asm-generic",
    "arch/x86",
    "usr",
];

/// Builds it, if the cache has none from this tree.
pub(super) fn build(prepared: &Prepared) -> anyhow::Result<PathBuf> {
    let tree = &prepared.kernel.tree;
    let source = Path::new(FOLDER).join(NAME).with_extension("c");
    ensure!(
        tree.join(&source).is_file(),
        "the kernel tree has no {}: the project's own series brings it, so leave out --series, --no-series and --vanilla, or \
         apply the patch that adds it to yours",
        source.display()
    );
    let key = Key::new(RECIPE).part("kernel", &prepared.kernel.key);
    // The kernel's key goes first and it lies with the modules, so that it is removed with its kernel.
    let name = format!("{}-selftest-{}", prepared.kernel.key, key.finish());
    let lock = prepared.cache.lock()?;
    let dir = lock.entry("modules", &name, |dir| {
        make(tree, dir, &source, &prepared.cache)
    })?;
    Ok(dir.join(NAME))
}

fn make(tree: &Path, dir: &Path, source: &Path, cache: &Cache) -> anyhow::Result<()> {
    let mut stage = Stage::begin("building the kernel's selftest", None);
    let log = cache.log("selftest");
    // The tree is configured for User-Mode Linux, which has no headers for user space, and stays as it is.
    let work = dir.join("work");
    fs::create_dir(&work).with_context(|| work.display().to_string())?;
    tree::copy(tree, &work, How::Link, &is_needed)?;
    let mut headers = process::command("make");
    headers.arg("-C").arg(&work);
    headers.args(["ARCH=x86", "HOSTCC=cc", "headers"]);
    process::logged(&mut headers, &log, |line| stage.step(line.trim()))?;
    let mut compiler = process::command("cc");
    // The test's messages name its file as the compiler does.
    compiler.current_dir(&work);
    compiler.args(["-static", "-O2", "-Wall"]);
    compiler.args(["-isystem", "usr/include", "-I", "tools/testing/selftests"]);
    compiler.arg("-o").arg(dir.join(NAME)).arg(source);
    process::logged(&mut compiler, &log, |_| ())?;
    fs::remove_dir_all(&work).with_context(|| work.display().to_string())?;
    stage.done();
    Ok(())
}

/// A file or folder of the tree that takes part, or a folder on the way to one.
fn is_needed(path: &Path) -> bool {
    let below = |folder: &str| path.starts_with(folder) || Path::new(folder).starts_with(path);
    let top = path.components().count() == 1 && path.extension().is_none();
    let test = path.starts_with(FOLDER)
        || Path::new(FOLDER).starts_with(path)
        || (path.parent() == Path::new(FOLDER).parent() && path.extension().is_some());
    tree::is_source(path)
        && (HEADERS.iter().any(|folder| below(folder)) || test || is_makefile(path) && top)
}

fn is_makefile(path: &Path) -> bool {
    ["Makefile", "Kbuild", "Kconfig"]
        .map(Path::new)
        .contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_headers_and_test_are_made_of_is_copied() {
        let needed = [
            "Makefile",
            "tools",
            "tools/testing/selftests/kselftest_harness.h",
            "tools/testing/selftests/media_tests/vb2_stream.h",
            "include",
            "include/uapi/linux/dma-buf.h",
            "arch/x86/Makefile",
        ];
        assert!(needed.map(Path::new).into_iter().all(is_needed));
        let not_needed = [
            "drivers",
            "vmlinux",
            "linux",
            ".config",
            "tools/perf",
            "include/linux",
            "arch/arm64",
            "tools/testing/selftests/net",
            "arch/x86/include/generated",
        ];
        assert!(!not_needed.map(Path::new).into_iter().any(is_needed));
    }
}
