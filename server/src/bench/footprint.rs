//! What a process uses, as Linux tells it. 0 where the system does not tell.

use std::fs;
use std::path::PathBuf;

/// Clock ticks in a second, in which Linux counts processor time.
const TICKS: f64 = 100.0;

/// A process whose use is looked at.
#[derive(Debug, Clone)]
pub(super) struct Footprint(PathBuf);

impl Footprint {
    /// Of the process with this id.
    pub(super) fn of(pid: u32) -> Self {
        Self(format!("/proc/{pid}").into())
    }

    /// Processor time so far, in seconds.
    pub(super) fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(self.0.join("stat")).unwrap_or_default();
        // The fields after the program's name, which may hold anything; the 12th and 13th of them are user and system time.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: f64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        ticks / TICKS
    }

    /// Resident memory in megabytes.
    pub(super) fn memory_mb(&self) -> f64 {
        self.megabytes("VmRSS:")
    }

    /// The most resident memory that there was at any time, in megabytes.
    pub(super) fn peak_memory_mb(&self) -> f64 {
        self.megabytes("VmHWM:")
    }

    /// How many threads there are.
    pub(super) fn threads(&self) -> f64 {
        self.status("Threads:")
    }

    /// How many descriptors are open. The server lets nobody but root look.
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    pub(super) fn descriptors(&self) -> f64 {
        fs::read_dir(self.0.join("fd")).map_or(0.0, |entries| entries.count() as f64)
    }

    fn megabytes(&self, what: &str) -> f64 {
        self.status(what) / 1000.0
    }

    fn status(&self, what: &str) -> f64 {
        let status = fs::read_to_string(self.0.join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(what));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    }
}

fn own() -> Footprint {
    Footprint("/proc/self".into())
}

/// Processor time of this process, in seconds.
pub(super) fn cpu_seconds() -> f64 {
    own().cpu_seconds()
}

/// Resident memory of this process in megabytes.
pub(super) fn memory_mb() -> f64 {
    own().memory_mb()
}

/// The most resident memory that this process had at any time, in megabytes.
pub(super) fn peak_memory_mb() -> f64 {
    own().peak_memory_mb()
}
