//! `data "justiam_schedule_executions"`.

use justiam_sdk::api::executions::{Execution, ExecutionQuery, ExecutionStatus};
use justiam_sdk::api::ids::ScheduleId;
use justiam_sdk::api::values::Words as _;
use tfplugin::{Attr, Attribute, AttributePath, Call, Check, DataSource, Schema, async_trait, model};

use super::{DEFAULT_LIMIT, LIMIT, ask, id, instant};
use crate::checks::word;
use crate::client::Api;
use crate::problem::Subject;

model! {
    /// What is asked for and found.
    #[derive(Debug)]
    pub struct Found {
        pub schedule_id: Attr<String>,
        pub status: Attr<String>,
        pub limit: Attr<i64>,
        pub executions: Attr<Vec<Summary>>,
    }

    /// An execution in short.
    #[derive(Debug)]
    pub struct Summary {
        pub id: Attr<String>,
        pub schedule_id: Attr<String>,
        pub schedule_name: Attr<String>,
        pub status: Attr<String>,
        pub current_step_index: Attr<i64>,
        pub total_steps: Attr<i64>,
        pub queued_at: Attr<String>,
        pub started_at: Attr<String>,
        pub completed_at: Attr<String>,
        pub scheduled_for: Attr<String>,
        pub missed_ticks: Attr<i64>,
        pub initiated_by_type: Attr<String>,
        pub initiated_by_name: Attr<String>,
        pub error_message: Attr<String>,
    }
}

/// The data source.
pub(crate) struct Source;

const SUBJECT: Subject = Subject { type_name: Source::TYPE_NAME, noun: "executions", attribute };

#[async_trait]
impl DataSource for Source {
    const TYPE_NAME: &'static str = "justiam_schedule_executions";
    type Client = Api;
    type State = Found;

    fn schema(&self) -> Schema {
        Schema::new().markdown("The newest executions of schedules.").attributes([
            Attribute::string("schedule_id")
                .optional()
                .check(id::<ScheduleId>())
                .markdown("Only executions of this schedule. Those of one that was deleted are found as well."),
            Attribute::string("status").optional().check(word::<ExecutionStatus>("status")).markdown(
                "Only executions with this status: `Queued`, `InProgress`, `Completed`, `Failed` or `Cancelled`.",
            ),
            Attribute::number("limit")
                .default(DEFAULT_LIMIT)
                .check(Check::int(LIMIT))
                .markdown("How many executions to show at the most, from 1 to 1,000. Default `20`."),
            Attribute::nested_list("executions", summary()).computed().markdown("The executions, newest first."),
        ])
    }

    async fn read(&self, wanted: Found, call: &mut Call<'_, Api>) -> Option<Found> {
        let summary = "Could not list the executions";
        let mut query = ExecutionQuery::new();
        if let Some(schedule) = wanted.schedule_id.as_str() {
            query.schedule_id = Some(call.diagnostics.ok(summary, schedule.parse())?);
        }
        query.status = wanted.status.as_str().map(Into::into);
        query.page_size = wanted.limit.as_known().copied();
        let page = ask(call, &SUBJECT, summary, async |client| client.executions().page(&query).await).await?;
        Some(Found { executions: Attr::Known(page.items.into_iter().map(shown).collect()), ..wanted })
    }
}

fn summary() -> [Attribute; 14] {
    let text = |name: &str, about: &str| Attribute::string(name).computed().markdown(about);
    let number = |name: &str, about: &str| Attribute::number(name).computed().markdown(about);
    [
        text("id", "The execution's id, a UUID."),
        text("schedule_id", "The schedule's id. It may be gone; its history stays."),
        text("schedule_name", "The schedule's name when the execution was recorded."),
        text("status", "`Queued`, `InProgress`, `Completed`, `Failed` or `Cancelled`."),
        number("current_step_index", "The `step_index` that it has reached."),
        number("total_steps", "How many steps it has."),
        text("queued_at", "When it was recorded."),
        text("started_at", "When its first step began; null before."),
        text("completed_at", "When it ended; null before."),
        text("scheduled_for", "The mark of the pattern that it stands for, or when somebody asked for it."),
        number("missed_ticks", "How many earlier marks of the pattern nobody could execute, for which it stands too."),
        text("initiated_by_type", "Who made it: `System`, the server on a pattern; `ApiKey`, somebody with a token."),
        text("initiated_by_name", "The name of whoever made it."),
        text("error_message", "Why it is `Failed` or `Cancelled`."),
    ]
}

fn shown(execution: Execution) -> Summary {
    Summary {
        id: Attr::known(execution.id.to_string()),
        schedule_id: Attr::known(execution.schedule_id.to_string()),
        schedule_name: execution.schedule_name.into(),
        status: Attr::known(execution.status.as_str()),
        current_step_index: Attr::Known(execution.current_step_index),
        total_steps: Attr::Known(execution.total_steps),
        queued_at: instant(Some(execution.queued_at)),
        started_at: instant(execution.started_at),
        completed_at: instant(execution.completed_at),
        scheduled_for: instant(execution.scheduled_for),
        missed_ticks: Attr::Known(execution.missed_ticks),
        initiated_by_type: Attr::known(execution.initiated_by_type.as_str()),
        initiated_by_name: execution.initiated_by_name.into(),
        error_message: execution.error_message.into(),
    }
}

fn attribute(field: &str) -> Option<AttributePath> {
    match field {
        "scheduleId" => Some(AttributePath::of("schedule_id")),
        "status" => Some(AttributePath::of("status")),
        "pageSize" => Some(AttributePath::of("limit")),
        _ => None,
    }
}
