//! `data "justiam_scheduled_task"`.

use std::collections::{BTreeMap, BTreeSet};

use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::tasks::Task;
use justiam_sdk::api::values::Words as _;
use justiam_sdk::{Client, Error};
use tfplugin::{Attr, Attribute, Call, DataSource, Relation, Schema, Type, async_trait, model};

use super::{ask, asked_for, id, instant, no_attribute, nothing_named};
use crate::client::Api;
use crate::problem::Subject;

model! {
    /// What is asked for and found.
    #[derive(Debug)]
    pub struct Found {
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
        pub timeout_seconds: Attr<i64>,
        pub script: Attr<String>,
        pub config: Attr<String>,
        pub task_config: Attr<BTreeMap<String, String>>,
        pub secret_keys: Attr<BTreeSet<String>>,
        pub is_system: Attr<bool>,
        pub next_run_at: Attr<String>,
        pub last_run_at: Attr<String>,
        pub last_status: Attr<String>,
        pub created_at: Attr<String>,
        pub updated_at: Attr<String>,
    }
}

/// The data source.
pub(crate) struct Source;

const SUBJECT: Subject = Subject { type_name: Source::TYPE_NAME, noun: "task", attribute: no_attribute };

#[async_trait]
impl DataSource for Source {
    const TYPE_NAME: &'static str = "justiam_scheduled_task";
    type Client = Api;
    type State = Found;

    fn schema(&self) -> Schema {
        let text = |name: &str| Attribute::string(name).computed();
        Schema::new()
            .markdown("A scheduled task, also one that the server brings itself, by its id or its name. Never the value of a secret.")
            .attributes([
                text("id").optional().check(id::<TaskId>()).markdown("The task's id, a UUID."),
                text("name").optional().markdown("The task's name."),
                text("description").markdown("Free text."),
                text("task_type").markdown("What the task does: `script`, or the work that the server brings itself."),
                text("schedule_type").markdown("`cron` or `once`."),
                text("cron_expr").markdown("The cron expression of a `cron` task."),
                text("timezone").markdown("The IANA time zone in which `cron_expr` counts."),
                text("run_at").markdown("When a `once` task fires."),
                text("overlap_policy").markdown("What happens when the task fires while a run is active."),
                Attribute::bool("enabled").computed().markdown("Whether the task fires by itself."),
                Attribute::number("timeout_seconds").computed().markdown("Seconds after which a run is ended as an error."),
                text("script").markdown("The Go source of a script."),
                text("config").markdown("The JSON object that the server stores with the task, for `jsondecode`."),
                Attribute::map("task_config", Type::String).computed().markdown("What the script reads with the package `config`."),
                Attribute::set("secret_keys", Type::String).computed().markdown("The keys of the task's secrets."),
                Attribute::bool("is_system").computed().markdown("Whether the server brings the task itself; such tasks cannot be changed."),
                text("next_run_at").markdown("When the task fires next by itself; null where it does not."),
                text("last_run_at").markdown("When its newest run started; null where none did."),
                text("last_status").markdown("How its newest run stands: `queued`, `running`, `success`, `error` or `cancelled`."),
                text("created_at").markdown("When the task was created."),
                text("updated_at").markdown("When its definition, config entries or secrets last changed."),
            ])
            .relation(Relation::exactly_one_of(["id", "name"]))
    }

    async fn read(&self, wanted: Found, call: &mut Call<'_, Api>) -> Option<Found> {
        let summary = &format!("Could not read the task {}", asked_for(wanted.id.as_str(), &wanted.name));
        let found = if let Some(id) = wanted.id.as_str() {
            let id: TaskId = call.diagnostics.ok(summary, id.parse())?;
            Some(ask(call, &SUBJECT, summary, async |client| client.tasks().get(id).await).await?)
        } else {
            let name = wanted.name.as_str()?;
            ask(call, &SUBJECT, summary, async |client| named(client, name).await).await?
        };
        if found.is_none() {
            nothing_named(call, SUBJECT.noun, wanted.name.as_str().unwrap_or_default());
        }
        found.map(shown)
    }
}

/// With its script and all else that a list does not have.
async fn named(client: &Client, name: &str) -> Result<Option<Task>, Error> {
    match client.tasks().find(name).await? {
        Some(task) => client.tasks().get(task.id).await.map(Some),
        None => Ok(None),
    }
}

fn shown(task: Task) -> Found {
    Found {
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
        timeout_seconds: Attr::Known(task.timeout_seconds),
        script: task.script.into(),
        config: task.config.map(|config| config.to_string()).into(),
        task_config: Attr::Known(task.task_config.unwrap_or_default().into_iter().collect()),
        secret_keys: Attr::Known(task.secret_revisions.unwrap_or_default().into_keys().collect()),
        is_system: Attr::Known(task.is_system),
        next_run_at: instant(task.next_run_at),
        last_run_at: instant(task.last_run_at),
        last_status: task.last_status.map(|status| status.as_str().to_owned()).into(),
        created_at: instant(Some(task.created_at)),
        updated_at: instant(Some(task.updated_at)),
    }
}
