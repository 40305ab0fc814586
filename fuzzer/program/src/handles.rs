//! Open files, as opposed to the slots that stand for them: dup(2) gives a file a second slot, and a mapping of a video node
//! keeps its file open. Only when the last of these goes is the file closed.
//!
//! A program is *resolved* by naming open files in the place of slots. Whoever follows what calls do (the judge, the
//! reference model) then needs to know nothing of second names: a file slot in a resolved program is one open file, and a
//! call closes it if, and only if, the kernel does.

use std::borrow::Cow;

use crate::op::{File, MAX_FILES, MAX_MAPS, Micros, Op, Program};

/// Stands for a slot that holds nothing, if an open file has its number.
const NOBODY: File = File(u8::MAX);

/// What a mapping keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Dmabuf,
    File(File),
}

/// Which open file each slot stands for. The number of an open file is that of its first slot, or one beyond all slots.
#[derive(Clone, Debug)]
pub(crate) struct Handles {
    files: [Option<File>; MAX_FILES as usize],
    maps: [Option<Kept>; MAX_MAPS as usize],
}

impl Default for Handles {
    fn default() -> Self {
        Self {
            files: [None; MAX_FILES as usize],
            maps: [None; MAX_MAPS as usize],
        }
    }
}

impl Handles {
    /// The open file behind a slot.
    pub(crate) fn of(&self, slot: File) -> Option<File> {
        *self.files.get(usize::from(slot.0))?
    }

    /// Whether there is a mapping in the slot.
    pub(crate) fn is_mapped(&self, map: crate::op::Map) -> bool {
        self.maps
            .get(usize::from(map.0))
            .is_some_and(Option::is_some)
    }

    /// How many slots and mappings keep a file open.
    fn references(&self, file: File) -> usize {
        let slots = self.files.iter().filter(|held| **held == Some(file));
        let maps = self
            .maps
            .iter()
            .filter(|map| **map == Some(Kept::File(file)));
        slots.count() + maps.count()
    }

    /// The file that goes when this reference does.
    fn last(&self, file: Option<File>) -> Option<File> {
        file.filter(|file| self.references(*file) == 1)
    }

    /// The number of the file that an open(2) for this slot makes. What the slot alone held is closed first.
    fn fresh(&self, slot: File) -> File {
        if let Some(old) = self.last(self.of(slot)) {
            return old;
        }
        let spare = (MAX_FILES..NOBODY.0).map(File);
        let mut numbers = std::iter::once(slot).chain(spare);
        let free = numbers.find(|number| self.references(*number) == 0);
        free.unwrap_or(NOBODY)
    }

    /// The number by which a call that works on a slot names it.
    fn named(&self, slot: File) -> File {
        let unused = if self.references(slot) == 0 {
            slot
        } else {
            NOBODY
        };
        self.of(slot).unwrap_or(unused)
    }

    /// The operation, if it succeeds, with open files in the place of slots.
    pub(crate) fn resolve(&self, op: &Op) -> Op {
        let closes = |file: Option<File>, otherwise: Op| match self.last(file) {
            Some(file) => Op::CloseFile { file },
            None => otherwise,
        };
        match *op {
            Op::Open { file, node } => Op::Open {
                file: self.fresh(file),
                node,
            },
            Op::CloseFile { file } if self.of(file).is_some() => {
                // Others keep the file: nothing happens to it.
                closes(self.of(file), Op::Advance { time: Micros(0) })
            }
            Op::CloseFile { .. } => Op::CloseFile { file: NOBODY },
            Op::DupFile { file, from } => {
                let (old, from) = (self.of(file), self.named(from));
                closes(old.filter(|old| *old != from), Op::DupFile { file, from })
            }
            Op::Munmap { map } => match self.maps.get(usize::from(map.0)) {
                Some(Some(Kept::File(file))) => closes(Some(*file), op.clone()),
                _ => op.clone(),
            },
            _ => self.renamed(op),
        }
    }

    fn renamed(&self, op: &Op) -> Op {
        let mut op = op.clone();
        for part in op.parts() {
            if let crate::part::Part::File(file) = part {
                *file = self.named(*file);
            }
        }
        op
    }

