//! Stays with a step while it is at work, and stops it where that must be.

use std::future::pending;
use std::time::Duration;

use jiff::SignedDuration;
use justiam_sdk::api::activities::ActivityStatus;
use justiam_sdk::api::schedules::STEP_TIMEOUT_SECONDS;
use tokio_util::sync::CancellationToken;

use super::super::execute::step::{StepEnding, StepJob, StepWork};
use super::super::execute::{LOST, pass};
use super::super::{BackOff, Driver, STEP};
use super::passes;
use crate::app::{self, Error, RunStop};
use crate::store::active_steps::{self, ClaimedStep};
use crate::store::{self, activities};

/// Why a step is stopped.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Timeout(i64),
    Cancelled,
    Lost,
    Shutdown,
}

impl Stop {
    /// The end of a step that was stopped for this.
    fn ending(self, ending: StepEnding) -> StepEnding {
        let error = match self {
            // Whoever records it knows who asked.
            Self::Cancelled => return ending,
            Self::Timeout(seconds) => format!("timed out after {seconds} s"),
            Self::Lost => LOST.to_owned(),
            Self::Shutdown => "the server was shut down before the step ended".to_owned(),
        };
        StepEnding { status: ActivityStatus::FailedWithError, error: Some(error), ..ending }
    }
}

/// The end of a step that was stopped.
pub(super) fn stopped() -> StepEnding {
    StepEnding::new(ActivityStatus::Cancelled)
}

impl Driver {
    /// Executes a step to its end.
    pub(super) async fn attend_step(
        &self,
        step: &ClaimedStep,
        orders: &RunStop,
        shutdown: &CancellationToken,
    ) -> StepEnding {
        let job = match self.prepare_step(step, orders, shutdown).await {
            Ok(job) => job,
            Err(ending) => return ending,
        };
        let halt = CancellationToken::new();
        let work = StepWork { app: &self.app, db: &self.db, step, job: &job, stop: &halt };
        let mut executing = self.steps.execute(work);
        let why = tokio::select! {
            // What ends well before it is stopped has ended well.
            biased;
            ending = &mut executing => return ending,
            () = orders.cancelled.cancelled() => Stop::Cancelled,
            () = orders.lost.cancelled() => Stop::Lost,
            () = shutdown.cancelled() => Stop::Shutdown,
            seconds = self.time_is_up(step, &job) => Stop::Timeout(seconds),
        };
        halt.cancel();
        let ending = executing.await;
        if ending.status == ActivityStatus::Cancelled { why.ending(ending) } else { ending }
    }

    /// Reads what there is to do, or says how the step ends without. A database that is away is waited for: nothing has begun.
    async fn prepare_step(
        &self,
        step: &ClaimedStep,
        orders: &RunStop,
        shutdown: &CancellationToken,
    ) -> Result<StepJob, StepEnding> {
        let mut back_off = BackOff::new();
        loop {
            let error = match tokio::time::timeout(STEP, self.load_step(step)).await {
                // Longer frozen than a lease lasts: somebody else may have ended this step.
                Ok(Ok(_)) if self.db.is_shared() && self.app.is_overdue(step.activity) => {
                    return Err(Stop::Lost.ending(stopped()));
                }
                Ok(Ok(Some(job))) => return Ok(job),
                Ok(Ok(None)) => return Err(stopped()),
                Ok(Err(error)) => error,
                Err(_) => Error::Store(store::Error::Silent),
            };
            if !passes(&error) {
                tracing::error!(error = &error as &dyn std::error::Error, activity.id = %step.activity, "step could not be prepared");
                return Err(StepEnding::failed("the server could not read the step from its database"));
            }
            let pause = back_off.after(&error, "a step could not be prepared");
            let why = tokio::select! {
                () = pass(&self.app, pause) => continue,
                () = orders.cancelled.cancelled() => Stop::Cancelled,
                () = orders.lost.cancelled() => Stop::Lost,
                () = shutdown.cancelled() => Stop::Shutdown,
            };
            return Err(why.ending(stopped()));
        }
    }

    /// What there is to do. `None` when somebody asked to cancel the step, or others took it for lost, since the claim.
    async fn load_step(&self, step: &ClaimedStep) -> app::Result<Option<StepJob>> {
        let mut tx = self.db.read().await?;
        let wanted = active_steps::is_wanted(&mut tx, step).await?;
        Ok(activities::job(&mut tx, step.activity).await?.filter(|_| wanted))
    }

    /// Waits until a step has used its time, and tells how many seconds that was. It counts from the start that is on record, so
    /// that a step is never longer than it looks.
    async fn time_is_up(&self, step: &ClaimedStep, job: &StepJob) -> i64 {
        let Some(seconds) = job.timeout_seconds else { return pending().await };
        let seconds = seconds.clamp(*STEP_TIMEOUT_SECONDS.start(), *STEP_TIMEOUT_SECONDS.end());
        let all = SignedDuration::from_secs(seconds);
        let used = step.started_at.duration_until(self.app.now()).clamp(SignedDuration::ZERO, all);
        tokio::select! {
            () = pass(&self.app, all - used) => {}
            // Where a test holds the clock still.
            () = tokio::time::sleep(Duration::from_secs(seconds.unsigned_abs())) => {}
        }
        seconds
    }
}
