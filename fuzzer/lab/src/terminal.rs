//! A terminal that the lab draws on, and that is as it was whatever ends the lab: the end of the work, an error, a panic or
//! a signal.
//!
//! Keys keep their meaning: Ctrl-C is a signal as ever. What is typed is not echoed meanwhile, and Ctrl-Z does nothing, since
//! it would leave the shell with the lab's picture.

use std::{
    io::{IsTerminal, stderr},
    panic,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context;
use nix::{
    libc,
    sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr},
};
use ratatui::crossterm::{
    cursor::{Hide, Show},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen},
};

static TAKEN: AtomicBool = AtomicBool::new(false);
/// Held while something is drawn.
static DRAWING: Mutex<()> = Mutex::new(());
/// How the terminal was.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();

/// How long [`give_back`] waits for whoever draws.
const PATIENCE: Duration = Duration::from_millis(200);

/// The terminal; dropping this gives it back.
#[derive(Debug)]
pub struct Taken(());

/// Whether standard error is a terminal that can be drawn on.
pub fn is_there() -> bool {
    let dumb = |name: String| name.is_empty() || name == "dumb";
    stderr().is_terminal() && !std::env::var("TERM").map_or(true, dumb)
}

/// Takes the terminal.
pub fn take() -> anyhow::Result<Taken> {
    let settings = tcgetattr(stderr()).context("the terminal's settings")?;
    if BEFORE.set(settings.clone().into()).is_ok() {
        give_back_on_panic();
    }
    TAKEN.store(true, Ordering::SeqCst);
    // From here on dropping it gives everything back.
    let taken = Taken(());
    tcsetattr(stderr(), SetArg::TCSANOW, &quiet(settings)).context("the terminal's settings")?;
    execute!(stderr(), EnterAlternateScreen, Hide).context("the terminal")?;
    Ok(taken)
}

fn quiet(mut settings: Termios) -> Termios {
    settings.local_flags.remove(LocalFlags::ECHO);
    settings.control_chars[SpecialCharacterIndices::VSUSP as usize] = libc::_POSIX_VDISABLE;
    settings
}

fn give_back_on_panic() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        give_back();
        tell(panic);
    }));
}

/// Whether the terminal is taken: whatever is written to it now would be lost.
pub fn is_taken() -> bool {
    TAKEN.load(Ordering::SeqCst)
}

/// Draws, unless the terminal was given back meanwhile.
pub fn draw<T>(draw: impl FnOnce() -> T) -> Option<T> {
    // Poisoned by a drawing that panicked, after which nothing is drawn any more.
    let _drawing = DRAWING.lock().ok()?;
    is_taken().then(draw)
}

/// Gives the terminal back, if it is taken. Whoever draws in this very thread has panicked, and is not waited for.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let step = PATIENCE / 20;
    let waits = (0..20).take_while(|_| DRAWING.try_lock().is_err());
    waits.for_each(|_| thread::sleep(step));
    // The terminal may be gone, and then needs nothing.
    let _ = execute!(stderr(), LeaveAlternateScreen, Show);
    if let Some(before) = BEFORE.get() {
        let _ = tcsetattr(stderr(), SetArg::TCSANOW, &Termios::from(*before));
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}
