//! The page: one file, no script, nothing fetched.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use super::{
    charts,
    coverage::{Coverage, Lines, percent},
    unreached::Unreached,
};
use crate::campaign::{self, Identity, LifeCount, Line, StateCount};

const STYLE: &str = include_str!("style.css");

/// Everything that the page is made from.
pub(super) struct Page<'a> {
    pub(super) campaign: &'a Path,
    pub(super) identity: &'a Identity,
    pub(super) coverage: &'a Coverage,
    pub(super) unreached: &'a [Unreached],
    /// Where sources are: the kernel's tree, and the project.
    pub(super) roots: [PathBuf; 2],
}

/// What of `totals.json` is shown.
#[derive(Default, serde::Deserialize)]
struct Totals {
    states: Vec<StateCount>,
    lifetimes: Vec<LifeCount>,
}

impl Page<'_> {
    /// The page.
    pub(super) fn html(&self) -> anyhow::Result<String> {
        let log = campaign::log_of(self.campaign)?;
        let totals = fs::read_to_string(self.campaign.join("totals.json"));
        let totals: Totals = match totals {
            Ok(text) => serde_json::from_str(&text)?,
            Err(_) => Totals::default(),
        };
        let title = format!("Release fences on {}", self.identity.setup.driver);
        Ok(format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{}{}<h2>Coverage over time</h2>{}\
             <h2>Lines reached</h2>{}<h2>Not reached</h2>{}<h2>States visited</h2>{}<h2>How long fences lived</h2>{}</html>\n",
            self.summary(&log),
            findings(&log),
            charts::curve(&progress(&log)),
            self.files(),
            self.missed(),
            charts::heat(&totals.states),
            charts::bars(&totals.lifetimes),
        ))
    }

    fn summary(&self, log: &[Line]) -> String {
        let numbers = log.iter().rev().find_map(|line| match line {
            Line::Progress(numbers) | Line::End { numbers, .. } => Some(numbers),
            _ => None,
        });
        let ran = numbers.map_or(String::new(), |numbers| {
            format!(
                "{} programs and {} operations in {:.0} s; {} fences attached, {} signalled, {} destroyed, {} pending; {} findings.",
                numbers.counts.programs,
                numbers.counts.operations,
                numbers.counts.seconds,
                numbers.counts.fences_attached,
                numbers.counts.fences_signalled,
                numbers.counts.fences_destroyed,
                numbers.counts.fences_pending,
                numbers.findings
            )
        });
        let Identity {
            setup,
            kernel,
            build,
            ..
        } = self.identity;
        format!(
            "<p>Linux {kernel}, driver {}, fences attached at {}{}, build {build}.</p><p>{ran}</p>",
            setup.driver,
            setup.attach,
            setup
                .plant
                .as_ref()
                .map_or(String::new(), |plant| format!(", planted bug {plant}"))
        )
    }

    fn files(&self) -> String {
        let mut text = String::from("<p>A line counts where a basic block begins.</p>");
        for (file, lines) in &self.coverage.files {
            let (hit, all) = Coverage::count(lines);
            let share = percent(hit, all);
            let _ = write!(
                text,
                "<details><summary><meter value=\"{share:.1}\" max=\"100\"></meter> {share:5.1} % <small>{hit} of {all}</small> {file}\
                 </summary>{}</details>",
                self.source(file, lines)
            );
        }
        text
    }

    fn source(&self, file: &str, lines: &Lines) -> String {
        let root = usize::from(file.starts_with("module/"));
        let Ok(text) = fs::read_to_string(self.roots[root].join(file)) else {
            return "<p>The source is gone.</p>".to_owned();
        };
        let mut html = String::from("<pre>");
        for (number, line) in (1..).zip(text.lines()) {
            let class = match lines.get(&number) {
                Some(true) => " class=\"hit\"",
                Some(false) => " class=\"miss\"",
                None => "",
            };
            let _ = writeln!(
                html,
                "<span{class}><i>{number:5}</i> {}</span>",
                escaped(line)
            );
        }
        html + "</pre>"
    }

    fn missed(&self) -> String {
        let mut text = String::from("<table><tr><th>function<th>file<th>why</tr>");
        for one in self.unreached {
            let file = one.file.rsplit('/').next().unwrap_or_default();
            let _ = write!(
                text,
                "<tr><td>{}<td>{file}<td>{}</tr>",
                escaped(&one.function),
                escaped(&one.reason)
            );
        }
        text + "</table>"
    }
}

fn progress(log: &[Line]) -> Vec<(f64, f64)> {
    let points = log.iter().filter_map(|line| match line {
        Line::Progress(numbers) | Line::End { numbers, .. } => {
            Some((numbers.counts.seconds, numbers.counts.coverage as f64))
        }
        _ => None,
    });
    points.collect()
}

fn findings(log: &[Line]) -> String {
    let found: Vec<_> = log
        .iter()
        .filter_map(|line| match line {
            Line::Finding(found) => Some(found),
            _ => None,
        })
        .collect();
    let mut text = format!("<h2>Findings: {}</h2><ul>", found.len());
    for one in found {
        let folder = one.folder.display().to_string();
        let _ = write!(
            text,
            "<li>{} <small>({} operations, {})</small> <a href=\"{}/report.md\">{}</a></li>",
            escaped(&one.key.to_string()),
            one.operations,
            one.reproduced,
            escaped(&folder),
            escaped(&folder)
        );
    }
    text + "</ul>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_source_cannot_become_markup() {
        assert_eq!(
            escaped("a<b && \"c\">"),
            "a&lt;b &amp;&amp; &quot;c&quot;&gt;"
        );
    }
}
