//! The minimiser: the smallest program it can find that a test still accepts. A pure function of program and test; no
//! program is tested twice, and the empty one never.

use std::collections::HashMap;

use crate::keyword::Keyword;
use crate::op::{Dmabuf, File, Program, Queue, Request, Step, Sync};
use crate::part::Part;

/// Makes `program` smaller as long as `holds` accepts the result. A program that `holds` does not accept to begin with is
/// returned as it is. Cheap passes come first; they are repeated until none finds anything.
pub fn minimise(program: &Program, holds: &mut dyn FnMut(&Program) -> bool) -> Program {
    let mut search = Search {
        best: program.clone(),
        holds,
        known: HashMap::new(),
    };
    if !search.accepts(program) {
        return program.clone();
    }
    while search.drop_slots()
        | search.drop_chunks()
        | search.drop_pairs()
        | search.drop_async()
        | search.regroup()
        | search.simplify()
    {}
    search.best
}

/// Longest program of which every pair of steps is tried: the number of pairs grows with the square.
const PAIRED: usize = 40;

struct Search<'t> {
    best: Program,
    holds: &'t mut dyn FnMut(&Program) -> bool,
    known: HashMap<Program, bool>,
}

impl Search<'_> {
    fn accepts(&mut self, candidate: &Program) -> bool {
        if candidate.steps.is_empty() {
            return false;
        }
        if let Some(answer) = self.known.get(candidate) {
            return *answer;
        }
        let answer = (self.holds)(candidate);
        self.known.insert(candidate.clone(), answer);
        answer
    }

    fn take(&mut self, steps: Vec<Step>) -> bool {
        let candidate = Program { steps };
        let better = candidate != self.best && self.accepts(&candidate);
        if better {
            self.best = candidate;
        }
        better
    }

    /// Drops everything that names one slot.
    fn drop_slots(&mut self) -> bool {
        let mut found = false;
        for slot in slots(&self.best) {
            let rest = self
                .best
                .steps
                .iter()
                .filter(|step| !names(step, slot))
                .cloned();
            found |= self.take(rest.collect());
        }
        found
    }

    /// Drops runs of steps: half of the program, then shorter ones, from the end, since the end depends on the start.
    fn drop_chunks(&mut self) -> bool {
        let mut found = false;
        let mut size = (self.best.steps.len() / 2).max(1);
        loop {
            let mut end = self.best.steps.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                found |= self.take(without(&self.best, start..end));
                end = start;
            }
            if size == 1 {
                return found;
            }
            size /= 2;
        }
    }

    /// Drops two steps that are only superfluous together, such as `gate a close` and `gate a open`.
    fn drop_pairs(&mut self) -> bool {
        let mut found = false;
        let mut first = if self.best.steps.len() > PAIRED {
            self.best.steps.len()
        } else {
            0
        };
        while first < self.best.steps.len() {
            let rest = first + 1..self.best.steps.len();
            let pair = rest.into_iter().any(|second| {
                let mut steps = without(&self.best, second..second + 1);
                steps.remove(first);
                self.take(steps)
            });
            found |= pair;
            first += usize::from(!pair);
        }
        found
    }

    /// Puts the steps of one queue before those of the other, which alone makes nothing smaller: it counts if something can
    /// be dropped afterwards. A buffer that has to wait need not be a second one if its queue is set up before the other.
    fn regroup(&mut self) -> bool {
        [Queue::Output, Queue::Capture].into_iter().any(|first| {
            let before = self.best.clone();
            if !self.take(grouped(&before, first)) {
                return false;
            }
            self.drop_chunks();
            self.drop_pairs();
            let shorter = self.best.steps.len() < before.steps.len();
            if !shorter {
                self.best = before;
            }
            shorter
        })
    }

    fn drop_async(&mut self) -> bool {
        let mut found = false;
        for index in 0..self.best.steps.len() {
            let mut steps = self.best.steps.clone();
            found |= std::mem::take(&mut steps[index].asynchronous) && self.take(steps);
        }
        found
    }

    /// Makes numbers, sizes and durations smaller, and drops what may be left out.
    fn simplify(&mut self) -> bool {
        let mut found = false;
        for index in 0..self.best.steps.len() {
            for part in 0..self.best.steps[index].op.parts().len() {
                while self.simplify_part(index, part) {
                    found = true;
                }
            }
        }
        found
    }

    fn simplify_part(&mut self, index: usize, part: usize) -> bool {
        (0..SIMPLER.len()).any(|way| {
            let mut steps = self.best.steps.clone();
            let changed = simpler(&mut steps[index].op.parts()[part], SIMPLER[way]);
            changed && self.take(steps)
        })
    }
}

