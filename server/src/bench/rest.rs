//! Tasks that do not fall due, and what this process uses.

use jiff::SignedDuration;

use super::footprint::{cpu_seconds, memory_mb};
use super::ground::{Fire, Ground, Result};
use super::report::Report;
use crate::config::Roles;

/// Time for the engine to come to rest.
const SETTLE: SignedDuration = SignedDuration::from_secs(3);

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
