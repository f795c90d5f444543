//! What was measured of the API.

use std::fmt;

use serde::Serialize;

use super::user::Tally;
use crate::bench::report::Lag;

/// The API under load.
#[derive(Debug, Clone, Serialize)]
pub struct ApiReport {
    /// On which database.
    pub database: String,
    /// How many tasks there were.
    pub tasks: u64,
    /// On how many connections.
    pub connections: u32,
    /// What was asked, one after the other.
    pub phases: Vec<Requests>,
    /// Resident memory of the server with all tasks, before anybody asked, in megabytes.
    pub rest_mb: f64,
    /// The most that it was afterwards.
    pub peak_mb: f64,
    /// Processor time of the server after it was started for the second time.
    pub cpu_seconds: f64,
    /// How many requests did not have the answer that they must have.
    pub errors: u64,
    /// The first of them.
    pub first_error: Option<String>,
}

/// Requests of some kinds, sent side by side.
#[derive(Debug, Clone, Serialize)]
pub struct Requests {
    /// What was done.
    pub what: String,
    /// For how long.
    pub seconds: f64,
    /// Each kind of request.
    pub kinds: Vec<Kind>,
}

/// Requests of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct Kind {
    /// Which one.
    pub what: String,
    /// How many were answered.
    pub count: usize,
    /// How many in a second.
    pub per_second: f64,
    /// How long they took.
    pub lag: Lag,
}

impl Requests {
    pub(in crate::bench) fn of(what: impl Into<String>, tally: &mut Tally, seconds: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
        let kind = |(what, took): (&str, Vec<i64>)| {
            let count = took.len();
            Some(Kind { what: what.to_owned(), count, per_second: count as f64 / seconds, lag: Lag::of(took)? })
        };
        let kinds = std::mem::take(&mut tally.took).into_iter().filter_map(kind).collect();
        Self { what: what.into(), seconds, kinds }
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {} ({:.1} s)", self.what, self.seconds)?;
        for kind in &self.kinds {
            let Lag { p50_ms, p99_ms, max_ms, .. } = kind.lag;
            write!(
                f,
                "\n    {:<44} {:>8} requests, {:>8.1}/s; p50 {p50_ms:>8.2}, p99 {p99_ms:>8.2}, max {max_ms:>8.2} ms",
                kind.what, kind.count, kind.per_second
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for ApiReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "API on {}, {} tasks, {} connections", self.database, self.tasks, self.connections)?;
        for phase in &self.phases {
            writeln!(f, "{phase}")?;
        }
        writeln!(f, "  {:>8.1} MB of memory of the server at rest, {:.1} MB at the most", self.rest_mb, self.peak_mb)?;
        writeln!(f, "  {:>8.1} s of processor time of the server", self.cpu_seconds)?;
        write!(f, "  {:>8} errors", self.errors)?;
        self.first_error.iter().try_for_each(|error| write!(f, ", the first: {error}"))
    }
}
