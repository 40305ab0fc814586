//! Reading what v4l2-compliance prints.

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    /// The driver does not have what the test is for.
    NotSupported,
    Failed,
    /// Something that the test needs was not given.
    NotMade,
}

/// A test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) end: End,
    /// What was said of failures on the way.
    pub(super) failures: Vec<String>,
}

/// The line that ends a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) tests: usize,
    pub(super) failed: usize,
    pub(super) warnings: usize,
}

/// A report, whole if it has a total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) tests: Vec<Test>,
    pub(super) warnings: Vec<String>,
    pub(super) total: Option<Total>,
}

impl Report {
    /// Reads a report.
    pub(super) fn parse(text: &str) -> Report {
        let mut report = Report::default();
        let mut failures = Vec::new();
        for line in text.lines() {
            if let Some(failure) = line.trim_start().strip_prefix("fail: ") {
                failures.push(failure.to_owned());
            } else if let Some(warning) = line.trim_start().strip_prefix("warn: ") {
                report.warnings.push(warning.to_owned());
            } else if let Some((name, end)) = result(line) {
                report.tests.push(Test {
                    name: name.to_owned(),
                    end,
                    failures: std::mem::take(&mut failures),
                });
            } else if line.starts_with("Total for ") {
                report.total = total(line);
            }
        }
        report
    }

    /// How many tests ended like this.
    pub(super) fn count(&self, end: End) -> usize {
        self.tests.iter().filter(|test| test.end == end).count()
    }

    /// What is wrong with the report itself: then its silence means nothing.
    pub(super) fn trouble(&self) -> Option<String> {
        let Some(total) = self.total else {
            return Some(match self.tests.last() {
                Some(test) => format!(
                    "v4l2-compliance did not come to its end after «{}»",
                    test.name
                ),
                None => "v4l2-compliance made no test".to_owned(),
            });
        };
        let made = self.tests.len() - self.count(End::NotMade);
        let counts = (made, self.count(End::Failed), self.warnings.len());
        let same = counts == (total.tests, total.failed, total.warnings);
        (!same || made == 0).then(|| {
            format!(
                "v4l2-compliance counts {} tests, {} failures and {} warnings, but its lines show {}, {} and {}",
                total.tests, total.failed, total.warnings, counts.0, counts.1, counts.2
            )
        })
    }
}

/// A line that tells how a test ended: one tab, its name, a colon.
fn result(line: &str) -> Option<(&str, End)> {
    let line = line
        .strip_prefix('\t')
        .filter(|rest| !rest.starts_with('\t'))?;
    let (name, end) = line.rsplit_once(": ")?;
    let end = match end {
        "OK" => End::Passed,
        "OK (Not Supported)" => End::NotSupported,
        "FAIL" => End::Failed,
        other if other.starts_with("Cannot test") => End::NotMade,
        _ => return None,
    };
    Some((name.strip_prefix("test ").unwrap_or(name), end))
}

/// `Total for DRIVER device NODE: N, Succeeded: N, Failed: N, Warnings: N`
fn total(line: &str) -> Option<Total> {
    let (_, counts) = line.split_once(": ")?;
    let mut numbers = counts.split(", ").map(|part| {
        part.rsplit(' ')
            .next()
            .and_then(|number| number.parse().ok())
    });
    let [tests, _, failed, warnings] = std::array::from_fn(|_| numbers.next().flatten());
    Some(Total {
        tests: tests?,
        failed: failed?,
        warnings: warnings?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Driver Info:\n\
        \tDriver name      : vb2_double\n\
        Required ioctls:\n\
        \ttest VIDIOC_QUERYCAP: OK\n\
        \ttest VIDIOC_G_FBUF: OK (Not Supported)\n\
        \t\twarn: v4l2-test-formats.cpp(1): odd\n\
        \t\tfail: v4l2-test-buffers.cpp(703): check_0(a, sizeof(a))\n\
        \ttest VIDIOC_REQBUFS/CREATE_BUFS: FAIL\n\
        \tVideo Capture: Captured 58 buffers\n\
        \tV2DB (Unknown) 16x16 -> GREY (8-bit) 16x16: OK\n\
        \ttest DMABUF: Cannot test, specify --expbuf-device\n\
        Total for vb2_double device /dev/video0: 4, Succeeded: 3, Failed: 1, Warnings: 1\n";

    #[test]
    fn a_report_is_read() {
        let report = Report::parse(TEXT);
        let ends = [End::Passed, End::NotSupported, End::Failed, End::NotMade];
        assert_eq!(ends.map(|end| report.count(end)), [2, 1, 1, 1]);
        assert_eq!(report.warnings, ["v4l2-test-formats.cpp(1): odd"]);
        let failed = &report.tests[2];
        assert_eq!(failed.name, "VIDIOC_REQBUFS/CREATE_BUFS");
        assert_eq!(
            failed.failures,
            ["v4l2-test-buffers.cpp(703): check_0(a, sizeof(a))"]
        );
        assert_eq!(report.trouble(), None);
    }

    #[test]
    fn a_report_without_its_end_is_no_report() {
        let (cut, _) = TEXT.split_once("Total").unwrap();
        let trouble = Report::parse(cut).trouble().unwrap();
        assert!(trouble.contains("after «DMABUF»"), "{trouble}");
        assert!(Report::parse("").trouble().unwrap().contains("no test"));
    }

    #[test]
    fn a_line_that_was_not_understood_shows_in_the_total() {
        let other = TEXT.replace(": 4, Succeeded", ": 5, Succeeded");
        let trouble = Report::parse(&other).trouble().unwrap();
        assert!(trouble.contains("counts 5 tests"), "{trouble}");
    }
}
