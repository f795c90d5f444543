//! Tasks that do not fall due, and what this process uses.

use std::fs;

use jiff::SignedDuration;

use super::ground::{Fire, Ground, Result};
use super::report::Report;
use crate::config::Roles;

/// Time for the engine to come to rest.
const SETTLE: SignedDuration = SignedDuration::from_secs(3);
/// Clock ticks in a second, in which Linux counts processor time.
const TICKS: f64 = 100.0;

pub(super) async fn measure(ground: &Ground, tasks: u32, seconds: u32, workers: u32) -> Result<Report> {
    let app = &ground.app;
    let far = app.now() + SignedDuration::from_hours(24 * 30);
    let fires: Vec<_> = (0..tasks).map(|_| Fire::Cron("0 0 1 1 *", far)).collect();
    ground.create_tasks(&fires).await?;
    let engine = ground.start(Roles::ALL, workers);
    app.clock.sleep_until(app.now() + SETTLE).await;
    let (cpu, begun) = (cpu_seconds(), app.clock.monotonic());
    app.clock.sleep_until(app.now() + SignedDuration::from_secs(i64::from(seconds))).await;
    let took = (app.clock.monotonic() - begun).as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    engine.stop().await;
    Ok(Report {
        workload: format!("{tasks} tasks at rest"),
        database: ground.database.into(),
        workers,
        count: tasks.into(),
        seconds: took,
        cpu_seconds: cpu,
        memory_mb: memory_mb(),
        ..Report::default()
    })
}

/// Processor time of this process, in seconds. 0 where the system does not tell.
pub(super) fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields after the program's name, which may hold anything; the 12th and 13th of them are user and system time.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / TICKS
}

/// Resident memory of this process in megabytes. 0 where the system does not tell.
pub(super) fn memory_mb() -> f64 {
    megabytes("VmRSS:")
}

/// The most resident memory that this process had at any time, in megabytes. 0 where the system does not tell.
pub(super) fn peak_memory_mb() -> f64 {
    megabytes("VmHWM:")
}

fn megabytes(what: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1000.0
}
