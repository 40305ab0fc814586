//! What long work shows: a spinner or bar on a terminal, plain lines elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a log without a terminal hears from long work.
const PLAIN_EVERY: Duration = Duration::from_secs(30);

/// A stretch of work that takes long enough to be worth a line.
#[derive(Debug)]
pub struct Stage {
    name: String,
    started: Instant,
    spoke: Instant,
    steps: u64,
    about: Option<u64>,
    bar: Option<ProgressBar>,
}

impl Stage {
    /// Begins; `name` says what is done ("building the kernel"), `about` how many steps are expected.
    pub fn begin(name: impl Into<String>, about: Option<u64>) -> Stage {
        let (name, now) = (name.into(), Instant::now());
        let bar = std::io::stderr().is_terminal().then(|| bar(&name, about));
        if bar.is_none() {
            eprintln!("{name} …");
        }
        Stage {
            name,
            started: now,
            spoke: now,
            steps: 0,
            about,
            bar,
        }
    }

    /// One more step is done; `what` names it.
    pub fn step(&mut self, what: &str) {
        self.steps += 1;
        match &self.bar {
            Some(bar) => {
                bar.inc_length(u64::from(
                    self.about.is_some_and(|about| self.steps > about),
                ));
                bar.set_position(self.steps);
                bar.set_message(what.to_owned());
            }
            None => self.speak(),
        }
    }

    /// A line that stays.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
    }

    fn speak(&mut self) {
        if self.spoke.elapsed() < PLAIN_EVERY {
            return;
        }
        self.spoke = Instant::now();
        let of = self
            .about
            .map(|about| format!(" of about {about}"))
            .unwrap_or_default();
        eprintln!(
            "{}: {}{of} ({} s)",
            self.name,
            self.steps,
            self.started.elapsed().as_secs()
        );
    }

    /// Ends with a line that stays.
    pub fn done(self) {
        let seconds = self.started.elapsed().as_secs_f32();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{}: done in {seconds:.1} s", self.name);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(name: &str, about: Option<u64>) -> ProgressBar {
    let (bar, template) = match about {
        Some(about) => (
            ProgressBar::new(about),
            "{prefix} [{elapsed}] {bar:30} {pos}/about {len} {msg:.dim}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{prefix} [{elapsed}] {spinner} {pos} {msg:.dim}",
        ),
    };
    bar.set_style(
        ProgressStyle::with_template(template).expect("the template is constant and valid"),
    );
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
