//! `data "justiam_task_runs"`.

use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::runs::{Run, RunQuery};
use justiam_sdk::api::values::{RunStatus, Words as _};
use tfplugin::{Attr, Attribute, AttributePath, Call, Check, DataSource, Schema, async_trait, model};

use super::{DEFAULT_LIMIT, LIMIT, ask, id, instant};
use crate::checks::word;
use crate::client::Api;
use crate::problem::Subject;

model! {
    /// What is asked for and found.
    #[derive(Debug)]
    pub struct Found {
        pub task_id: Attr<String>,
        pub status: Attr<String>,
        pub limit: Attr<i64>,
        pub runs: Attr<Vec<Summary>>,
    }

    /// A run.
    #[derive(Debug)]
    pub struct Summary {
        pub id: Attr<String>,
        pub task_id: Attr<String>,
        pub task_name: Attr<String>,
        pub status: Attr<String>,
        pub trigger: Attr<String>,
        pub scheduled_for: Attr<String>,
        pub queued_at: Attr<String>,
        pub started_at: Attr<String>,
        pub finished_at: Attr<String>,
        pub duration_ms: Attr<i64>,
        pub output: Attr<String>,
        pub error: Attr<String>,
        pub reason: Attr<String>,
        pub missed_ticks: Attr<i64>,
    }
}

/// The data source.
pub(crate) struct Source;

const SUBJECT: Subject = Subject { type_name: Source::TYPE_NAME, noun: "runs", attribute };

#[async_trait]
impl DataSource for Source {
    const TYPE_NAME: &'static str = "justiam_task_runs";
    type Client = Api;
    type State = Found;

    fn schema(&self) -> Schema {
        Schema::new().markdown("The newest runs of tasks.").attributes([
            Attribute::string("task_id")
                .optional()
                .check(id::<TaskId>())
                .markdown("Only runs of this task. Those of one that was deleted are found as well."),
            Attribute::string("status")
                .optional()
                .check(word::<RunStatus>("status"))
                .markdown("Only runs with this status: `queued`, `running`, `success`, `error` or `cancelled`."),
            Attribute::number("limit")
                .default(DEFAULT_LIMIT)
                .check(Check::int(LIMIT))
                .markdown("How many runs to show at the most, from 1 to 1,000. Default `20`."),
            Attribute::nested_list("runs", summary()).computed().markdown("The runs, newest first."),
        ])
    }

    async fn read(&self, wanted: Found, call: &mut Call<'_, Api>) -> Option<Found> {
        let summary = "Could not list the runs";
        let mut query = RunQuery::new();
        if let Some(task) = wanted.task_id.as_str() {
            query.task_id = Some(call.diagnostics.ok(summary, task.parse())?);
        }
        query.status = wanted.status.as_str().map(Into::into);
        query.limit = wanted.limit.as_known().and_then(|limit| u32::try_from(*limit).ok());
        let page = ask(call, &SUBJECT, summary, async |client| client.runs().page(&query).await).await?;
        Some(Found { runs: Attr::Known(page.data.into_iter().map(shown).collect()), ..wanted })
    }
}

fn summary() -> [Attribute; 14] {
    let text = |name: &str, about: &str| Attribute::string(name).computed().markdown(about);
    let number = |name: &str, about: &str| Attribute::number(name).computed().markdown(about);
    [
        text("id", "The run's id, a UUID."),
        text("task_id", "The task's id. It may be gone; its history stays."),
        text("task_name", "The task's name when the run was recorded."),
        text("status", "`queued`, `running`, `success`, `error` or `cancelled`."),
        text("trigger", "What made the run: `cron`, `manual` or `once`."),
        text("scheduled_for", "The tick that the run stands for, or when somebody asked for it."),
        text("queued_at", "When it was recorded."),
        text("started_at", "When it began; null before."),
        text("finished_at", "When it ended; null before."),
        number("duration_ms", "From beginning to end, in milliseconds."),
        text("output", "What the script returned, without the task's secrets."),
        text("error", "Why it ended as `error`."),
        text("reason", "Why it is `cancelled`, or why it waits."),
        number("missed_ticks", "How many earlier ticks nobody could run, for which it stands too."),
    ]
}

fn shown(run: Run) -> Summary {
    Summary {
        id: Attr::known(run.id.to_string()),
        task_id: Attr::known(run.task_id.to_string()),
        task_name: run.task_name.into(),
        status: Attr::known(run.status.as_str()),
        trigger: Attr::known(run.trigger.as_str()),
        scheduled_for: instant(Some(run.scheduled_for)),
        queued_at: instant(Some(run.queued_at)),
        started_at: instant(run.started_at),
        finished_at: instant(run.finished_at),
        duration_ms: run.duration_ms.into(),
        output: run.output.into(),
        error: run.error.into(),
        reason: run.reason.into(),
        missed_ticks: Attr::Known(run.missed_ticks),
    }
}

/// The attributes have the names of the fields.
fn attribute(field: &str) -> Option<AttributePath> {
    ["task_id", "status", "limit"].contains(&field).then(|| AttributePath::of(field))
}
