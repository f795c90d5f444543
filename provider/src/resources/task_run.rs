//! `justiam_task_run`.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::runs::Run;
use justiam_sdk::api::values::{RunStatus, Words as _};
use tfplugin::{
    Attr, Attribute, AttributePath, Check, Context, Diagnostics, IdentityAttribute, IdentitySchema, Import, Plan, Read,
    Resource, Schema, Type, async_trait, model,
};

use crate::checks::id;
use crate::client::Api;
use crate::problem::{Subject, report};
use crate::waiting::{DEFAULT_LIMIT, LIMIT, judge, report_refused, wait};

model! {
    /// A run, as configuration, plan and state hold it.
    #[derive(Debug)]
    pub struct State {
        pub id: Attr<String>,
        pub task_id: Attr<String>,
        pub triggers: Attr<BTreeMap<String, Attr<String>>>,
        pub wait: Attr<bool>,
        pub fail_on_error: Attr<bool>,
        pub timeout_seconds: Attr<i64>,
        pub status: Attr<String>,
        pub trigger: Attr<String>,
        pub output: Attr<String>,
        pub error: Attr<String>,
        pub reason: Attr<String>,
        pub queued_at: Attr<String>,
        pub started_at: Attr<String>,
        pub finished_at: Attr<String>,
        pub duration_ms: Attr<i64>,
    }
}

/// The resource.
pub(crate) struct TaskRun;

const SUBJECT: Subject = Subject { type_name: TaskRun::TYPE_NAME, noun: "run", attribute };

/// Where private state says that nobody knows for which triggers the run was made.
const IMPORTED: &str = "imported";

/// What an error after the run was made means for the resource.
const TAINTED: &str = "\n\nThe run is in the state, and the resource is tainted: the next apply runs the task again. To keep this run instead, \
                       use `terraform untaint`.";

#[async_trait]
impl Resource for TaskRun {
    const TYPE_NAME: &'static str = "justiam_task_run";
    type Client = Api;
    type State = State;

    fn schema(&self) -> Schema {
        // What the server says of a run is another text only where there is another run.
        let text = |name: &str| Attribute::string(name).computed().changes_with(["task_id"]);
        Schema::new()
            .markdown(
                "Runs a task when it is created, and once more each time that its `triggers` change; it waits for the end, and keeps status \
                 and output. For versions of Terraform without actions, and where other resources need what a run returns. \
                 Destroying it forgets the run, which stays in the server's history.\n\nA run that fails is an error; it is kept in the \
                 state, and the next apply runs the task again.\n\nThe provider's token needs the permissions `tasks.run` and `tasks.view`.",
            )
            .attributes([
                Attribute::string("task_id").required().requires_replace().check(id::<TaskId>()).markdown(
                    "The id of the task to run. Disabled tasks and those that the server brings itself can be run too. Changing it runs \
                     the new task.",
                ),
                Attribute::map("triggers", Type::String).optional().markdown(
                    "Any values. When one of them changes, the task is run again. After an import, the first ones are only remembered.",
                ),
                Attribute::bool("wait").default(true).markdown(
                    "Whether to wait until the run has ended. Without that, the status is that at the beginning, and refreshes tell how it \
                     goes on. Default `true`.",
                ),
                Attribute::bool("fail_on_error").default(true).markdown(
                    "Whether a run that fails, is cancelled, or has not ended in time is an error. Otherwise it is a warning. Default `true`.",
                ),
                Attribute::number("timeout_seconds").default(DEFAULT_LIMIT).check(Check::int(LIMIT)).markdown(
                    "How many seconds to wait for the end, from 1 to 86,400. The run itself goes on. Default `300`.",
                ),
                text("id").never_null().markdown("The run's id, a UUID."),
                text("status").never_null().markdown("`queued`, `running`, `success`, `error` or `cancelled`."),
                text("trigger").never_null().markdown("What made the run: `manual`; of an imported one also `cron` or `once`."),
                text("output").markdown("What the script returned, without the task's secrets. At most 1 MiB."),
                text("error").markdown("Why it ended as `error`."),
                text("reason").markdown("Why it is `cancelled`, or why it waits."),
                text("queued_at").never_null().markdown("When it was recorded."),
                text("started_at").markdown("When it began; null before."),
                text("finished_at").markdown("When it ended; null before."),
                Attribute::number("duration_ms").computed().changes_with(["task_id"]).markdown("From beginning to end, in milliseconds."),
            ])
    }

    fn identity(&self) -> Option<IdentitySchema> {
        let id = IdentityAttribute::required("id", Type::String).description("The run's id, a UUID.");
        Some(IdentitySchema::new([id]))
    }

    /// Other triggers need another run. Those of a run that was imported are only remembered.
    async fn plan(&self, plan: &mut Plan<'_, State, Api>) {
        let is_imported = plan.private.get::<bool>(IMPORTED).unwrap_or_default();
        let Some(prior) = &plan.prior else { return };
        if prior.triggers != plan.planned.triggers && !is_imported {
            plan.requires_replace("triggers");
        }
    }

