//! Records how runs end: all that have ended meanwhile in one transaction.

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use super::{BackOff, Driver, execute};
use crate::app::wake::Wake;
use crate::app::{self, Error};
use crate::store::active_runs::{self, Claimed};
use crate::store::runs::{self, Ending};
use crate::store::{self, tasks};

/// How many ends one transaction records.
const BATCH: usize = 1000;

/// A run that was executed. Its slot is free once its end is recorded.
pub(super) struct Done {
    pub(super) run: Claimed,
    pub(super) ending: Ending,
    pub(super) _slot: OwnedSemaphorePermit,
}

impl Driver {
    /// Records ends until all senders are gone, however long the database takes to accept them. After `hard`, a database that
    /// does not answer is given up: the next server finds those runs.
    pub(super) async fn record_ends(&self, mut ended: mpsc::UnboundedReceiver<Done>, hard: &CancellationToken) {
        let mut batch = Vec::new();
        while ended.recv_many(&mut batch, BATCH).await > 0 {
            // Runs that were started together often end together.
            tokio::task::yield_now().await;
            while batch.len() < BATCH
                && let Ok(done) = ended.try_recv()
            {
                batch.push(done);
            }
            let mut back_off = BackOff::new();
            let mut again = Vec::new();
            while !batch.is_empty() {
                let Err(error) = self.step(self.record(&batch)).await else {
                    batch.clear();
                    continue;
                };
                match error {
                    // The database refuses one of them. Each by itself, then, and its output is lost before its end is.
                    Error::Store(store::Error::Database(_) | store::Error::Corrupt { .. }) if batch.len() > 1 => {
                        tracing::debug!(error = &error as &dyn std::error::Error, "ends are recorded one by one");
                        again.append(&mut batch);
                    }
                    Error::Store(store::Error::Database(_)) if batch[0].ending.output.is_some() => {
                        let run = batch[0].run.id;
                        tracing::error!(error = &error as &dyn std::error::Error, run.id = %run, "output could not be stored");
                        batch[0].ending = execute::failed("the output of this run could not be stored".to_owned());
                    }
                    error => {
                        let pause = back_off.after(&error, "ends of runs could not be recorded");
                        self.rest(pause, hard).await;
                        if hard.is_cancelled() {
                            tracing::warn!(runs = batch.len() + again.len(), "ends of runs are lost to this server");
                            again.clear();
                            batch.clear();
                        }
                    }
                }
                if batch.is_empty() {
                    batch.extend(again.pop());
                }
            }
            // Slots are free, and under `queue` and `replace` somebody's turn may have come.
            self.app.wakes.here(Wake::Work);
        }
    }

    async fn record(&self, batch: &[Done]) -> app::Result<()> {
        let mut of_tasks: Vec<_> = batch.iter().map(|done| done.run.task_id).collect();
        of_tasks.sort_unstable();
        of_tasks.dedup();
        let attempts: Vec<_> = batch.iter().map(|done| (done.run.id, done.run.attempt)).collect();
        let (ended, promoted) = loop {
            let mut tx = self.db.write().await?;
            let serial = tasks::lock_serial(&mut tx, &of_tasks).await?;
            let ended = active_runs::take_ended(&mut tx, &self.worker, &attempts).await?;
            // A policy that has just changed from `allow` wants its task locked first.
            let now_serial = tasks::serial(&mut tx, &of_tasks).await?;
            if now_serial.iter().any(|task| !serial.contains(task)) {
                continue;
            }
            let by_id: std::collections::HashMap<_, _> = batch.iter().map(|done| (done.run.id, &done.ending)).collect();
            let count = ended.len();
            let ends: Vec<_> = ended
                .into_iter()
                .filter_map(|ended| by_id.get(&ended.id).map(|ending| ended.into_end(Ending::clone(ending))))
                .collect();
            runs::end(&mut tx, &ends, self.app.now()).await?;
            let promoted = active_runs::settle(&mut tx, &serial).await?;
            tx.commit().await?;
            break (count, promoted);
        };
        for done in batch {
            self.app.run_ended(done.run.id);
        }
        if ended < batch.len() {
            let runs = batch.len() - ended;
            tracing::warn!(runs, "the ends of runs had been decided by somebody else");
        }
        if promoted > 0 {
            self.app.wakes.all(Wake::Work);
        }
        Ok(())
    }
}
