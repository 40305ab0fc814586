//! What is measured, and what the client program in the guest says about it.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Serialize;

use super::statistics::midmean;

/// Something that the client measures.
#[derive(Debug)]
pub(super) struct Measure {
    /// What the client calls it.
    pub(super) name: &'static str,
    /// What it is, for people.
    pub(super) what: &'static str,
    /// How often it is done in a round.
    pub(super) cycles: u32,
    /// The driver whose jobs are part of it.
    pub(super) driver: Option<&'static str>,
}

/// From where a time is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    /// In the kernel, around the ioctls themselves.
    Inside,
    /// In the program, around its system calls.
    Outside,
}

impl Side {
    /// Both, the telling one first.
    pub(super) const ALL: [Side; 2] = [Side::Inside, Side::Outside];

    /// For people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Side::Inside => "in the kernel",
            Side::Outside => "as a program sees it",
        }
    }
}

/// Everything. The codec computes for a millisecond, and vim2m waits for a jiffy: they get fewer cycles.
pub(super) const MEASURES: [Measure; 6] = [
    Measure {
        name: "call",
        what: "the smallest system call (getppid)",
        cycles: 4000,
        driver: None,
    },
    Measure {
        name: "export-idle",
        what: "EXPORT_SYNC_FILE(READ), idle buffer",
        cycles: 4000,
        driver: None,
    },
    Measure {
        name: "export-pending",
        what: "EXPORT_SYNC_FILE(READ), while a job runs",
        cycles: 4000,
        driver: None,
    },
    Measure {
        name: "cycle-double",
        what: "QBUF to DQBUF, test double",
        cycles: 4000,
        driver: Some("vb2_double"),
    },
    Measure {
        name: "cycle-vicodec",
        what: "QBUF to DQBUF, vicodec encoder",
        cycles: 200,
        driver: Some("vicodec"),
    },
    Measure {
        name: "cycle-vim2m",
        what: "QBUF to DQBUF without the wait, vim2m",
        cycles: 30,
        driver: Some("vim2m"),
    },
];

/// Longer than any measure takes, even on a busy machine.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// The answer of one client: what its samples come to, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Taken {
    inside: Option<f64>,
    outside: Option<f64>,
}

impl Taken {
    /// What it took from there, if that can be told.
    pub(super) fn from(self, side: Side) -> Option<f64> {
        match side {
            Side::Inside => self.inside,
            Side::Outside => self.outside,
        }
    }

    /// An answer.
    #[cfg(test)]
    pub(super) fn new(inside: Option<f64>, outside: Option<f64>) -> Taken {
        Taken { inside, outside }
    }
}

/// All that a client said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// Nanoseconds, one a cycle.
    inside: Vec<f64>,
    outside: Vec<f64>,
    /// How often it really did what is measured, the rounds that do not count included.
    pub(super) made: u64,
    /// Whether a fence was pending when it was exported, if that was looked at.
    pub(super) pending: Option<bool>,
}

impl Said {
    /// Reads the client's output.
    pub(super) fn parse(text: &str) -> anyhow::Result<Said> {
        let mut said = Said::default();
        let mut rate = None;
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                ["clock", ticks, nanoseconds] => {
                    rate = Some(number(nanoseconds)? / number(ticks)?);
                }
                ["made", count] => said.made = count.parse()?,
                ["pending", pending] => said.pending = Some(pending.parse()?),
                ["inside", ticks] => said.inside.push(number(ticks)?),
                ["outside", ticks] => said.outside.push(number(ticks)?),
                _ => bail!("the client says «{line}», which this lab does not know"),
            }
        }
        let rate = rate.context("the client did not compare its clocks")?;
        ensure!(!said.outside.is_empty(), "the client took no sample");
        let samples = said.inside.iter_mut().chain(&mut said.outside);
        samples.for_each(|sample| *sample *= rate);
        Ok(said)
    }

    /// What it comes to.
    pub(super) fn taken(self) -> Taken {
        let of = |samples: Vec<f64>| (!samples.is_empty()).then(|| midmean(samples));
        Taken {
            inside: of(self.inside),
            outside: of(self.outside),
        }
    }
}

fn number(word: &str) -> anyhow::Result<f64> {
    let number: f64 = word.parse().with_context(|| format!("«{word}»"))?;
    ensure!(number > 0.0, "the client counted {number}");
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_a_client_is_read() {
        let text =
            "clock 3000 1000\nmade 5\npending true\noutside 300\noutside 9000\noutside 330\n";
        let said = Said::parse(text).unwrap();
        assert_eq!((said.made, said.pending), (5, Some(true)));
        assert_eq!(said.taken(), Taken::new(None, Some(110.0)));
        let said = Said::parse(&(text.to_owned() + "inside 3\n")).unwrap();
        assert_eq!(said.taken().from(Side::Inside), Some(1.0));
    }

    #[test]
    fn half_an_output_is_none() {
        for wrong in ["", "outside 3\n", "clock 1 1\n", "clock 0 1\noutside 1\n"] {
            assert!(Said::parse(wrong).is_err(), "{wrong}");
        }
        let error = Said::parse("clock 1 1\noutsid 3\n").unwrap_err();
        assert!(error.to_string().contains("outsid"), "{error}");
    }
}
