//! `action "justiam_run_schedule"`.

use justiam_sdk::api::ids::ScheduleId;
use tfplugin::{Action, Attr, Attribute, Call, Progress, Relation, Schema, async_trait, model};

use super::{limit, nothing_named, waiting};
use crate::checks::id;
use crate::client::Api;
use crate::data_sources::ask;
use crate::problem::Subject;
use crate::waiting::{judge, report_refused, wait};

model! {
    /// Which schedule to run, and how to wait.
    #[derive(Debug)]
    pub struct Config {
        pub schedule_id: Attr<String>,
        pub schedule_name: Attr<String>,
        pub wait: Attr<bool>,
        pub fail_on_error: Attr<bool>,
        pub timeout_seconds: Attr<i64>,
    }
}

/// The action.
pub(crate) struct RunSchedule;

const SUBJECT: Subject = Subject { type_name: RunSchedule::TYPE_NAME, noun: "execution", attribute: |_| None };

#[async_trait]
impl Action for RunSchedule {
    const TYPE_NAME: &'static str = "justiam_run_schedule";
    type Client = Api;
    type Config = Config;

    fn schema(&self) -> Schema {
        Schema::new()
            .markdown(
                "Runs a schedule and waits until all of its steps have ended. Each change of the execution's and a step's status is shown. \
                 The execution is in the schedule's history, not in the state.\n\nThe provider's token needs the permissions \
                 `schedules.run` and `schedules.view`.",
            )
            .attributes([
                Attribute::string("schedule_id")
                    .optional()
                    .check(id::<ScheduleId>())
                    .markdown("The id of the schedule to run. Disabled ones can be run too, also beside an execution that has not ended."),
                Attribute::string("schedule_name")
                    .optional()
                    .markdown("The exact name of the schedule to run, in place of its id."),
            ])
            .attributes(waiting("execution"))
            .relation(Relation::exactly_one_of(["schedule_id", "schedule_name"]))
    }

    async fn invoke(&self, config: Config, progress: &Progress, call: &mut Call<'_, Api>) {
        let Some((schedule, attribute)) = schedule_of(&config, call).await else { return };
        let summary = format!("Could not run the schedule {schedule}");
        if call.stop.is_requested() {
            call.diagnostics.error(summary, "Terraform was interrupted before the request was sent; nothing was run.");
            return;
        }
        // Not given up when Terraform is interrupted: only the answer tells whether there is an execution.
        let id = match call.client.call(async |client| client.schedules().run(schedule).await).await {
            Ok(run) => run.execution_id,
            Err(error) => return report_refused(call.diagnostics, &SUBJECT, attribute, &summary, &error),
        };
        let summary = format!("Could not see how the execution {id} of the schedule goes on");
        let first = ask(call, &SUBJECT, &summary, async |client| client.executions().get(id).await).await;
        let Some(execution) = first else { return };
        let limit = limit(config.wait, config.timeout_seconds);
        let (execution, ending) = wait(execution, limit, call.client, call.stop, Some(progress)).await;
        let fails = config.fail_on_error.as_known() != Some(&false);
        judge(&execution, ending, fails, "", &SUBJECT, call.diagnostics);
    }
}

/// The schedule, and the attribute that has named it.
async fn schedule_of(config: &Config, call: &mut Call<'_, Api>) -> Option<(ScheduleId, &'static str)> {
    if let Some(id) = config.schedule_id.as_str() {
        return call.diagnostics.ok("Could not run the schedule", id.parse()).map(|id| (id, "schedule_id"));
    }
    let name = config.schedule_name.as_str()?;
    let summary = format!("Could not run the schedule `{name}`");
    let found = ask(call, &SUBJECT, &summary, async |client| client.schedules().find(name).await).await?;
    if found.is_none() {
        nothing_named(call.diagnostics, "schedule_name", "schedule", name);
    }
    found.map(|schedule| (schedule.id, "schedule_name"))
}