    /// A call returned.
    pub(crate) fn follow(&mut self, op: &Op, ok: bool) {
        match *op {
            Op::Open { file, .. } => {
                let fresh = self.fresh(file);
                self.set(file, ok.then_some(fresh));
            }
            // Whatever close(2) says, the descriptor is gone.
            Op::CloseFile { file } => self.set(file, None),
            Op::DupFile { file, from } if ok => self.set(file, self.of(from)),
            Op::MmapFile { map, file, .. } if ok => {
                self.keep(map, self.of(file).map(Kept::File));
            }
            Op::MmapDmabuf { map, .. } if ok => self.keep(map, Some(Kept::Dmabuf)),
            Op::Munmap { map } => self.keep(map, None),
            _ => {}
        }
    }

    fn set(&mut self, slot: File, file: Option<File>) {
        if let Some(place) = self.files.get_mut(usize::from(slot.0)) {
            *place = file;
        }
    }

    fn keep(&mut self, map: crate::op::Map, kept: Option<Kept>) {
        if let Some(place) = self.maps.get_mut(usize::from(map.0)) {
            *place = kept;
        }
    }
}

/// The program with open files in the place of file slots, given which of its operations succeeded. Where no file has a
/// second name that is the program itself.
pub fn resolved(program: &Program, succeeded: impl Fn(usize) -> bool) -> Cow<'_, Program> {
    let shares = |op: &Op| matches!(op, Op::DupFile { .. } | Op::MmapFile { .. });
    if !program.steps.iter().any(|step| shares(&step.op)) {
        return Cow::Borrowed(program);
    }
    let mut handles = Handles::default();
    let mut resolved = program.clone();
    for (index, step) in resolved.steps.iter_mut().enumerate() {
        let (slots, ok) = (step.op.clone(), succeeded(index));
        // A descriptor that could not be made closed nothing.
        let nothing = matches!(slots, Op::DupFile { .. }) && !ok;
        step.op = if nothing {
            handles.renamed(&slots)
        } else {
            handles.resolve(&slots)
        };
        handles.follow(&slots, ok);
    }
    Cow::Owned(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, failed: &[usize]) -> Vec<String> {
        let program: Program = text.parse().unwrap();
        let resolved = resolved(&program, |index| !failed.contains(&index));
        resolved.steps.iter().map(|step| step.to_string()).collect()
    }

    #[test]
    fn a_file_is_closed_with_the_last_of_its_names() {
        let text = "a = open double\nb = dup a\nclose a\nstreamoff b cap\nclose b\n";
        let told = told(text, &[]);
        assert_eq!(told[2..], ["advance 0us", "streamoff a cap", "close a"]);
    }

    #[test]
    fn a_mapping_keeps_the_file_and_the_slot_gets_another() {
        let text = "a = open double\nm0 = mmap a cap 0\nclose a\na = open double\nstreamon a cap\nmunmap m0\n";
        let told = told(text, &[]);
        // The second file has a number beyond all slots; the first is closed by munmap().
        assert_eq!(
            told[3..],
            ["?8 = open double", "streamon ?8 cap", "close a"]
        );
    }

    #[test]
    fn what_failed_changes_nothing() {
        let text = "a = open double\nb = open double\nb = dup a\nclose b\n";
        assert_eq!(told(text, &[2])[2..], ["b = dup a", "close b"]);
        assert_eq!(told(text, &[])[2..], ["close b", "advance 0us"]);
        let text = "a = open double\nm0 = mmap a cap 7\nclose a\n";
        assert_eq!(told(text, &[1])[2..], ["close a"]);
    }

    #[test]
    fn an_empty_slot_is_no_file_of_that_number() {
        let text = "a = open double\nb = dup a\nclose a\ng_fmt a cap\ng_fmt c cap\n";
        assert_eq!(told(text, &[3, 4])[3..], ["g_fmt ?255 cap", "g_fmt c cap"]);
    }

    #[test]
    fn reopening_a_slot_closes_what_it_alone_held() {
        let text = "a = open double\na = open double\nb = dup a\na = open double\n";
        let told = told(text, &[]);
        assert_eq!(told[1], "a = open double");
        assert_eq!(told[3], "?8 = open double");
    }
}
