//! What can be told about a .rst file without Sphinx: that what it refers to exists, that it is in a table of contents, and
//! that its titles are underlined whole.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use super::finding::Finding;
use crate::setup::tree;

/// Where the files of one state are: those that the series touches in one folder, all others in the tree.
#[derive(Debug)]
pub(super) struct View<'a> {
    /// The touched ones.
    pub(super) state: &'a Path,
    /// All others.
    pub(super) tree: &'a Path,
    /// Which are touched.
    pub(super) touched: &'a BTreeSet<String>,
}

impl View<'_> {
    fn place(&self, file: &str) -> PathBuf {
        let root = if self.touched.contains(file) {
            self.state
        } else {
            self.tree
        };
        root.join(file)
    }

    fn has(&self, file: &str) -> bool {
        self.place(file).is_file()
    }
}

/// The labels that a tree's documentation defines.
#[derive(Debug)]
pub(super) struct Labels(BTreeSet<String>);

impl Labels {
    /// Reads every .rst file below Documentation.
    pub(super) fn of_tree(tree: &Path) -> anyhow::Result<Labels> {
        let mut labels = BTreeSet::new();
        let folder = tree.join("Documentation");
        for file in tree::files(&folder)? {
            if file.extension().is_some_and(|end| end == "rst") {
                let text = fs::read(folder.join(file))?;
                labels.extend(String::from_utf8_lossy(&text).lines().filter_map(label));
            }
        }
        Ok(Labels(labels))
    }
}

/// `.. _Some label:`
fn label(line: &str) -> Option<String> {
    let name = line.trim().strip_prefix(".. _")?.strip_suffix(':')?;
    Some(name.trim_matches('`').to_lowercase())
}

/// What is wrong with a file.
pub(super) fn wrong(view: &View<'_>, labels: &Labels, file: &str) -> anyhow::Result<Vec<Finding>> {
    let text = fs::read_to_string(view.place(file))?;
    let own: BTreeSet<_> = view
        .touched
        .iter()
        .filter(|file| file.ends_with(".rst"))
        .filter_map(|file| fs::read_to_string(view.place(file)).ok())
        .flat_map(|text| text.lines().filter_map(label).collect::<Vec<_>>())
        .collect();
    let page = Page {
        view,
        file,
        lines: text.lines().collect(),
    };
    let mut findings = page.references(|label| labels.0.contains(label) || own.contains(label));
    findings.extend(page.directives());
    findings.extend(page.underlines());
    findings.extend(page.contents());
    Ok(findings)
}

struct Page<'a> {
    view: &'a View<'a>,
    file: &'a str,
    lines: Vec<&'a str>,
}

