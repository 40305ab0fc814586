//! What builds a series, and for what.

use anyhow::Context;

use super::{
    builder::Builder,
    kbuild::{Arch, Kbuild},
    selftests::Selftests,
    workshop::Workshop,
};
use crate::{
    process,
    setup::{Options, cache::Cache, llvm::Llvm, sparse::Sparse},
};

/// What builds, and for what.
pub(super) struct Tools {
    pub(super) arches: Vec<Arch>,
    pub(super) llvm: Llvm,
    pub(super) clang: String,
    pub(super) compiler: String,
    pub(super) sparse: Sparse,
    pub(super) jobs: usize,
}

impl Tools {
    /// Finds all of it.
    pub(super) fn find(
        wanted: &[Arch],
        options: &Options,
        sparse: Sparse,
    ) -> anyhow::Result<Tools> {
        let llvm = Llvm::find().context("no whole LLVM 19 or newer is installed")?;
        let arches = if wanted.is_empty() {
            Arch::ALL.to_vec()
        } else {
            wanted.to_vec()
        };
        let mut arches = arches;
        arches.sort_unstable();
        arches.dedup();
        let compiler = process::output(process::command("cc").arg("--version"))?;
        Ok(Tools {
            // The architectures build at the same time.
            jobs: options.job_count().div_ceil(arches.len()),
            arches,
            clang: llvm.version()?,
            llvm,
            compiler: compiler.lines().next().unwrap_or_default().to_owned(),
            sparse,
        })
    }

    /// The builders, at work in this workshop.
    pub(super) fn builders(
        &self,
        shop: &Workshop,
        cache: &Cache,
    ) -> anyhow::Result<Vec<Box<dyn Builder>>> {
        let mut builders: Vec<Box<dyn Builder>> = Vec::new();
        let mut logs = Vec::new();
        for arch in &self.arches {
            let log = cache.log(&format!("series-{}", arch.name()));
            logs.push(log.display().to_string());
            builders.push(Box::new(Kbuild {
                arch: *arch,
                source: shop.source(),
                output: shop.output(arch.name())?,
                llvm: self.llvm.clone(),
                clang: self.clang.clone(),
                sparse: self.sparse.clone(),
                jobs: self.jobs,
                log,
            }));
        }
        let log = cache.log("series-selftests");
        logs.push(log.display().to_string());
        builders.push(Box::new(Selftests {
            source: shop.source(),
            output: shop.output("selftests")?,
            compiler: self.compiler.clone(),
            jobs: self.jobs,
            log,
        }));
        eprintln!("what make says goes to {}", logs.join(", "));
        Ok(builders)
    }
}