fn without(program: &Program, dropped: std::ops::Range<usize>) -> Vec<Step> {
    let mut steps = program.steps.clone();
    steps.drain(dropped);
    steps
}

/// The steps with those of one queue before those of the other. Steps that name no queue keep their places.
fn grouped(program: &Program, first: Queue) -> Vec<Step> {
    let places: Vec<usize> = (0..program.steps.len())
        .filter(|place| queue(&program.steps[*place]).is_some())
        .collect();
    let mut order = places.clone();
    order.sort_by_key(|place| queue(&program.steps[*place]) != Some(first));
    let mut steps = program.steps.clone();
    for (place, from) in places.into_iter().zip(order) {
        steps[place] = program.steps[from].clone();
    }
    steps
}

/// The queue that a step names.
fn queue(step: &Step) -> Option<Queue> {
    let mut op = step.op.clone();
    let words = op.parts().into_iter().find_map(|part| match part {
        Part::Keyword(keyword) if keyword.words() == Queue::Output.words() => Some(keyword.text()),
        _ => None,
    });
    let named = |queue: &&Queue| Some(queue.word()) == words;
    Queue::ALL.iter().find(named).copied()
}

/// A slot of any kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    File(File),
    Dmabuf(Dmabuf),
    Sync(Sync),
    Request(Request),
}

fn names_in(part: &Part<'_>) -> Vec<Name> {
    if let Part::Imports(dmabuf, more) = part {
        let planes = dmabuf.iter().copied().chain(more.iter());
        return planes.map(Name::Dmabuf).collect();
    }
    name(part).into_iter().collect()
}

fn name(part: &Part<'_>) -> Option<Name> {
    match part {
        Part::File(file) => Some(Name::File(**file)),
        Part::Dmabuf(dmabuf) => Some(Name::Dmabuf(**dmabuf)),
        Part::Import(dmabuf) => dmabuf.map(Name::Dmabuf),
        Part::Sync(sync) => Some(Name::Sync(**sync)),
        Part::Request(request) => Some(Name::Request(**request)),
        Part::InRequest(request) => request.map(Name::Request),
        _ => None,
    }
}

fn step_names(step: &Step) -> Vec<Name> {
    step.op.clone().parts().iter().flat_map(names_in).collect()
}

fn names(step: &Step, slot: Name) -> bool {
    step_names(step).contains(&slot)
}

/// The slots that a program names, last named first.
fn slots(program: &Program) -> Vec<Name> {
    let mut found = Vec::new();
    for slot in program.steps.iter().rev().flat_map(step_names) {
        if !found.contains(&slot) {
            found.push(slot);
        }
    }
    found
}

/// Ways to make a number smaller, the boldest first.
const SIMPLER: [fn(u32) -> u32; 4] = [|_| 0, |_| 1, |value| value / 2, |value| value - 1];
/// Numbers up to here are tried one by one.
const COUNTED: u32 = 8;

/// Makes a part simpler; false if that way does not. Each way only ever goes down, so that the search ends.
fn simpler(part: &mut Part<'_>, way: fn(u32) -> u32) -> bool {
    match part {
        Part::Number(value, _) => lower(value, 0, way),
        Part::Time(time, _) => lower(&mut time.0, 0, way),
        Part::Size(width, height) => lower_size(width, height, way),
        Part::Choice(keyword) if keyword.text() != keyword.words()[0] => {
            keyword.set(0);
            true
        }
        Part::Flag(_, flag) => std::mem::take(*flag),
        Part::Behind(_, part) => simpler(part, way),
        _ => false,
    }
}

fn lower(value: &mut u32, floor: u32, way: fn(u32) -> u32) -> bool {
    if *value <= floor {
        return false;
    }
    let next = way(*value).max(floor);
    let step = *value - next;
    let worthwhile = next < *value && (step > 1 || *value <= COUNTED);
    if worthwhile {
        *value = next;
    }
    worthwhile
}

/// Sizes go down to the smallest that the double takes, both sides together if they can.
fn lower_size(width: &mut u32, height: &mut u32, way: fn(u32) -> u32) -> bool {
    const SMALLEST: u32 = 16;
    let narrower = lower(width, SMALLEST, way);
    let flatter = lower(height, SMALLEST, way);
    narrower || flatter
}
