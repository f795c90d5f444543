//! Removes what is older than it has to be kept.

use jiff::SignedDuration;
use justiam_sdk::api::ids::{ActivityId, ExecutionId, RunId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{BackOff, Driver};
use crate::app;
use crate::app::idempotency::kept_since;
use crate::app::me::short_tokens_since;
use crate::app::tokens::tokens_since;
use crate::store::{activities, executions, idempotency, runs, short_tokens, tokens};

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

    /// Removes runs and executions that were recorded before the days of history, but for the newest of each task and schedule,
    /// activities that are as old, and answers whose keys are no longer honoured, and tokens that nobody can use any more.
    async fn keep_house(&self, soft: &CancellationToken) -> app::Result<()> {
        let now = self.app.now();
        let kept = SignedDuration::from_hours(24 * i64::from(self.settings.history.days));
        let first_kept = first_id_at(now.saturating_sub(kept).unwrap_or_default());
        let before = RunId::from_uuid(first_kept);
        let mut after = RunId::from_uuid(Uuid::nil());
        let mut removed = 0;
        while !soft.is_cancelled() {
            let (gone, last) = self.step(self.prune_runs(after, before)).await?;
            removed += gone;
            let Some(last) = last else { break };
            after = last;
        }
        while !soft.is_cancelled() && self.step(self.forget_answers()).await? > 0 {}
        while !soft.is_cancelled() && self.step(self.forget_short_tokens()).await? > 0 {}
        while !soft.is_cancelled() && self.step(self.forget_tokens()).await? > 0 {}
        if removed > 0 {
            tracing::info!(runs = removed, "removed old runs from the history");
        }
        self.keep_executions(soft, first_kept).await?;
        Ok(())
    }

    async fn prune_runs(&self, after: RunId, before: RunId) -> app::Result<(u64, Option<RunId>)> {
        let mut tx = self.db.write().await?;
        let pruned = runs::prune(&mut tx, after, before, BATCH).await?;
        tx.commit().await?;
        Ok(pruned)
    }

    async fn keep_executions(&self, soft: &CancellationToken, first_kept: Uuid) -> app::Result<()> {
        let before = ExecutionId::from_uuid(first_kept);
        let mut after = ExecutionId::from_uuid(Uuid::nil());
        let mut removed = 0;
        while !soft.is_cancelled() {
            let (gone, last) = self.step(self.prune_executions(after, before)).await?;
            removed += gone;
            let Some(last) = last else { break };
            after = last;
        }
        let before = ActivityId::from_uuid(first_kept);
        while !soft.is_cancelled() && self.step(self.prune_activities(before)).await? > 0 {}
        if removed > 0 {
            tracing::info!(executions = removed, "removed old executions from the history");
        }
        Ok(())
    }

    async fn prune_executions(
        &self,
        after: ExecutionId,
        before: ExecutionId,
    ) -> app::Result<(u64, Option<ExecutionId>)> {
        let mut tx = self.db.write().await?;
        let pruned = executions::prune(&mut tx, after, before, BATCH).await?;
        tx.commit().await?;
        Ok(pruned)
    }

    async fn prune_activities(&self, before: ActivityId) -> app::Result<u64> {
        let mut tx = self.db.write().await?;
        let pruned = activities::prune(&mut tx, before, BATCH).await?;
        tx.commit().await?;
        Ok(pruned)
    }

    async fn forget_answers(&self) -> app::Result<u64> {
        let mut tx = self.db.write().await?;
        let forgotten = idempotency::forget(&mut tx, kept_since(self.app.now()), BATCH).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn forget_tokens(&self) -> app::Result<u64> {
        let mut tx = self.db.write().await?;
        let forgotten = tokens::forget(&mut tx, tokens_since(self.app.now()), BATCH).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn forget_short_tokens(&self) -> app::Result<u64> {
        let mut tx = self.db.write().await?;
        let forgotten = short_tokens::forget(&mut tx, short_tokens_since(self.app.now()), BATCH).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}

/// The smallest id that can have been made at an instant: ids begin with the milliseconds of their making.
fn first_id_at(instant: jiff::Timestamp) -> Uuid {
    let millis = u64::try_from(instant.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}
