//! What a campaign looks like on a terminal: a pure function of what is known of it.

use std::{collections::VecDeque, time::Duration};

use engine::{Bound, Stats};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::Line,
    widgets::{Block, Gauge, Paragraph, Row, Sparkline, Table},
};

use crate::campaign::{Found, Total};

/// Seconds over which the current rate is taken.
const RECENT: usize = 3;
/// Rates that are remembered, one a second: wider than a terminal is.
const REMEMBERED: usize = 400;
/// Lines that are remembered.
const LINES: usize = 50;

/// What is known of a campaign.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// What is searched, in a line.
    pub(super) title: String,
    /// How far it goes.
    pub(super) bound: Bound,
    /// What it came to so far.
    pub(super) total: Total,
    /// Whether somebody has asked it to stop.
    pub(super) stopping: bool,
    /// Time since this sitting began.
    now: Duration,
    /// Programs at the end of each second of this sitting.
    programs: VecDeque<u64>,
    /// The second of the last of them.
    second: u64,
    /// When the last new program was kept.
    news: Option<Duration>,
    /// What was said.
    said: VecDeque<String>,
}

impl View {
    /// Nothing has happened yet.
    pub(super) fn new(title: String, bound: Bound) -> View {
        View {
            title,
            bound,
            total: Total::default(),
            stopping: false,
            now: Duration::ZERO,
            programs: VecDeque::new(),
            second: 0,
            news: None,
            said: VecDeque::new(),
        }
    }

    /// New counts.
    pub(super) fn update(&mut self, total: &Total) {
        if total.last_new != self.total.last_new {
            self.news = Some(self.now);
        }
        if self.programs.is_empty() {
            // What an earlier sitting ran is no speed of this one.
            self.programs.push_back(total.stats.programs);
        }
        self.total.clone_from(total);
    }

    /// A line was said.
    pub(super) fn say(&mut self, line: &str) {
        push(&mut self.said, line.to_owned(), LINES);
    }

    /// The time is this by now.
    pub(super) fn tick(&mut self, now: Duration) {
        self.now = now;
        while self.second < now.as_secs() {
            self.second += 1;
            if !self.programs.is_empty() {
                push(&mut self.programs, self.total.stats.programs, REMEMBERED);
            }
        }
    }

    /// Programs in each second, the last one first.
    fn rates(&self) -> Vec<u64> {
        let later = self.programs.iter().rev();
        let earlier = later.clone().skip(1);
        later
            .zip(earlier)
            .map(|(later, earlier)| later.saturating_sub(*earlier))
            .collect()
    }

    fn rate_now(&self) -> u64 {
        let rates = self.rates();
        let recent = &rates[..rates.len().min(RECENT)];
        recent.iter().sum::<u64>() / (recent.len() as u64).max(1)
    }
}

fn push<T>(queue: &mut VecDeque<T>, value: T, most: usize) {
    if queue.len() == most {
        queue.pop_front();
    }
    queue.push_back(value);
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View) {
    let instances = view.total.instances.len() as u16;
    let rows = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(9),
        Constraint::Length(4),
        Constraint::Length(instances.clamp(1, 8) + 3),
        Constraint::Min(3),
        Constraint::Length(5),
    ]);
    let [title, bar, counts, rate, members, findings, said] = rows.areas(frame.area());
    let bold = Style::new().add_modifier(Modifier::BOLD);
    frame.render_widget(Paragraph::new(view.title.as_str()).style(bold), title);
    frame.render_widget(progress(view), bar);
    let [search, fences] =
        Layout::horizontal([Constraint::Min(44), Constraint::Length(30)]).areas(counts);
    frame.render_widget(list("search", &search_lines(view)), search);
    frame.render_widget(
        list("release fences", &fence_lines(&view.total.stats)),
        fences,
    );
    draw_rate(frame, view, rate);
    frame.render_widget(members_table(&view.total.instances), members);
    frame.render_widget(finding_list(&view.total.found, findings.height), findings);
    frame.render_widget(last_lines(view, said.height), said);
}

