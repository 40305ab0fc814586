//! What the judge may expect of the driver under test.

use program::Driver;

/// Expectations that differ from driver to driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The driver opts in to release fences and attaches them when it starts a job, so a job without a fence is a
    /// violation. False for a driver that does not opt in.
    pub opted_in: bool,
    /// The driver may attach fences at all. False for one that was told not to: then any fence is a violation.
    pub may_attach: bool,
    /// The driver tells the steps of its jobs, so a fence without a job is a violation. The double does; drivers without the
    /// lab's tracepoints do not.
    pub tells_jobs: bool,
    /// The device works on one job at a time, so two pending fences of one direction are one too many. This stands in for
    /// what a driver does not tell of its jobs.
    pub one_job: bool,
    /// Longest time in nanoseconds between attaching and signalling a fence: the longest watchdog plus slack.
    pub bound: u64,
    /// The driver whose calls are compared with the reference model; none to compare none.
    pub model: Option<Driver>,
}

impl Default for Expectation {
    fn default() -> Self {
        Self {
            opted_in: true,
            may_attach: true,
            tells_jobs: true,
            one_job: false,
            bound: 3_000_000_000,
            model: None,
        }
    }
}

impl Expectation {
    /// What to expect of a driver that attaches fences when a job starts, or not at all.
    pub fn of(driver: Driver, attaches: bool) -> Self {
        let double = driver == Driver::Double;
        Self {
            opted_in: attaches,
            may_attach: attaches,
            tells_jobs: double,
            one_job: !double,
            // What the model says of other drivers was not yet compared with enough of what they do.
            model: double.then_some(driver),
            ..Self::default()
        }
    }
}
