//! Curves, bars and the heat map, as SVG and tables.

use std::fmt::Write as _;

use crate::campaign::{LifeCount, StateCount};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;

/// A curve over time, with its last value.
pub(super) fn curve(points: &[(f64, f64)]) -> String {
    let (Some(last), most) = (
        points.last(),
        points.iter().map(|(_, y)| *y).fold(1.0, f64::max),
    ) else {
        return "<p>No progress was told.</p>".to_owned();
    };
    let end = last.0.max(1e-9);
    let place = |(x, y): &(f64, f64)| {
        format!(
            "{:.1},{:.1}",
            x / end * WIDTH,
            HEIGHT - y / most * (HEIGHT - 20.0)
        )
    };
    let line: Vec<_> = points.iter().map(place).collect();
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\"><polyline points=\"{}\"/><text x=\"0\" y=\"{}\">0 s</text>\
         <text x=\"{WIDTH}\" y=\"{}\" text-anchor=\"end\">{:.0} s: {} cells</text></svg>",
        HEIGHT + 20.0,
        line.join(" "),
        HEIGHT + 15.0,
        HEIGHT + 15.0,
        last.0,
        last.1
    )
}

/// How long fences lived: a bar for each doubling, in order.
pub(super) fn bars(lives: &[LifeCount]) -> String {
    let most = lives.iter().map(|life| life.count).max().unwrap_or(1) as f64;
    let width = WIDTH / lives.len().max(1) as f64;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\">",
        HEIGHT + 20.0
    );
    for (index, life) in lives.iter().enumerate() {
        let (x, height) = (
            index as f64 * width,
            (life.count as f64).ln_1p() / most.ln_1p() * (HEIGHT - 20.0),
        );
        let _ = write!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"><title>{} fences below {}</title></rect>\
             <text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - height,
            width - 3.0,
            life.count,
            time(life.below_ns),
            x + width / 2.0,
            HEIGHT + 15.0,
            time(life.below_ns)
        );
    }
    svg + "</svg>"
}

fn time(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{} µs", nanoseconds / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", nanoseconds / 1_000_000),
        _ => format!("{} s", nanoseconds / 1_000_000_000),
    }
}

/// A row for each operation, a column for each state of buffers and fences; the darker, the more often.
pub(super) fn heat(states: &[StateCount]) -> String {
    let column = |state: &StateCount| format!("{} / {}", state.buffers, state.fences);
    let mut columns: Vec<_> = states.iter().map(column).collect();
    columns.sort();
    columns.dedup();
    let mut rows: Vec<_> = states.iter().map(|state| state.operation.clone()).collect();
    rows.sort();
    rows.dedup();
    let most = states.iter().map(|state| state.count).max().unwrap_or(1) as f64;
    let mut text = String::from("<table class=\"heat\"><tr><th></th>");
    for name in &columns {
        let _ = write!(text, "<th class=\"up\"><span>{name}</span></th>");
    }
    text += "</tr>";
    for row in &rows {
        let _ = write!(text, "<tr><th>{row}</th>");
        for name in &columns {
            let mut fitting = states
                .iter()
                .filter(|state| state.operation == *row && column(state) == *name);
            let count = fitting.next().map_or(0, |state| state.count);
            let shade = (count as f64).ln_1p() / most.ln_1p();
            let _ = write!(
                text,
                "<td style=\"--heat:{shade:.2}\" title=\"{row} in {name}: {count}\"></td>"
            );
        }
        text += "</tr>";
    }
    text + "</table>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_ends_at_its_last_point() {
        let svg = curve(&[(0.0, 1.0), (10.0, 50.0)]);
        assert!(
            svg.contains("10 s: 50 cells") && svg.contains("720.0,20.0"),
            "{svg}"
        );
        assert!(!curve(&[]).contains("svg"));
    }

    #[test]
    fn each_visited_state_has_a_shade() {
        let state = |operation: &str, count| StateCount {
            operation: operation.into(),
            buffers: "queued".into(),
            fences: "none".into(),
            count,
        };
        let table = heat(&[state("qbuf cap", 9), state("streamon out", 0)]);
        assert!(
            table.contains("--heat:1.00") && table.contains("--heat:0.00"),
            "{table}"
        );
    }
}
