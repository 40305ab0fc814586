//! sync_files: what is in each, and what was seen of them.

use program::{Access, Op};
use trace::{Call, Looked, Out, SyncInfo};

use super::super::sight::{Source, SyncSight, Timeout};
use super::super::slot::{ImportedFences, SyncFile, pending};
use super::super::span::{Span, is_async};
use super::Replay;
use super::call::is_shortage;

impl Replay<'_> {
    pub(super) fn export(&mut self, span: Span, slot: u8, source: Source, call: &Call) {
        let made = call.result.as_ref().ok().map(|out| match out {
            Out::Sync(info) => SyncFile::of(pending(info)),
            _ => SyncFile::default(),
        });
        let file = made.clone().unwrap_or_default();
        self.syncs.fill(slot, made);
        if let Ok(Out::Sync(info)) = &call.result {
            self.sights.syncs.push(SyncSight {
                span,
                slot,
                info: info.clone(),
                fences: file.own(),
                strangers: file.strangers,
                source,
            });
        }
    }

    /// A software timeline takes the place of the slot's old one. One that fails leaves that alone.
    pub(super) fn software_fence(&mut self, span: Span, slot: u8, call: &Call) {
        let Ok(out) = &call.result else {
            return self.syncs.fill(slot, None);
        };
        let moves = |op: &Op| matches!(op, Op::Signal { sync } if sync.0 == slot);
        let mut ops = self.flying.iter().filter_map(|flying| self.op(flying.op));
        let moved = ops.any(moves);
        let file = SyncFile {
            fences: Some(Vec::new()),
            strangers: vec![self.strangers.make(slot, &span, moved)],
        };
        self.syncs.fill(slot, Some(file.clone()));
        if let Out::Sync(info) = out {
            self.sync_seen(span, slot, info, file);
        }
    }

    /// A live dma-buf that gives no sync_file.
    pub(super) fn refused_export(&mut self, span: Span, slot: u8, call: &Call) {
        match call.result {
            Err(errno) if self.dmabufs.get(slot).is_some() && !is_shortage(errno) => {
                self.failed(span, Looked::Dmabuf, slot, errno);
            }
            _ => {}
        }
    }

    pub(super) fn merge(&mut self, span: Span, slot: u8, parts: [u8; 2], call: &Call) {
        let live = parts.iter().all(|part| self.syncs.get(*part).is_some());
        let merged = self.merged(&span, parts).unwrap_or_default();
        let made = call.result.is_ok().then(|| merged.clone());
        self.syncs.fill(slot, made);
        match &call.result {
            Ok(Out::Sync(info)) => self.sync_seen(span, slot, info, merged),
            Err(errno) if live && !is_shortage(*errno) => {
                self.failed(span, Looked::Sync, parts[0], *errno)
            }
            _ => {}
        }
    }

    /// The fences in a merge: those that are pending. The kernel leaves out signalled ones, and their errors with them, so
    /// one that is signalled just now leaves the merge in doubt.
    fn merged(&self, span: &Span, parts: [u8; 2]) -> Option<SyncFile> {
        let (mut pending, mut strangers) = (Vec::new(), Vec::new());
        for part in parts {
            let file = self.syncs.get(part)?;
            for id in file.fences.as_ref()? {
                let fence = self.fences.get(*id)?;
                if fence.unsignalled_in(span) {
                    pending.push(*id);
                } else if !fence.surely_signalled(span) {
                    return None;
                }
            }
            for id in &file.strangers {
                if self.strangers.unended_in(*id, span) {
                    strangers.push(*id);
                } else if !self.strangers.surely_ended(*id, span) {
                    return None;
                }
            }
        }
        pending.sort_unstable();
        pending.dedup();
        let fences = Some(pending);
        Some(SyncFile { fences, strangers })
    }

    pub(super) fn timed_out(&mut self, span: Span, slot: u8) {
        if let Some(file) = self.syncs.get(slot) {
            let unsure = file.fences.is_none() && !self.strangers.is_empty();
            let foreign = unsure || !file.strangers.is_empty();
            self.sights.timeouts.push(Timeout {
                span,
                slot,
                foreign,
            });
        }
    }

    pub(super) fn sync_seen(&mut self, span: Span, slot: u8, info: &SyncInfo, file: SyncFile) {
        let info = info.clone();
        self.sights.syncs.push(SyncSight {
            span,
            slot,
            info,
            fences: file.own(),
            strangers: file.strangers,
            source: Source::Later,
        });
    }

    /// Asynchronous imports were noted when they began.
    pub(super) fn imported(&mut self, span: Span, dmabuf: u8, sync: u8, access: Access) {
        let asynchronous = span.op.is_some_and(|op| is_async(self.program, op));
        if let (Some(memory), false) = (self.dmabufs.get(dmabuf).copied(), asynchronous) {
            let SyncFile { fences, strangers } = self.syncs.get(sync).cloned().unwrap_or_default();
            self.imports.push(ImportedFences {
                from: span.began(),
                memory,
                access,
                fences,
                strangers,
            });
        }
    }
}
