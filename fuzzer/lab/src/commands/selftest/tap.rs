//! The Test Anything Protocol, as the kernel's selftests speak it, and KTAP, its nested form, as KUnit does.
//!
//! <https://docs.kernel.org/dev-tools/ktap.html>

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It passed.
    Passed,
    /// It failed; what it said before.
    Failed(Vec<String>),
    /// It did not run, for this reason.
    Skipped(String),
}

/// A test that has no tests in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its name, after those of the tests that it is in.
    pub name: String,
    /// How it ended.
    pub end: End,
}

/// Why a text is not the whole output of a test.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is not even a plan in it.
    #[error("it has no plan (a line like 1..5)")]
    NoPlan,
    /// Fewer or more results than planned, or not one after the other.
    #[error("{planned} tests are planned, result number {number} comes as number {seen}")]
    OutOfOrder {
        /// What the plan says.
        planned: usize,
        /// What the result says.
        number: usize,
        /// What it is.
        seen: usize,
    },
    /// It ended before all tests did.
    #[error("{planned} tests are planned and {seen} ended: the last line is «{last}»")]
    CutShort {
        /// What the plan says.
        planned: usize,
        /// Results.
        seen: usize,
        /// The last line.
        last: String,
    },
    /// The test gave up.
    #[error("it bailed out:{0}")]
    BailedOut(String),
}

/// Spaces by which the tests in a test stand to the right.
const INDENT: usize = 4;

/// Reads the output of a test; lines that are no part of the protocol belong to the next result.
pub fn parse(text: &str) -> Result<Vec<Test>, Error> {
    let mut reader = Reader::default();
    for line in text.lines() {
        reader.line(line)?;
    }
    reader.end()
}

#[derive(Default)]
struct Reader {
    levels: Vec<Level>,
    tests: Vec<Test>,
    said: Vec<String>,
    last: String,
    planned: bool,
}

/// Tests that are in the same test.
#[derive(Default)]
struct Level {
    name: Option<String>,
    planned: Option<usize>,
    seen: usize,
    /// The first of them.
    from: usize,
}

/// A result line: `ok 3 - name # SKIP why`.
struct Outcome<'a> {
    passed: bool,
    number: usize,
    name: &'a str,
    directive: Option<(&'a str, &'a str)>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), Error> {
        let text = line.trim_start_matches(' ');
        let depth = (line.len() - text.len()) / INDENT;
        let text = text.trim_end();
        if !text.is_empty() {
            self.last = text.to_owned();
        }
        if let Some(why) = text.strip_prefix("Bail out!") {
            return Err(Error::BailedOut(why.to_owned()));
        }
        if depth == 0 && is_version(text) {
            // What follows is the output of another program.
            return self.close(0);
        }
        if let Some(planned) = plan(text) {
            self.level(depth).planned = Some(planned);
            self.planned = true;
            return Ok(());
        }
        if let Some(name) = text.strip_prefix("# Subtest: ") {
            self.level(depth).name = Some(name.to_owned());
            return Ok(());
        }
        match outcome(text) {
            Some(outcome) => self.result(depth, &outcome),
            None => {
                self.said.push(text.to_owned());
                Ok(())
            }
        }
    }

    fn level(&mut self, depth: usize) -> &mut Level {
        while self.levels.len() <= depth {
            self.levels.push(Level {
                from: self.tests.len(),
                ..Level::default()
            });
        }
        &mut self.levels[depth]
    }

    fn result(&mut self, depth: usize, outcome: &Outcome) -> Result<(), Error> {
        let inner = self.levels.get(depth + 1).map(|level| level.from);
        self.close(depth + 1)?;
        let level = self.level(depth);
        level.seen += 1;
        let planned = level.planned.unwrap_or(usize::MAX);
        if outcome.number != level.seen || level.seen > planned {
            return Err(Error::OutOfOrder {
                planned,
                number: outcome.number,
                seen: level.seen,
            });
        }
        let said = std::mem::take(&mut self.said);
        // What only sums up is told by what it sums up, unless it adds a failure of its own.
        let failed = |test: &Test| matches!(test.end, End::Failed(_));
        let told =
            inner.is_some_and(|from| outcome.passed || self.tests[from..].iter().any(failed));
        if !told {
            let name = self.name(depth, outcome.name);
            let end = end(outcome, said);
            self.tests.push(Test { name, end });
        }
        Ok(())
    }

    fn name(&self, depth: usize, own: &str) -> String {
        let outer = self.levels[..=depth]
            .iter()
            .filter_map(|level| level.name.as_deref());
        outer.chain([own]).collect::<Vec<_>>().join(".")
    }

    /// Ends the levels from this one on: each must be whole.
    fn close(&mut self, depth: usize) -> Result<(), Error> {
        for level in self.levels.drain(depth.min(self.levels.len())..) {
            let planned = level.planned.unwrap_or(level.seen);
            if level.seen != planned {
                return Err(Error::CutShort {
                    planned,
                    seen: level.seen,
                    last: self.last.clone(),
                });
            }
        }
        Ok(())
    }

    fn end(mut self) -> Result<Vec<Test>, Error> {
        self.close(0)?;
        if !self.planned {
            return Err(Error::NoPlan);
        }
        Ok(self.tests)
    }
}

