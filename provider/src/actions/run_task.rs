//! `action "justiam_run_task"`.

use justiam_sdk::api::ids::TaskId;
use tfplugin::{Action, Attr, Attribute, Call, Progress, Relation, Schema, async_trait, model};

use super::{limit, nothing_named, waiting};
use crate::checks::id;
use crate::client::Api;
use crate::data_sources::ask;
use crate::problem::Subject;
use crate::waiting::{judge, report_refused, wait};

model! {
    /// Which task to run, and how to wait.
    #[derive(Debug)]
    pub struct Config {
        pub task_id: Attr<String>,
        pub task_name: Attr<String>,
        pub wait: Attr<bool>,
        pub fail_on_error: Attr<bool>,
        pub timeout_seconds: Attr<i64>,
    }
}

/// The action.
pub(crate) struct RunTask;

const SUBJECT: Subject = Subject { type_name: RunTask::TYPE_NAME, noun: "run", attribute: |_| None };

#[async_trait]
impl Action for RunTask {
    const TYPE_NAME: &'static str = "justiam_run_task";
    type Client = Api;
    type Config = Config;

    fn schema(&self) -> Schema {
        Schema::new()
            .markdown(
                "Runs a task and waits for the end. Each change of the run's status is shown. The run is in the task's history, not in the \
                 state: where other resources need what it returns, `justiam_task_run` keeps it.\n\nThe provider's token needs the permissions `tasks.run` and `tasks.view`.",
            )
            .attributes([
                Attribute::string("task_id")
                    .optional()
                    .check(id::<TaskId>())
                    .markdown("The id of the task to run. Disabled tasks and those that the server brings itself can be run too."),
                Attribute::string("task_name").optional().markdown("The exact name of the task to run, in place of its id."),
            ])
            .attributes(waiting("run"))
            .relation(Relation::exactly_one_of(["task_id", "task_name"]))
    }

    async fn invoke(&self, config: Config, progress: &Progress, call: &mut Call<'_, Api>) {
        let Some((task, attribute)) = task_of(&config, call).await else { return };
        let summary = format!("Could not run the task {task}");
        if call.stop.is_requested() {
            call.diagnostics.error(summary, "Terraform was interrupted before the request was sent; nothing was run.");
            return;
        }
        // Not given up when Terraform is interrupted: only the answer tells whether there is a run.
        let run = match call.client.call(async |client| client.tasks().run(task).await).await {
            Ok(run) => run,
            Err(error) => return report_refused(call.diagnostics, &SUBJECT, attribute, &summary, &error),
        };
        let limit = limit(config.wait, config.timeout_seconds);
        let (run, ending) = wait(run, limit, call.client, call.stop, Some(progress)).await;
        let fails = config.fail_on_error.as_known() != Some(&false);
        judge(&run, ending, fails, "", &SUBJECT, call.diagnostics);
    }
}

/// The task, and the attribute that has named it.
async fn task_of(config: &Config, call: &mut Call<'_, Api>) -> Option<(TaskId, &'static str)> {
    if let Some(id) = config.task_id.as_str() {
        return call.diagnostics.ok("Could not run the task", id.parse()).map(|id| (id, "task_id"));
    }
    let name = config.task_name.as_str()?;
    let summary = format!("Could not run the task `{name}`");
    let found = ask(call, &SUBJECT, &summary, async |client| client.tasks().find(name).await).await?;
    if found.is_none() {
        nothing_named(call.diagnostics, "task_name", "task", name);
    }
    found.map(|task| (task.id, "task_name"))
}
