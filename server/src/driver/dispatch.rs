//! The dispatcher: turns due ticks into runs, and into executions of schedules.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{BackOff, Driver, LONGEST_REST};
use crate::app;
use crate::app::executions::ScheduleFiring;
use crate::app::metrics::counts::{Counts, Loop, Outcomes};
use crate::app::runs::Firing;
use crate::app::wake::Wake;
use crate::store::{schedules, tasks};

/// How many due tasks one transaction handles.
const BATCH: i64 = 1000;
/// The same for schedules, each of which may have a thousand steps to record.
const SCHEDULES: i64 = 50;
/// How long to leave tasks to another server that has them locked.
const OTHERS_AT_WORK: SignedDuration = SignedDuration::from_millis(20);

/// What one tick of the dispatcher did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickReport {
    /// How many runs it recorded, cancelled ones included.
    pub recorded: usize,
    /// How many executions of schedules it recorded, those included that never begin.
    pub executions: usize,
    /// When the next task or schedule is due, or now where more are due already.
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
        let schedule = schedules::earliest_due(&mut tx).await?;
        tx.commit().await?;
        Counts::fired(&self.app.counts.ticks, &fired.outcomes);
        self.app.stop_work(&fired.stop);
        if !fired.recorded.is_empty() {
            tracing::debug!(recorded = fired.recorded.len(), "ticks recorded");
            self.app.wakes.all(Wake::Work);
        }
        if idle && next.is_some_and(|next| next <= now) {
            next = now.saturating_add(OTHERS_AT_WORK).ok();
        }
        let mut executions = 0;
        if schedule.is_some_and(|due| due <= now) {
            let ticked = self.tick_schedules(now).await?;
            executions = ticked.executions;
            next = [next, ticked.next].into_iter().flatten().min();
        } else {
            next = [next, schedule].into_iter().flatten().min();
        }
        Ok(TickReport { recorded: fired.recorded.len(), executions, next })
    }

    /// Records one execution for every schedule that is due, in one transaction: by themselves, so that tasks never wait for the steps
    /// of schedules.
    async fn tick_schedules(&self, now: Timestamp) -> app::Result<TickReport> {
        let mut tx = self.db.write().await?;
        let due = schedules::lock_due(&mut tx, now, SCHEDULES).await?;
        let idle = due.is_empty();
        let mut next_runs = Vec::with_capacity(due.len());
        let mut executions = 0;
        let mut outcomes = Outcomes::default();
        for schedule in due {
            let id = schedule.id;
            // As with tasks: one schedule must not hold up the others.
            if let Ok(Some((firing, next))) = catch_unwind(AssertUnwindSafe(|| ScheduleFiring::of_due(schedule, now))) {
                next_runs.push((id, next));
                let fired = self.app.fire_tick(&mut tx, firing).await?;
                executions += usize::from(fired.has_recorded());
                outcomes.append(fired);
            } else {
                tracing::error!(schedule.id = %id, "schedule has a pattern that this version cannot read; it will not fire until it is edited");
                next_runs.push((id, None));
            }
        }
        schedules::set_next_runs(&mut tx, next_runs).await?;
        let mut next = schedules::earliest_due(&mut tx).await?;
        tx.commit().await?;
        Counts::fired(&self.app.counts.schedule_ticks, &outcomes);
        if executions > 0 {
            tracing::debug!(executions, "executions recorded");
            self.app.wakes.all(Wake::Step);
        }
        if idle && next.is_some_and(|next| next <= now) {
            next = now.saturating_add(OTHERS_AT_WORK).ok();
        }
        Ok(TickReport { recorded: 0, executions, next })
    }

    pub(super) async fn dispatch_until(&self, soft: &CancellationToken) {
        let mut back_off = BackOff::new();
        while !soft.is_cancelled() {
            // Registered before the look, so that a change during the look is not missed.
            let woken = self.app.wakes.wait(Wake::Dispatch);
            self.comes_round(Loop::Dispatch);
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
