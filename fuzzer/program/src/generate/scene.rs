//! Scenes: short plays of several operations that random choice would rarely put in this order. A scene loses a step now and
//! then, so that its broken variations are played as well.

use super::script::Script;
use super::{controls, details, requests, slices, stateful, strangers, troubles, userptr};
use crate::choose::Choose;
use crate::driver::Driver;
use crate::model::{BufferState, Model};
use crate::op::{DecoderCmd, EventKind, Interest, Memory, Micros, Op, Queue, Step, Wait};
use crate::profile::Profile;

/// Steps in 100 that a scene loses.
const HOLES: u32 = 4;

/// A scene, written into a script. None if the state has no room for it.
type Scene = fn(&mut Script<'_>) -> Option<()>;

const SCENES: [Scene; 24] = [
    gated_observers,
    troubles::hung_job,
    troubles::fault_in_a_row,
    strangers::strangers_fence,
    strangers::software_fence,
    strangers::strangers_memory,
    troubles::no_memory_for_a_job,
    troubles::buffers_come_and_go,
    reconfigure,
    import_across,
    in_place,
    close_held,
    reload_held,
    stop_from_thread,
    drain,
    free_held,
    out_of_order,
    requests::in_requests,
    slices::slices,
    controls::in_requests,
    stateful::end_before_start,
    second_names,
    mapped_held,
    userptr::own_memory,
];

/// Scenes without a gate and a watchdog: a job is held no longer than it takes.
const UNGATED: [Scene; 13] = [
    gated_observers,
    strangers::software_fence,
    strangers::strangers_memory,
    import_across,
    in_place,
    close_held,
    reload_held,
    stop_from_thread,
    free_held,
    out_of_order,
    second_names,
    mapped_held,
    userptr::own_memory,
];

/// Scenes of an encoder: it drains as well.
const ENCODER: [Scene; 11] = [
    gated_observers,
    strangers::software_fence,
    strangers::strangers_memory,
    import_across,
    stop_from_thread,
    free_held,
    drain,
    stateful::end_of_stream,
    second_names,
    mapped_held,
    userptr::own_memory,
];

/// Scenes of a decoder.
const DECODER: [Scene; 12] = [
    gated_observers,
    reconfigure,
    close_held,
    stop_from_thread,
    free_held,
    drain,
    stateful::end_of_stream,
    stateful::seek,
    stateful::resize_under_job,
    second_names,
    mapped_held,
    userptr::own_memory,
];

fn scenes(driver: Driver) -> &'static [Scene] {
    match driver {
        Driver::Double => &SCENES,
        Driver::Vim2m => &UNGATED,
        Driver::VicodecEncoder => &ENCODER,
        Driver::VicodecDecoder => &DECODER,
    }
}

/// The steps of one scene that suits the state; none if the scene that was drawn has no room.
pub(super) fn play(model: &Model, choose: &mut dyn Choose, profile: &Profile) -> Vec<Step> {
    let scenes = scenes(model.driver);
    let scene = scenes[choose.below(scenes.len())];
    let mut steps = perform(scene, model, choose);
    // What a profile has switched off nobody chooses by itself; but a scene without its parts is none.
    steps.retain(|step| profile.driver.knows(step.op.kind()) && !choose.chance(HOLES));
    steps
}

/// The steps that are missing until a job runs, and a fence to show for it.
pub(super) fn start_job(model: &Model, choose: &mut dyn Choose, profile: &Profile) -> Vec<Step> {
    let start = |script: &mut Script<'_>| {
        let file = script.file()?;
        let dmabuf = script.arm(file)?;
        script.fence(dmabuf).map(drop)
    };
    let mut steps = perform(start, model, choose);
    steps.retain(|step| profile.weight(step.op.kind()) > 0 && !choose.chance(HOLES));
    steps
}

fn perform(scene: Scene, model: &Model, choose: &mut dyn Choose) -> Vec<Step> {
    let mut script = Script {
        model: model.clone(),
        steps: Vec::new(),
        choose,
    };
    // A scene that stops half way is a scene with the last steps lost.
    let _ = scene(&mut script);
    script.steps
}

