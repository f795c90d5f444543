//! What became of a plan.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

/// What happened, and what was found afterwards.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The plan's name.
    pub name: &'static str,
    /// How many times a replica was killed or frozen.
    pub kills: usize,
    /// How many times the database restarted.
    pub database_restarts: usize,
    /// How often a replica ended by itself: one that starts while the database is away does.
    pub unasked_ends: usize,
    /// How many tasks fired.
    pub tasks: usize,
    /// How many of their ticks are accounted for, and how many of these by the row of a later one.
    pub ticks: usize,
    /// See `ticks`.
    pub folded: usize,
    /// How many scripts came to work.
    pub visits: usize,
    /// How runs stand: status and count.
    pub statuses: BTreeMap<String, usize>,
    /// Errors of runs, and how often each was seen.
    pub errors: BTreeMap<String, usize>,
    /// From due to recorded: the median, 99 of 100, and the longest.
    pub recorded_after: [SignedDuration; 3],
    /// How long after the last fault everything had ended; `None` when that took longer than lease and sweep allow.
    pub settled_after: Option<Duration>,
    /// Lines of the replicas' logs that tell of a defect.
    pub complaints: Vec<String>,
    /// Everything that must not be. Empty when all is well.
    pub broken: Vec<String>,
}

impl Report {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.broken.is_empty() && self.complaints.is_empty()
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let [median, p99, longest] = self.recorded_after.map(|lag| lag.as_millis_f64());
        json!({
            "name": self.name, "clean": self.is_clean(), "faults": self.kills,
            "database_restarts": self.database_restarts, "unasked_ends": self.unasked_ends, "tasks": self.tasks,
            "ticks": self.ticks, "folded_ticks": self.folded, "scripts_seen": self.visits, "statuses": self.statuses,
            "errors": self.errors, "recorded_after_ms": { "p50": median, "p99": p99, "max": longest },
            "settled_after_s": self.settled_after.map(|settled| settled.as_secs_f64()), "complaints": self.complaints,
            "broken": self.broken,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.name, if self.is_clean() { "all promises kept" } else { "BROKEN" })?;
        writeln!(
            f,
            "  faults: {} of replicas, {} restarts of the database; {} ends of replicas that could not start",
            self.kills, self.database_restarts, self.unasked_ends
        )?;
        writeln!(
            f,
            "  {} ticks of {} tasks are accounted for, each once; {} of them in the row of a later tick",
            self.ticks, self.tasks, self.folded
        )?;
        let statuses: Vec<String> = self.statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
        writeln!(f, "  runs: {}; {} scripts were seen at work", statuses.join(", "), self.visits)?;
        for (error, count) in &self.errors {
            writeln!(f, "    {count} × {error}")?;
        }
        let [median, p99, longest] = self.recorded_after.map(|lag| lag.as_millis());
        writeln!(f, "  from due to recorded: median {median} ms, p99 {p99} ms, longest {longest} ms")?;
        match self.settled_after {
            Some(settled) => writeln!(f, "  all had ended {:.1} s after the last fault", settled.as_secs_f64())?,
            None => writeln!(f, "  NOT all had ended in time")?,
        }
        for line in self.broken.iter().chain(&self.complaints).take(30) {
            writeln!(f, "  ! {line}")?;
        }
        Ok(())
    }
}
