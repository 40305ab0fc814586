//! What the agent looked at of its own accord.

use trace::{Look, Looked};

use super::super::sight::{Failure, Left, Through};
use super::super::{POLLIN, POLLOUT};
use super::Replay;
use super::call::is_shortage;

impl Replay<'_> {
    pub(super) fn look(&mut self, event: usize, look: &Look) {
        let span = self.timeline.look(event);
        match look {
            Look::Sync { slot, info } => {
                let file = self.syncs.get(*slot).cloned().unwrap_or_default();
                self.sync_seen(span, *slot, info, file);
            }
            Look::Dmabuf { slot, content } => {
                if let Some(memory) = self.memory(*slot)
                    && let Some(epoch) = self.memories.quiet(memory)
                {
                    self.content(span, Through::Dmabuf(*slot), memory, *content, epoch);
                }
            }
            Look::Poll { slot, revents } => self.polled(span, *slot, POLLIN | POLLOUT, *revents),
            Look::Objects { dmabufs, users } => self.sights.left.push(Left {
                event,
                dmabufs: *dmabufs,
                users: *users,
            }),
            Look::Failed { what, slot, errno } => {
                let (what, slot, errno) = (*what, *slot, *errno);
                let live = match what {
                    Looked::Sync => self.syncs.get(slot).is_some(),
                    Looked::Dmabuf => self.dmabufs.get(slot).is_some(),
                };
                if live && !is_shortage(errno) {
                    self.sights.failures.push(Failure {
                        event,
                        op: None,
                        what,
                        slot,
                        errno,
                    });
                }
            }
        }
    }
}
