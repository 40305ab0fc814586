//! What was found before for the same inputs. A result is a small file named after the hash of what it came from.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Context;
use serde::{Serialize, de::DeserializeOwned};

use crate::setup::cache;

/// Results that nobody asked for that long are removed.
const KEPT: Duration = Duration::from_secs(60 * 60 * 24 * 30);

/// A folder of results.
#[derive(Clone, Debug)]
pub(super) struct Memo {
    folder: PathBuf,
    forgetful: bool,
}

impl Memo {
    /// Opens the folder, and removes what is old in it. A forgetful one keeps results and recalls none.
    pub(super) fn open(folder: &Path, forgetful: bool) -> anyhow::Result<Memo> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for file in cache::entries(folder)? {
            let age = file
                .metadata()
                .and_then(|meta| meta.modified())
                .map(|time| time.elapsed());
            if age.is_ok_and(|age| age.is_ok_and(|age| age > KEPT)) {
                fs::remove_file(&file).with_context(|| file.display().to_string())?;
            }
        }
        Ok(Memo {
            folder: folder.to_owned(),
            forgetful,
        })
    }

    /// The result of this key. One that cannot be read is as good as none.
    pub(super) fn recall<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        if self.forgetful {
            return None;
        }
        let place = self.place(key);
        let found = serde_json::from_slice(&fs::read(&place).ok()?).ok()?;
        // Its time tells when it was last of use; that it cannot be set is no reason to do the work again.
        let _ = fs::File::options()
            .append(true)
            .open(place)
            .and_then(|file| file.set_modified(SystemTime::now()));
        Some(found)
    }

    /// Keeps a result, whole or not at all.
    pub(super) fn keep<T: Serialize>(&self, key: &str, result: &T) -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut file, result)?;
        file.persist(self.place(key)).context("keeping a result")?;
        Ok(())
    }

    fn place(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_recalled_and_what_is_old_goes() {
        let folder = tempfile::tempdir().unwrap();
        let memo = Memo::open(folder.path(), false).unwrap();
        memo.keep("a", &vec![1, 2]).unwrap();
        assert_eq!(memo.recall::<Vec<u32>>("a"), Some(vec![1, 2]));
        assert_eq!(memo.recall::<Vec<u32>>("b"), None);
        let forgetful = Memo::open(folder.path(), true).unwrap();
        assert_eq!(forgetful.recall::<Vec<u32>>("a"), None);
        fs::write(folder.path().join("b.json"), "[1,").unwrap();
        assert_eq!(memo.recall::<Vec<u32>>("b"), None);
        let file = fs::File::options()
            .append(true)
            .open(folder.path().join("a.json"))
            .unwrap();
        file.set_modified(SystemTime::now() - 2 * KEPT).unwrap();
        Memo::open(folder.path(), false).unwrap();
        assert_eq!(memo.recall::<Vec<u32>>("a"), None);
    }
}
