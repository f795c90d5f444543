//! Records how runs end: all that have ended meanwhile in one transaction.

use std::collections::{HashMap, VecDeque};

use jiff::SignedDuration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use super::{BackOff, Driver, execute};
use crate::app::wake::Wake;
use crate::app::{self, Error};
use crate::store::active_runs::{self, Claimed};
use crate::store::run_logs::{self, Addition};
use crate::store::runs::{self, Ending};
use crate::store::{self, tasks};

/// How many ends one transaction records.
const BATCH: usize = 1000;
/// How many bytes of output and logs one transaction records, but for the last run's.
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// For how long to go on after the server was told to end at once.
pub(super) const LAST_ATTEMPTS: SignedDuration = SignedDuration::from_secs(10);

/// A run that was executed. Its slot is free once its end is recorded.
pub(super) struct Done {
    pub(super) run: Claimed,
    pub(super) ending: Ending,
    /// What is not in its log yet.
    pub(super) printed: Option<Addition>,
    pub(super) _slot: OwnedSemaphorePermit,
}

impl Driver {
    /// Records ends until all senders are gone, however long the database takes to accept them. After `hard`, a database that
    /// does not answer is given up before long: others find those runs.
    pub(super) async fn record_ends(&self, mut ended: mpsc::UnboundedReceiver<Done>, hard: &CancellationToken) {
        let mut pending = Vec::new();
        while ended.recv_many(&mut pending, BATCH).await > 0 {
            // Runs that were started together often end together.
            tokio::task::yield_now().await;
            while let Ok(done) = ended.try_recv() {
                pending.push(done);
            }
            let mut pending: VecDeque<Done> = pending.drain(..).collect();
            while !pending.is_empty() {
                let mut batch = next_batch(&mut pending);
                self.record_batch(&mut batch, hard).await;
            }
            // Slots are free, and under `queue` and `replace` somebody's turn may have come.
            self.app.wakes.here(Wake::Work);
        }
    }

    async fn record_batch(&self, batch: &mut Vec<Done>, hard: &CancellationToken) {
        let mut back_off = BackOff::new();
        let mut give_up_at = None;
        while let Err(error) = self.step(self.record(batch)).await {
            if passes(&error) {
                let pause = back_off.after(&error, "ends of runs could not be recorded");
                if hard.is_cancelled() {
                    let now = self.app.clock.monotonic();
                    if now >= *give_up_at.get_or_insert(now + LAST_ATTEMPTS) {
                        tracing::error!(runs = batch.len(), "ends of runs were not recorded; they will count as lost");
                        return;
                    }
                    execute::pass(&self.app, pause).await;
                } else {
                    self.rest(pause, hard).await;
                }
            } else if batch.len() > 1 {
                // One of them is the cause, and must not keep the others.
                tracing::debug!(error = &error as &dyn std::error::Error, "ends are recorded one by one");
                for done in batch.drain(..) {
                    Box::pin(self.record_batch(&mut vec![done], hard)).await;
                }
                return;
            } else {
                let Some(done) = batch.first_mut() else { return };
                let about_a_value = matches!(&error, Error::Store(error) if error.is_about_a_value());
                let run = done.run.id;
                tracing::error!(error = &error as &dyn std::error::Error, run.id = %run, "end of a run could not be recorded");
                if !about_a_value || done.ending.output.is_none() {
                    // It keeps its row, and counts as lost when its lease ends.
                    self.app.work_abandoned(run);
                    return;
                }
                done.ending = execute::failed("the output of this run could not be stored".to_owned());
            }
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
            let now = self.app.now();
            let ended = active_runs::take_ended(&mut tx, &self.worker, &attempts).await?;
            // A policy that has just changed from `allow` wants its task locked first.
            let now_serial = tasks::serial(&mut tx, &of_tasks).await?;
            if now_serial.iter().any(|task| !serial.contains(task)) {
                continue;
            }
            let by_id: HashMap<_, _> = batch.iter().map(|done| (done.run.id, done)).collect();
            let count = ended.len();
            let printed: Vec<_> = ended.iter().filter_map(|ended| by_id.get(&ended.id)?.printed.as_ref()).collect();
            run_logs::append(&mut tx, &printed).await?;
            let ends: Vec<_> = ended
                .into_iter()
                .filter_map(|ended| by_id.get(&ended.id).map(|done| ended.into_end(done.ending.clone())))
                .collect();
            runs::end(&mut tx, &ends, now).await?;
            let promoted = active_runs::settle(&mut tx, &serial, now).await?;
            tx.commit().await?;
            for end in &ends {
                let took = end.started_at.map_or(SignedDuration::ZERO, |began| began.duration_until(now));
                self.app.counts.runs.observe((&end.ending.status).into(), took);
            }
            break (count, promoted);
        };
        for done in batch {
            self.app.work_ended(done.run.id);
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

/// Takes as many as one transaction records.
fn next_batch(pending: &mut VecDeque<Done>) -> Vec<Done> {
    let mut bytes = 0;
    let mut batch = Vec::new();
    while batch.len() < BATCH && bytes < BATCH_BYTES {
        let Some(done) = pending.pop_front() else { break };
        bytes += done.ending.output.as_ref().map_or(0, String::len);
        bytes += done.printed.iter().flat_map(|printed| &printed.pieces).map(|piece| piece.text.len()).sum::<usize>();
        batch.push(done);
    }
    batch
}

/// Whether the same may succeed before long.
fn passes(error: &Error) -> bool {
    matches!(error, Error::Store(store::Error::Unavailable(_) | store::Error::Silent))
}
