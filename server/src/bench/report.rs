//! What was measured.

use std::fmt;

use serde::Serialize;

/// A measurement.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What was measured.
    pub workload: String,
    /// On which database.
    pub database: String,
    /// How many runs could be at work at a time.
    pub workers: u32,
    /// How many runs or tasks there were.
    pub count: u64,
    /// How long the measured part took.
    pub seconds: f64,
    /// Runs that were started and ended in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs_per_second: Option<f64>,
    /// Until the last tick had its row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_seconds: Option<f64>,
    /// From due to started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<Lag>,
    /// From a trigger to the end of its run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_to_end: Option<Lag>,
    /// The bare interpreter, from start to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bare: Option<Lag>,
    /// Calls of one script that were answered in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<f64>,
    /// What was done one after the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// Processor time of this process; a database server has its own.
    pub cpu_seconds: f64,
    /// The same for 1,000 runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds_per_1000_runs: Option<f64>,
    /// Resident memory of this process at the end, in megabytes.
    pub memory_mb: f64,
    /// The most that it was at any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_mb: Option<f64>,
    /// Rows of ended runs, counted in the table.
    pub rows: u64,
    /// Runs that should be in the table and are not.
    pub lost: u64,
    /// Runs that were executed more than once.
    pub doubled: u64,
}

/// A part of the work.
#[derive(Debug, Clone, Serialize)]
pub struct Phase {
    /// What was done.
    pub what: String,
    /// How long it took.
    pub seconds: f64,
}

/// How long something took, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Lag {
    /// Half of the runs were quicker.
    pub p50_ms: f64,
    /// 95 of 100.
    pub p95_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl Lag {
    /// Of lags in microseconds. `None` where there are none.
    pub(super) fn of(mut micros: Vec<i64>) -> Option<Self> {
        micros.sort_unstable();
        let last = micros.len().checked_sub(1)?;
        // The smallest value that is not exceeded by so many of a hundred.
        let at = |percent: usize| millis(micros[((last + 1) * percent).div_ceil(100).saturating_sub(1)]);
        Some(Self { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99), max_ms: millis(micros[last]) })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn millis(micros: i64) -> f64 {
    micros as f64 / 1000.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on {}, {} workers", self.workload, self.database, self.workers)?;
        writeln!(f, "  {:>12.3} s for {}", self.seconds, self.count)?;
        if let Some(rate) = self.runs_per_second {
            writeln!(f, "  {rate:>12.0} runs/s")?;
        }
        if let Some(recorded) = self.recorded_seconds {
            writeln!(f, "  {recorded:>12.3} s until all were recorded")?;
        }
        for phase in &self.phases {
            writeln!(f, "  {:>12.3} s {}", phase.seconds, phase.what)?;
        }
        if let Some(rate) = self.calls_per_second {
            writeln!(f, "  {rate:>12.0} calls/s")?;
        }
        for (lag, what) in [
            (self.lag, "from due to started"),
            (self.trigger_to_end, "from trigger to end"),
            (self.bare, "of the bare interpreter"),
        ] {
            let Some(lag) = lag else { continue };
            writeln!(
                f,
                "  {:>12.2} ms {what} (p50); p95 {:.2}, p99 {:.2}, max {:.2}",
                lag.p50_ms, lag.p95_ms, lag.p99_ms, lag.max_ms
            )?;
        }
        write!(f, "  {:>12.2} s of processor time", self.cpu_seconds)?;
        if let Some(cpu) = self.cpu_seconds_per_1000_runs {
            write!(f, ", {cpu:.4} s for 1,000 runs")?;
        }
        writeln!(f, "\n  {:>12.1} MB of memory", self.memory_mb)?;
        if let Some(peak) = self.peak_memory_mb {
            writeln!(f, "  {peak:>12.1} MB of memory at the most")?;
        }
        write!(f, "  {:>12} rows in the table, {} lost, {} doubled", self.rows, self.lost, self.doubled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let lag = Lag::of((1..=100).rev().map(|ms| ms * 1000).collect()).unwrap();
        assert_eq!((lag.p50_ms, lag.p95_ms, lag.p99_ms, lag.max_ms), (50.0, 95.0, 99.0, 100.0));
        let lag = Lag::of(vec![7000]).unwrap();
        assert_eq!((lag.p50_ms, lag.p99_ms), (7.0, 7.0));
        assert!(Lag::of(Vec::new()).is_none());
    }
}
