//! What compilers, sparse and make say, taken apart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::finding::Finding;

/// Who warns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tool {
    /// The compiler, with what W=1 adds, and objtool.
    Compiler,
    /// sparse.
    Sparse,
}

/// A warning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Warning {
    /// Who warns.
    pub(super) tool: Tool,
    /// Of what.
    pub(super) finding: Finding,
}

/// How an object's compilation ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// What was warned of.
    pub(super) warnings: Vec<Warning>,
    /// Why there is no object; empty if there is.
    pub(super) errors: Vec<Finding>,
}

/// What a make run said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Each object that was to be compiled.
    pub(super) compiled: BTreeMap<String, Outcome>,
    /// Errors that are no object's.
    pub(super) errors: Vec<Finding>,
}

/// Complaints about a Kconfig file that are told: the parser stumbles on over every line that follows.
const OF_KCONFIG: usize = 2;

impl Said {
    /// Reads the output of a run that kept the output of each target together. Places in `root` are told relative to it.
    pub(super) fn read(lines: &[String], root: &str) -> Said {
        let mut reader = Reader {
            said: Said::default(),
            object: String::new(),
            tool: Tool::Compiler,
        };
        for line in lines {
            reader.line(&line.replace(root, ""));
        }
        let mut seen = 0..OF_KCONFIG;
        let mut said = reader.said;
        said.errors
            .retain(|error| !error.file.contains("Kconfig") || seen.next().is_some());
        said
    }

    /// Whether anything went wrong.
    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
            || self
                .compiled
                .values()
                .any(|outcome| !outcome.errors.is_empty())
    }
}

struct Reader {
    said: Said,
    object: String,
    tool: Tool,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some((step, target)) = step(line) {
            self.step(step, target);
        } else if let Some(target) = given_up(line) {
            self.give_up(target);
        } else if line.contains("No rule to make target") {
            let complaint = line.split("*** ").last().unwrap_or(line);
            let error = Finding::bounce("make", None, complaint);
            self.said.errors.push(error);
        } else if let Some((is_error, finding)) = complaint(line) {
            self.complaint(is_error, finding);
        }
    }

    /// A target that failed without an error that could be read is an error, too.
    fn give_up(&mut self, target: &str) {
        let silent = Finding::bounce(target, None, "make failed here");
        let errors = match self.said.compiled.get_mut(target) {
            Some(outcome) => &mut outcome.errors,
            None => &mut self.said.errors,
        };
        if errors.is_empty() {
            errors.push(silent);
        }
    }

    fn step(&mut self, step: &str, target: &str) {
        if step == "CHECK" {
            self.tool = Tool::Sparse;
            return;
        }
        self.tool = Tool::Compiler;
        self.object = target.to_owned();
        if target.ends_with(".o") {
            self.said.compiled.entry(self.object.clone()).or_default();
        }
    }

    fn complaint(&mut self, is_error: bool, finding: Finding) {
        // objtool comes last, and announces itself in its words only.
        let tool = if finding.complaint.starts_with("objtool: ") {
            Tool::Compiler
        } else {
            self.tool
        };
        // sparse ends with 0 even after an error of its own: that is one more warning.
        if is_error && tool == Tool::Compiler {
            let errors = match self.said.compiled.get_mut(&self.object) {
                Some(outcome) if self.object.ends_with(".o") => &mut outcome.errors,
                _ => &mut self.said.errors,
            };
            errors.push(finding);
            return;
        }
        let warning = Warning { tool, finding };
        let outcome = self.said.compiled.entry(self.object.clone()).or_default();
        if !outcome.warnings.contains(&warning) {
            outcome.warnings.push(warning);
        }
    }
}

/// `  CC [M]  drivers/x.o`
fn step(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("  ")?;
    let is_name = rest.starts_with(|first: char| first.is_ascii_uppercase());
    let mut words = rest.split_whitespace();
    let (name, target) = (words.next()?, words.last()?);
    let is_step = is_name
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_step.then_some((name, target))
}

/// `make[4]: *** [scripts/Makefile.build:287: drivers/x.o] Error 1`
fn given_up(line: &str) -> Option<&str> {
    let inner = line.split_once("*** [")?.1.rsplit_once("] Error")?.0;
    let target = inner.rsplit_once(": ").map_or(inner, |(_, target)| target);
    // The folder's make fails because of the object, and says so again.
    let is_folder = !target.contains('.') || target.starts_with("__") || target == ".";
    (!is_folder).then_some(target)
}

