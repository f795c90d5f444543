//! Side effects: what a run really does. Happens after a committed claim, and nowhere else.

mod builtin;
pub mod log;
pub(crate) mod redact;
pub mod script;
mod span;
pub mod step;
pub mod syntax;

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::secrets::SecretMap;
use justiam_sdk::api::tasks::TIMEOUT_SECONDS;
use justiam_sdk::api::values::{RunStatus, Trigger};
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::Span as _;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{BackOff, STEP};
use crate::app::identity::actor::ScriptActor;
use crate::app::{self, App, RunStop};
use crate::outbound::Outbound;
use crate::store::active_runs::{self, Claimed};
use crate::store::run_logs::{self, Addition};
use crate::store::runs::{self, Ending};
use crate::store::tasks::{self, TaskRow};
use crate::store::{self, Db};
use crate::telemetry::traces::Telemetry;
use log::Log;
use script::{Directory, End, Host, Script, ScriptRunner};
use span::RunSpan;

/// What a run or a step says that was stopped because its server lost touch with the database.
pub(super) const LOST: &str =
    "the server could not reach its database, so the work was stopped before another server could take it for dead";

/// How often to store what a script has printed.
const LOG_EVERY: Duration = Duration::from_millis(500);

/// Does the work of a run.
pub trait Execute: Send + Sync + 'static {
    /// Executes one run to its end.
    fn execute<'a>(&'a self, work: Work<'a>) -> BoxFuture<'a, Ending>;
}

/// A run to execute.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// The use cases.
    pub app: &'a Arc<App>,
    /// Connections for this work. Requests do not take them away.
    pub db: &'a Db,
    /// The run.
    pub run: &'a Claimed,
    /// What its script prints. Whoever records its end stores what is left of it then.
    pub log: &'a Arc<Log>,
    /// Stops this run.
    pub stop: &'a RunStop,
    /// Stops all runs.
    pub shutdown: &'a CancellationToken,
}

/// Executes the runs of tasks.
pub struct Executor {
    scripts: ScriptRunner,
    /// Nothing where scripts have no network.
    outbound: Option<Outbound>,
    telemetry: Telemetry,
}

/// What a run needs.
struct Prepared {
    task: TaskRow,
    secrets: SecretMap,
    /// Only where a trace will show it.
    trigger: Option<Trigger>,
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
    fn execute<'a>(&'a self, work: Work<'a>) -> BoxFuture<'a, Ending> {
        Box::pin(self.execute_task(work))
    }
}

impl Executor {
    /// An executor that runs scripts with `scripts` and sends their requests with `outbound`.
    pub fn new(scripts: ScriptRunner, outbound: Option<Outbound>, telemetry: Telemetry) -> Self {
        Self { scripts, outbound, telemetry }
    }

    async fn execute_task(&self, work: Work<'_>) -> Ending {
        let mut span = RunSpan::begin(&self.telemetry, work.run);
        // What the log says meanwhile belongs to this run and to its trace.
        let lines = tracing::info_span!("run", run.id = %work.run.id, task.id = %work.run.task_id);
        let context = span.context();
        let ending = self.execute_within(work, &mut span).instrument(lines).with_context(context).await;
        span.end(&ending);
        ending
    }

    async fn execute_within(&self, work: Work<'_>, span: &mut RunSpan) -> Ending {
        let Prepared { task, secrets, trigger } = match prepare(work, span.is_kept()).await {
            Ok(prepared) => prepared,
            Err(ending) => return ending,
        };
        span.describe(&task.definition.name, trigger.as_ref());
        let Work { app, run, log, stop, shutdown, .. } = work;
        let Some(source) = task.definition.script else {
            return builtin::execute(work, &task.definition.task_type, task.definition.timeout_seconds).await;
        };
        let seconds = task.definition.timeout_seconds.clamp(*TIMEOUT_SECONDS.start(), *TIMEOUT_SECONDS.end());
        let mut process = span.script(&self.telemetry);
        let actor = ScriptActor { task_id: task.id, task_name: task.definition.name, run_id: run.id };
        let mut host = Host::new(secrets.clone(), task.definition.task_config)
            .with_directory(Directory::new(Arc::clone(app), actor));
        if let Some(outbound) = &self.outbound {
            let log = Arc::clone(log);
            let hide = move |text: &str| log.redactor().shortened(text);
            host = host.with_outbound(outbound.of_run(process.span_context().clone(), hide));
        }
        let timeout = Duration::from_secs(seconds.unsigned_abs());
        let script = Script { run_id: run.id.to_string(), source, host, timeout };
        log.hide(secrets);
        let mut stopped = None;
        let running = self.scripts.run_logging(script, Arc::clone(log), async {
            stopped = Some(tokio::select! {
                () = stop.cancelled.cancelled() => Stop::Cancelled,
                () = stop.lost.cancelled() => Stop::Lost,
                () = shutdown.cancelled() => Stop::Shutdown,
                () = pass(app, time_left(work, seconds)) => Stop::Timeout,
                // Where a test holds the clock still.
                () = tokio::time::sleep(Duration::from_secs(seconds.unsigned_abs())) => Stop::Timeout,
            });
        });
        let outcome = tokio::select! {
            outcome = running => outcome,
            never = keep_log(work) => match never {},
        };
        process.end();
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
        let redactor = log.redactor();
        Ending {
            output: ended.output.map(|text| redactor.whole(&text)),
            error: ended.error.map(|text| redactor.shortened(&text)),
            isolation: outcome.isolation,
            ..ended
        }
    }
}

