//! Side effects: what a run really does. Happens after a committed claim, and nowhere else.

mod builtin;
mod redact;
pub mod script;
pub mod syntax;

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::secrets::SecretMap;
use justiam_sdk::api::tasks::TIMEOUT_SECONDS;
use justiam_sdk::api::values::RunStatus;
use tokio_util::sync::CancellationToken;

use crate::app::{self, App, RunStop};
use crate::store::active_runs::{self, Claimed};
use crate::store::runs::Ending;
use crate::store::tasks::{self, TaskRow};
use redact::Redactor;
use script::{End, Host, Script, ScriptRunner};

/// What a run says that was stopped because its server lost touch with the database.
const LOST: &str =
    "the server could not reach its database, so the work was stopped before another server could take it for dead";

/// What a run records about the isolation of its script.
const ISOLATION: &str = "process";

/// Does the work of a run.
pub trait Execute: Send + Sync + 'static {
    /// Executes one run to its end. `stop` and `shutdown` stop it.
    fn execute<'a>(
        &'a self,
        app: &'a App,
        run: &'a Claimed,
        stop: &'a RunStop,
        shutdown: &'a CancellationToken,
    ) -> BoxFuture<'a, Ending>;
}

/// Executes the runs of tasks.
pub struct Executor {
    scripts: ScriptRunner,
}

/// Why a script was stopped from outside.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Timeout,
    Cancelled,
    Lost,
    Shutdown,
}

impl Execute for Executor {
    fn execute<'a>(
        &'a self,
        app: &'a App,
        run: &'a Claimed,
        stop: &'a RunStop,
        shutdown: &'a CancellationToken,
    ) -> BoxFuture<'a, Ending> {
        Box::pin(self.execute_task(app, run, stop, shutdown))
    }
}

impl Executor {
    /// An executor that runs scripts with `scripts`.
    pub fn new(scripts: ScriptRunner) -> Self {
        Self { scripts }
    }

    async fn execute_task(&self, app: &App, run: &Claimed, stop: &RunStop, shutdown: &CancellationToken) -> Ending {
        let (task, secrets) = match load(app, run).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return ending(RunStatus::Cancelled),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, run.id = %run.id, "run could not be prepared");
                // The text of a store error is for the log; that of an unreadable secret tells its owner what to do.
                let error = match error {
                    app::Error::Sealed { .. } => error.to_string(),
                    _ => "the server could not read the task from its database".to_owned(),
                };
                return failed(error);
            }
        };
        let Some(source) = task.definition.script else {
            let (task_type, timeout) = (&task.definition.task_type, task.definition.timeout_seconds);
            return builtin::execute(app, task_type, run.started_at, timeout, stop, shutdown).await;
        };
        let script = Script {
            run_id: run.id.to_string(),
            source,
            host: Host::new(secrets.clone(), task.definition.task_config),
        };
        let seconds = task.definition.timeout_seconds.clamp(*TIMEOUT_SECONDS.start(), *TIMEOUT_SECONDS.end());
        // From the start that is on record, so that a run is never longer than it looks.
        let deadline = run.started_at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        let mut stopped = None;
        let outcome = self
            .scripts
            .run(script, async {
                stopped = Some(tokio::select! {
                    () = stop.cancelled.cancelled() => Stop::Cancelled,
                    () = stop.lost.cancelled() => Stop::Lost,
                    () = shutdown.cancelled() => Stop::Shutdown,
                    () = past(app, deadline) => Stop::Timeout,
                    // Whatever happens to the clock meanwhile.
                    () = tokio::time::sleep(Duration::from_secs(seconds.unsigned_abs())) => Stop::Timeout,
                });
            })
            .await;
        let log = String::from_utf8_lossy(&outcome.log);
        tracing::debug!(run.id = %run.id, printed_bytes = log.len(), "script ended");
        let ended = match (outcome.end, stopped) {
            (End::Success { output }, _) => Ending { output: Some(output), ..ending(RunStatus::Success) },
            (End::Error { message }, _) => failed(message),
            (End::Stopped, Some(Stop::Cancelled)) => ending(RunStatus::Cancelled),
            (End::Stopped, Some(Stop::Lost)) => failed(LOST.to_owned()),
            (End::Stopped, Some(Stop::Shutdown)) => {
                failed("the server was shut down before the script ended".to_owned())
            }
            (End::Stopped, Some(Stop::Timeout) | None) => failed(format!("timed out after {seconds} s")),
        };
        let redactor = Redactor::new(&secrets);
        Ending {
            output: ended.output.map(|text| storable(redactor.whole(text))),
            error: ended.error.map(|text| storable(redactor.shortened(text))),
            isolation: Some(ISOLATION.into()),
            ..ended
        }
    }
}

/// What a run needs. `None` when its task is gone or somebody asked to cancel it: both may have happened between the claim
/// and the registration of the run.
async fn load(app: &App, run: &Claimed) -> app::Result<Option<(TaskRow, SecretMap)>> {
    let mut tx = app.db.read().await?;
    let cancelled = active_runs::is_cancel_requested(&mut tx, run.id).await?;
    let task = tasks::get(&mut tx, run.task_id).await?.filter(|_| !cancelled);
    let Some(task) = task else { return Ok(None) };
    let secrets = app.open_secrets(&mut tx, task.id).await?;
    Ok(Some((task, secrets)))
}

/// PostgreSQL has no place for NUL in a text.
fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Waits until the clock has passed an instant.
async fn past(app: &App, instant: Timestamp) {
    while app.now() < instant {
        app.clock.sleep_until(instant).await;
    }
}

fn ending(status: RunStatus) -> Ending {
    Ending { status, output: None, error: None, isolation: None }
}

pub(super) fn failed(error: String) -> Ending {
    Ending { error: Some(error), ..ending(RunStatus::Error) }
}
