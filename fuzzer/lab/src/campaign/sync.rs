//! Puts what a campaign's folder holds onto the disk while the campaign goes on.
//!
//! A file that is written and renamed outlives the process that did it, however that ends. Only a machine that loses its
//! power forgets what was not synced, and waiting for the disk after every program would take longer than running it.

use std::{
    fs::File,
    path::Path,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context;
use nix::unistd::syncfs;

/// How often the folder is synced: so much is lost at most when the power fails.
const EVERY: Duration = Duration::from_secs(5);

/// Syncs a folder's file system now and then, and when it is dropped.
#[derive(Debug)]
pub(super) struct Syncer {
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    /// Begins.
    pub(super) fn begin(folder: &Path) -> anyhow::Result<Syncer> {
        let place = File::open(folder).with_context(|| folder.display().to_string())?;
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut ended = false;
            while !ended {
                ended = stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
                // Nothing can be done about a disk that fails but to go on: what is written can still be read.
                let _ = syncfs(&place);
            }
        });
        Ok(Syncer {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}
