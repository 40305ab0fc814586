//! Keys of cache entries: a hash over everything that an entry depends on.

use std::path::Path;

use anyhow::Context;
use sha2::{Digest, Sha256};

/// A key in the making. Each part is hashed with its name and length, so that no two lists of parts run together.
#[derive(Clone, Debug)]
pub struct Key(Sha256);

impl Key {
    /// Starts a key; `recipe` names what is built and the version of how, and changes when the code that builds does.
    pub fn new(recipe: &str) -> Key {
        Key(Sha256::new()).part("recipe", recipe)
    }

    /// Adds a named part.
    pub fn part(mut self, name: &str, content: impl AsRef<[u8]>) -> Key {
        for bytes in [name.as_bytes(), content.as_ref()] {
            self.0.update((bytes.len() as u64).to_le_bytes());
            self.0.update(bytes);
        }
        self
    }

    /// Adds a file's content under a name that does not depend on where the clone is.
    pub fn file(self, name: &str, file: &Path) -> anyhow::Result<Key> {
        let content =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(self.part(name, content))
    }

    /// The key as 16 hexadecimal digits, short enough for a folder's name.
    pub fn finish(self) -> String {
        self.0
            .finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let one = Key::new("r").part("a", "bc").finish();
        let other = Key::new("r").part("ab", "c").finish();
        assert_ne!(one, other);
        assert_eq!(one.len(), 16);
        assert_eq!(one, Key::new("r").part("a", "bc").finish());
    }
}
