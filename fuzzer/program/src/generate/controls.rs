//! What makes sense with controls, in and out of requests, and questions that change nothing.

use super::fit::{Bag, NORMAL};
use super::script::Script;
use crate::choose::{Choose, pick};
use crate::driver::Driver;
use crate::model::{FileModel, Model};
use crate::op::{Control, File, Micros, Node, Op, Question, Queue, QueueQuestion, Request};

/// The controls of a node that can be set, and that can only be read.
fn controls(driver: Driver, node: Node) -> (&'static [Control], &'static [Control]) {
    use Control::*;
    const CODED: [Control; 2] = [Profile, Level];
    const ENCODER: [Control; 7] = [
        Bitrate, Bitrate, Gop, Bframes, KeyFrame, HeaderMode, Profile,
    ];
    match (driver, node) {
        (Driver::Double, Node::Double) => (&CODED, &[]),
        (Driver::Double, Node::DecoderMplane) => (&CODED, &[MinCapture]),
        (Driver::Double, Node::Encoder | Node::EncoderMplane) => (&ENCODER, &[MinOutput]),
        (Driver::Double | Driver::Vim2m, _) => (&[Hflip, Vflip], &[]),
        (Driver::VicodecEncoder, _) => (&[Gop], &[MinOutput]),
        (Driver::VicodecDecoder, _) => (&[], &[]),
    }
}

/// The operations that suit a file.
pub(super) fn operations(bag: &mut Bag<'_>, driver: Driver, file: File, state: &FileModel) {
    let (set, read) = controls(driver, state.node);
    let request = None;
    let change = |control: &Control| Op::SetControl {
        file,
        control: *control,
        value: 1,
        request,
    };
    bag.add_each(NORMAL / 2, set.iter().map(change));
    let attempt = |control: &Control| Op::TryControl {
        file,
        control: *control,
        value: 1,
        request,
    };
    bag.add_each(2, set.iter().take(2).map(attempt));
    let all = || set.iter().chain(read);
    let get = |control: &Control| Op::GetControl {
        file,
        control: *control,
        request,
    };
    bag.add_each(NORMAL / 2, all().map(get));
    let query = |control: &Control| Op::QueryControl {
        file,
        control: *control,
    };
    bag.add_each(2, all().take(2).map(query));
    questions(bag, file);
}

fn questions(bag: &mut Bag<'_>, file: File) {
    let ask = |question: &Question| Op::Ask {
        file,
        question: *question,
    };
    bag.add_each(8, Question::ALL.iter().map(ask));
    let about = |question: &QueueQuestion| Op::AskQueue {
        file,
        question: *question,
        queue: Queue::Output,
    };
    bag.add_each(5, QueueQuestion::ALL.iter().map(about));
}

/// Controls go into a request until it is queued, and come out of it when it is complete.
pub(super) fn in_request(bag: &mut Bag<'_>, file: File, request: Request, queued: bool) {
    let request = Some(request);
    let set = |control| Op::SetControl {
        file,
        control,
        value: 1,
        request,
    };
    let get = |control| Op::GetControl {
        file,
        control,
        request,
    };
    let switches = [Control::Hflip, Control::Vflip];
    let (put, look) = if queued {
        (1, 4 * NORMAL)
    } else {
        (4 * NORMAL, 1)
    };
    bag.add_each(put, switches.map(set));
    bag.add_each(look, switches.map(get));
    let attempt = Op::TryControl {
        file,
        control: Control::Hflip,
        value: 1,
        request,
    };
    bag.add(1, attempt);
}

/// Values that mean something for a control, or that are out of its range.
pub(super) fn values(control: Control) -> &'static [u32] {
    match control {
        Control::Hflip | Control::Vflip => &[1, 0, 2],
        Control::Bitrate => &[8_000, 100_000, 1_000_000, 100, i32::MAX as u32, u32::MAX],
        Control::Gop => &[12, 1, 0, 65_536, 65_537, u32::MAX],
        Control::HeaderMode => &[0, 1, 2],
        Control::Profile | Control::Level => &[0, 2, 4, 14, 64, u32::MAX],
        _ => &[1, 0, u32::MAX],
    }
}

/// A control that the file may lack, or that cannot be set or read, perhaps in a request that is not for it.
pub(super) fn wrong(model: &Model, choose: &mut dyn Choose) -> Option<Op> {
    let file = pick(choose, &model.open_files())?;
    let control = pick(choose, Control::ALL)?;
    let live = model.live_requests();
    let request = if choose.chance(50) {
        pick(choose, &live).or(model.free_request())
    } else {
        None
    };
    let value = values(control)[choose.below(values(control).len())];
    Some(match choose.below(4) {
        0 => Op::GetControl {
            file,
            control,
            request,
        },
        1 => Op::TryControl {
            file,
            control,
            value,
            request,
        },
        2 => Op::QueryControl { file, control },
        _ => Op::SetControl {
            file,
            control,
            value,
            request,
        },
    })
}

/// Several requests with controls are queued while a job is held; each takes effect with its own job, and tells when it is complete
/// what it left. Sometimes a control of another file is put into one of them, which then has to wait for that file.
pub(super) fn in_requests(script: &mut Script<'_>) -> Option<()> {
    let file = script.model.free_file()?;
    let dmabuf = super::requests::set_up(script, file)?;
    script.run(Op::GateClose { file, chunk: 1 });
    script.stream(file);
    let stranger = stranger(script);
    let control = [Control::Hflip, Control::Vflip][script.choose.below(2)];
    let mut queued = Vec::new();
    for value in [1, 0] {
        let request = script.model.free_request()?;
        script.run(Op::AllocRequest { request, file });
        let set = |file| Op::SetControl {
            file,
            control,
            value,
            request: Some(request),
        };
        script.run(set(file));
        if let Some(other) = stranger {
            script.run(set(other));
        }
        script.queue_one(file, Queue::Capture);
        super::requests::queue(script, file, request)?;
        queued.push(request);
        get(script, file, control, None);
    }
    script.fence(dmabuf)?;
    script.run(Op::GateOpen { file });
    for request in queued {
        let timeout = Micros(20_000);
        script.run(Op::PollRequest { request, timeout });
        get(script, file, control, Some(request));
        get(script, file, control, None);
    }
    if let Some(file) = stranger {
        script.run(Op::CloseFile { file });
    }
    Some(())
}

/// Another file of the node, now and then.
fn stranger(script: &mut Script<'_>) -> Option<File> {
    let file = script
        .model
        .free_file()
        .filter(|_| script.choose.chance(25))?;
    script.run(Op::Open {
        file,
        node: Node::M2m,
    });
    Some(file)
}

fn get(script: &mut Script<'_>, file: File, control: Control, request: Option<Request>) {
    script.run(Op::GetControl {
        file,
        control,
        request,
    });
}
