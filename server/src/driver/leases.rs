//! Keeps the leases of the runs at work here, and hears of requests to cancel them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use justiam_planner::lease::{self, Hold};
use justiam_sdk::api::ids::RunId;

use super::Driver;
use crate::app;
use crate::app::wake::Wake;
use crate::store::active_runs;

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
            match tokio::time::timeout(RENEW_WITHIN, self.look_after_runs()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "leases could not be renewed, trying again"
                    );
                }
                Err(_) => {
                    self.lease_db.replace_connections();
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

    /// Stops runs whose leases may end before a renewal comes.
    fn stop_overdue(&self) {
        for (run, since_asked) in self.app.leases() {
            if lease::hold(since_asked) == Hold::Stop && self.app.lose_run(run) {
                tracing::error!(run.id = %run, "run is stopped: its lease could not be renewed in time");
            }
        }
    }

    async fn look_after_runs(&self) -> app::Result<()> {
        let leases = self.app.leases();
        if leases.is_empty() {
            return Ok(());
        }
        let due: Vec<RunId> =
            leases.iter().filter(|(_, since)| lease::hold(*since) == Hold::Renew).map(|(run, _)| *run).collect();
        let asked_at = self.app.clock.monotonic();
        let mut tx = self.lease_db.write().await?;
        let renewed = if due.is_empty() {
            Vec::new()
        } else {
            active_runs::renew(&mut tx, &self.worker, &due, lease::ends_at(self.app.now())).await?
        };
        let cancelled = active_runs::cancel_requests(&mut tx, &self.worker).await?;
        tx.commit().await?;
        self.app.leases_renewed(&renewed, asked_at);
        self.app.cancel_here(&cancelled);
        Ok(())
    }
}
