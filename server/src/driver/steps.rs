//! The workers of steps: start steps whose turn has come, as [`super::worker`] starts runs.

mod attend;
mod finish;
mod lost;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use jiff::SignedDuration;
use justiam_planner::lease;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::execute::step::StepEnding;
use super::{BackOff, Driver, LONGEST_REST};
use crate::app::metrics::counts::Loop;
use crate::app::wake::Wake;
use crate::app::{self, Error};
use crate::store::active_steps::{self, ClaimedStep};
use crate::store::{self, executions};

/// How many steps one transaction starts.
const BATCH: usize = 500;
/// When to look again for steps that another server has locked.
const OTHERS_AT_WORK: SignedDuration = SignedDuration::from_millis(50);
/// When to look again for a claim whose answer was lost.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(2);

impl Driver {
    /// Starts steps until `soft` fires, then waits for those that have begun. `hard` stops them.
    pub(super) async fn start_steps_until(self: &Arc<Self>, soft: &CancellationToken, hard: &CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.settings.step_slots as usize));
        let active = TaskTracker::new();
        let mut back_off = BackOff::new();
        // Until when a claim whose answer was lost may still be found to have been committed.
        let mut unsure_until = SignedDuration::ZERO;
        while !soft.is_cancelled() {
            // Registered before the look, so that a step recorded during the look is not missed.
            let woken = self.app.wakes.wait(Wake::Step);
            self.comes_round(Loop::Steps);
            let unsure = self.app.clock.monotonic() < unsure_until;
            let pause = match self.step(self.start_steps(&slots, &active, hard, unsure)).await {
                Ok(more) => {
                    back_off.reset();
                    if more { OTHERS_AT_WORK } else { LONGEST_REST }
                }
                Err(error) => {
                    unsure_until = self.app.clock.monotonic() + lease::LENGTH;
                    let pause = back_off.after(&error, "steps could not be started");
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
            && let Err(error) = self.step(self.give_back_steps()).await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "steps that may have been claimed could not be given back"
            );
        }
        active.close();
        active.wait().await;
    }

    /// Starts as many steps as there are free slots, and tells whether others are there that another server has locked just now.
    /// `unsure`: the answer to an earlier claim was lost.
    async fn start_steps(
        self: &Arc<Self>,
        slots: &Arc<Semaphore>,
        active: &TaskTracker,
        hard: &CancellationToken,
        unsure: bool,
    ) -> app::Result<bool> {
        if unsure {
            self.give_back_steps().await?;
        }
        let free = slots.available_permits().min(BATCH);
        if free == 0 {
            return Ok(false);
        }
        let asked_at = self.app.clock.monotonic();
        let (claimed, more) = self.claim_steps(free).await?;
        if claimed.len() == free {
            // There may be more, and more slots.
            self.app.wakes.here(Wake::Step);
        }
        for step in claimed {
            // Only this loop takes slots.
            let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { break };
            let stop = self.app.work_begins(step.activity, asked_at);
            let (driver, hard) = (Arc::clone(self), hard.clone());
            active.spawn(async move {
                let lines = tracing::info_span!("step", activity.id = %step.activity);
                let work = driver.attend_step(&step, &stop, &hard).instrument(lines);
                // A panic is a defect of ours; the step must end all the same, or its execution would never.
                let ending = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
                    StepEnding::failed("the server failed while it executed this step; its log has the cause")
                });
                driver.record_step(&step, ending, &hard).await;
                drop(slot);
                // A slot is free, and so may be a connected system, for other servers too.
                driver.app.wakes.all(Wake::Step);
            });
        }
        Ok(more)
    }

    async fn claim_steps(&self, free: usize) -> app::Result<(Vec<ClaimedStep>, bool)> {
        let limit = free.try_into().unwrap_or(i64::MAX);
        let mut tx = self.db.write().await?;
        // Not before the wait for the database: a step has not begun while nobody may write.
        let now = self.app.now();
        let claimed = active_steps::claim(&mut tx, &self.worker, lease::ends_at(now), now, limit).await;
        let (claimed, more) = match claimed {
            // Another server has just begun with the same connected system.
            Err(store::Error::Conflict(_)) => return Ok((Vec::new(), true)),
            claimed => claimed?,
        };
        if !claimed.is_empty() {
            tx.commit().await?;
        }
        Ok((claimed, more))
    }

    /// Gives back steps whose claim had been committed although its answer was lost. Nobody has begun to execute them. Those that
    /// somebody asked to cancel meanwhile end by that.
    async fn give_back_steps(&self) -> app::Result<()> {
        let known = self.app.begun_steps();
        let mut tx = self.db.write().await?;
        let mut of: Vec<_> =
            active_steps::unknown(&mut tx, &self.worker, &known).await?.into_iter().filter_map(|(_, of)| of).collect();
        of.sort_unstable();
        of.dedup();
        for execution in of {
            executions::lock(&mut tx, execution).await?;
        }
        let released = active_steps::release(&mut tx, &self.worker, &known).await?;
        let mut cancelled = Vec::new();
        for (activity, _) in active_steps::unknown(&mut tx, &self.worker, &known).await? {
            if let Some(ended) = active_steps::take(&mut tx, &self.worker, activity).await? {
                cancelled.push((ended, attend::stopped()));
            }
        }
        if released == 0 && cancelled.is_empty() {
            return Ok(());
        }
        let ended = self.app.steps_ended(&mut tx, &cancelled).await?;
        tx.commit().await?;
        self.app.counts.ended(&ended);
        let steps = released + cancelled.len() as u64;
        tracing::warn!(steps, "gave back steps that were claimed just when the database went away");
        Ok(())
    }
}

/// Whether the same may succeed before long.
fn passes(error: &Error) -> bool {
    matches!(error, Error::Store(store::Error::Unavailable(_) | store::Error::Silent))
}
