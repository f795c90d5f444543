//! The workers: start runs whose turn it is, and record how they end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use jiff::Timestamp;
use justiam_sdk::api::runs::Run;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{BackOff, Driver, LONGEST_REST, execute};
use crate::app;
use crate::app::tasks::definition::schedule;
use crate::store::{runs, tasks};

/// What a run says that was active when its server died.
const LOST: &str = "the server stopped while this run was active; the script may have done a part of its work";

impl Driver {
    /// Mends what an earlier process left behind.
    pub(super) async fn recover(&self, soft: &CancellationToken) {
        let mut back_off = BackOff::new();
        while !soft.is_cancelled() {
            match self.try_recover().await {
                Ok(()) => return,
                Err(error) => {
                    let pause = back_off.next();
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        pause_s = pause.as_secs(),
                        "the state of an earlier server could not be mended, trying again"
                    );
                    self.rest(pause, soft).await;
                }
            }
        }
    }

    async fn try_recover(&self) -> app::Result<()> {
        let now = self.app.now();
        let mut tx = self.app.db.write().await?;
        // This process is alone on its database, so nobody is at work on any run.
        let ended = runs::end_lost(&mut tx, LOST, now).await?;
        let mut healed = 0;
        for task in tasks::without_next_run(&mut tx).await? {
            if let Some(schedule) = schedule(&task.definition) {
                tasks::set_next_run(&mut tx, task.id, schedule.first_after(now)).await?;
                healed += 1;
            }
        }
        tx.commit().await?;
        if ended > 0 || healed > 0 {
            tracing::warn!(ended_runs = ended, healed_tasks = healed, "mended what an earlier server left behind");
        }
        Ok(())
    }

    /// Starts runs until `soft` fires, then waits for those that have begun. `hard` stops them.
    pub(super) async fn work_until(self: &Arc<Self>, soft: &CancellationToken, hard: &CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.slots as usize));
        let active = TaskTracker::new();
        let mut back_off = BackOff::new();
        while !soft.is_cancelled() {
            // Registered before the look, so that a run recorded during the look is not missed.
            let woken = self.app.work.notified();
            let pause = match self.start_runs(&slots, &active, hard).await {
                Ok(()) => {
                    back_off.reset();
                    LONGEST_REST
                }
                Err(error) => {
                    let pause = back_off.next();
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        pause_s = pause.as_secs(),
                        "runs could not be started, trying again"
                    );
                    pause
                }
            };
            tokio::select! {
                () = woken => {}
                () = self.rest(pause, soft) => {}
            }
        }
        active.close();
        active.wait().await;
    }

    /// Starts as many runs as there are free slots.
    async fn start_runs(
        self: &Arc<Self>,
        slots: &Arc<Semaphore>,
        active: &TaskTracker,
        hard: &CancellationToken,
    ) -> app::Result<()> {
        let mut free = Vec::new();
        while let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
            free.push(slot);
        }
        if free.is_empty() {
            return Ok(());
        }
        for (run, slot) in self.claim(free.len()).await?.into_iter().zip(free) {
            let (driver, hard) = (Arc::clone(self), hard.clone());
            active.spawn(async move {
                driver.execute(&run, &hard).await;
                drop(slot);
                // A slot is free, and under `queue` and `replace` somebody's turn may have come.
                driver.app.work.notify_one();
            });
        }
        Ok(())
    }

    async fn claim(&self, free: usize) -> app::Result<Vec<Run>> {
        let mut tx = self.app.db.write().await?;
        let claimed = runs::claim(&mut tx, self.app.now(), free.try_into().unwrap_or(i64::MAX)).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Executes one run and records its end, however long the database takes to accept it.
    async fn execute(&self, run: &Run, hard: &CancellationToken) {
        let cancelled = self.app.run_begins(run.id);
        let work = self.executor.execute(&self.app, run, &cancelled, hard);
        // A panic is a defect of ours; the run must end all the same, or its task would wait for it for ever.
        let ending = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            execute::failed("the server failed while it executed this run; its log has the cause".to_owned())
        });
        self.app.run_ended(run.id);
        let mut back_off = BackOff::new();
        loop {
            match self.record_end(run, &ending).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::warn!(run.id = %run.id, "run had been ended by somebody else");
                    return;
                }
                Err(error) => {
                    let pause = back_off.next();
                    tracing::warn!(error = &error as &dyn std::error::Error, run.id = %run.id, pause_s = pause.as_secs(), "end of run could not be recorded, trying again");
                    self.rest(pause, hard).await;
                    if hard.is_cancelled() {
                        return;
                    }
                }
            }
        }
    }

    async fn record_end(&self, run: &Run, ending: &runs::Ending) -> app::Result<bool> {
        let mut tx = self.app.db.write().await?;
        let recorded = runs::finish(&mut tx, run.id, run.attempt, ending, self.app.now()).await?;
        tx.commit().await?;
        Ok(recorded)
    }

    async fn rest(&self, pause: jiff::SignedDuration, until: &CancellationToken) {
        let wake = self.app.now().saturating_add(pause).unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = until.cancelled() => {}
            () = self.app.clock.sleep_until(wake) => {}
        }
    }
}
