//! The dispatcher: turns due ticks into runs.

use jiff::Timestamp;
use justiam_planner::due::{Schedule, due};
use justiam_sdk::api::values::Trigger;
use tokio_util::sync::CancellationToken;

use super::{BackOff, Driver, LONGEST_REST};
use crate::app;
use crate::app::runs::Firing;
use crate::app::tasks::definition::schedule;
use crate::store::tasks;

/// How many due tasks one transaction handles.
const BATCH: i64 = 500;

/// What one tick of the dispatcher did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickReport {
    /// How many runs it recorded, cancelled ones included.
    pub recorded: u64,
    /// When the next task is due, or now where more are due already.
    pub next: Option<Timestamp>,
}

impl Driver {
    /// Records one run for every task that is due, in one transaction: the outcome of each tick, and the task's next time.
    /// May be called at any moment and any number of times; a tick becomes one run.
    pub async fn tick(&self) -> app::Result<TickReport> {
        let now = self.app.now();
        let mut tx = self.app.db.write().await?;
        let tasks = tasks::due(&mut tx, now, BATCH).await?;
        let mut recorded = 0;
        let mut stop = Vec::new();
        for task in &tasks {
            let plan = schedule(&task.definition).zip(task.next_run_at);
            let Some((schedule, next_run_at)) = plan else {
                // Input is checked, so only a newer or tampered database gets here. One such task must not hold up the others.
                tracing::error!(task.id = %task.id, "task has a schedule that this version cannot read; it will not fire until it is edited");
                tasks::set_next_run(&mut tx, task.id, None).await?;
                continue;
            };
            let Some(due) = due(&schedule, next_run_at, now) else { continue };
            let trigger = match schedule {
                Schedule::Cron { .. } => Trigger::Cron,
                Schedule::Once { .. } => Trigger::Once,
            };
            let firing =
                Firing { trigger, scheduled_for: due.tick, missed_ticks: due.missed_ticks, triggered_by: None };
            let fired = self.app.fire(&mut tx, task, firing).await?;
            recorded += u64::from(fired.recorded);
            stop.extend(fired.stop);
            tasks::set_next_run(&mut tx, task.id, due.next_run_at).await?;
        }
        let next = tasks::earliest_due(&mut tx).await?;
        tx.commit().await?;
        self.app.stop_runs(&stop);
        if recorded > 0 {
            tracing::debug!(recorded, "ticks recorded");
            self.app.work.notify_one();
        }
        Ok(TickReport { recorded, next })
    }

    pub(super) async fn dispatch_until(&self, soft: &CancellationToken) {
        let mut back_off = BackOff::new();
        while !soft.is_cancelled() {
            // Registered before the look, so that a change during the look is not missed.
            let woken = self.app.dispatch.notified();
            let now = self.app.now();
            let rest_until = match self.tick().await {
                Ok(report) => {
                    back_off.reset();
                    let latest = now.saturating_add(LONGEST_REST).unwrap_or(Timestamp::MAX);
                    report.next.map_or(latest, |next| next.min(latest))
                }
                Err(error) => {
                    let pause = back_off.next();
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        pause_s = pause.as_secs(),
                        "ticks could not be recorded, trying again"
                    );
                    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
                }
            };
            tokio::select! {
                () = soft.cancelled() => {}
                () = woken => {}
                () = self.app.clock.sleep_until(rest_until) => {}
            }
        }
    }
}
