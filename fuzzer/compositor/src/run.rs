//! The producer's side and the event loop that both share.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use compositor::{HandOver, Options, Report};
use program::Driver;
use uapi::clock::{self, SECOND};

use crate::device::{BUFFERS, Device, Queue};
use crate::events::{Event, Events};
use crate::input::Input;
use crate::plane::{self, Sight};
use crate::stage::{self, Handed, Received};
use crate::tally::Tally;

/// Thirty frames a second.
const PERIOD: u64 = SECOND / 30;
/// A frame that takes longer does not come any more: the longest wait, and slack.
const LOST: u64 = 8 * SECOND;

/// A frame between the first QBUF and the last look at it. Its CAPTURE buffer is the key.
struct Frame {
    number: u32,
    /// When there was input for it.
    since: u64,
    /// There is input for it.
    fed: bool,
    /// It is with the compositor, which waits.
    handed: Option<Handed>,
    /// What the compositor saw.
    used: Option<Sight>,
    /// Nothing more will be seen by the compositor.
    settled: bool,
    /// What there is since it was dequeued.
    last: Option<Sight>,
}

struct Run<'a> {
    options: &'a Options,
    device: Device,
    input: Input,
    events: Events,
    tally: Tally,
    next: u32,
    frames: BTreeMap<usize, Frame>,
    free_output: Vec<usize>,
}

/// Plays the frames.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let input = Input::of(options.driver)?;
    let device = Device::start(options.driver, input.frame(0))?;
    let mut run = Run {
        options,
        device,
        input,
        events: Events::start(PERIOD)?,
        tally: Tally::default(),
        next: 0,
        frames: BTreeMap::new(),
        free_output: (0..BUFFERS as usize).rev().collect(),
    };
    while run.goes_on() {
        run.step()?;
    }
    Ok(run.tally.report(options))
}

