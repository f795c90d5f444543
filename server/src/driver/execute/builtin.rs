//! Runs of the types whose work the server itself does.

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::tasks::TIMEOUT_SECONDS;
use justiam_sdk::api::values::{RunStatus, TaskType};
use tokio_util::sync::CancellationToken;

use super::{LOST, Stop, ending, failed};
use crate::app::builtin::End;
use crate::app::{App, RunStop};
use crate::store::runs::Ending;

/// Does the work of a run that began at `started_at`, for `timeout` seconds at the most. It is stopped between two transactions, and what
/// was done before stays done.
pub(super) async fn execute(
    app: &App,
    task_type: &TaskType,
    started_at: Timestamp,
    timeout: i64,
    stopped: &RunStop,
    shutdown: &CancellationToken,
) -> Ending {
    let seconds = timeout.clamp(*TIMEOUT_SECONDS.start(), *TIMEOUT_SECONDS.end());
    let deadline = started_at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    let stop = || {
        if stopped.cancelled.is_cancelled() {
            Some(Stop::Cancelled)
        } else if stopped.lost.is_cancelled() {
            Some(Stop::Lost)
        } else if shutdown.is_cancelled() {
            Some(Stop::Shutdown)
        } else {
            (app.now() >= deadline).then_some(Stop::Timeout)
        }
    };
    let Some(report) = app.carry_out(task_type, stop).await else {
        return failed(format!("this version of the server does not carry out `{task_type}`"));
    };
    let done = report.done;
    match report.end {
        End::Finished => Ending { output: Some(done), ..ending(RunStatus::Success) },
        End::Stopped(Stop::Cancelled) => Ending { output: Some(done), ..ending(RunStatus::Cancelled) },
        End::Stopped(Stop::Lost) => failed(format!("{LOST}; until then it {done}")),
        End::Stopped(Stop::Shutdown) => failed(format!("the server was shut down before the work was done; it {done}")),
        End::Stopped(Stop::Timeout) => failed(format!("timed out after {seconds} s; until then it {done}")),
        End::Failed(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, %task_type, "built-in task failed");
            failed(format!("the server could not use its database; until then it {done}"))
        }
    }
}
