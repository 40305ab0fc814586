//! The kernel modules of the target, as `/modules/load.txt` lists them: `name.ko [param=value …]`, one a line, in load order.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module};

/// A module file and the parameters it is loaded with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Module {
    path: PathBuf,
    parameters: String,
}

impl Module {
    /// A line of the list; `None` for an empty line or a comment.
    fn parse(folder: &Path, line: &str) -> Option<Self> {
        let line = line.trim();
        let (name, parameters) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let listed = !name.is_empty() && !name.starts_with('#');
        listed.then(|| Self {
            path: folder.join(name),
            parameters: parameters.trim().to_owned(),
        })
    }

    /// The module in that file, without parameters.
    pub(crate) fn of(file: String) -> Self {
        Self {
            path: file.into(),
            parameters: String::new(),
        }
    }

    /// Its file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name under which the kernel knows it.
    pub(crate) fn name(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default();
        stem.to_string_lossy().replace('-', "_")
    }

    /// Loads it.
    pub(crate) fn load(&self) -> nix::Result<()> {
        let file = File::open(&self.path)
            .map_err(|error| error.raw_os_error().map_or(Errno::ENOENT, Errno::from_raw))?;
        let parameters = CString::new(self.parameters.as_str()).map_err(|_| Errno::EINVAL)?;
        finit_module(file, &parameters, ModuleInitFlags::empty())
    }

    /// Unloads it, if nobody uses it.
    pub(crate) fn unload(&self) -> nix::Result<()> {
        let name = CString::new(self.name()).map_err(|_| Errno::EINVAL)?;
        delete_module(&name, DeleteModuleFlags::O_NONBLOCK)
    }
}

/// The list, in load order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Modules(Vec<Module>);

impl Modules {
    /// Reads the list of a folder. A target whose modules are loaded by others has none.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("load.txt");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(folder, &text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).context(path.display().to_string()),
        }
    }

    fn parse(folder: &Path, text: &str) -> Self {
        Self(
            text.lines()
                .filter_map(|line| Module::parse(folder, line))
                .collect(),
        )
    }

    /// Loads all of them.
    pub(crate) fn load(&self) -> Result<()> {
        for module in &self.0 {
            module.load().with_context(|| {
                format!(
                    "cannot load {} with `{}`: see the kernel log, and build it against this kernel",
                    module.path.display(),
                    module.parameters
                )
            })?;
        }
        Ok(())
    }

    /// Unloads all of them, last first, and tells on the console which refused.
    pub(crate) fn unload(&self) {
        for module in self.0.iter().rev() {
            if let Err(errno) = module.unload() {
                eprintln!(
                    "agent: module {} cannot be unloaded: {errno}",
                    module.name()
                );
            }
        }
    }

    /// The module with that name.
    pub(crate) fn get(&self, name: &str) -> Option<Module> {
        self.0.iter().find(|module| module.name() == name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_in_order_with_parameters() {
        let text =
            "videobuf2-common.ko\n\n# the double\nvb2_double.ko attach=buf_queue  debug=1 \n";
        let modules = Modules::parse(Path::new("/modules"), text);
        let names: Vec<String> = modules.0.iter().map(Module::name).collect();
        assert_eq!(names, ["videobuf2_common", "vb2_double"]);
        let double = modules.get("vb2_double").expect("listed");
        assert_eq!(double.path, Path::new("/modules/vb2_double.ko"));
        assert_eq!(double.parameters, "attach=buf_queue  debug=1");
        assert_eq!(modules.get("vim2m"), None);
    }

    #[test]
    fn a_target_without_a_list_has_no_modules() {
        let modules = Modules::read(Path::new("/nonexistent")).expect("not an error");
        assert!(modules.0.is_empty());
    }
}