fn progress(view: &View) -> Gauge<'static> {
    let stats = &view.total.stats;
    let (done, whole, unit) = match view.bound {
        Bound::Programs(programs) => (stats.programs, programs, "programs"),
        Bound::Time(time) => {
            let spent = stats.seconds + stats.triage_seconds;
            (spent as u64, time.as_secs(), "s")
        }
    };
    let share = done as f64 / whole.max(1) as f64;
    let state = match view.stopping {
        true => "stopping; once more stops at once",
        false => "Ctrl-C ends it in good order",
    };
    Gauge::default()
        .ratio(share.min(1.0))
        .label(format!("{done}/{whole} {unit}, {state}"))
        .gauge_style(Style::new().fg(Color::Blue))
}

fn search_lines(view: &View) -> [(&'static str, String); 7] {
    let Total {
        stats,
        places,
        states,
        last_new,
        ..
    } = &view.total;
    let ago = view.news.map_or(0, |news| (view.now - news).as_secs());
    let last_new = last_new.as_ref().map_or("none".to_owned(), |(file, _)| {
        let name = file.split('.').next().unwrap_or(file);
        format!("{name}, {ago} s ago")
    });
    [
        (
            "programs",
            format!("{}, {}/s now", stats.programs, view.rate_now()),
        ),
        (
            "mean",
            format!(
                "{:.0} programs/s, {:.0} operations/s",
                stats.programs_per_s(),
                stats.operations_per_s()
            ),
        ),
        (
            "coverage",
            format!("{} cells, {places} places, {states} states", stats.coverage),
        ),
        ("corpus", format!("{} programs", stats.corpus)),
        ("last new", last_new),
        (
            "run twice",
            format!("{}, {} differ", stats.repeated, stats.history_dependent),
        ),
        (
            "time",
            format!(
                "{:.0} s search, {:.0} s triage, {} boots",
                stats.seconds, stats.triage_seconds, stats.boots
            ),
        ),
    ]
}

fn fence_lines(stats: &Stats) -> [(&'static str, String); 4] {
    let fences = &stats.fences;
    [
        ("attached", fences.attached),
        ("signalled", fences.signalled),
        ("destroyed", fences.destroyed),
        ("pending", fences.pending),
    ]
    .map(|(name, count)| (name, count.to_string()))
}

fn list(title: &'static str, lines: &[(&str, String)]) -> Paragraph<'static> {
    let line = |(name, value): &(&str, String)| Line::raw(format!("{name:10} {value}"));
    let lines: Vec<_> = lines.iter().map(line).collect();
    Paragraph::new(lines).block(Block::bordered().title(title))
}

fn draw_rate(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let block = Block::bordered().title("programs a second");
    let inner = block.inner(area);
    let mut rates = view.rates();
    rates.truncate(inner.width.into());
    rates.reverse();
    let line = Sparkline::default()
        .data(rates)
        .style(Style::new().fg(Color::Green));
    frame.render_widget(line.block(block), area);
}

fn members_table(instances: &[Stats]) -> Table<'static> {
    let row = |(index, stats): (usize, &Stats)| {
        Row::new([
            (index + 1).to_string(),
            stats.programs.to_string(),
            format!("{:.0}", stats.programs_per_s()),
            stats.coverage.to_string(),
            stats.corpus.to_string(),
            stats.boots.to_string(),
            stats.fences.attached.to_string(),
            stats.fences.pending.to_string(),
            stats.findings.to_string(),
        ])
    };
    let head = Row::new([
        "guest", "programs", "per s", "coverage", "corpus", "boots", "fences", "pending",
        "findings",
    ]);
    let widths = [5, 10, 6, 8, 6, 6, 10, 7, 8].map(Constraint::Length);
    let head = head.style(Style::new().add_modifier(Modifier::DIM));
    Table::new(instances.iter().enumerate().map(row), widths)
        .header(head)
        .block(Block::bordered().title("instances, in this sitting"))
}

/// As many of the last findings as there is room for.
fn finding_list(found: &[Found], height: u16) -> Paragraph<'static> {
    let room = usize::from(height.saturating_sub(2));
    let line = |found: &Found| {
        let Found {
            key,
            reproduced,
            operations,
            ..
        } = found;
        let text = format!("{key} ({reproduced}, {operations} operations)");
        Line::styled(text, Style::new().fg(Color::Red))
    };
    let shown = &found[found.len().saturating_sub(room)..];
    let lines: Vec<_> = shown.iter().map(line).collect();
    let title = format!("findings: {}", found.len());
    Paragraph::new(lines).block(Block::bordered().title(title))
}

fn last_lines(view: &View, height: u16) -> Paragraph<'_> {
    let room = usize::from(height.saturating_sub(2));
    let skipped = view.said.len().saturating_sub(room);
    let lines = view.said.iter().skip(skipped);
    let lines: Vec<_> = lines.map(|line| Line::raw(line.as_str())).collect();
    Paragraph::new(lines).block(Block::bordered().title("last"))
}

