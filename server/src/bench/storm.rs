//! Tasks that all fall due at the same instant.

use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::footprint::{cpu_seconds, memory_mb};
use super::ground::{Fire, Ground, Result};
use super::report::{Lag, Report};
use crate::config::Roles;
use crate::store::bench;

/// Expressions that fire at the same minute, so that the engine has something to read and to compute.
const EXPRESSIONS: [&str; 5] = ["* * * * *", "*/5 * * * *", "0 * * * *", "0 3 * * *", "0 9-17 * * MON-FRI"];
/// Time to get going before the tasks are due.
const LEAD: SignedDuration = SignedDuration::from_secs(2);

pub(super) async fn measure(ground: &Ground, tasks: u32, workers: u32) -> Result<Report> {
    let app = &ground.app;
    let count = u64::from(tasks);
    // Creating takes a while; the instant lies after it.
    let creating = SignedDuration::from_millis(i64::from(tasks) / 2);
    let due = app.now() + LEAD + creating;
    let due = Timestamp::from_second(due.as_second()).unwrap_or(due);
    let fires: Vec<_> = EXPRESSIONS.iter().cycle().take(tasks as usize).map(|expr| Fire::Cron(expr, due)).collect();
    ground.create_tasks(&fires).await?;
    ground.not_after(due)?;
    let cpu = cpu_seconds();
    let engine = ground.start(Roles::ALL, workers);
    engine.finished_gently(ground, count, creating + LEAD + SignedDuration::from_mins(2)).await?;
    let cpu = cpu_seconds() - cpu;
    let executed = engine.done.executed.load(Ordering::Relaxed);
    engine.stop().await;
    let rows = bench::ended_of(&app.db, due).await?;
    let (recorded, ended) = bench::last_of(&app.db, due).await?;
    let since_due = |instant: Option<Timestamp>| instant.map(|instant| due.duration_until(instant).as_secs_f64());
    Ok(Report {
        workload: format!("storm of {tasks} tasks due at one instant"),
        database: ground.database.into(),
        workers,
        count,
        seconds: since_due(ended).unwrap_or_default(),
        recorded_seconds: since_due(recorded),
        lag: Lag::of(bench::lags_of(&app.db, due).await?),
        cpu_seconds: cpu,
        memory_mb: memory_mb(),
        rows,
        lost: count.saturating_sub(rows),
        // A tick that comes while the storm is counted is another tick.
        doubled: executed.saturating_sub(bench::ended(&app.db).await?),
        ..Report::default()
    })
}