/// `x.c:12:3: error: text`, `x.o: warning: objtool: text`, `Kconfig:3: syntax error`. True if it is an error.
fn complaint(line: &str) -> Option<(bool, Finding)> {
    let kinds = [
        (": warning: ", false),
        (": fatal error: ", true),
        (": error: ", true),
        (":warning: ", false),
    ];
    let found = kinds.iter().find_map(|(kind, is_error)| {
        line.split_once(kind)
            .map(|(place, text)| (place, text, *is_error))
    });
    if let Some((place, text, is_error)) = found {
        let (file, number) = place_of(place)?;
        return Some((is_error, Finding::bounce(file, number, text)));
    }
    let (place, text) = line.split_once(": ")?;
    let (file, number) = place_of(place)?;
    let is_kconfig = file.contains("Kconfig") && number.is_some();
    is_kconfig.then(|| (true, Finding::bounce(file, number, text)))
}

/// `x.c:12:3` or `x.c:12` or `x.c`
fn place_of(place: &str) -> Option<(String, Option<u32>)> {
    let mut parts = place.split(':');
    let file = parts
        .next()
        .filter(|file| !file.is_empty() && !file.contains(' '))?;
    let number = parts.next().and_then(|number| number.parse().ok());
    Some((file.to_owned(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Said {
        Said::read(
            &text.lines().map(str::to_owned).collect::<Vec<_>>(),
            "/s/source/",
        )
    }

    const TEXT: &str = "make[1]: Entering directory '/s/um'\n  GEN     Makefile\n  CC [M]  d/a.o\nIn file included from /s/source/d/a.c:8:\n/s/source/include/x.h:9:5: warning: unused variable 'v' [-Wunused-variable]\n   9 |  int v;\n      |      ^\n1 warning generated.\n  CHECK   /s/source/d/a.c\n/s/source/d/a.c:3:6: warning: symbol 'f' was not declared. Should it be static?\n/s/source/d/a.c:4:6: error: typename in expression\n\
                        d/a.o: warning: objtool: f() falls through\n  CC [M]  d/b.o\n/s/source/d/b.c:7:2: error: use of undeclared identifier 'y'\n1 error generated.\nmake[3]: *** [/s/source/scripts/Makefile.build:287: d/b.o] Error 1\nmake[2]: *** [/s/source/scripts/Makefile.build:548: d] Error 2\nmake[1]: *** [/s/source/Makefile:2100: .] Error 2\nmake: *** [Makefile:248: __sub-make] Error 2\n";

    #[test]
    fn each_complaint_goes_to_its_object_and_tool() {
        let said = read(TEXT);
        let warnings: Vec<_> = said.compiled["d/a.o"]
            .warnings
            .iter()
            .map(|warning| format!("{:?} {}", warning.tool, warning.finding))
            .collect();
        assert_eq!(
            warnings,
            [
                "Compiler include/x.h:9: unused variable 'v' [-Wunused-variable]",
                "Sparse d/a.c:3: symbol 'f' was not declared. Should it be static?",
                "Sparse d/a.c:4: typename in expression",
                "Compiler d/a.o: objtool: f() falls through",
            ]
        );
        let error = Finding::bounce("d/b.c", 7, "use of undeclared identifier 'y'");
        let broken = &said.compiled["d/b.o"];
        assert_eq!((&broken.errors, broken.warnings.len()), (&vec![error], 0));
        assert!(
            said.errors.is_empty() && said.has_errors(),
            "{:?}",
            said.errors
        );
    }

    #[test]
    fn a_failure_without_words_is_told_all_the_same() {
        let said = read(
            "  LD      d/c.o\nmake[3]: *** [/s/source/scripts/Makefile.build:2: d/c.o] Error 139\n",
        );
        let silent = Finding::bounce("d/c.o", None, "make failed here");
        assert_eq!(said.compiled["d/c.o"].errors, [silent]);
        let said = read("make[3]: *** No rule to make target 'd/x.o'.  Stop.\n");
        assert_eq!(
            said.errors[0].complaint,
            "No rule to make target 'd/x.o'.  Stop."
        );
        let said = read(&"drivers/media/Kconfig:12: syntax error\n".repeat(9));
        let error = Finding::bounce("drivers/media/Kconfig", 12, "syntax error");
        assert_eq!(said.errors, [error.clone(), error]);
    }
}
