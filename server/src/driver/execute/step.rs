//! Steps of schedules, and run profiles that somebody executed.

pub mod programs;

use std::sync::Arc;

use futures::future::BoxFuture;
use justiam_sdk::api::activities::ActivityStatus;
use justiam_sdk::api::schedules::StepType;
use justiam_sdk::api::secrets::Secret;
use tokio_util::sync::CancellationToken;

use crate::allowed_folders::AllowedFolders;
use crate::app::App;
use crate::app::vault::Unopened;
use crate::store::Db;
use crate::store::active_steps::ClaimedStep;
pub use crate::store::activities::{Job as StepJob, Objects, StepEnding};
use programs::{Job, Outcome, ProgramEnd, Programs};

/// How many errors of single objects an activity keeps.
pub const MAX_ERRORS: usize = 100;

impl StepEnding {
    /// An end with nothing to tell.
    pub fn new(status: ActivityStatus) -> Self {
        Self {
            status,
            message: None,
            error: None,
            exit_code: None,
            output: None,
            isolation: None,
            objects: Objects::default(),
        }
    }

    /// A bad end.
    pub fn failed(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::new(ActivityStatus::FailedWithError) }
    }
}

/// Does the work of a step.
pub trait ExecuteStep: Send + Sync + 'static {
    /// Executes one step to its end. When it is stopped, its end is `Cancelled`; who has stopped it knows why.
    fn execute<'a>(&'a self, work: StepWork<'a>) -> BoxFuture<'a, StepEnding>;
}

/// A step to execute.
#[derive(Clone, Copy)]
pub struct StepWork<'a> {
    /// The use cases.
    pub app: &'a Arc<App>,
    /// Connections for this work. Requests do not take them away.
    pub db: &'a Db,
    /// The step.
    pub step: &'a ClaimedStep,
    /// What there is to do.
    pub job: &'a StepJob,
    /// Stops it.
    pub stop: &'a CancellationToken,
}

/// Executes the steps of schedules.
pub struct StepExecutor {
    programs: Arc<Programs>,
    folders: AllowedFolders,
}

impl ExecuteStep for StepExecutor {
    fn execute<'a>(&'a self, work: StepWork<'a>) -> BoxFuture<'a, StepEnding> {
        Box::pin(self.execute_step(work))
    }
}

impl StepExecutor {
    /// An executor that runs programs with `programs`, and whose connectors use these folders.
    pub fn new(programs: Arc<Programs>, folders: AllowedFolders) -> Self {
        Self { programs, folders }
    }

    async fn execute_step(&self, work: StepWork<'_>) -> StepEnding {
        let job = match Self::job_of(work) {
            Ok(Some(job)) => job,
            Ok(None) => return self.execute_run_profile(work).await,
            Err(error) => return StepEnding::failed(error),
        };
        ending(self.programs.run(job, work.stop.cancelled()).await)
    }

    async fn execute_run_profile(&self, work: StepWork<'_>) -> StepEnding {
        let Some(run_profile) = work.job.run_profile_id else {
            return StepEnding::failed("the step names no run profile");
        };
        let ClaimedStep { activity, attempt, .. } = *work.step;
        crate::app::connector::execute_run_profile(
            work.app,
            work.db,
            &self.folders,
            activity,
            attempt,
            run_profile,
            work.stop,
        )
        .await
    }

    /// What a step runs as a program; `None` for a run profile.
    fn job_of(work: StepWork<'_>) -> Result<Option<Job>, String> {
        let StepWork { app, job, .. } = work;
        let Some(step_type) = job.step_type.as_deref() else { return Ok(None) };
        // Required when the schedule was saved, so only a tampered database lacks one.
        let needed =
            |value: &Option<String>, what: &str| value.clone().ok_or_else(|| format!("the step names no {what}"));
        let (arguments, working_directory) = (job.arguments.clone(), job.working_directory.clone());
        Ok(Some(match StepType::from(step_type) {
            StepType::RunProfile => return Ok(None),
            StepType::Executable => {
                Job::Executable { path: needed(&job.executable_path, "executable")?, arguments, working_directory }
            }
            StepType::PowerShell => {
                Job::PowerShell { script_path: needed(&job.script_path, "script")?, arguments, working_directory }
            }
            StepType::SqlScript => Job::Sql {
                connection_string: connection_string(app, job)?,
                script_path: needed(&job.sql_script_path, "SQL script")?,
            },
            other => return Err(format!("this server does not know steps of the type `{other}`")),
        }))
    }
}

/// The address of the database of an SQL step, which was sealed for the step of the schedule.
fn connection_string(app: &App, job: &StepJob) -> Result<Secret, String> {
    let sealed = job.sql_sealed_by.as_deref().zip(job.sql_sealed.as_deref());
    let opened = match (job.step_id.as_deref().and_then(|id| id.parse().ok()), sealed) {
        (Some(step), Some((sealed_by, sealed))) => app.vault.open_connection_string(step, sealed_by, sealed),
        // Stored with every SQL step, so only a tampered database lacks it.
        _ => Err(Unopened::Damaged),
    };
    opened.map_err(|why| {
        let step = job.step_id.as_deref().unwrap_or_default();
        tracing::error!(step.id = step, %why, "the connection string of a step cannot be decrypted");
        format!("the connection string of the step cannot be decrypted: {why}; set it again")
    })
}

fn ending(end: ProgramEnd) -> StepEnding {
    let (status, error) = match end.outcome {
        Outcome::Success => (ActivityStatus::Complete, None),
        Outcome::Failed(why) => (ActivityStatus::FailedWithError, Some(why)),
        Outcome::Stopped => (ActivityStatus::Cancelled, None),
    };
    StepEnding {
        error,
        exit_code: end.exit_code,
        output: end.output,
        isolation: end.isolation,
        ..StepEnding::new(status)
    }
}
