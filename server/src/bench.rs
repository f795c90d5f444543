//! Measures the engine on a database of its own: what `justiam-server bench` does.
//!
//! Work is counted in the table, after the fact: a run counts when its row says so.

mod api;
mod burn_down;
mod connector;
mod footprint;
mod ground;
mod latency;
mod report;
mod rest;
mod scripts;
mod soak;
mod storm;

pub use api::report::{ApiReport, Kind, Requests};
pub use api::{Load, measure as measure_api};
pub use ground::{Error, Ground};
pub use report::{Lag, Phase, Report};
pub use soak::{Sample, Soak, SoakReport, measure as measure_soak};

use ground::Result;
use scripts::Crowd;

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub enum Workload {
    /// Runs that wait and do nothing: how many are started and ended in a second.
    BurnDown {
        /// How many.
        runs: u32,
    },
    /// Tasks that fall due at a steady rate, whatever becomes of them: from due to started.
    Latency {
        /// How many fall due in a second.
        per_second: u32,
        /// For how many seconds.
        seconds: u32,
    },
    /// Tasks that all fall due at the same instant: until each has its row, and until each has started.
    Storm {
        /// How many.
        tasks: u32,
    },
    /// Tasks that do not fall due: what they cost.
    Rest {
        /// How many.
        tasks: u32,
        /// For how many seconds to look.
        seconds: u32,
    },
    /// Hello-world scripts, triggered one after the other, in turns with the bare interpreter.
    ScriptLatency {
        /// How many.
        runs: u32,
    },
    /// Hello-world scripts that wait: how many end in a second.
    Scripts {
        /// How many.
        runs: u32,
    },
    /// One script that looks up users: how many calls it makes in a second.
    ScriptCalls {
        /// How many.
        calls: u32,
    },
    /// A CSV file that is imported and synchronised, twice.
    Connector {
        /// How many rows it has.
        rows: u32,
    },
    /// Scripts without a pause while other tasks fall due: from due to started.
    ScriptCrowd {
        /// How many scripts.
        scripts: u32,
        /// How many other tasks fall due in a second.
        per_second: u32,
        /// For how many seconds.
        seconds: u32,
        /// Whether the scripts create and list users instead of computing.
        calls: bool,
    },
}

/// Measures one workload with `workers` slots.
pub async fn measure(ground: &Ground, workload: Workload, workers: u32) -> Result<Report> {
    match workload {
        Workload::BurnDown { runs } => burn_down::measure(ground, runs, workers).await,
        Workload::Latency { per_second, seconds } => latency::measure(ground, per_second, seconds, workers).await,
        Workload::Storm { tasks } => storm::measure(ground, tasks, workers).await,
        Workload::Rest { tasks, seconds } => rest::measure(ground, tasks, seconds, workers).await,
        Workload::ScriptLatency { runs } => scripts::latency(ground, runs, workers).await,
        Workload::Scripts { runs } => scripts::burn_down(ground, runs, workers).await,
        Workload::ScriptCalls { calls } => scripts::calls(ground, calls, workers).await,
        Workload::Connector { rows } => connector::measure(ground, rows).await,
        Workload::ScriptCrowd { scripts, per_second, seconds, calls } => {
            scripts::crowd(ground, Crowd { scripts, per_second, seconds, calls }, workers).await
        }
    }
}
