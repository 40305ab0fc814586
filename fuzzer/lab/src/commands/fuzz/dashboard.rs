//! The screen of a campaign on a terminal. A thread of its own draws, so that time goes on while a guest boots.

use std::{
    io::{self, Stderr, stderr},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use engine::Bound;
use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    crossterm::{
        execute,
        terminal::{Clear, ClearType, size},
    },
    layout::Rect,
};

use super::view::{self, View};
use crate::{
    campaign::{Screen, Total},
    interrupt,
    lock::locked,
    terminal,
};

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(200);
/// Draws after which everything is drawn anew: something else may have written to the terminal.
const AFRESH: u32 = 25;

/// The terminal while a campaign runs. What was said stays on it afterwards.
pub(super) struct Dashboard {
    view: Arc<Mutex<View>>,
    said: Vec<String>,
    /// Dropping it ends the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    taken: Option<terminal::Taken>,
}

impl Dashboard {
    /// Takes the terminal and begins.
    pub(super) fn begin(title: String, bound: Bound) -> anyhow::Result<Dashboard> {
        let view = Arc::new(Mutex::new(View::new(title, bound)));
        let taken = terminal::take()?;
        let (end, ended) = mpsc::channel();
        let shared = Arc::clone(&view);
        let thread = thread::Builder::new()
            .name("screen".into())
            .spawn(move || keep_drawing(&shared, &ended))?;
        Ok(Dashboard {
            view,
            said: Vec::new(),
            end: Some(end),
            thread: Some(thread),
            taken: Some(taken),
        })
    }
}

fn keep_drawing(view: &Mutex<View>, ended: &Receiver<()>) {
    let begun = Instant::now();
    let mut canvas = None;
    for number in 0_u32.. {
        let now = {
            let mut view = locked(view);
            view.tick(begun.elapsed());
            view.stopping = interrupt::requested();
            view.clone()
        };
        if number.is_multiple_of(AFRESH) {
            canvas = None;
        }
        let drawn = terminal::draw(|| draw(&mut canvas, &now));
        // A terminal that is gone shows nothing; the campaign goes on without it.
        if !matches!(drawn, Some(Ok(()))) {
            return;
        }
        if ended.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// What was drawn before, and on which area.
type Canvas = (Rect, Terminal<CrosstermBackend<Stderr>>);

fn draw(canvas: &mut Option<Canvas>, view: &View) -> io::Result<()> {
    let (width, height) = size()?;
    let area = Rect::new(0, 0, width, height);
    if canvas.as_ref().is_none_or(|(old, _)| *old != area) {
        execute!(stderr(), Clear(ClearType::All))?;
        // With any other viewport ratatui asks the terminal where its cursor is, and takes what is typed for the answer.
        let options = TerminalOptions {
            viewport: Viewport::Fixed(area),
        };
        let backend = CrosstermBackend::new(stderr());
        *canvas = Some((area, Terminal::with_options(backend, options)?));
    }
    match canvas {
        Some((_, screen)) => screen.draw(|frame| view::draw(frame, view)).map(drop),
        None => Ok(()),
    }
}

impl Screen for Dashboard {
    fn show(&mut self, total: &Total) {
        locked(&self.view).update(total);
    }

    fn say(&mut self, line: &str) {
        locked(&self.view).say(line);
        self.said.push(line.to_owned());
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it was told, and is no reason to leave the terminal as it is.
            let _ = thread.join();
        }
        drop(self.taken.take());
        self.said.iter().for_each(|line| eprintln!("{line}"));
    }
}