    async fn create(&self, planned: State, _: State, context: &mut Context<'_, Api>) -> Option<State> {
        let task: TaskId = context.diagnostics.ok("Could not run the task", planned.task_id.as_str()?.parse())?;
        let summary = format!("Could not run the task {task}");
        if context.stop.is_requested() {
            context
                .diagnostics
                .error(summary, "Terraform was interrupted before the request was sent; nothing was run.");
            return None;
        }
        // Not given up when Terraform is interrupted: only the answer tells whether there is something to remember.
        let run = match context.client.call(async |client| client.tasks().run(task).await).await {
            Ok(run) => run,
            Err(error) => {
                report_refused(context.diagnostics, &SUBJECT, "task_id", &summary, &error);
                return None;
            }
        };
        let (run, ending) = wait(run, limit_of(&planned), context.client, context.stop, None).await;
        let fails = planned.fail_on_error.as_known() != Some(&false);
        judge(&run, ending, fails, TAINTED, &SUBJECT, context.diagnostics);
        Some(shown(run, planned))
    }

    /// A run that has ended will not change any more, and the history keeps it only for a while.
    async fn read(&self, state: State, context: &mut Context<'_, Api>) -> Read<State> {
        if state.status.as_str().is_some_and(|status| RunStatus::from(status).is_terminal()) {
            return Read::Found(state);
        }
        let summary = format!("Could not read the run {}", state.id.as_str().unwrap_or_default());
        let Some(id) = run_of(&state, context.diagnostics) else { return Read::Failed };
        let request = context.client.call(async |client| client.runs().get(id).await);
        let answer = tokio::select! {
            answer = request => answer,
            () = context.stop.requested() => {
                context.diagnostics.error(summary, "Terraform was interrupted.");
                return Read::Failed;
            }
        };
        match answer {
            Ok(run) => Read::Found(shown(run, state)),
            // It was run. Another run would be another thing that is done.
            Err(error) if error.is_not_found() => Read::Found(state),
            Err(error) => {
                report(context.diagnostics, &SUBJECT, &summary, &error);
                Read::Failed
            }
        }
    }

    /// What can change in place says how to wait, and the run has been made.
    async fn update(&self, _: State, planned: State, _: State, context: &mut Context<'_, Api>) -> Option<State> {
        context.private.remove(IMPORTED);
        Some(planned)
    }

    /// The run stays in the history, and an active one goes on.
    async fn delete(&self, _: State, _: &mut Context<'_, Api>) {}

    async fn import(&self, import: Import<'_>, context: &mut Context<'_, Api>) -> Option<State> {
        let text = import.id_or("id")?;
        let summary = format!("Could not import the run `{text}`");
        let Ok(id) = text.parse::<RunId>() else {
            let detail = "A run is imported by its id, a UUID. `data \"justiam_task_runs\"` lists the runs of a task.";
            context.diagnostics.error(summary, detail);
            return None;
        };
        match context.client.call(async |client| client.runs().get(id).await).await {
            Ok(run) => {
                context.diagnostics.ok(summary, context.private.set(IMPORTED, &true))?;
                Some(imported(run))
            }
            Err(error) => {
                report(context.diagnostics, &SUBJECT, &summary, &error);
                None
            }
        }
    }
}

/// How long to wait, if at all.
fn limit_of(planned: &State) -> Option<Duration> {
    let seconds = planned.timeout_seconds.as_known().and_then(|seconds| u64::try_from(*seconds).ok())?;
    planned.wait.as_known().is_none_or(|wait| *wait).then(|| Duration::from_secs(seconds))
}

/// What the server says of the run, with what was asked for.
fn shown(run: Run, asked: State) -> State {
    let instant = |time: Option<Timestamp>| time.map(|time| time.to_string()).into();
    State {
        id: Attr::known(run.id.to_string()),
        status: Attr::known(run.status.as_str()),
        trigger: Attr::known(run.trigger.as_str()),
        output: run.output.into(),
        error: run.error.into(),
        reason: run.reason.into(),
        queued_at: instant(Some(run.queued_at)),
        started_at: instant(run.started_at),
        finished_at: instant(run.finished_at),
        duration_ms: run.duration_ms.into(),
        ..asked
    }
}

/// A run that others have made: how one would have waited for it is what the schema says.
fn imported(run: Run) -> State {
    let asked = State {
        task_id: Attr::known(run.task_id.to_string()),
        wait: Attr::Known(true),
        fail_on_error: Attr::Known(true),
        timeout_seconds: Attr::Known(DEFAULT_LIMIT),
        ..State::default()
    };
    shown(run, asked)
}

/// The run's id. Terraform only hands over what an earlier call returned, so it is one.
fn run_of(state: &State, diagnostics: &mut Diagnostics) -> Option<RunId> {
    diagnostics.ok("Invalid id in the state", state.id.as_str().unwrap_or_default().parse())
}

/// No field of a run can be configured.
fn attribute(_: &str) -> Option<AttributePath> {
    None
}
