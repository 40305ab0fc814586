//! Where in the sources something of a build is: functions and offsets that the kernel's log names, and addresses.

mod binary;
mod calls;
mod path;
mod stack;

use std::path::{Path, PathBuf};

use anyhow::Context;
use trace::Trace;

use crate::setup::{Prepared, cache, modules::Modules};
pub use binary::{Binary, Place};

/// The kernel and the modules of a build.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    kernel: Option<PathBuf>,
    modules: Vec<PathBuf>,
}

impl Symbols {
    /// Of what runs in a guest.
    pub fn of(prepared: &Prepared, modules: &Modules) -> Symbols {
        Symbols {
            kernel: Some(prepared.kernel.program()),
            modules: modules.files().unwrap_or_default(),
        }
    }

    /// The call traces in the kernel's log, each frame with its line of source; none if there are none.
    pub fn stacks(&self, trace: &Trace) -> Option<String> {
        stack::Stacks::new(self).text(trace)
    }

    /// The file that a module, or the kernel itself, was loaded from.
    fn file(&self, module: Option<&str>) -> Option<&Path> {
        let Some(module) = module else {
            return self.kernel.as_deref();
        };
        let named = |path: &&PathBuf| {
            let name = cache::name(path);
            name.strip_suffix(".ko")
                .is_some_and(|stem| stem.replace('-', "_") == module)
        };
        self.modules.iter().find(named).map(PathBuf::as_path)
    }

    /// Reads the kernel, or a module.
    pub fn read(&self, module: Option<&str>) -> anyhow::Result<Binary> {
        let file = self
            .file(module)
            .with_context(|| format!("no file of module {}", module.unwrap_or("(kernel)")))?;
        Binary::read(file)
    }
}
