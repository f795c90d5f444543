//! Runs of the types whose work the server itself does.

use justiam_sdk::api::tasks::TIMEOUT_SECONDS;
use justiam_sdk::api::values::{RunStatus, TaskType};

use super::{LOST, Stop, Work, ending, failed, time_left};
use crate::app::builtin::End;
use crate::store::runs::Ending;

/// Does the work of a run, for `timeout` seconds at the most. It is stopped between two transactions, and what was done before
/// stays done.
pub(super) async fn execute(work: Work<'_>, task_type: &TaskType, timeout: i64) -> Ending {
    let Work { app, db, stop: stopped, shutdown, .. } = work;
    let seconds = timeout.clamp(*TIMEOUT_SECONDS.start(), *TIMEOUT_SECONDS.end());
    let deadline = app.clock.monotonic() + time_left(work, seconds);
    let stop = || {
        if stopped.cancelled.is_cancelled() {
            Some(Stop::Cancelled)
        } else if stopped.lost.is_cancelled() {
            Some(Stop::Lost)
        } else if shutdown.is_cancelled() {
            Some(Stop::Shutdown)
        } else {
            (app.clock.monotonic() >= deadline).then_some(Stop::Timeout)
        }
    };
    let Some(report) = app.carry_out(db, task_type, stop).await else {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};
    use justiam_sdk::api::ids::{RunId, TaskId};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::app::vault::Vault;
    use crate::app::{App, RunStop};
    use crate::clock::SystemClock;
    use crate::store::Db;
    use crate::store::active_runs::Claimed;

    #[tokio::test]
    async fn a_run_that_is_stopped_says_why_and_what_it_had_done() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_sqlite(&folder.path().join("test.db")).await.unwrap();
        let app = Arc::new(App::new(
            db,
            Arc::new(SystemClock),
            Vault::new(&"a secret of a server that is long enough".into()).unwrap(),
        ));
        let (live, fired, log) = (CancellationToken::new(), CancellationToken::new(), Arc::default());
        fired.cancel();
        let delivery = TaskType::UserMessageDelivery;
        let now = app.now();
        let (id, task_id) = (RunId::from_uuid(app.new_id()), TaskId::from_uuid(app.new_id()));
        let claimed = Claimed { id, task_id, attempt: 1, started_at: now, ready_at: None, due_at: None };
        let run = async |started_at: Timestamp, cancelled: &CancellationToken, shutdown| {
            let run = Claimed { started_at, ..claimed.clone() };
            let stop = RunStop { cancelled: cancelled.clone(), ..RunStop::default() };
            let work = Work { app: &app, db: &app.db, run: &run, log: &log, stop: &stop, shutdown };
            let ending = execute(work, &delivery, 5).await;
            (ending.status, ending.output.or(ending.error).unwrap())
        };
        let none = "delivered 0 user messages";
        assert_eq!(run(now, &live, &live).await, (RunStatus::Success, none.to_owned()));
        assert_eq!(run(now, &fired, &live).await, (RunStatus::Cancelled, none.to_owned()));
        let text = format!("the server was shut down before the work was done; it {none}");
        assert_eq!(run(now, &live, &fired).await, (RunStatus::Error, text));
        let late = now - SignedDuration::from_secs(5);
        assert_eq!(
            run(late, &live, &live).await,
            (RunStatus::Error, format!("timed out after 5 s; until then it {none}"))
        );
        let stop = RunStop::default();
        let work = Work { app: &app, db: &app.db, run: &claimed, log: &log, stop: &stop, shutdown: &live };
        let unknown = execute(work, &"a_later_type".into(), 5).await;
        let text = "this version of the server does not carry out `a_later_type`";
        assert_eq!((unknown.status, unknown.error.as_deref()), (RunStatus::Error, Some(text)));
    }
}
