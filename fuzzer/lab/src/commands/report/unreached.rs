//! Functions that no program reached, with the reasons that are known.

use anyhow::Context;
use program::Driver;

use super::coverage::Coverage;

const REASONS: &str = include_str!("unreached.txt");

/// Behind this line stand reasons that hold for the double alone.
const OF_THE_DOUBLE: &str = "# Of the double alone:\n";

/// The files of which every function that was not reached is named.
const FILES: [&str; 3] = [
    "drivers/media/common/videobuf2/videobuf2-core.c",
    "drivers/media/common/videobuf2/videobuf2-v4l2.c",
    "drivers/media/v4l2-core/v4l2-mem2mem.c",
];

/// What stands where no reason is known.
const UNEXPLAINED: &str = "unexplained";

/// A function that was not reached.
pub(super) struct Unreached {
    pub(super) file: String,
    pub(super) function: String,
    pub(super) reason: String,
}

/// All that programs of this driver did not reach.
pub(super) fn list(coverage: &Coverage, driver: Driver) -> anyhow::Result<Vec<Unreached>> {
    let reasons = reasons(driver)?;
    let missed = coverage.functions.iter().filter(|(_, hit)| !**hit);
    let of_file = missed.filter(|((file, _), _)| FILES.contains(&file.as_str()));
    let unreached = of_file.map(|((file, function), _)| Unreached {
        file: file.clone(),
        function: function.clone(),
        reason: reasons
            .iter()
            .find(|(name, _)| name == function)
            .map_or(UNEXPLAINED, |(_, reason)| reason)
            .to_owned(),
    });
    Ok(unreached.collect())
}

/// Functions that have a reason and were reached all the same.
pub(super) fn wrong(coverage: &Coverage, driver: Driver) -> Vec<String> {
    let reasons = reasons(driver).unwrap_or_default();
    let hit = coverage.functions.iter().filter(|(_, hit)| **hit);
    let reached = hit.filter(|((file, function), _)| {
        FILES.contains(&file.as_str()) && reasons.iter().any(|(name, _)| name == function)
    });
    reached.map(|((_, function), _)| function.clone()).collect()
}

fn reasons(driver: Driver) -> anyhow::Result<Vec<(&'static str, &'static str)>> {
    let (of_all, of_the_double) = REASONS.split_once(OF_THE_DOUBLE).unwrap_or((REASONS, ""));
    let more = match driver {
        Driver::Double => of_the_double,
        _ => "",
    };
    let lines = of_all.lines().chain(more.lines());
    let lines = lines.filter(|line| !line.starts_with('#'));
    let reason = |line: &'static str| {
        line.split_once(' ')
            .with_context(|| format!("unreached.txt: no reason in «{line}»"))
    };
    lines.map(reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_reason() {
        let count = |driver| reasons(driver).unwrap().len();
        assert!(count(Driver::Vim2m) > 10);
        assert!(count(Driver::Double) > count(Driver::Vim2m));
    }

    #[test]
    fn a_reason_for_what_is_reached_is_an_error() {
        let mut coverage = Coverage::default();
        let key = |function: &str| (FILES[0].to_owned(), function.to_owned());
        coverage.functions.insert(key("vb2_read"), true);
        coverage.functions.insert(key("vb2_write"), false);
        coverage.functions.insert(key("vb2_mystery"), false);
        assert_eq!(wrong(&coverage, Driver::Vim2m), ["vb2_read"]);
        let list = list(&coverage, Driver::Vim2m).unwrap();
        let told: Vec<_> = list
            .iter()
            .map(|one| (&*one.function, &*one.reason))
            .collect();
        assert_eq!(told[0], ("vb2_mystery", UNEXPLAINED));
        assert!(told[1].1.starts_with("only write()"));
    }
}
