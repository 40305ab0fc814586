//! Programs of the host for the guest: which files they need there, or why they cannot run there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use object::{
    Endianness,
    elf::{EM_X86_64, FileHeader64, PT_INTERP},
    read::elf::{FileHeader, ProgramHeader},
};

use crate::{process, setup::cache};

/// Where programs stand in the guest.
const FOLDER: &str = "/bin";

/// A file on the host, and where the guest finds it.
pub type Copied = (PathBuf, PathBuf);

/// A program that can run in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its path in the guest.
    pub path: String,
    /// The program itself and the libraries that it is linked with.
    pub files: Vec<Copied>,
}

impl Client {
    /// What the program needs. A static one needs nothing but itself; the libraries of another are looked up on the host.
    pub fn find(program: &Path) -> anyhow::Result<Client> {
        let name = cache::name(program);
        let path = format!("{FOLDER}/{name}");
        let mut files = vec![(program.to_owned(), PathBuf::from(&path))];
        if is_dynamic(program)? {
            files.extend(libraries(program)?);
        }
        Ok(Client { path, files })
    }
}

/// Whether the program needs a loader. Refuses what the guest cannot run at all.
fn is_dynamic(program: &Path) -> anyhow::Result<bool> {
    let shown = program.display();
    let bytes = fs::read(program).with_context(|| shown.to_string())?;
    if bytes.starts_with(b"#!") {
        bail!("{shown} is a script, and the guest has no interpreter: give a program");
    }
    let dynamic = interpreted(&bytes);
    dynamic.map_err(|why| anyhow::anyhow!("{shown} is no program for x86-64 Linux: {why}"))
}

fn interpreted(bytes: &[u8]) -> Result<bool, String> {
    let words = |error: object::Error| error.to_string();
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(words)?;
    let endian = header.endian().map_err(words)?;
    let machine = header.e_machine(endian);
    if machine != EM_X86_64 {
        return Err(format!("it is for another machine (ELF number {machine})"));
    }
    let segments = header.program_headers(endian, bytes).map_err(words)?;
    Ok(segments
        .iter()
        .any(|segment| segment.p_type(endian) == PT_INTERP))
}

/// The libraries and the loader, each to the place where the host has it.
fn libraries(program: &Path) -> anyhow::Result<Vec<Copied>> {
    let remedy = || {
        format!(
            "{} is linked dynamically and its libraries cannot be found: link it statically",
            program.display()
        )
    };
    let listed = process::output(process::command("ldd").arg(program)).with_context(remedy)?;
    let found = paths(&listed).with_context(remedy)?;
    ensure!(!found.is_empty(), remedy());
    Ok(found.into_iter().map(|path| (path.clone(), path)).collect())
}

/// The paths that ldd(1) printed: `libc.so.6 => /lib/libc.so.6 (0x…)` or `/lib64/ld-linux-x86-64.so.2 (0x…)`.
fn paths(listed: &str) -> anyhow::Result<Vec<PathBuf>> {
    if let Some(missing) = listed.lines().find(|line| line.contains("not found")) {
        bail!("{}", missing.trim());
    }
    let path = |line: &str| {
        let place = line.split_once("=>").map_or(line, |(_, place)| place);
        let path = place.split_whitespace().next()?;
        path.starts_with('/').then(|| PathBuf::from(path))
    };
    Ok(listed.lines().filter_map(path).collect())
}

/// `HOST` or `HOST:GUEST`, as `--file` takes it. Without a place the file stands beside the programs.
pub fn copied(text: &str) -> Result<Copied, String> {
    let (host, guest) = match text.rsplit_once(':') {
        Some((host, guest)) => (Path::new(host), PathBuf::from(guest)),
        None => {
            let host = Path::new(text);
            (host, Path::new(FOLDER).join(cache::name(host)))
        }
    };
    if !host.is_file() {
        return Err(format!("{} is no file", host.display()));
    }
    Ok((host.to_owned(), guest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "\tlinux-vdso.so.1 (0x00007ffe)\n\
        \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f54)\n\
        \t/lib64/ld-linux-x86-64.so.2 (0x00007f55)\n";

    #[test]
    fn libraries_are_read_off_the_loader_s_list() {
        let expected = [
            "/lib/x86_64-linux-gnu/libc.so.6",
            "/lib64/ld-linux-x86-64.so.2",
        ];
        assert_eq!(paths(LISTED).unwrap(), expected.map(PathBuf::from));
        let missing = paths("\tlibv4l2.so.0 => not found\n").unwrap_err();
        assert!(missing.to_string().contains("libv4l2.so.0"));
    }

    #[test]
    fn a_dynamic_program_brings_its_libraries() {
        let shell = fs::canonicalize("/bin/sh").unwrap();
        let client = Client::find(&shell).unwrap();
        assert!(client.path.starts_with("/bin/"));
        assert!(
            client
                .files
                .iter()
                .any(|(_, to)| to.to_string_lossy().contains("libc.so"))
        );
    }

    #[test]
    fn what_cannot_run_in_the_guest_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |text: &[u8]| {
            let file = folder.path().join("program");
            fs::write(&file, text).unwrap();
            Client::find(&file).unwrap_err().to_string()
        };
        assert!(refused(b"#!/bin/sh\n").contains("script"));
        assert!(refused(b"nothing").contains("no program"));
        assert!(Client::find(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn a_file_stands_where_it_is_said_or_beside_the_programs() {
        let here = file!();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(here);
        let host = here.display().to_string();
        assert_eq!(copied(&host).unwrap().1, Path::new("/bin/client.rs"));
        let placed = copied(&format!("{host}:/data/x")).unwrap();
        assert_eq!(placed, (here, PathBuf::from("/data/x")));
        assert!(copied("/no/such/file").is_err());
    }
}