impl Page<'_> {
    fn numbered(&self) -> impl Iterator<Item = (u32, &str)> {
        (1..).zip(self.lines.iter().copied())
    }

    fn bounce(&self, line: u32, complaint: String) -> Finding {
        Finding::bounce(self.file, line, complaint)
    }

    /// `:ref:` and `:doc:`.
    fn references(&self, has_label: impl Fn(&str) -> bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (line, text) in self.numbered() {
            for target in roles(text, ":ref:`") {
                // Sphinx makes labels of its own from titles: «page:title».
                if !target.contains([':', '/']) && !has_label(&target.to_lowercase()) {
                    findings.push(self.bounce(
                        line,
                        format!(":ref: to a label that no page defines: {target}"),
                    ));
                }
            }
            for target in roles(text, ":doc:`") {
                if !self.view.has(&format!("{}.rst", self.resolve(target))) {
                    findings.push(
                        self.bounce(line, format!(":doc: to a page that is not there: {target}")),
                    );
                }
            }
        }
        findings
    }

    /// `.. kernel-doc::`, `.. include::` and what follows in a toctree.
    fn directives(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut in_contents = None;
        for (line, text) in self.numbered() {
            let depth = text.len() - text.trim_start().len();
            if text.trim().is_empty() {
                continue;
            }
            if in_contents.is_some_and(|outer| depth <= outer) {
                in_contents = None;
            }
            if text.trim() == ".. toctree::" {
                in_contents = Some(depth);
            } else if in_contents.is_some() {
                findings.extend(self.entry(line, text.trim()));
            } else {
                findings.extend(self.kernel_doc(line, text.trim()));
            }
        }
        findings
    }

    fn kernel_doc(&self, line: u32, text: &str) -> Option<Finding> {
        let source = text.strip_prefix(".. kernel-doc::")?.trim();
        if !self.view.has(source) {
            return Some(self.bounce(
                line,
                format!("kernel-doc of a file that is not there: {source}"),
            ));
        }
        let code = fs::read_to_string(self.view.place(source)).ok()?;
        let options = self
            .lines
            .iter()
            .skip(line as usize)
            .take_while(|line| line.starts_with([' ', '\t']));
        let named = options.filter_map(|line| {
            let line = line.trim();
            line.strip_prefix(":identifiers:")
                .or_else(|| line.strip_prefix(":functions:"))
        });
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let words: BTreeSet<_> = code.split(|letter| !is_word(letter)).collect();
        let missing = named
            .flat_map(str::split_whitespace)
            .find(|name| !words.contains(name));
        missing.map(|name| self.bounce(line, format!("kernel-doc: {source} has no {name}")))
    }

    fn entry(&self, line: u32, text: &str) -> Option<Finding> {
        let name = target(text);
        let is_plain = !text.starts_with(':')
            && !name.contains('*')
            && name != "self"
            && !name.contains("://");
        let page = self.resolve(name.trim_end_matches(".rst"));
        let missing = is_plain && !self.view.has(&format!("{page}.rst"));
        missing.then(|| {
            self.bounce(
                line,
                format!("the table of contents names a page that is not there: {name}"),
            )
        })
    }

    /// A name in a page is relative to the page's folder, or with a slash to Documentation.
    fn resolve(&self, name: &str) -> String {
        let folder = Path::new(self.file).parent().unwrap_or(Path::new(""));
        let path = match name.strip_prefix('/') {
            Some(name) => Path::new("Documentation").join(name),
            None => folder.join(name),
        };
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => drop(plain.pop()),
                Component::CurDir => (),
                part => plain.push(part),
            }
        }
        plain.display().to_string()
    }

    fn underlines(&self) -> Vec<Finding> {
        let short = |pair: &&[&str]| {
            let (title, line) = (pair[0].trim_end(), pair[1].trim_end());
            let first = line.chars().next().unwrap_or(' ');
            let is_line = line.len() >= 3
                && "=-~^\"'#*+".contains(first)
                && line.chars().all(|letter| letter == first);
            let is_title = title.starts_with(char::is_alphanumeric) && !title.contains("  ");
            is_line && is_title && line.chars().count() < title.chars().count()
        };
        let pairs = (2..)
            .zip(self.lines.windows(2))
            .filter(|(_, pair)| short(pair));
        pairs
            .map(|(line, pair)| {
                self.bounce(
                    line,
                    format!("the line under the title is too short: {}", pair[0]),
                )
            })
            .collect()
    }

    /// A page that is in no table of contents is found by nobody, and Sphinx complains.
    fn contents(&self) -> Vec<Finding> {
        let path = Path::new(self.file);
        let (Some(stem), Some(folder)) = (
            path.file_stem().and_then(|stem| stem.to_str()),
            path.parent(),
        ) else {
            return Vec::new();
        };
        let is_orphan = self
            .lines
            .iter()
            .take(5)
            .any(|line| line.trim() == ":orphan:");
        if is_orphan || !self.file.starts_with("Documentation/") || self.is_named(stem, folder) {
            return Vec::new();
        }
        vec![self.bounce(1, "is in no table of contents".into())]
    }

    fn is_named(&self, stem: &str, folder: &Path) -> bool {
        let inner = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let names = [
            stem.to_owned(),
            format!("{stem}.rst"),
            format!("{inner}/{stem}"),
            format!("{inner}/{stem}.rst"),
        ];
        let names_it = |text: &str| {
            let fits = |name: &str| names.iter().any(|own| own == name.trim_start_matches("./"));
            text.lines().any(|line| {
                let line = line.trim().trim_start_matches(".. include::").trim();
                fits(target(line)) || line == "*" || line == "./*" || line == format!("{inner}/*")
            })
        };
        let folders = folder
            .ancestors()
            .take(3)
            .filter(|folder| folder.starts_with("Documentation"));
        let pages = folders.flat_map(|folder| self.pages(folder));
        pages.filter(|page| page != self.file).any(|page| {
            let text = fs::read(self.view.place(&page)).unwrap_or_default();
            names_it(&String::from_utf8_lossy(&text))
        })
    }

    /// The .rst files that are directly in a folder.
    fn pages(&self, folder: &Path) -> BTreeSet<String> {
        let roots = [self.view.state, self.view.tree];
        let files = roots
            .iter()
            .filter_map(|root| fs::read_dir(root.join(folder)).ok())
            .flatten()
            .flatten();
        let names = files.map(|file| folder.join(file.file_name()).display().to_string());
        names.filter(|name| name.ends_with(".rst")).collect()
    }
}

/// The targets of a role in a line: of `:ref:` `text <target>` or `target`.
fn roles<'a>(line: &'a str, role: &str) -> Vec<&'a str> {
    let parts = line
        .split(role)
        .skip(1)
        .filter_map(|rest| rest.split_once('`'));
    parts.map(|(inner, _)| target(inner)).collect()
}

fn target(text: &str) -> &str {
    let inner = text
        .strip_suffix('>')
        .and_then(|rest| rest.rsplit_once('<'));
    inner.map_or(text, |(_, target)| target).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "Release fences\n==========\n\nSee :ref:`known`, :ref:`here <own>`, :ref:`lost <Nowhere>` and :doc:`other`, :doc:`/gone`.\n\n.. _own:\n\n\
                        .. kernel-doc:: include/x.h\n   :identifiers: there missing\n\n.. kernel-doc:: include/gone.h\n\n.. toctree::\n   :maxdepth: 1\n\n   other\n   absent\n";

    #[test]
    fn what_is_referred_to_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let (state, tree) = (folder.path().join("state"), folder.path().join("tree"));
        for (place, text) in [
            (state.join("Documentation/a/page.rst"), PAGE),
            (tree.join("Documentation/a/other.rst"), ".. _known:\n"),
            (tree.join("include/x.h"), "int there(void);"),
        ] {
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        let file = "Documentation/a/page.rst";
        let touched = BTreeSet::from([file.to_owned()]);
        let view = View {
            state: &state,
            tree: &tree,
            touched: &touched,
        };
        let labels = Labels::of_tree(&tree).unwrap();
        let told = || {
            let found = wrong(&view, &labels, file).unwrap();
            found
                .iter()
                .map(|found| format!("{} {}", found.line.unwrap(), found.complaint))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told(),
            [
                "4 :ref: to a label that no page defines: Nowhere",
                "4 :doc: to a page that is not there: /gone",
                "8 kernel-doc: include/x.h has no missing",
                "11 kernel-doc of a file that is not there: include/gone.h",
                "17 the table of contents names a page that is not there: absent",
                "2 the line under the title is too short: Release fences",
                "1 is in no table of contents",
            ]
        );
        fs::write(
            tree.join("Documentation/a/index.rst"),
            ".. toctree::\n\n   page\n",
        )
        .unwrap();
        assert!(!told().iter().any(|line| line.contains("is in no table")));
    }
}