/// What a run needs, or how it ends without. A database that is away is waited for: nothing has begun yet.
async fn prepare(work: Work<'_>, with_trigger: bool) -> Result<Prepared, Ending> {
    let mut back_off = BackOff::new();
    loop {
        let error = match tokio::time::timeout(STEP, load(work, with_trigger)).await {
            // Longer frozen than a lease lasts: somebody else may have ended this run.
            Ok(Ok(_)) if work.db.is_shared() && work.app.is_overdue(work.run.id) => {
                return Err(failed(LOST.to_owned()));
            }
            Ok(Ok(Some(loaded))) => return Ok(loaded),
            Ok(Ok(None)) => return Err(ending(RunStatus::Cancelled)),
            Ok(Err(error)) => error,
            Err(_) => app::Error::Store(store::Error::Silent),
        };
        work.app.counts.error(&error);
        match error {
            app::Error::Store(store::Error::Unavailable(_) | store::Error::Silent) => {
                let pause = back_off.after(&error, "a run could not be prepared");
                tokio::select! {
                    () = pass(work.app, pause) => {}
                    () = work.stop.cancelled.cancelled() => return Err(ending(RunStatus::Cancelled)),
                    () = work.stop.lost.cancelled() => return Err(failed(LOST.to_owned())),
                    () = work.shutdown.cancelled() => {
                        return Err(failed("the server was shut down before the run began".to_owned()));
                    }
                }
            }
            // Tells the owner of a secret what to do.
            app::Error::Sealed { ref key, ref task, why } => {
                tracing::error!(run.id = %work.run.id, task.id = %task, %key, %why, "a secret cannot be decrypted");
                return Err(failed(error.to_string()));
            }
            _ => {
                tracing::error!(error = &error as &dyn std::error::Error, run.id = %work.run.id, "run could not be prepared");
                return Err(failed("the server could not read the task from its database".to_owned()));
            }
        }
    }
}

/// Reads what a run needs. `None` when its task is gone, when somebody asked to cancel it, or when others took it for lost: all
/// of which may have happened since the claim.
async fn load(work: Work<'_>, with_trigger: bool) -> app::Result<Option<Prepared>> {
    let mut tx = work.db.read().await?;
    let wanted = active_runs::is_wanted(&mut tx, work.run).await?;
    let task = tasks::get(&mut tx, work.run.task_id).await?.filter(|_| wanted);
    let Some(task) = task else { return Ok(None) };
    let secrets = work.app.open_secrets(&mut tx, task.id).await?;
    let run = if with_trigger { runs::get(&mut tx, work.run.id).await? } else { None };
    Ok(Some(Prepared { task, secrets, trigger: run.map(|run| run.trigger) }))
}

/// Stores what the script prints while it runs. A database that is away is waited for: what it does not get now, it gets later.
async fn keep_log(work: Work<'_>) -> Infallible {
    let mut back_off = BackOff::new();
    let mut look = tokio::time::interval(LOG_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let Some(addition) = work.log.look(work.run.id) else { continue };
        let end = addition.end;
        // In a task of its own: the end of the run does not interrupt a transaction.
        let adding = tokio::spawn(add_to_log(work.db.clone(), work.run.clone(), addition).in_current_span());
        let error = match adding.await {
            Ok(Ok(true)) => {
                work.log.stored(end);
                back_off.reset();
                continue;
            }
            // Others have taken the run for lost, and soon it will be told so.
            Ok(Ok(false)) | Err(_) => return pending().await,
            Ok(Err(error)) => error,
        };
        work.app.counts.error(&error);
        let pause = back_off.after(&error, "the log of a run could not be stored");
        tokio::time::sleep(pause.unsigned_abs()).await;
    }
}

/// Adds to the log of a run that is still at work in this attempt, and tells whether it is.
async fn add_to_log(db: Db, run: Claimed, addition: Addition) -> app::Result<bool> {
    let adding = async {
        let mut tx = db.write().await?;
        let held = run_logs::hold(&mut tx, &run).await?;
        if held {
            run_logs::append(&mut tx, &[&addition]).await?;
            tx.commit().await?;
        }
        Ok(held)
    };
    if !db.is_shared() {
        return adding.await;
    }
    tokio::time::timeout(STEP, adding).await.unwrap_or(Err(store::Error::Silent.into()))
}

/// What is left of a run's time, which counts from the start that is on record, so that a run is never longer than it looks.
fn time_left(work: Work<'_>, seconds: i64) -> SignedDuration {
    let all = SignedDuration::from_secs(seconds);
    let used = work.run.started_at.duration_until(work.app.now());
    all - used.clamp(SignedDuration::ZERO, all)
}

/// Waits until so much time has passed, whoever sets the clock meanwhile.
pub(super) async fn pass(app: &App, time: SignedDuration) {
    let until = app.clock.monotonic().saturating_add(time);
    loop {
        let left = until.saturating_sub(app.clock.monotonic());
        if !left.is_positive() {
            return;
        }
        app.clock.sleep_until(app.now().saturating_add(left).unwrap_or(Timestamp::MAX)).await;
    }
}

fn ending(status: RunStatus) -> Ending {
    Ending { status, output: None, error: None, isolation: None }
}

pub(super) fn failed(error: String) -> Ending {
    Ending { error: Some(error), ..ending(RunStatus::Error) }
}