/// Everything that may look at a held job looks; then the gate opens.
fn gated_observers(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (dmabuf, sync) = script.hold(file)?;
    script.advance();
    for interest in [Interest::In, Interest::Out] {
        script.run(Op::PollDmabuf {
            dmabuf,
            interest,
            timeout: Micros(1_000),
        });
    }
    let source = script
        .model
        .queue(file, Queue::Output)?
        .in_state(&[BufferState::Queued]);
    if let Some(index) = source.first() {
        let read = script.export(file, Queue::Output, *index)?;
        script.fence(read)?;
    }
    script.look(dmabuf, sync);
    script.run(Op::GateOpen { file });
    script.dequeue(file, Queue::Capture);
    script.look(dmabuf, sync);
    Some(())
}

/// The stream changes size; userspace restarts CAPTURE with new buffers while it holds the old ones.
fn reconfigure(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    script.run(Op::Subscribe {
        file,
        event: EventKind::SourceChange,
    });
    let (width, height) = details::size(script.model.driver, script.choose);
    script.run(Op::SourceChange {
        file,
        frame: 2,
        width,
        height,
    });
    let old = if script.choose.chance(50) {
        script.hold(file)?.0
    } else {
        script.arm(file)?
    };
    script.queue_one(file, Queue::Output);
    script.queue_one(file, Queue::Capture);
    let queue = Queue::Capture;
    if script.choose.chance(60) {
        script.run(Op::GateOpen { file });
        script.dequeue(file, queue);
        script.run(Op::Dqevent { file });
    }
    script.run(Op::Streamoff { file, queue });
    script.free(file, queue);
    match script.choose.below(3) {
        0 => script.run(Op::GetFormat { file, queue }),
        1 => script.run(Op::size(file, queue, (width, height))),
        _ => {}
    }
    script.allocate(file, queue, Memory::Mmap);
    let new = script.export(file, queue, 0)?;
    script.queue_one(file, queue);
    script.run(Op::Streamon { file, queue });
    script.run(Op::Check { dmabuf: old });
    script.fence(new)?;
    script.dequeue(file, queue);
    script.run(Op::Check { dmabuf: new });
    Some(())
}

/// The CAPTURE plane of one file is the OUTPUT plane of another.
fn import_across(script: &mut Script<'_>) -> Option<()> {
    let first = script.file()?;
    let (dmabuf, sync) = if script.choose.chance(60) {
        script.hold(first)?
    } else {
        let dmabuf = script.arm(first)?;
        (dmabuf, script.fence(dmabuf)?)
    };
    let file = script.model.free_file()?;
    script.open(file);
    script.allocate(file, Queue::Output, Memory::Dmabuf);
    script.allocate(file, Queue::Capture, Memory::Mmap);
    let import = Some(dmabuf);
    script.run(Op::qbuf(file, Queue::Output, 0, import));
    script.queue_one(file, Queue::Capture);
    script.stream(file);
    script.fence(dmabuf)?;
    script.run(Op::GateOpen { file: first });
    script.dequeue(file, Queue::Output);
    script.look(dmabuf, sync);
    Some(())
}

/// One plane on both queues of a file.
fn in_place(script: &mut Script<'_>) -> Option<()> {
    let maker = script.file()?;
    script.allocate(maker, Queue::Capture, Memory::Mmap);
    let dmabuf = script.export(maker, Queue::Capture, 0)?;
    let file = script.model.free_file()?;
    script.open(file);
    for queue in [Queue::Output, Queue::Capture] {
        script.allocate(file, queue, Memory::Dmabuf);
        script.run(Op::qbuf(file, queue, 0, Some(dmabuf)));
    }
    script.stream(file);
    let sync = script.fence(dmabuf)?;
    script.dequeue(file, Queue::Capture);
    script.look(dmabuf, sync);
    Some(())
}

/// The video file goes; its dma-buf and sync_file stay.
fn close_held(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (dmabuf, sync) = script.hold(file)?;
    script.run(Op::CloseFile { file });
    script.run(Op::FileInfo { sync });
    script.run(Op::SetDeadline {
        sync,
        after: Micros(1_000),
    });
    let merged = script.model.free_sync()?;
    script.run(Op::Merge {
        sync: merged,
        a: sync,
        b: sync,
    });
    script.look(dmabuf, merged);
    Some(())
}

/// All video files go and the module with them.
fn reload_held(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (_, sync) = script.hold(file)?;
    for file in script.model.open_files() {
        script.run(Op::CloseFile { file });
    }
    for dmabuf in script.model.live_dmabufs() {
        script.run(Op::CloseDmabuf { dmabuf });
    }
    script.run(Op::Reload);
    script.run(Op::FileInfo { sync });
    script.run(Op::PollSync {
        sync,
        timeout: Micros(0),
    });
    Some(())
}

