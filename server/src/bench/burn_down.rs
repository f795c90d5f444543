//! Runs that wait, and whose work is nothing.

use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use justiam_sdk::api::values::{OverlapPolicy, Trigger};

use super::footprint::{cpu_seconds, memory_mb};
use super::ground::{Fire, Ground, Result};
use super::report::Report;
use crate::app::runs::Firing;
use crate::config::Roles;
use crate::store::bench;

/// Among how many tasks the runs are spread.
const TASKS: usize = 100;
/// How many runs one transaction records.
const BATCH: i64 = 1000;

pub(super) async fn measure(ground: &Ground, runs: u32, workers: u32) -> Result<Report> {
    let app = &ground.app;
    let tasks = ground.create_tasks(&(0..TASKS).map(|_| Fire::Never).collect::<Vec<_>>()).await?;
    let first = app.now();
    let mut tick = 0;
    while tick < i64::from(runs) {
        let batch = tick..(tick + BATCH).min(i64::from(runs));
        tick = batch.end;
        let firings = batch.zip(tasks.iter().cycle()).map(|(tick, task)| Firing {
            task_id: *task,
            task_name: "bench".to_owned(),
            overlap_policy: OverlapPolicy::Allow,
            trigger: Trigger::Cron,
            scheduled_for: first + SignedDuration::from_micros(tick),
            missed_ticks: 0,
            triggered_by: None,
        });
        let firings = firings.collect();
        let mut tx = app.db.write().await?;
        app.fire(&mut tx, firings).await?;
        tx.commit().await?;
    }
    bench::analyze(&app.db).await?;
    let (cpu, begun) = (cpu_seconds(), app.clock.monotonic());
    let engine = ground.start(Roles { api: false, dispatch: false, work: true }, workers);
    let within = SignedDuration::from_mins(10) + SignedDuration::from_millis(i64::from(runs));
    engine.finished(ground, runs.into(), within).await?;
    let took = (app.clock.monotonic() - begun).as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    let executed = engine.done.executed.load(Ordering::Relaxed);
    engine.stop().await;
    let rows = bench::ended(&app.db).await?;
    let count = u64::from(runs);
    Ok(Report {
        workload: "burn-down".into(),
        database: ground.database.into(),
        workers,
        count,
        seconds: took,
        runs_per_second: Some(f64::from(runs) / took),
        cpu_seconds: cpu,
        cpu_seconds_per_1000_runs: Some(cpu * 1000.0 / f64::from(runs)),
        memory_mb: memory_mb(),
        rows,
        lost: count.saturating_sub(rows),
        doubled: executed.saturating_sub(rows),
        ..Report::default()
    })
}
