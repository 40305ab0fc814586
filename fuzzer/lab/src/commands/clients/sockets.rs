//! A library that is preloaded for GStreamer: the guest's kernel has no sockets.

use std::{fs, path::PathBuf};

use anyhow::Context;
use tempfile::TempDir;

use crate::{process, setup::llvm::Llvm};

const SOURCE: &str = include_str!("socketpair.c");

/// The library, as long as this lives.
#[derive(Debug)]
pub(super) struct Sockets {
    folder: TempDir,
}

impl Sockets {
    /// Builds it with the compiler of the kernel. It takes what it needs from the C library of the program.
    pub(super) fn build() -> anyhow::Result<Sockets> {
        let llvm = Llvm::find().context("there is no clang: `lab doctor` says what is missing")?;
        let folder = tempfile::tempdir()?;
        let source = folder.path().join("socketpair.c");
        fs::write(&source, SOURCE)?;
        let sockets = Sockets { folder };
        let mut clang = process::command(llvm.program("clang"));
        clang.args([
            "-shared",
            "-fPIC",
            "-nostdlib",
            "-O2",
            "-Wall",
            "-Werror",
            "-o",
        ]);
        process::output(clang.arg(sockets.library()).arg(source))?;
        Ok(sockets)
    }

    /// Its file.
    pub(super) fn library(&self) -> PathBuf {
        self.folder.path().join("socketpair.so")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that is given the library has a pair that works, in the direction that is used.
    #[test]
    fn a_pair_carries_bytes() {
        let sockets = Sockets::build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (source, program) = (folder.path().join("t.c"), folder.path().join("t"));
        let test = "#include <sys/socket.h>\n#include <unistd.h>\n\
            int main(void) { int s[2]; char c = 0; \
            if (socketpair(AF_UNIX, SOCK_STREAM, 0, s)) return 1; \
            if (lseek(s[0], 0, SEEK_CUR) != -1 || send(s[1], \"x\", 1, 0) != -1) return 2; \
            return write(s[1], \"x\", 1) == 1 && read(s[0], &c, 1) == 1 && c == 'x' ? 0 : 3; }\n";
        fs::write(&source, test).unwrap();
        let mut compiler = process::command("cc");
        process::output(compiler.arg("-o").args([&program, &source])).unwrap();
        let mut command = process::command(&program);
        process::output(command.env("LD_PRELOAD", sockets.library())).unwrap();
    }
}
