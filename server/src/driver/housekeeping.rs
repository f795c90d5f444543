//! Removes what is older than it has to be kept.

use jiff::SignedDuration;
use justiam_sdk::api::ids::RunId;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{BackOff, Driver};
use crate::app;
use crate::app::idempotency::kept_since;
use crate::store::{idempotency, runs};

/// How often to look.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How many rows one transaction looks at: short enough that nobody waits for it.
const BATCH: i64 = 1000;

impl Driver {
    pub(super) async fn keep_house_until(&self, soft: &CancellationToken) {
        let mut back_off = BackOff::new();
        while !soft.is_cancelled() {
            let pause = match self.keep_house(soft).await {
                Ok(()) => {
                    back_off.reset();
                    EVERY
                }
                Err(error) => back_off.after(&error, "old history could not be removed"),
            };
            self.rest(pause, soft).await;
        }
    }

    /// Removes runs that were recorded before the days of history, but for the newest of each task, and answers whose keys are
    /// no longer honoured.
    async fn keep_house(&self, soft: &CancellationToken) -> app::Result<()> {
        let now = self.app.now();
        let kept = SignedDuration::from_hours(24 * i64::from(self.settings.history.days));
        let before = RunId::from_uuid(first_id_at(now.saturating_sub(kept).unwrap_or_default()));
        let mut after = RunId::from_uuid(Uuid::nil());
        let mut removed = 0;
        while !soft.is_cancelled() {
            let (gone, last) = self.step(self.prune_runs(after, before)).await?;
            removed += gone;
            let Some(last) = last else { break };
            after = last;
        }
        while !soft.is_cancelled() && self.step(self.forget_answers()).await? > 0 {}
        if removed > 0 {
            tracing::info!(runs = removed, "removed old runs from the history");
        }
        Ok(())
    }

    async fn prune_runs(&self, after: RunId, before: RunId) -> app::Result<(u64, Option<RunId>)> {
        let mut tx = self.db.write().await?;
        let pruned = runs::prune(&mut tx, after, before, BATCH).await?;
        tx.commit().await?;
        Ok(pruned)
    }

    async fn forget_answers(&self) -> app::Result<u64> {
        let mut tx = self.db.write().await?;
        let forgotten = idempotency::forget(&mut tx, kept_since(self.app.now()), BATCH).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

/// The smallest id that can have been made at an instant: ids begin with the milliseconds of their making.
fn first_id_at(instant: jiff::Timestamp) -> Uuid {
    let millis = u64::try_from(instant.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}
