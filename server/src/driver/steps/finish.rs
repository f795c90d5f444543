//! Records how steps end, and lets their executions go on.

use tokio_util::sync::CancellationToken;

use super::super::execute::pass;
use super::super::execute::step::StepEnding;
use super::super::finish::LAST_ATTEMPTS;
use super::super::{BackOff, Driver};
use super::passes;
use crate::app::{self, Error};
use crate::store::active_steps::{self, ClaimedStep};
use crate::store::executions;

impl Driver {
    /// Records an end, however long the database takes to accept it. After `hard`, a database that does not answer is given up
    /// before long: others find the step.
    pub(super) async fn record_step(&self, step: &ClaimedStep, mut ending: StepEnding, hard: &CancellationToken) {
        let mut back_off = BackOff::new();
        let mut give_up_at = None;
        while let Err(error) = self.step(self.try_record_step(step, &ending)).await {
            if passes(&error) {
                let pause = back_off.after(&error, "the end of a step could not be recorded");
                if hard.is_cancelled() {
                    let now = self.app.clock.monotonic();
                    if now >= *give_up_at.get_or_insert(now + LAST_ATTEMPTS) {
                        tracing::error!(activity.id = %step.activity, "end of a step was not recorded; it will count as lost");
                        return self.app.work_abandoned(step.activity);
                    }
                    pass(&self.app, pause).await;
                } else {
                    self.rest(pause, hard).await;
                }
                continue;
            }
            let about_a_value = matches!(&error, Error::Store(error) if error.is_about_a_value());
            tracing::error!(error = &error as &dyn std::error::Error, activity.id = %step.activity, "end of a step could not be recorded");
            if !about_a_value || ending.output.is_none() && ending.message.is_none() {
                // It keeps its row, and counts as lost when its lease ends.
                return self.app.work_abandoned(step.activity);
            }
            ending = StepEnding::failed("what this step told of its work could not be stored");
        }
        self.app.work_ended(step.activity);
    }

    async fn try_record_step(&self, step: &ClaimedStep, ending: &StepEnding) -> app::Result<()> {
        let mut tx = self.db.write().await?;
        if let Some(execution) = step.execution {
            executions::lock(&mut tx, execution).await?;
        }
        let Some(ended) = active_steps::take_ended(&mut tx, &self.worker, step.activity, step.attempt).await? else {
            tracing::warn!(activity.id = %step.activity, "the end of a step had been decided by somebody else");
            return Ok(());
        };
        let ended = self.app.steps_ended(&mut tx, &[(ended, ending.clone())]).await?;
        tx.commit().await?;
        self.app.counts.ended(&ended);
        Ok(())
    }
}
