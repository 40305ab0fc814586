//! Medians, and how far they can be trusted without knowing how the numbers are distributed.

use serde::Serialize;

/// How surely an interval should cover the median.
const WANTED: f64 = 0.95;

/// A median and the interval that covers the true one with [`coverage`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Estimate {
    /// The median.
    pub(super) median: f64,
    /// Lower end of the interval.
    pub(super) low: f64,
    /// Upper end of the interval.
    pub(super) high: f64,
}

impl Estimate {
    /// Estimates the median of what these numbers, at least one, are a sample of.
    pub(super) fn of(mut numbers: Vec<f64>) -> Estimate {
        numbers.sort_by(f64::total_cmp);
        let left_out = left_out(numbers.len());
        Estimate {
            median: middle(&numbers),
            low: numbers[left_out],
            high: numbers[numbers.len() - 1 - left_out],
        }
    }

    /// The largest distance of the interval's ends from 1.
    pub(super) fn distance_from_one(&self) -> f64 {
        (self.low - 1.0).abs().max((self.high - 1.0).abs())
    }

    /// Whether the interval has a number in common with all that is not further than `noise` from 1.
    pub(super) fn is_one_within(&self, noise: f64) -> bool {
        self.low <= 1.0 + noise && self.high >= 1.0 - noise
    }
}

/// The mean of the middle half of some numbers, at least one. Outliers move it no more than a median, and it tells less than a
/// tick of a coarse clock.
pub(super) fn midmean(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let quarter = numbers.len().div_ceil(4).min((numbers.len() - 1) / 2);
    let middle = &numbers[quarter..numbers.len() - quarter];
    middle.iter().sum::<f64>() / middle.len() as f64
}

fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[half]
    } else {
        f64::midpoint(sorted[half - 1], sorted[half])
    }
}

/// How surely the interval of so many numbers covers the median.
pub(super) fn coverage(count: usize) -> f64 {
    coverage_without(count, left_out(count))
}

/// How many numbers at each end the interval need not contain.
fn left_out(count: usize) -> usize {
    let enough = |left_out: &usize| coverage_without(count, *left_out) >= WANTED;
    (0..count.div_ceil(2)).rev().find(enough).unwrap_or(0)
}

/// The median is left of all but `left_out` numbers if at most so many coins of `count` show heads, and as likely right of
/// them.
fn coverage_without(count: usize, left_out: usize) -> f64 {
    let mut probability = 0.5_f64.powi(count as i32);
    let mut sum = probability;
    for heads in 1..=left_out {
        probability *= (count + 1 - heads) as f64 / heads as f64;
        sum += probability;
    }
    1.0 - 2.0 * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_cover_what_tables_of_the_sign_test_say() {
        assert_eq!([3, 5, 6, 11, 25].map(left_out), [0, 0, 0, 1, 7]);
        assert!((coverage(11) - 0.98828).abs() < 1e-5);
        assert!((coverage(3) - 0.75).abs() < 1e-9);
    }

    #[test]
    fn the_middle_half_tells_less_than_a_tick() {
        let mut numbers = vec![10.0; 40];
        numbers.extend([20.0; 60]);
        assert!((midmean(numbers) - 17.0).abs() < 1e-9);
        assert!((midmean(vec![1.0, 5.0, 6.0, 1e9]) - 5.5).abs() < 1e-9);
        assert!((midmean(vec![3.0]) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn one_outlier_of_eleven_moves_nothing() {
        let mut numbers: Vec<f64> = (1..=11).map(f64::from).collect();
        let calm = Estimate::of(numbers.clone());
        assert_eq!((calm.median, calm.low, calm.high), (6.0, 2.0, 10.0));
        numbers[10] = 1e9;
        assert_eq!(Estimate::of(numbers), calm);
    }

    #[test]
    fn noise_is_what_the_control_shows() {
        let estimate = |low, high| Estimate {
            median: f64::midpoint(low, high),
            low,
            high,
        };
        let noise = estimate(0.99, 1.004).distance_from_one();
        assert!((noise - 0.01).abs() < 1e-9);
        assert!(estimate(0.98, 1.02).is_one_within(0.0));
        assert!(estimate(1.009, 1.03).is_one_within(noise));
        assert!(!estimate(1.02, 1.03).is_one_within(noise));
        assert!(!estimate(0.97, 0.98).is_one_within(noise));
    }
}
