//! Finds what nobody looks after any more: runs and steps of servers that died, tasks and schedules without a next time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{SignedDuration, Timestamp};
use justiam_planner::lease;
use justiam_sdk::api::ids::RunId;
use tokio_util::sync::CancellationToken;

use super::{BackOff, Driver, execute};
use crate::app;
use crate::app::executions::schedule_of;
use crate::app::metrics::counts::{Loop, Work};
use crate::app::tasks::definition::schedule;
use crate::app::wake::Wake;
use crate::store::{Tx, active_runs, runs, schedules, tasks};

/// What a run says that was active when its server died.
const LOST: &str = "the server stopped while this run was active; the script may have done a part of its work";

/// How many runs one transaction ends.
const BATCH: i64 = 500;

impl Driver {
    /// Mends what an earlier process left behind.
    pub(super) async fn recover(&self, soft: &CancellationToken) {
        let mut back_off = BackOff::new();
        while !soft.is_cancelled() {
            match self.step(self.try_recover()).await {
                Ok(()) => return,
                Err(error) => {
                    let pause = back_off.after(&error, "the state of an earlier server could not be mended");
                    self.rest(pause, soft).await;
                }
            }
        }
    }

    async fn try_recover(&self) -> app::Result<()> {
        if !self.db.is_shared() {
            // This process is alone on its database, so nobody is at work on any run.
            self.end_lost(Timestamp::MAX).await?;
            self.end_lost_steps(Timestamp::MAX).await?;
        }
        let now = self.app.now();
        let mut tx = self.db.write().await?;
        let broken = tasks::lock_without_next_run(&mut tx).await?;
        let healed: Vec<_> = broken
            .iter()
            .filter_map(|task| {
                // One task that this version cannot plan must not keep the server from starting.
                let next = catch_unwind(AssertUnwindSafe(|| {
                    let schedule = schedule(&task.schedule_type, task.cron_expr.as_deref(), &task.timezone, task.run_at)?;
                    schedule.first_after(now)
                }));
                let next = next.ok().flatten();
                if next.is_none() {
                    tracing::error!(task.id = %task.id, "task has a schedule that this version cannot read; it will not fire until it is edited");
                }
                Some((task.id, Some(next?)))
            })
            .collect();
        let count = healed.len();
        tasks::set_next_runs(&mut tx, healed).await?;
        self.heal_schedules(&mut tx, now).await?;
        tx.commit().await?;
        if count > 0 {
            tracing::warn!(tasks = count, "gave tasks a next time that had none");
        }
        Ok(())
    }

    async fn heal_schedules(&self, tx: &mut Tx, now: Timestamp) -> app::Result<()> {
        let broken = schedules::lock_without_next_run(tx).await?;
        let healed = broken.iter().filter_map(|schedule| {
            let next = catch_unwind(AssertUnwindSafe(|| schedule_of(schedule)?.first_after(now)));
            let next = next.ok().flatten();
            if next.is_none() {
                tracing::error!(schedule.id = %schedule.id, "schedule has a pattern that this version cannot read; it will not fire until it is edited");
            }
            Some((schedule.id, Some(next?)))
        });
        let healed: Vec<_> = healed.collect();
        if !healed.is_empty() {
            tracing::warn!(schedules = healed.len(), "gave schedules a next time that had none");
            schedules::set_next_runs(tx, healed).await?;
        }
        Ok(())
    }

    /// Looks for lost runs and steps until `soft` fires. On a database of our own these are runs whose end could not be recorded.
    pub(super) async fn sweep_until(&self, soft: &CancellationToken) {
        let mut back_off = BackOff::new();
        while !soft.is_cancelled() {
            self.comes_round(Loop::Sweep);
            let pause = match self.step(self.sweep()).await {
                Ok(()) => {
                    back_off.reset();
                    lease::SWEEP_EVERY
                }
                Err(error) => back_off.after(&error, "lost runs could not be looked for"),
            };
            self.rest(pause, soft).await;
        }
    }

    async fn sweep(&self) -> app::Result<()> {
        self.end_lost(self.app.now()).await?;
        self.end_lost_steps(self.app.now()).await?;
        // A server that ends a run settles its task in the same transaction, so this is a net under a net.
        let mut tx = self.db.write().await?;
        let stuck = active_runs::stuck(&mut tx, BATCH).await?;
        if stuck.is_empty() {
            return Ok(());
        }
        let serial = tasks::lock_serial(&mut tx, &stuck).await?;
        let promoted = active_runs::settle(&mut tx, &serial, self.app.now()).await?;
        tx.commit().await?;
        if promoted > 0 {
            tracing::warn!(runs = promoted, "runs were waiting although their turn had come");
            self.app.wakes.all(Wake::Work);
        }
        Ok(())
    }

    /// Ends the runs whose lease has ended by `now`: those that somebody asked to cancel as cancelled, the others as errors.
    async fn end_lost(&self, now: Timestamp) -> app::Result<()> {
        let mut total = 0;
        loop {
            let mut tx = self.db.write().await?;
            let lost = active_runs::lost(&mut tx, now, &self.app.running_runs(), BATCH).await?;
            if lost.is_empty() {
                break;
            }
            let (ids, of_tasks): (Vec<RunId>, Vec<_>) = lost.into_iter().unzip();
            let serial = tasks::lock_serial(&mut tx, &of_tasks).await?;
            let ended = active_runs::take_lost(&mut tx, now, &ids).await?;
            total += ended.len();
            let failed = execute::failed(LOST.to_owned());
            let ends: Vec<_> = ended.into_iter().map(|ended| ended.into_end(failed.clone())).collect();
            runs::end(&mut tx, &ends, self.app.now()).await?;
            active_runs::settle(&mut tx, &serial, self.app.now()).await?;
            tx.commit().await?;
            for end in &ends {
                let took = end.started_at.map_or(SignedDuration::ZERO, |began| began.duration_until(self.app.now()));
                self.app.counts.runs.observe((&end.ending.status).into(), took);
                // Perhaps one that this process had to abandon.
                self.app.work_ended(end.id);
            }
        }
        if total > 0 {
            self.app.counts.rescues.add(Work::Run, total as u64);
            tracing::warn!(runs = total, "ended runs that a server left behind");
            self.app.wakes.all(Wake::Work);
        }
        Ok(())
    }
}