#[cfg(test)]
mod tests {
    use engine::Key;
    use ratatui::{Terminal, backend::TestBackend};
    use trace::wire::FenceCounts;

    use super::*;

    fn stats(programs: u64) -> Stats {
        Stats {
            programs,
            operations: programs * 18,
            seconds: 30.0,
            triage_seconds: 4.0,
            coverage: 2345,
            corpus: 312,
            repeated: 312,
            history_dependent: 1,
            fences: FenceCounts {
                attached: 4321,
                signalled: 4320,
                destroyed: 4319,
                pending: 1,
            },
            boots: 9,
            findings: 1,
            first: None,
        }
    }

    fn total(programs: u64) -> Total {
        Total {
            stats: stats(programs),
            found: vec![Found {
                key: Key {
                    invariant: "I11".into(),
                    title: "it was attached long before a job started".into(),
                },
                folder: "findings/I11".into(),
                exit_code: 10,
                reproduced: "3/3".into(),
                operations: 7,
                beside: Vec::new(),
            }],
            instances: vec![stats(programs / 2), stats(programs - programs / 2)],
            places: 1200,
            states: 345,
            last_new: Some(("0123456789abcdef.vb2".into(), 12.0)),
        }
    }

    /// A campaign in its 34th second, a little faster every second.
    fn running() -> View {
        let title = "vb2-fence-lab: double, attach device_run, seed 7".to_owned();
        let mut view = View::new(title, Bound::Time(Duration::from_secs(60)));
        for second in 0..34 {
            view.tick(Duration::from_secs(second));
            view.update(&total(second * (500 + 10 * second)));
        }
        view.say("I11: it was attached long before a job started");
        view.say("  replaying on fresh boots and minimising …");
        view
    }

    fn shown(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn a_running_campaign() {
        insta::assert_snapshot!(shown(&running(), 90, 32));
    }

    #[test]
    fn a_campaign_that_has_just_begun_and_is_to_stop() {
        let mut view = View::new("vb2-fence-lab: vim2m".into(), Bound::Programs(1000));
        view.stopping = true;
        insta::assert_snapshot!(shown(&view, 80, 24));
    }

    #[test]
    fn no_terminal_is_too_small() {
        for (width, height) in [(1, 1), (10, 5), (40, 12), (300, 100)] {
            shown(&running(), width, height);
        }
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds_and_of_this_sitting() {
        let mut view = View::new(String::new(), Bound::Programs(1));
        for (second, programs) in [1_000_000, 1_000_100, 1_000_300, 1_000_600]
            .into_iter()
            .enumerate()
        {
            view.update(&total(programs));
            view.tick(Duration::from_secs(second as u64 + 1));
        }
        assert_eq!(view.rates(), [300, 200, 100, 0]);
        assert_eq!(view.rate_now(), 200);
    }
}
