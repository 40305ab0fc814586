//! What the judge may expect of the driver under test.

/// Expectations that differ from driver to driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The driver opts in to release fences and attaches them when it starts a job, so a job without a fence is a
    /// violation. False for a driver that does not opt in.
    pub opted_in: bool,
    /// The driver tells the steps of its jobs, so a fence without a job is a violation. The double does; drivers without the
    /// lab's tracepoints do not.
    pub tells_jobs: bool,
    /// Longest time in nanoseconds between attaching and signalling a fence: the longest watchdog plus slack.
    pub bound: u64,
}

impl Default for Expectation {
    fn default() -> Self {
        Self {
            opted_in: true,
            tells_jobs: true,
            bound: 3_000_000_000,
        }
    }
}
