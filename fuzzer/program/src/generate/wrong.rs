//! Operations that are wrong in an interesting way. The kernel has to answer each with an errno and nothing else.

use super::{controls, details, fit};
use crate::any;
use crate::choose::{Choose, pick};
use crate::model::{BufferState, Model};
use crate::op::{Dmabuf, File, Memory, Mistake, Op, Queue, Request, Sync, VideoCall, Wait};
use crate::part::Part;
use crate::profile::Profile;
use crate::syntax::OpKind;

/// Weights of the sorts of mistake, in the order of [`pick_op`].
const SORTS: [u32; 8] = [3, 2, 4, 3, 3, 1, 2, 1];
/// Attempts to make a mistake of a sort that the state allows.
const ATTEMPTS: usize = 8;

/// A wrong operation with all its numbers.
pub(super) fn pick_op(model: &Model, choose: &mut dyn Choose, profile: &Profile) -> Option<Op> {
    for _ in 0..ATTEMPTS {
        let op = match choose.weighted(&SORTS) {
            0 => stale_handle(model, choose, profile),
            1 => double_free(model, choose),
            2 => wrong_order(model, choose),
            3 => wrong_type(model, choose),
            4 => absurd_number(model, choose, profile),
            6 => wrong_call(model, choose),
            7 => controls::wrong(model, choose),
            _ => Some(any::op(
                OpKind::ALL[choose.below(OpKind::ALL.len())],
                choose,
            )),
        };
        let allowed = op.filter(|op| profile.weight(op.kind()) > 0);
        if allowed.is_some() {
            return allowed;
        }
    }
    None
}

/// A sensible operation, but on a handle that was closed (or, if none was, never made).
fn stale_handle(model: &Model, choose: &mut dyn Choose, profile: &Profile) -> Option<Op> {
    let mut op = fit::pick_op(model, choose, profile)?;
    details::fill(&mut op, model.driver, choose);
    let made = usize::from(op.kind().makes_slot());
    let mut slots: Vec<_> = op.parts().into_iter().skip(made).filter(is_slot).collect();
    let index = choose.below(slots.len());
    match slots.get_mut(index)? {
        Part::File(file) => **file = pick(choose, &model.stale_files()).or(model.free_file())?,
        Part::Dmabuf(dmabuf) => **dmabuf = stale_dmabuf(model, choose)?,
        Part::Imports(dmabuf, _) => **dmabuf = Some(stale_dmabuf(model, choose)?),
        Part::Import(dmabuf) => **dmabuf = Some(stale_dmabuf(model, choose)?),
        Part::Sync(sync) => **sync = stale_sync(model, choose)?,
        Part::Map(map) => **map = pick(choose, &model.stale_maps()).or(model.free_map())?,
        Part::Request(request) => **request = stale_request(model, choose)?,
        Part::InRequest(request) => **request = Some(stale_request(model, choose)?),
        _ => return None,
    }
    drop(slots);
    Some(op)
}

fn is_slot(part: &Part<'_>) -> bool {
    matches!(
        part,
        Part::File(_)
            | Part::Dmabuf(_)
            | Part::Sync(_)
            | Part::Map(_)
            | Part::Import(Some(_))
            | Part::Imports(Some(_), _)
            | Part::Request(_)
            | Part::InRequest(Some(_))
    )
}

fn stale_dmabuf(model: &Model, choose: &mut dyn Choose) -> Option<Dmabuf> {
    pick(choose, &model.stale_dmabufs()).or(model.free_dmabuf())
}

/// One whose sync_file was closed, or whose software timeline has nothing to end any more.
fn stale_sync(model: &Model, choose: &mut dyn Choose) -> Option<Sync> {
    let stale = [model.stale_syncs(), model.stale_timelines()].concat();
    pick(choose, &stale).or(model.free_sync())
}

fn stale_request(model: &Model, choose: &mut dyn Choose) -> Option<Request> {
    pick(choose, &model.stale_requests()).or(model.free_request())
}

/// Gives back what was given back already.
fn double_free(model: &Model, choose: &mut dyn Choose) -> Option<Op> {
    let (file, queue) = any_queue(model, choose)?;
    let content = model.queue(file, queue)?;
    match choose.below(6) {
        0 => Some(Op::CloseFile {
            file: pick(choose, &model.stale_files())?,
        }),
        1 => Some(Op::CloseDmabuf {
            dmabuf: pick(choose, &model.stale_dmabufs())?,
        }),
        2 => Some(Op::CloseSync {
            sync: pick(choose, &model.stale_syncs())?,
        }),
        3 => (!content.streaming).then_some(Op::Streamoff { file, queue }),
        4 => {
            let index = pick(choose, &content.in_state(&[BufferState::Removed]))?;
            Some(Op::RemoveBufs {
                file,
                queue,
                index,
                count: 1,
            })
        }
        _ => {
            let memory = Memory::Mmap;
            let gone = !content.has_buffers();
            gone.then_some(Op::Reqbufs {
                file,
                queue,
                memory,
                count: 0,
            })
        }
    }
}