impl Run<'_> {
    /// Until all frames were used, or nothing is left that could happen.
    fn goes_on(&self) -> bool {
        let busy = |frame: &Frame| frame.handed.is_some() || (frame.fed && !frame.is_over());
        self.next < self.options.frames || self.frames.values().any(busy)
    }

    fn step(&mut self) -> Result<()> {
        let waits = self
            .frames
            .values()
            .filter_map(|frame| frame.handed.as_ref());
        let deadline = waits.map(Handed::deadline).min();
        let lost = clock::now() + LOST;
        let events = self.events.next(deadline.unwrap_or(lost))?;
        ensure!(
            !events.is_empty() || deadline.is_some(),
            "a frame does not come out of the device"
        );
        for event in events {
            match event {
                Event::Tick => self.tick()?,
                Event::Video => self.collect()?,
                Event::Ready(buffer) => self.ready(buffer)?,
            }
        }
        self.give_up()?;
        self.tidy()
    }

    /// Input for a frame is there.
    fn tick(&mut self) -> Result<()> {
        if self.next >= self.options.frames {
            return self.events.stop_clock();
        }
        let dry = self.options.starve.is_some_and(|frame| self.next >= frame);
        let free = (0..self.device.capture.len()).find(|buffer| !self.frames.contains_key(buffer));
        let output = self.free_output.last().copied();
        let (Some(buffer), true) = (free, dry || output.is_some()) else {
            // A real producer would drop the frame; here nothing is measured any more if all buffers are taken.
            self.next = if dry { self.options.frames } else { self.next };
            return Ok(());
        };
        self.submit(buffer, output.filter(|_| !dry))
    }

    /// Queues a frame, and hands it over if it is time.
    fn submit(&mut self, buffer: usize, output: Option<usize>) -> Result<()> {
        let number = self.next;
        self.next += 1;
        plane::poison(&mut self.device.capture[buffer]);
        let frame = Frame {
            number,
            since: clock::now(),
            fed: output.is_some(),
            handed: None,
            used: None,
            settled: false,
            last: None,
        };
        self.frames.insert(buffer, frame);
        self.device.queue(Queue::Capture, buffer, 0)?;
        if self.options.hand_over == HandOver::Qbuf {
            self.hand_over(buffer)?;
        }
        if let Some(output) = output {
            self.feed(output, number)?;
            if self.options.hand_over == HandOver::Armed {
                self.hand_over(buffer)?;
            }
        }
        self.events.watch_video(self.device.fd())
    }

    /// Queues the input of a frame. With it the pair is complete, and the hardware starts.
    fn feed(&mut self, output: usize, number: u32) -> Result<()> {
        self.free_output.retain(|free| *free != output);
        let bytes = self.input.frame(number);
        let plane = &mut self.device.output[output];
        plane.memory.store(bytes);
        let used = match self.options.driver {
            Driver::Double | Driver::Vim2m => plane.length,
            Driver::VicodecEncoder | Driver::VicodecDecoder => bytes.len(),
        };
        self.device.queue(Queue::Output, output, used)
    }

    fn hand_over(&mut self, buffer: usize) -> Result<()> {
        let plane = &self.device.capture[buffer];
        let received = stage::receive(self.options, plane, buffer, &self.events, &mut self.tally)?;
        match received {
            Received::Waits(handed) => self.frame(buffer)?.handed = Some(handed),
            Received::Used(sight) => self.use_it(buffer, sight)?,
            Received::WithoutFence => self.frame(buffer)?.settled = true,
        }
        Ok(())
    }

    fn use_it(&mut self, buffer: usize, sight: Sight) -> Result<()> {
        let frame = self.frame(buffer)?;
        frame.used = Some(sight);
        frame.settled = true;
        let since = frame.since;
        self.tally.after_input.push(sight.time - since);
        Ok(())
    }

    /// A wait is over.
    fn ready(&mut self, buffer: usize) -> Result<()> {
        let handed = self.frame(buffer)?.handed.take();
        let handed = handed.context("an event of a buffer that nobody waits for")?;
        let plane = &self.device.capture[buffer];
        handed.end(plane, &self.events)?;
        let sight = handed.used(plane, &mut self.tally)?;
        self.use_it(buffer, sight)
    }

    /// Takes back what the device is done with.
    fn collect(&mut self) -> Result<()> {
        while let Some(done) = self.device.dequeue(Queue::Output)? {
            self.free_output.push(done.index);
        }
        while let Some(done) = self.device.dequeue(Queue::Capture)? {
            self.tally.errors += u32::from(done.error);
            let sight = Sight::of(&self.device.capture[done.index]);
            self.frame(done.index)?.last = Some(sight);
            if self.options.hand_over == HandOver::Dqbuf {
                self.hand_over(done.index)?;
            }
        }
        Ok(())
    }

    /// Ends waits that never end.
    fn give_up(&mut self) -> Result<()> {
        let now = clock::now();
        for (buffer, frame) in &mut self.frames {
            if let Some(handed) = frame.handed.take_if(|handed| handed.deadline() <= now) {
                handed.end(&self.device.capture[*buffer], &self.events)?;
                self.tally.endless += 1;
                frame.settled = true;
            }
        }
        Ok(())
    }

    /// Counts the frames that are over, and listens to the device as long as it has any.
    fn tidy(&mut self) -> Result<()> {
        let over = self.frames.extract_if(.., |_, frame| frame.is_over());
        for (_, frame) in over {
            count(self.options.driver, &mut self.tally, &frame);
        }
        if self.frames.values().any(|frame| frame.last.is_none()) {
            self.events.watch_video(self.device.fd())?;
        }
        Ok(())
    }

    fn frame(&mut self, buffer: usize) -> Result<&mut Frame> {
        self.frames.get_mut(&buffer).with_context(|| {
            format!("CAPTURE buffer {buffer} came back without having been queued")
        })
    }
}

impl Frame {
    /// The compositor has seen it, or never will, and its content is what it stays.
    fn is_over(&self) -> bool {
        self.settled && self.last.is_some()
    }
}

/// Counts a frame that was used, and whether it was whole then.
fn count(driver: Driver, tally: &mut Tally, frame: &Frame) {
    let (Some(used), Some(last)) = (&frame.used, &frame.last) else {
        return;
    };
    tally.frames += 1;
    let whole = driver != Driver::Double || used.is_whole(frame.number);
    if !whole || !used.agrees(last) {
        tally.early += 1;
    } else if let Some(write) = used.last_write().filter(|_| driver == Driver::Double) {
        tally.after_last_write.push(used.time.saturating_sub(write));
    }
}
