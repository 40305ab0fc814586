//! Progress and forecast.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a log without a terminal hears from the proof.
const PLAIN_EVERY: Duration = Duration::from_secs(15);

/// Shows how far a list of programs is.
pub(super) struct Console {
    title: &'static str,
    done: usize,
    /// Done before this sitting.
    before: usize,
    all: usize,
    begun: Instant,
    spoke: Instant,
    bar: Option<ProgressBar>,
}

impl Console {
    /// Begins with `before` of `all` done.
    pub(super) fn begin(title: &'static str, before: usize, all: usize) -> Console {
        let bar = std::io::stderr()
            .is_terminal()
            .then(|| bar(title, before, all));
        let now = Instant::now();
        if bar.is_none() {
            eprintln!("{title}: {before} of {all}");
        }
        Console {
            title,
            done: before,
            before,
            all,
            begun: now,
            spoke: now,
            bar,
        }
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        match &self.bar {
            Some(bar) => bar.set_position(self.done as u64),
            None if self.spoke.elapsed() >= PLAIN_EVERY => {
                self.spoke = Instant::now();
                eprintln!("{}: {}", self.title, self.forecast());
            }
            None => {}
        }
    }

    fn forecast(&self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64();
        let rate = (self.done - self.before) as f64 / seconds.max(0.001);
        let left = (self.all - self.done) as f64 / rate.max(0.001);
        format!(
            "{} of {}, {rate:.0}/s, about {:.0} min left",
            self.done,
            self.all,
            (left / 60.0).ceil()
        )
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{}: {} of {} done", self.title, self.done, self.all);
    }
}

fn bar(title: &'static str, before: usize, all: usize) -> ProgressBar {
    let template = "{prefix} [{elapsed}] {bar:30} {pos}/{len} {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template).expect("the template is constant and valid");
    let bar = ProgressBar::new(all as u64)
        .with_style(style)
        .with_prefix(title);
    bar.set_position(before as u64);
    bar.reset_eta();
    bar
}