/// What would be right earlier or later.
fn wrong_order(model: &Model, choose: &mut dyn Choose) -> Option<Op> {
    let (file, queue) = any_queue(model, choose)?;
    let content = model.queue(file, queue)?;
    let owned = content.in_state(&[BufferState::Queued, BufferState::Done]);
    match choose.below(7) {
        0 => (!content.has_buffers()).then_some(Op::Streamon { file, queue }),
        1 => (!content.streaming).then_some(Op::Dqbuf {
            file,
            queue,
            wait: if choose.chance(30) {
                Wait::Poll
            } else {
                Wait::Not
            },
        }),
        2 => {
            let index = pick(choose, &owned)?;
            Some(Op::qbuf(file, queue, index, None))
        }
        3 => {
            let index = pick(choose, &owned)?;
            Some(Op::prepare_buf(file, queue, index, None))
        }
        4 => {
            let index = pick(choose, &owned)?;
            Some(Op::RemoveBufs {
                file,
                queue,
                index,
                count: 1,
            })
        }
        5 => {
            let (width, height) = details::size(model.driver, choose);
            content
                .has_buffers()
                .then_some(Op::size(file, queue, (width, height)))
        }
        _ => {
            let count = choose.below(3) as u32;
            let busy = content.streaming;
            busy.then_some(Op::Reqbufs {
                file,
                queue,
                memory: Memory::Mmap,
                count,
            })
        }
    }
}

/// The wrong memory type or the wrong queue's buffer.
fn wrong_type(model: &Model, choose: &mut dyn Choose) -> Option<Op> {
    let (file, queue) = any_queue(model, choose)?;
    let content = model.queue(file, queue)?;
    let memory = content.memory?;
    let others = Memory::ALL.iter().copied();
    let others: Vec<Memory> = others.filter(|other| *other != memory).collect();
    let other = pick(choose, &others)?;
    let free = content.in_state(&[BufferState::Dequeued, BufferState::Prepared]);
    match choose.weighted(&[1, 3, 3]) {
        0 => Some(Op::CreateBufs {
            file,
            queue,
            memory: other,
            count: 1,
        }),
        1 => {
            let index = pick(choose, &free)?;
            let imported = pick(choose, &model.live_dmabufs()).unwrap_or(Dmabuf(0));
            let dmabuf = (memory != Memory::Dmabuf).then_some(imported);
            Some(Op::qbuf(file, queue, index, dmabuf))
        }
        _ => {
            let dmabuf = model.free_dmabuf()?;
            let index = match memory {
                Memory::Mmap => content.buffers.len() as u32,
                Memory::Dmabuf | Memory::Userptr => 0,
            };
            Some(Op::expbuf(dmabuf, file, queue, index))
        }
    }
}

/// A call that no queue takes.
fn wrong_call(model: &Model, choose: &mut dyn Choose) -> Option<Op> {
    let (file, queue) = any_queue(model, choose)?;
    Some(Op::Wrong {
        file,
        call: pick(choose, VideoCall::ALL)?,
        queue,
        mistake: pick(choose, Mistake::ALL)?,
    })
}

/// A sensible operation with one number that is out of all proportion.
fn absurd_number(model: &Model, choose: &mut dyn Choose, profile: &Profile) -> Option<Op> {
    let mut op = fit::pick_op(model, choose, profile)?;
    details::fill(&mut op, model.driver, choose);
    let number =
        |part: &Part<'_>| matches!(part, Part::Number(..) | Part::Size(..) | Part::Time(..));
    let parts = op.parts().into_iter().map(Part::bare);
    let mut numbers: Vec<_> = parts.filter(number).collect();
    if numbers.is_empty() {
        return None;
    }
    let index = choose.below(numbers.len());
    any::scramble(numbers.swap_remove(index), choose);
    Some(op)
}

fn any_queue(model: &Model, choose: &mut dyn Choose) -> Option<(File, Queue)> {
    let file = pick(choose, &model.open_files())?;
    Some((file, pick(choose, Queue::ALL)?))
}
