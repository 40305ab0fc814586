//! The times as a picture: a file of SVG that needs nothing else.
//!
//! Above, for each way, the share of campaigns that had found their bug by a time; below, for each bug, when each campaign
//! found it. Time is logarithmic.

use std::fmt::Write;

use super::{
    report::{Bug, Report},
    results::Record,
    way::Way,
};

const WIDTH: f64 = 960.0;
/// Where times begin and end, from left to right.
const LEFT: f64 = 210.0;
const RIGHT: f64 = 760.0;
/// Height of the curves.
const CURVES: f64 = 220.0;
const TOP: f64 = 50.0;
const ROW: f64 = 18.0;
/// The shortest time that is told apart from none.
const SHORTEST: f64 = 0.1;

/// One hue a way, all told apart by those who see fewer colours.
fn colour(way: Way) -> &'static str {
    match way {
        Way::Lab => "#0072b2",
        Way::NoSeeds => "#56b4e9",
        Way::NoFeedback => "#009e73",
        Way::NoModel => "#d55e00",
        Way::Seeds => "#cc79a7",
        Way::Compliance => "#777777",
    }
}

/// The picture.
pub(super) fn svg(report: &Report) -> String {
    let plot = Plot { report };
    let rows = TOP + CURVES + 60.0;
    let height = rows + ROW * report.bugs.len() as f64 + 40.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    let title = format!(
        "Time to the first finding of {} planted bugs, {} campaigns each, {} s at most",
        report.bugs.len(),
        report.seeds,
        report.budget_s
    );
    svg += &text(20.0, 25.0, "start", &title);
    svg += &plot.axis(TOP, TOP + CURVES);
    svg += &text(LEFT - 10.0, TOP + 4.0, "end", "all campaigns");
    svg += &text(
        LEFT - 10.0,
        TOP + CURVES + 4.0,
        "end",
        "none found their bug",
    );
    svg += &plot.axis(rows - ROW, height - 35.0);
    for (place, way) in plot.ways().into_iter().enumerate() {
        svg += &plot.curve(way);
        svg += &legend(way, TOP + 10.0 + 20.0 * place as f64);
    }
    for (place, bug) in report.bugs.iter().enumerate() {
        svg += &plot.row(bug, rows + ROW * place as f64);
    }
    svg + "</svg>\n"
}

struct Plot<'a> {
    report: &'a Report<'a>,
}

impl Plot<'_> {
    fn ways(&self) -> Vec<Way> {
        let baselines = self.report.baselines();
        std::iter::once(Way::Lab).chain(baselines).collect()
    }

    fn longest(&self) -> f64 {
        (self.report.budget_s as f64).max(10.0 * SHORTEST)
    }

    fn x(&self, seconds: f64) -> f64 {
        let share = (seconds.max(SHORTEST) / SHORTEST).ln() / (self.longest() / SHORTEST).ln();
        LEFT + share.min(1.0) * (RIGHT - LEFT)
    }

    /// A line at each power of ten, and one at the end.
    fn axis(&self, top: f64, bottom: f64) -> String {
        let powers = (0..).map(|power| SHORTEST * 10f64.powi(power));
        let ticks = powers.take_while(|seconds| *seconds < self.longest());
        let mut svg = String::new();
        for seconds in ticks.chain([self.longest()]) {
            let x = self.x(seconds);
            svg += &line((x, top), (x, bottom), "#dddddd");
            svg += &text(x, bottom + 15.0, "middle", &format!("{seconds} s"));
        }
        svg
    }

    fn campaigns(&self, way: Way) -> Vec<&Record> {
        let bugs = self.report.bugs.iter();
        let scores = bugs.filter_map(|bug| bug.score(way));
        scores
            .flat_map(|score| score.campaigns.iter().copied())
            .collect()
    }

    /// Steps upwards at each finding.
    fn curve(&self, way: Way) -> String {
        let campaigns = self.campaigns(way);
        let found = campaigns.iter().filter_map(|record| record.found.as_ref());
        let mut times: Vec<f64> = found.map(|found| found.seconds).collect();
        times.sort_by(f64::total_cmp);
        let bottom = TOP + CURVES;
        let mut path = format!("M{LEFT} {bottom}");
        for (index, seconds) in times.iter().enumerate() {
            let share = (index + 1) as f64 / campaigns.len() as f64;
            // Writing to a string does not fail.
            let _ = write!(
                path,
                "H{:.1}V{:.1}",
                self.x(*seconds),
                bottom - share * CURVES
            );
        }
        let colour = colour(way);
        format!(
            "<path d=\"{path}H{RIGHT}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n"
        )
    }

    fn row(&self, bug: &Bug, y: f64) -> String {
        let mut svg = line((LEFT, y), (RIGHT, y), "#eeeeee");
        svg += &text(LEFT - 10.0, y + 4.0, "end", bug.name);
        // The lab's own lie on top.
        for score in bug.ways.iter().rev() {
            let colour = colour(score.way);
            for found in score
                .campaigns
                .iter()
                .filter_map(|record| record.found.as_ref())
            {
                let x = self.x(found.seconds);
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{y}\" r=\"4\" fill=\"{colour}\" fill-opacity=\"0.7\"/>"
                );
            }
        }
        let lab = bug.score(Way::Lab).map(|score| score.share());
        svg + &text(RIGHT + 10.0, y + 4.0, "start", &lab.unwrap_or_default())
    }
}

fn legend(way: Way, y: f64) -> String {
    let (x, colour) = (RIGHT + 20.0, colour(way));
    let mark = format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"5\" fill=\"{colour}\"/>\n");
    mark + &text(x + 12.0, y + 4.0, "start", way.name())
}

fn line(from: (f64, f64), to: (f64, f64), colour: &str) -> String {
    let ((x1, y1), (x2, y2)) = (from, to);
    format!("<line x1=\"{x1:.1}\" y1=\"{y1}\" x2=\"{x2:.1}\" y2=\"{y2}\" stroke=\"{colour}\"/>\n")
}

/// Names of bugs and ways hold nothing that XML would take for its own.
fn text(x: f64, y: f64, anchor: &str, words: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>\n")
}
