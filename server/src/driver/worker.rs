//! The workers: start runs whose turn it is.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use jiff::SignedDuration;
use justiam_planner::lease;
use justiam_sdk::api::values::OverlapPolicy;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::execute::{self, Work};
use super::finish::Done;
use super::{BackOff, Driver, LONGEST_REST};
use crate::app;
use crate::app::metrics::counts::Loop;
use crate::app::wake::Wake;
use crate::store::active_runs::{self, Claimed};
use crate::store::tasks;

/// How many runs one transaction starts.
const BATCH: usize = 1000;
/// When to look again for runs that another server has locked.
const OTHERS_AT_WORK: SignedDuration = SignedDuration::from_millis(50);
/// When to look again for a claim whose answer was lost.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(2);

impl Driver {
    /// Starts runs and steps until `soft` fires, then waits for those that have begun. `hard` stops them.
    pub(super) async fn work_until(self: &Arc<Self>, soft: &CancellationToken, hard: &CancellationToken) {
        let (done, ended) = mpsc::unbounded_channel();
        let work = async {
            tokio::join!(
                Box::pin(self.start_until(soft, hard, done)),
                Box::pin(self.record_ends(ended, hard)),
                Box::pin(self.start_steps_until(soft, hard))
            );
        };
        tokio::select! {
            () = work => {}
            // As long as anything is at work, also after `soft`.
            () = self.keep_leases() => {}
        }
    }

    async fn start_until(
        self: &Arc<Self>,
        soft: &CancellationToken,
        hard: &CancellationToken,
        done: mpsc::UnboundedSender<Done>,
    ) {
        let slots = Arc::new(Semaphore::new(self.settings.slots as usize));
        let active = TaskTracker::new();
        let mut back_off = BackOff::new();
        // Until when a claim whose answer was lost may still be found to have been committed.
        let mut unsure_until = SignedDuration::ZERO;
        while !soft.is_cancelled() {
            // Registered before the look, so that a run recorded during the look is not missed.
            let woken = self.app.wakes.wait(Wake::Work);
            self.comes_round(Loop::Work);
            let unsure = self.app.clock.monotonic() < unsure_until;
            let pause = match self.step(self.start_runs(&slots, &active, hard, &done, unsure)).await {
                Ok(more) => {
                    back_off.reset();
                    if more { OTHERS_AT_WORK } else { LONGEST_REST }
                }
                Err(error) => {
                    unsure_until = self.app.clock.monotonic() + lease::LENGTH;
                    let pause = back_off.after(&error, "runs could not be started");
                    self.rest(pause, soft).await;
                    continue;
                }
            };
            tokio::select! {
                () = woken => {}
                () = self.rest(if unsure { pause.min(LOOK_AGAIN) } else { pause }, soft) => {}
            }
        }
        if self.app.clock.monotonic() < unsure_until
            && let Err(error) = self.step(self.give_back()).await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "runs that may have been claimed could not be given back"
            );
        }
        active.close();
        active.wait().await;
    }

    /// Starts as many runs as there are free slots, and tells whether more are ready that another server may have locked.
    /// `unsure`: the answer to an earlier claim was lost.
    async fn start_runs(
        self: &Arc<Self>,
        slots: &Arc<Semaphore>,
        active: &TaskTracker,
        hard: &CancellationToken,
        done: &mpsc::UnboundedSender<Done>,
        unsure: bool,
    ) -> app::Result<bool> {
        if unsure {
            self.give_back().await?;
        }
        let free = slots.available_permits().min(BATCH);
        if free == 0 {
            return Ok(false);
        }
        let asked_at = self.app.clock.monotonic();
        let (claimed, more) = self.claim(free).await?;
        if claimed.len() == free {
            // There may be more, and more slots.
            self.app.wakes.here(Wake::Work);
        }
        for run in claimed {
            // Only this loop takes slots.
            let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { break };
            let stop = self.app.work_begins(run.id, asked_at);
            let (driver, hard, done) = (Arc::clone(self), hard.clone(), done.clone());
            active.spawn(async move {
                let log = Arc::default();
                let work =
                    Work { app: &driver.app, db: &driver.db, run: &run, log: &log, stop: &stop, shutdown: &hard };
                let work = driver.executor.execute(work);
                // A panic is a defect of ours; the run must end all the same, or its task would wait for it for ever.
                let ending = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
                    let text = "the server failed while it executed this run; its log has the cause";
                    execute::failed(text.to_owned())
                });
                // The receiver lives until all senders are gone.
                let printed = log.rest(run.id);
                let _ = done.send(Done { run, ending, printed, _slot: slot });
            });
        }
        Ok(more)
    }

    /// Gives back runs whose claim had been committed although its answer was lost. Nobody has begun to execute them.
    async fn give_back(&self) -> app::Result<()> {
        let known = self.app.begun_runs();
        let mut tx = self.db.write().await?;
        let of_tasks = active_runs::unknown(&mut tx, &self.worker, &known).await?;
        if of_tasks.is_empty() {
            return Ok(());
        }
        let mut policies = Vec::with_capacity(of_tasks.len());
        for id in of_tasks {
            let task = tasks::lock_to_fire(&mut tx, id).await?;
            policies.push((id, task.is_some_and(|task| task.overlap_policy != OverlapPolicy::Allow)));
        }
        let released = active_runs::release(&mut tx, &self.worker, &known).await?;
        for (id, one_by_one) in policies {
            active_runs::reorder(&mut tx, id, one_by_one, self.app.now()).await?;
        }
        tx.commit().await?;
        tracing::warn!(runs = released, "gave back runs that were claimed just when the database went away");
        Ok(())
    }

    /// Claims up to `free` runs. Where there were fewer, tells whether others are ready all the same: another server has them locked,
    /// and may give them back without a word when it dies.
    async fn claim(&self, free: usize) -> app::Result<(Vec<Claimed>, bool)> {
        let limit = free.try_into().unwrap_or(i64::MAX);
        let mut tx = self.db.write().await?;
        // Not before the wait for the database: a run has not begun while nobody may write.
        let now = self.app.now();
        let claimed = active_runs::claim(&mut tx, &self.worker, lease::ends_at(now), now, limit).await?;
        let more = claimed.len() < free && self.db.is_shared() && active_runs::any_ready(&mut tx).await?;
        if !claimed.is_empty() {
            tx.commit().await?;
        }
        let counts = &self.app.counts;
        for run in &claimed {
            // An attempt that is not the first has waited for something else.
            if run.attempt == 1 {
                run.due_at.inspect(|due| counts.start_lag.observe(due.duration_until(now)));
                run.ready_at.inspect(|ready| counts.claims.observe(ready.duration_until(now)));
            }
        }
        Ok((claimed, more))
    }
}