/// A call that waits for the held job waits in another thread.
fn stop_from_thread(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (dmabuf, sync) = script.hold(file)?;
    let queue = Queue::ALL[script.choose.below(2)];
    let call = match script.choose.below(5) {
        kind @ (0 | 4) => Op::Dqbuf {
            file,
            queue,
            wait: if kind == 0 { Wait::Poll } else { Wait::Block },
        },
        1 => Op::Reqbufs {
            file,
            queue,
            memory: Memory::Mmap,
            count: 0,
        },
        _ => Op::Streamoff { file, queue },
    };
    script.later(call);
    script.advance();
    script.look(dmabuf, sync);
    script.run(Op::GateOpen { file });
    script.run(Op::Join);
    script.look(dmabuf, sync);
    Some(())
}

/// The stream ends in good order, and starts again.
fn drain(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let dmabuf = script.arm(file)?;
    script.queue_one(file, Queue::Capture);
    script.run(Op::DecoderCmd {
        file,
        cmd: DecoderCmd::Stop,
    });
    script.fence(dmabuf)?;
    for _ in 0..2 {
        script.dequeue(file, Queue::Capture);
    }
    script.run(Op::DecoderCmd {
        file,
        cmd: DecoderCmd::Start,
    });
    script.queue_one(file, Queue::Capture);
    Some(())
}

/// Buffers are freed and made again under live exports.
fn free_held(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (dmabuf, sync) = script.hold(file)?;
    let queue = Queue::Capture;
    script.run(Op::Streamoff { file, queue });
    script.free(file, queue);
    script.run(Op::PollDmabuf {
        dmabuf,
        interest: Interest::Out,
        timeout: Micros(0),
    });
    script.look(dmabuf, sync);
    script.run(Op::GateOpen { file });
    script.arm(file)?;
    script.advance();
    script.look(dmabuf, sync);
    Some(())
}

/// Two files hold a job each; the second ends first.
fn out_of_order(script: &mut Script<'_>) -> Option<()> {
    let first = script.file()?;
    let (_, a) = script.hold(first)?;
    let second = script.model.free_file()?;
    script.open(second);
    let (_, b) = script.hold(second)?;
    let sync = script.model.free_sync()?;
    script.run(Op::Merge { sync, a, b });
    for file in [second, first] {
        script.run(Op::GateOpen { file });
        script.advance();
        script.run(Op::PollSync {
            sync,
            timeout: Micros(0),
        });
    }
    Some(())
}

/// Everything gets a second name and loses its first one.
fn second_names(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (dmabuf, sync) = script.hold(file)?;
    let second = script.model.free_file()?;
    script.run(Op::DupFile {
        file: second,
        from: file,
    });
    script.run(Op::CloseFile { file });
    let later = script.model.free_dmabuf()?;
    script.run(Op::DupDmabuf {
        dmabuf: later,
        from: dmabuf,
    });
    script.run(Op::CloseDmabuf { dmabuf });
    let copy = script.model.free_sync()?;
    script.run(Op::DupSync {
        sync: copy,
        from: sync,
    });
    script.run(Op::CloseSync { sync });
    script.look(later, copy);
    if script.choose.chance(50) {
        script.run(Op::GateOpen { file: second });
        script.dequeue(second, Queue::Capture);
    } else {
        script.run(Op::CloseFile { file: second });
    }
    script.look(later, copy);
    Some(())
}

/// A mapping outlives the buffers, or the descriptor of the file.
fn mapped_held(script: &mut Script<'_>) -> Option<()> {
    let file = script.file()?;
    let (dmabuf, sync) = script.hold(file)?;
    let queue = Queue::Capture;
    let content = script.model.queue(file, queue)?;
    let index = *content.in_state(&[BufferState::Queued]).first()?;
    let map = script.model.free_map()?;
    let mmap = match script.choose.below(3) {
        0 => Op::MmapDmabuf { map, dmabuf },
        _ => Op::MmapFile {
            map,
            file,
            queue,
            index,
            plane: 0,
        },
    };
    script.run(mmap);
    script.run(Op::Touch { map });
    if script.choose.chance(50) {
        script.run(Op::CloseFile { file });
        script.advance();
    } else {
        script.run(Op::GateOpen { file });
        script.run(Op::Streamoff { file, queue });
        script.free(file, queue);
    }
    script.run(Op::CloseDmabuf { dmabuf });
    script.run(Op::Touch { map });
    script.run(Op::Munmap { map });
    script.run(Op::PollSync {
        sync,
        timeout: Micros(0),
    });
    Some(())
}
