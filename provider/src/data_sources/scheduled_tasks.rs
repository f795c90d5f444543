//! `data "justiam_scheduled_tasks"`.

use futures::TryStreamExt as _;
use justiam_sdk::Client;
use justiam_sdk::api::page::MAX_LIMIT;
use justiam_sdk::api::tasks::{Task, TaskQuery};
use justiam_sdk::api::values::{TaskType, Words as _};
use tfplugin::{Attr, Attribute, AttributePath, Call, DataSource, Schema, async_trait, model};

use super::{ask, instant};
use crate::checks::word;
use crate::client::Api;
use crate::problem::Subject;

model! {
    /// What is asked for and found.
    #[derive(Debug)]
    pub struct Found {
        pub search: Attr<String>,
        pub task_type: Attr<String>,
        pub enabled: Attr<bool>,
        pub tasks: Attr<Vec<Summary>>,
    }

    /// A task in short.
    #[derive(Debug)]
    pub struct Summary {
        pub id: Attr<String>,
        pub name: Attr<String>,
        pub description: Attr<String>,
        pub task_type: Attr<String>,
        pub schedule_type: Attr<String>,
        pub cron_expr: Attr<String>,
        pub timezone: Attr<String>,
        pub run_at: Attr<String>,
        pub overlap_policy: Attr<String>,
        pub enabled: Attr<bool>,
        pub is_system: Attr<bool>,
        pub next_run_at: Attr<String>,
        pub last_run_at: Attr<String>,
        pub last_status: Attr<String>,
    }
}

/// The data source.
pub(crate) struct Source;

const SUBJECT: Subject = Subject { type_name: Source::TYPE_NAME, noun: "tasks", attribute };

#[async_trait]
impl DataSource for Source {
    const TYPE_NAME: &'static str = "justiam_scheduled_tasks";
    type Client = Api;
    type State = Found;

    fn schema(&self) -> Schema {
        Schema::new()
            .markdown("All tasks, those that the server brings itself included, or a part of them.")
            .attributes([
                Attribute::string("search")
                    .optional()
                    .markdown("Only tasks whose name contains this text, in any letter case."),
                Attribute::string("task_type")
                    .optional()
                    .check(word::<TaskType>("task type"))
                    .markdown("Only tasks of this type, such as `script`."),
                Attribute::bool("enabled")
                    .optional()
                    .markdown("Only tasks that are enabled, or only those that are not."),
                Attribute::nested_list("tasks", summary())
                    .computed()
                    .markdown("The tasks, in the order of their creation."),
            ])
    }

    async fn read(&self, wanted: Found, call: &mut Call<'_, Api>) -> Option<Found> {
        let mut query = TaskQuery::new();
        query.search = wanted.search.as_str().map(str::to_owned);
        query.task_type = wanted.task_type.as_str().map(Into::into);
        query.enabled = wanted.enabled.as_known().copied();
        query.limit = Some(MAX_LIMIT);
        let all = async |client: &Client| client.tasks().list(query).try_collect::<Vec<_>>().await;
        let tasks = ask(call, &SUBJECT, "Could not list the tasks", all).await?;
        Some(Found { tasks: Attr::Known(tasks.into_iter().map(shown).collect()), ..wanted })
    }
}

fn summary() -> [Attribute; 14] {
    let text = |name: &str, about: &str| Attribute::string(name).computed().markdown(about);
    [
        text("id", "The task's id, a UUID."),
        text("name", "The task's name."),
        text("description", "Free text."),
        text("task_type", "What the task does: `script`, or the work that the server brings itself."),
        text("schedule_type", "`cron` or `once`."),
        text("cron_expr", "The cron expression of a `cron` task."),
        text("timezone", "The IANA time zone in which `cron_expr` counts."),
        text("run_at", "When a `once` task fires."),
        text("overlap_policy", "What happens when the task fires while a run is active."),
        Attribute::bool("enabled").computed().markdown("Whether the task fires by itself."),
        Attribute::bool("is_system").computed().markdown("Whether the server brings the task itself."),
        text("next_run_at", "When the task fires next by itself; null where it does not."),
        text("last_run_at", "When its newest run started; null where none did."),
        text("last_status", "How its newest run stands."),
    ]
}

fn shown(task: Task) -> Summary {
    Summary {
        id: Attr::known(task.id.to_string()),
        name: task.name.into(),
        description: task.description.into(),
        task_type: Attr::known(task.task_type.as_str()),
        schedule_type: Attr::known(task.schedule_type.as_str()),
        cron_expr: task.cron_expr.into(),
        timezone: task.timezone.into(),
        run_at: instant(task.run_at),
        overlap_policy: Attr::known(task.overlap_policy.as_str()),
        enabled: Attr::Known(task.enabled),
        is_system: Attr::Known(task.is_system),
        next_run_at: instant(task.next_run_at),
        last_run_at: instant(task.last_run_at),
        last_status: task.last_status.map(|status| status.as_str().to_owned()).into(),
    }
}

/// The attributes have the names of the fields.
fn attribute(field: &str) -> Option<AttributePath> {
    ["search", "task_type", "enabled"].contains(&field).then(|| AttributePath::of(field))
}
