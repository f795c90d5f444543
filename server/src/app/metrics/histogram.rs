//! How long things take, without a lock: whoever measures holds up nobody.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;

/// The lengths, in milliseconds, up to which durations are counted together. What is longer than all of them is counted beyond the last.
pub type Bounds = &'static [u64];

/// From the moment that something can happen until it does: the engine needs milliseconds, a queue minutes.
pub const WAITS: Bounds = &[1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000];
/// Runs of tasks, which end after 30 seconds and a little.
pub const RUNS: Bounds = &[5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 30_000];
/// Steps and executions of schedules, which may take hours.
pub const STEPS: Bounds =
    &[100, 500, 1000, 5000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 43_200_000];
/// Answers to requests.
pub const REQUESTS: Bounds = &[1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

/// Durations, counted by their length.
#[derive(Debug)]
pub struct Histogram {
    bounds: Bounds,
    /// One for each bound, and one for what is longer.
    counts: Box<[AtomicU64]>,
    sum_micros: AtomicU64,
}

impl Histogram {
    /// Nothing has been measured.
    pub fn new(bounds: Bounds) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum_micros: AtomicU64::new(0) }
    }

    /// Counts a duration. One that is less than nothing, as between two clocks, is nothing.
    pub fn observe(&self, took: SignedDuration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(if took.is_negative() { 0 } else { u64::MAX });
        let place = self.bounds.iter().position(|bound| micros <= bound * 1000).unwrap_or(self.bounds.len());
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// The sum in seconds, the count, and each bound in seconds with the count of what is between it and the one before.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn read(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / 1e3).chain([f64::INFINITY]);
        let sum = self.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
        (sum, counts.iter().sum(), bounds.zip(counts).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_at_the_first_bound_that_it_does_not_exceed() {
        let histogram = Histogram::new(&[5, 10]);
        for micros in [-1, 0, 5000, 5001, 10_000, 10_001, 1_000_000] {
            histogram.observe(SignedDuration::from_micros(micros));
        }
        let (sum, count, buckets) = histogram.read();
        assert_eq!(buckets, [(0.005, 3), (0.01, 2), (f64::INFINITY, 2)]);
        assert_eq!(count, 7);
        assert!((sum - 1.030_002).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn bounds_grow() {
        for bounds in [WAITS, RUNS, STEPS, REQUESTS] {
            assert!(bounds.is_sorted_by(|a, b| a < b), "{bounds:?}");
        }
    }
}
