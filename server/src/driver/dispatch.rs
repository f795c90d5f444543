//! The dispatcher: turns due ticks into runs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{BackOff, Driver, LONGEST_REST};
use crate::app;
use crate::app::runs::Firing;
use crate::app::wake::Wake;
use crate::store::tasks;

/// How many due tasks one transaction handles.
const BATCH: i64 = 1000;
/// How long to leave tasks to another server that has them locked.
const OTHERS_AT_WORK: SignedDuration = SignedDuration::from_millis(20);

/// What one tick of the dispatcher did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickReport {
    /// How many runs it recorded, cancelled ones included.
    pub recorded: usize,
    /// When the next task is due, or now where more are due already.
    pub next: Option<Timestamp>,
}

impl Driver {
    /// Records one run for every task that is due, in one transaction: the outcome of each tick, and the task's next time.
    /// May be called at any moment, any number of times and by any number of servers; a tick becomes one run.
    pub async fn tick(&self) -> app::Result<TickReport> {
        let now = self.app.now();
        let mut tx = self.db.write().await?;
        let tasks = tasks::lock_due(&mut tx, now, BATCH).await?;
        let mut firings = Vec::with_capacity(tasks.len());
        let mut next_runs = Vec::with_capacity(tasks.len());
        for task in tasks {
            let id = task.id;
            // A panic is a defect of ours or of a library. One such task must not hold up the others.
            if let Ok(Some((firing, next_run_at))) = catch_unwind(AssertUnwindSafe(|| Firing::of_due(task, now))) {
                next_runs.push((id, next_run_at));
                firings.push(firing);
            } else {
                // Input is checked, so only a newer or tampered database gets here.
                tracing::error!(task.id = %id, "task has a schedule that this version cannot read; it will not fire until it is edited");
                next_runs.push((id, None));
            }
        }
        let idle = next_runs.is_empty();
        let fired = self.app.fire(&mut tx, firings).await?;
        if !idle {
            tasks::set_next_runs(&mut tx, next_runs).await?;
        }
        let mut next = tasks::earliest_due(&mut tx).await?;
        tx.commit().await?;
        self.app.stop_work(&fired.stop);
        if !fired.recorded.is_empty() {
            tracing::debug!(recorded = fired.recorded.len(), "ticks recorded");
            self.app.wakes.all(Wake::Work);
        }
        if idle && next.is_some_and(|next| next <= now) {
            next = now.saturating_add(OTHERS_AT_WORK).ok();
        }
        Ok(TickReport { recorded: fired.recorded.len(), next })
    }

    pub(super) async fn dispatch_until(&self, soft: &CancellationToken) {
        let mut back_off = BackOff::new();
        while !soft.is_cancelled() {
            // Registered before the look, so that a change during the look is not missed.
            let woken = self.app.wakes.wait(Wake::Dispatch);
            let now = self.app.now();
            let rest_until = match self.step(self.tick()).await {
                Ok(report) => {
                    back_off.reset();
                    let latest = now.saturating_add(LONGEST_REST).unwrap_or(Timestamp::MAX);
                    report.next.map_or(latest, |next| next.min(latest))
                }
                Err(error) => {
                    let pause = back_off.after(&error, "ticks could not be recorded");
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
