//! Keeps the leases of the runs and steps at work here, and hears of requests to cancel them.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use justiam_planner::lease::{self, Hold};
use justiam_sdk::api::ids::{ActivityId, RunId};

use super::Driver;
use crate::app::wake::Wake;
use crate::app::{self, WorkId};
use crate::store::{self, active_runs, active_steps};

/// How often to look, where no word of another server comes first.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(1);
/// How long a renewal may take. Two fit before a run without a renewal must stop.
const RENEW_WITHIN: Duration = Duration::from_secs(4);

impl Driver {
    /// Runs for ever. On a database of our own nobody else could take a run for lost or ask for a cancel.
    pub(super) async fn keep_leases(&self) {
        if !self.db.is_shared() {
            return std::future::pending().await;
        }
        loop {
            let woken = self.app.wakes.wait(Wake::Cancel);
            self.stop_overdue();
            let began = Instant::now();
            match tokio::time::timeout(RENEW_WITHIN, self.look_after_work()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    self.app.counts.error(&error);
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "leases could not be renewed, trying again"
                    );
                }
                Err(_) => {
                    self.app.counts.error(&store::Error::Silent.into());
                    self.lease_db.replace_connections(began);
                    tracing::warn!("the database does not answer; leases could not be renewed, trying again");
                }
            }
            let wake = self.app.now().saturating_add(LOOK_EVERY).unwrap_or(Timestamp::MAX);
            tokio::select! {
                () = woken => {}
                () = self.app.clock.sleep_until(wake) => {}
            }
        }
    }

    /// Stops work whose lease may end before a renewal comes.
    fn stop_overdue(&self) {
        for (work, since_asked) in self.app.leases() {
            if lease::hold(since_asked) == Hold::Stop && self.app.lose(work) {
                match work {
                    WorkId::Run(run) => {
                        tracing::error!(run.id = %run, "run is stopped: its lease could not be renewed in time");
                    }
                    WorkId::Step(step) => {
                        tracing::error!(activity.id = %step, "step is stopped: its lease could not be renewed in time");
                    }
                }
            }
        }
    }

    async fn look_after_work(&self) -> app::Result<()> {
        let leases = self.app.leases();
        if leases.is_empty() {
            return Ok(());
        }
        let due = leases.iter().filter(|(_, since)| lease::hold(*since) == Hold::Renew).map(|(work, _)| *work);
        let runs: Vec<RunId> = due.clone().filter_map(WorkId::run).collect();
        let steps: Vec<ActivityId> = due.filter_map(WorkId::step).collect();
        let has_runs = leases.iter().any(|(work, _)| work.run().is_some());
        let has_steps = leases.iter().any(|(work, _)| work.step().is_some());
        let asked_at = self.app.clock.monotonic();
        let until = lease::ends_at(self.app.now());
        let mut tx = self.lease_db.write().await?;
        let mut renewed: Vec<WorkId> = Vec::new();
        if !runs.is_empty() {
            renewed.extend(active_runs::renew(&mut tx, &self.worker, &runs, until).await?.into_iter().map(WorkId::Run));
        }
        if !steps.is_empty() {
            let steps = active_steps::renew(&mut tx, &self.worker, &steps, until).await?;
            renewed.extend(steps.into_iter().map(WorkId::Step));
        }
        let mut cancelled: Vec<WorkId> = Vec::new();
        if has_runs {
            let asked = active_runs::cancel_requests(&mut tx, &self.worker).await?;
            cancelled.extend(asked.into_iter().map(WorkId::Run));
        }
        if has_steps {
            let asked = active_steps::cancel_requests(&mut tx, &self.worker).await?;
            cancelled.extend(asked.into_iter().map(WorkId::Step));
        }
        tx.commit().await?;
        self.app.leases_renewed(renewed, asked_at);
        self.app.cancel_here(cancelled);
        Ok(())
    }
}
