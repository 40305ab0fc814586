//! Paths of sources as a maintainer knows them: relative to the kernel's tree, or to the project.

/// The path, without the folder that it was built in.
pub(super) fn relative(file: &str, built_in: &str) -> String {
    let inside = file.strip_prefix(built_in).unwrap_or(file);
    let parts = inside.split('/').filter(|part| !matches!(*part, "" | "."));
    let mut path: Vec<&str> = Vec::new();
    for part in parts {
        match part {
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    if inside.starts_with('/') && inside.len() == file.len() {
        // Somebody else's sources: Rust's library, for one.
        let known = path.iter().rposition(|part| *part == "library");
        path.drain(..known.unwrap_or(path.len().saturating_sub(1)));
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn the_folder_of_the_build_does_not_show() {
        let built = "/home/me/.cache/kernel/.unfinished-12";
        for (file, told) in [
            (
                "/home/me/.cache/kernel/.unfinished-12/./include/a.h",
                "include/a.h",
            ),
            ("drivers/media/x.c", "drivers/media/x.c"),
            ("./include/../lib/y.c", "lib/y.c"),
            (
                "/home/me/rust/library/core/src/ptr.rs",
                "library/core/src/ptr.rs",
            ),
            ("/usr/include/stdio.h", "stdio.h"),
        ] {
            assert_eq!(relative(file, built), told);
        }
    }
}
