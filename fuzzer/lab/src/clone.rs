//! Where the project's own sources are: the clone that this lab was built from.

use std::path::{Path, PathBuf};

use anyhow::ensure;

/// The clone's root folder.
pub fn root() -> anyhow::Result<PathBuf> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = crate_folder.ancestors().nth(2).unwrap_or(crate_folder);
    ensure!(
        root.join("kernel-patches").is_dir() && root.join("Cargo.lock").is_file(),
        "{} is not the clone of vb2-fence-lab any more that this program was built from; \
         run it as `cargo lab …` inside the clone",
        root.display()
    );
    Ok(root.to_owned())
}