fn is_version(text: &str) -> bool {
    text.starts_with("TAP version ") || text.starts_with("KTAP version ")
}

/// `1..5`, perhaps with a directive: the whole test may be skipped.
fn plan(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("1..")?;
    rest.split_whitespace().next()?.parse().ok()
}

fn outcome(text: &str) -> Option<Outcome<'_>> {
    let (passed, rest) = match (text.strip_prefix("ok "), text.strip_prefix("not ok ")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return None,
    };
    let (number, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let number = number.parse().ok()?;
    let rest = rest.trim_start().trim_start_matches("- ");
    let (name, directive) = match rest.split_once("# ") {
        Some((name, directive)) => {
            let (kind, why) = directive.split_once(' ').unwrap_or((directive, ""));
            (name, Some((kind, why.trim())))
        }
        None => (rest, None),
    };
    Some(Outcome {
        passed,
        number,
        name: name.trim(),
        directive,
    })
}

fn end(outcome: &Outcome, said: Vec<String>) -> End {
    match (outcome.passed, outcome.directive) {
        (true, Some((kind, why))) if kind.eq_ignore_ascii_case("skip") => {
            End::Skipped(why.to_owned())
        }
        (true, _) => End::Passed,
        (false, _) => End::Failed(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELFTEST: &str = "\
TAP version 13
1..3
# Starting 3 tests from 1 test cases.
#  RUN           fence.video0.one ...
#            OK  fence.video0.one
ok 1 fence.video0.one
# two.c:7:two:Expected 0 (0) == x (1)
not ok 2 fence.video0.two
ok 3 fence.video0.three # SKIP no fence was seen
# Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:0
";

    const KUNIT: &str = "\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: suite
    # module: videobuf2_kunit
    1..3
    ok 1 plain
        KTAP version 1
        # Subtest: with_parameters
        ok 1 done
        not ok 2 error
    # with_parameters: pass:1 fail:1 skip:0 total:2
    not ok 2 with_parameters
    ok 3 skipped # SKIP not here
# suite: pass:1 fail:1 skip:1 total:3
not ok 1 suite
";

    fn ends(tests: &[Test]) -> Vec<(&str, char)> {
        let sign = |end: &End| match end {
            End::Passed => '+',
            End::Failed(_) => '-',
            End::Skipped(_) => 's',
        };
        let pair = |test: &'_ Test| sign(&test.end);
        tests
            .iter()
            .map(|test| (test.name.as_str(), pair(test)))
            .collect()
    }

    #[test]
    fn a_selftest_is_read() {
        let tests = parse(SELFTEST).unwrap();
        let expected = [
            ("fence.video0.one", '+'),
            ("fence.video0.two", '-'),
            ("fence.video0.three", 's'),
        ];
        assert_eq!(ends(&tests), expected);
        let End::Failed(said) = &tests[1].end else {
            panic!("{tests:?}");
        };
        assert!(said.last().unwrap().contains("Expected 0"), "{said:?}");
        assert_eq!(tests[2].end, End::Skipped("no fence was seen".into()));
    }

    #[test]
    fn nested_results_are_told_by_the_innermost() {
        let tests = parse(KUNIT).unwrap();
        let expected = [
            ("suite.plain", '+'),
            ("suite.with_parameters.done", '+'),
            ("suite.with_parameters.error", '-'),
            ("suite.skipped", 's'),
        ];
        assert_eq!(ends(&tests), expected);
    }

    #[test]
    fn a_suite_that_fails_by_itself_has_failed() {
        let text =
            "KTAP version 1\n1..1\n    # Subtest: suite\n    1..1\n    ok 1 case\nnot ok 1 suite\n";
        assert_eq!(
            ends(&parse(text).unwrap()),
            [("suite.case", '+'), ("suite", '-')]
        );
        let after_another = format!("1..1\nnot ok 1 other\n{text}");
        let tests = parse(&after_another).unwrap();
        assert_eq!(ends(&tests).last(), Some(&("suite", '-')));
    }

    #[test]
    fn outputs_of_several_programs_follow_one_another() {
        let tests = parse(&format!("{SELFTEST}{KUNIT}")).unwrap();
        assert_eq!(tests.len(), 3 + 4);
    }

    #[test]
    fn what_is_not_whole_is_told() {
        let cut = SELFTEST.split("ok 3").next().unwrap();
        let Err(Error::CutShort {
            planned: 3,
            seen: 2,
            ..
        }) = parse(cut)
        else {
            panic!("{:?}", parse(cut));
        };
        assert_eq!(parse("hello\n"), Err(Error::NoPlan));
        assert_eq!(parse(""), Err(Error::NoPlan));
        let twice = "1..2\nok 1 a\nok 1 a\n";
        assert!(matches!(parse(twice), Err(Error::OutOfOrder { .. })));
        let more = "1..1\nok 1 a\nok 2 b\n";
        assert!(matches!(parse(more), Err(Error::OutOfOrder { .. })));
        let bailed = "1..2\nok 1 a\nBail out! no memory\n";
        assert_eq!(parse(bailed), Err(Error::BailedOut(" no memory".into())));
    }

    #[test]
    fn a_test_that_is_skipped_as_a_whole_has_no_results() {
        assert_eq!(
            parse("TAP version 13\n1..0 # SKIP no node\n"),
            Ok(Vec::new())
        );
    }
}
