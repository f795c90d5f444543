//! Tasks that fall due at a steady rate: an open loop, which does not wait for what is slow.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;

use super::footprint::{cpu_seconds, memory_mb};
use super::ground::{Fire, Ground, Result};
use super::report::{Lag, Report};
use crate::config::Roles;
use crate::store::bench;

/// Time to get going before the first task is due.
const LEAD: SignedDuration = SignedDuration::from_secs(2);

pub(super) async fn measure(ground: &Ground, per_second: u32, seconds: u32, workers: u32) -> Result<Report> {
    let app = &ground.app;
    let count = u64::from(per_second) * u64::from(seconds);
    let gap = SignedDuration::from_secs(1) / i32::try_from(per_second).unwrap_or(i32::MAX);
    // Created before the clock counts; so many seconds are enough for it.
    let creating = SignedDuration::from_millis(i64::try_from(count / 2).unwrap_or(i64::MAX));
    let first = app.now() + LEAD + creating;
    let fires: Vec<_> = (0..count).map(|n| Fire::At(first + gap * i32::try_from(n).unwrap_or(i32::MAX))).collect();
    ground.create_tasks(&fires).await?;
    ground.not_after(first)?;
    let cpu = cpu_seconds();
    let engine = ground.start(Roles::ALL, workers);
    let within = creating + LEAD + SignedDuration::from_secs(i64::from(seconds)) + SignedDuration::from_mins(1);
    engine.finished_gently(ground, count, within).await?;
    let took = first.duration_until(app.now()).as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    let executed = engine.done.executed.load(Ordering::Relaxed);
    engine.stop().await;
    let rows = bench::ended(&app.db).await?;
    Ok(Report {
        workload: format!("latency at {per_second} fires a second"),
        database: ground.database.into(),
        workers,
        count,
        seconds: took,
        lag: Lag::of(bench::lags(&app.db).await?),
        cpu_seconds: cpu,
        memory_mb: memory_mb(),
        rows,
        lost: count.saturating_sub(rows),
        doubled: executed.saturating_sub(rows),
        ..Report::default()
    })
}
