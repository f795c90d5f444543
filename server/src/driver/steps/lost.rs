//! Ends steps that nobody looks after any more.

use jiff::Timestamp;
use justiam_sdk::api::ids::ActivityId;

use super::super::Driver;
use super::super::execute::step::StepEnding;
use super::attend;
use crate::app;
use crate::app::metrics::counts::Work;
use crate::app::wake::Wake;
use crate::store::{active_steps, executions};

/// What a step says that was at work when its server died.
const LOST: &str = "the server stopped while this step was at work; it may have done a part of its work";

/// How many steps one transaction ends.
const BATCH: i64 = 500;

impl Driver {
    /// Ends the steps whose lease has ended by `now`: those that somebody asked to cancel as cancelled, the others as failed.
    pub(in super::super) async fn end_lost_steps(&self, now: Timestamp) -> app::Result<()> {
        let mut total = 0;
        loop {
            let mut tx = self.db.write().await?;
            let lost = active_steps::lost(&mut tx, now, &self.app.running_steps(), BATCH).await?;
            if lost.is_empty() {
                break;
            }
            let (steps, of): (Vec<ActivityId>, Vec<_>) = lost.into_iter().unzip();
            let mut of: Vec<_> = of.into_iter().flatten().collect();
            of.sort_unstable();
            of.dedup();
            for execution in of {
                executions::lock(&mut tx, execution).await?;
            }
            let ended = active_steps::take_lost(&mut tx, now, &steps).await?;
            total += ended.len();
            let ends: Vec<_> = ended
                .into_iter()
                .map(|ended| {
                    let ending = if ended.cancelled.is_some() { attend::stopped() } else { StepEnding::failed(LOST) };
                    (ended, ending)
                })
                .collect();
            let counted = self.app.steps_ended(&mut tx, &ends).await?;
            tx.commit().await?;
            self.app.counts.ended(&counted);
            for (step, _) in &ends {
                // Perhaps one that this process had to abandon.
                self.app.work_ended(step.activity);
            }
        }
        if total > 0 {
            self.app.counts.rescues.add(Work::Step, total as u64);
            tracing::warn!(steps = total, "ended steps that a server left behind");
            self.app.wakes.all(Wake::Step);
        }
        Ok(())
    }
}
