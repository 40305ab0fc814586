//! What the compositor found.

use serde::{Deserialize, Serialize};

use crate::options::{HandOver, Wait};

/// The outcome of one run. Times are nanoseconds of the target's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The device.
    pub driver: String,
    /// When buffers were handed over.
    pub hand_over: HandOver,
    /// What was waited for.
    pub wait: Wait,
    /// From which frame on there was no input.
    pub starve: Option<u32>,
    /// Frames that the compositor used.
    pub frames: u32,
    /// Of these, frames whose memory the device still wrote to after they were used.
    pub early: u32,
    /// Hand-overs in which something was waited for.
    pub waits: u32,
    /// Of these, waits that were given up after five seconds.
    pub endless: u32,
    /// Of these, waits that were over before they began: the export was the signalled stub, or poll(2) was ready.
    pub stub: u32,
    /// Of these, waits for something that was pending.
    pub pending: u32,
    /// Hand-overs of a buffer that was only queued and had no fence to wait for. They are no frames.
    pub without_fence: u32,
    /// Frames that the device gave back with an error.
    pub errors: u32,
    /// From the hand-over to the use.
    pub after_hand_over: Option<Spread>,
    /// From the device's last store to the use, of frames that were used after it. Only the double tells when that was.
    pub after_last_write: Option<Spread>,
    /// From the moment when there was input for the frame to its use.
    pub after_input: Option<Spread>,
}

/// How times are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// The shortest.
    pub min: u64,
    /// Half of them are no longer.
    pub median: u64,
    /// 99 of 100 are no longer.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

impl Spread {
    /// The spread of these times; none if there are none.
    pub fn of(mut times: Vec<u64>) -> Option<Spread> {
        times.sort_unstable();
        let rank = |percent: usize| times[(times.len() * percent).div_ceil(100).max(1) - 1];
        (!times.is_empty()).then(|| Spread {
            min: times[0],
            median: rank(50),
            p99: rank(99),
            max: times[times.len() - 1],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_read_off_the_sorted_times() {
        let spread = Spread::of((1..=200).rev().collect()).unwrap();
        let expected = Spread {
            min: 1,
            median: 100,
            p99: 198,
            max: 200,
        };
        assert_eq!(spread, expected);
        assert_eq!(Spread::of(vec![7]).unwrap().p99, 7);
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
