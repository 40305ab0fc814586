//! Any value at all: fields without regard to sense, interesting values first.

use crate::choose::{Choose, pick};
use crate::op::{
    Dmabuf, MAX_DMABUFS, MAX_FILES, MAX_MAPS, MAX_OPS, MAX_REQUESTS, MAX_SYNCS, Op, Program,
    Request, Step,
};
use crate::part::Part;
use crate::syntax::OpKind;

/// Numbers at which something in the kernel changes.
const EDGES: [u32; 20] = [
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    31,
    32,
    33,
    40,
    63,
    64,
    65,
    255,
    4096,
    4097,
    65_535,
    1 << 31,
    u32::MAX,
];

impl Program {
    /// Any program that the language can say, of up to `longest` operations: no sense, no limits but the rules.
    pub fn any(choose: &mut dyn Choose, longest: usize) -> Self {
        let length = choose.below(longest.min(MAX_OPS) + 1);
        Self {
            steps: (0..length).map(|_| step(choose)).collect(),
        }
    }
}

fn step(choose: &mut dyn Choose) -> Step {
    let kind = OpKind::ALL[choose.below(OpKind::ALL.len())];
    let op = op(kind, choose);
    Step {
        asynchronous: kind.may_be_async() && choose.chance(20),
        op,
    }
}

/// Any operation of this kind.
pub(crate) fn op(kind: OpKind, choose: &mut dyn Choose) -> Op {
    let mut op = kind.blank();
    op.parts()
        .into_iter()
        .for_each(|part| scramble(part, choose));
    op
}

/// Gives a part any value.
pub(crate) fn scramble(part: Part<'_>, choose: &mut dyn Choose) {
    match part {
        Part::Word(_) => {}
        Part::File(file) => file.0 = slot(choose, MAX_FILES),
        Part::Dmabuf(dmabuf) => dmabuf.0 = slot(choose, MAX_DMABUFS),
        Part::Sync(sync) => sync.0 = slot(choose, MAX_SYNCS),
        Part::Request(request) => request.0 = slot(choose, MAX_REQUESTS),
        Part::Map(map) => map.0 = slot(choose, MAX_MAPS),
        Part::InRequest(request) => {
            let some = choose.chance(30);
            *request = some.then(|| Request(slot(choose, MAX_REQUESTS)));
        }
        Part::Keyword(keyword) | Part::Choice(keyword) => {
            keyword.set(choose.below(keyword.words().len()))
        }
        Part::Number(value, _) => *value = number(choose),
        Part::Size(width, height) => (*width, *height) = (number(choose), number(choose)),
        Part::Time(time, _) => time.0 = number(choose),
        Part::Imports(dmabuf, more) => {
            let mut planes = [None; 3];
            let count = choose.weighted(&[6, 4, 1, 1]);
            for plane in planes.iter_mut().take(count) {
                *plane = Some(Dmabuf(slot(choose, MAX_DMABUFS)));
            }
            [*dmabuf, more.second, more.third] = planes;
        }
        Part::Import(dmabuf) => {
            let some = choose.chance(50);
            *dmabuf = some.then(|| Dmabuf(slot(choose, MAX_DMABUFS)));
        }
        Part::Flag(_, flag) => *flag = choose.chance(50),
        Part::Behind(_, part) => scramble(*part, choose),
    }
}

/// A slot; the first few are the ones that programs use.
fn slot(choose: &mut dyn Choose, slots: u8) -> u8 {
    let bound = if choose.chance(80) {
        slots.min(4)
    } else {
        slots
    };
    // Below a `u8`, so it fits.
    choose.below(bound.into()) as u8
}

/// An edge, something near a power of two, or anything.
pub(crate) fn number(choose: &mut dyn Choose) -> u32 {
    match choose.weighted(&[6, 2, 1]) {
        0 => pick(choose, &EDGES).unwrap_or(0),
        1 => (1u32 << choose.below(32))
            .wrapping_add(choose.below(3) as u32)
            .wrapping_sub(1),
        _ => choose.below(1 << 16) as u32 | (choose.below(1 << 16) as u32) << 16,
    }
}
