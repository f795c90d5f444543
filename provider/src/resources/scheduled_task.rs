//! `justiam_scheduled_task`.
//!
//! Four parts: the model (here), its [`schema`], the [`convert`]ers to and from the API, and the lifecycle (here).

mod convert;
mod schema;

use std::collections::BTreeMap;

use justiam_sdk::Client;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::tasks::Task;
use tfplugin::{Attr, Context, Diagnostics, Import, Private, Read, Resource, Schema, Sensitive, async_trait, model};

use crate::client::Api;
use crate::problem::{Subject, report};

model! {
    /// A task, as configuration, plan and state hold it.
    #[derive(Debug)]
    pub struct State {
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
        pub task_config: Attr<BTreeMap<String, Attr<String>>>,
        pub secrets: Attr<BTreeMap<String, Attr<Sensitive<String>>>>,
    }
}

/// The resource.
pub(crate) struct ScheduledTask;

/// What its requests are about.
const TASK: Subject = Subject { type_name: ScheduledTask::TYPE_NAME, noun: "task", attribute: convert::attribute };

#[async_trait]
impl Resource for ScheduledTask {
    const TYPE_NAME: &'static str = "justiam_scheduled_task";
    type Client = Api;
    type State = State;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn validate(&self, config: &State, diagnostics: &mut Diagnostics) {
        schema::validate(config, diagnostics);
    }

    async fn create(&self, planned: State, _: State, context: &mut Context<'_, Api>) -> Option<State> {
        let summary = format!("Could not create the task {}", named(&planned));
        if context.stop.is_requested() {
            context
                .diagnostics
                .error(summary, "Terraform was interrupted before the request was sent; nothing was created.");
            return None;
        }
        let new = match convert::new_task(&planned) {
            Ok(new) => new,
            Err((attribute, problem)) => {
                context.diagnostics.error_at(attribute, summary, problem);
                return None;
            }
        };
        // Not given up when Terraform is interrupted: only the answer tells whether there is something to remember.
        match context.client.call(async |client| client.tasks().create(&new).await).await {
            Ok(task) => Some(adopt(&task, planned, context)),
            Err(error) => {
                report(context.diagnostics, &TASK, &summary, &error);
                None
            }
        }
    }

    async fn read(&self, state: State, context: &mut Context<'_, Api>) -> Read<State> {
        let Some(id) = id_of(&state, context.diagnostics) else { return Read::Failed };
        let request = context.client.task(id, state.script.as_str());
        let answer = tokio::select! {
            answer = request => answer,
            () = context.stop.requested() => {
                context.diagnostics.error(format!("Could not read the task {}", named(&state)), "Terraform was interrupted.");
                return Read::Failed;
            }
        };
        match answer {
            Ok(task) => {
                let applied = context.private.get(REVISIONS).unwrap_or_default();
                Read::Found(convert::refreshed(&task, &state, &applied))
            }
            Err(error) if error.is_not_found() => Read::Gone,
            Err(error) => {
                report(context.diagnostics, &TASK, &format!("Could not read the task {}", named(&state)), &error);
                Read::Failed
            }
        }
    }

    async fn update(&self, prior: State, planned: State, _: State, context: &mut Context<'_, Api>) -> Option<State> {
        let summary = format!("Could not change the task {}", named(&prior));
        let id = id_of(&prior, context.diagnostics)?;
        let mut patch = match convert::patch(&prior, &planned) {
            Ok(patch) => patch,
            Err((attribute, problem)) => {
                context.diagnostics.error_at(attribute, summary, problem);
                return None;
            }
        };
        let update = async |client: &Client| {
            if prior.secrets.is_null() && planned.secrets.is_known() {
                // From now on the map says which keys there are; those that others left behind go in the same request.
                convert::remove_others(&mut patch, client.secrets(id).keys().await?.keys);
            }
            client.tasks().update(id, &patch).await
        };
        match context.client.call(update).await {
            Ok(task) => Some(adopt(&task, planned, context)),
            Err(error) => {
                report(context.diagnostics, &TASK, &summary, &error);
                None
            }
        }
    }

    async fn delete(&self, state: State, context: &mut Context<'_, Api>) {
        let Some(id) = id_of(&state, context.diagnostics) else { return };
        match context.client.call(async |client| client.tasks().delete(id).await).await {
            Err(error) if !error.is_not_found() => {
                report(context.diagnostics, &TASK, &format!("Could not delete the task {}", named(&state)), &error);
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// By id, or by name. What looks like an id is one.
    async fn import(&self, import: Import<'_>, context: &mut Context<'_, Api>) -> Option<State> {
        let id = import.id_or("id")?;
        let summary = format!("Could not import the task `{id}`");
        let found = match id.parse::<TaskId>() {
            Ok(task) => context.client.call(async |client| client.tasks().get(task).await.map(Some)).await,
            Err(_) => {
                context
                    .client
                    .call(async |client| match client.tasks().find(id).await? {
                        Some(task) => client.tasks().get(task.id).await.map(Some),
                        None => Ok(None),
                    })
                    .await
            }
        };
        match found {
            Ok(Some(task)) if task.is_system => {
                let detail =
                    "It is a built-in task of the server. Built-in tasks cannot be changed, so they cannot be managed.";
                context.diagnostics.error(summary, detail);
                None
            }
            Ok(Some(task)) => Some(convert::imported(&task)),
            Ok(None) => {
                let detail = format!(
                    "There is no task with the name `{id}`. A task is imported by its id (a UUID) or its exact name."
                );
                context.diagnostics.error(summary, detail);
                None
            }
            Err(error) => {
                report(context.diagnostics, &TASK, &summary, &error);
                None
            }
        }
    }
}

/// Where private state keeps the revisions of the secrets that were last applied.
const REVISIONS: &str = "secret_revisions";

/// Turns the answer to a create or an update into the new state, and remembers what it says about secrets.
fn adopt(task: &Task, planned: State, context: &mut Context<'_, Api>) -> State {
    remember(task, context.private, context.diagnostics);
    State { id: Attr::known(task.id.to_string()), ..planned }
}

fn remember(task: &Task, private: &mut Private, diagnostics: &mut Diagnostics) {
    let revisions = task.secret_revisions.clone().unwrap_or_default();
    if let Err(error) = private.set(REVISIONS, &revisions) {
        diagnostics.warning("Could not remember the revisions of secrets", error.to_string());
    }
}

/// The task's id. Terraform only hands over what an earlier call returned, so it is one.
fn id_of(state: &State, diagnostics: &mut Diagnostics) -> Option<TaskId> {
    let id = state.id.as_str().unwrap_or_default();
    match id.parse() {
        Ok(id) => Some(id),
        Err(error) => {
            let detail = format!(
                "The state holds an id that is none: {error}. Remove the resource from the state and import it again."
            );
            diagnostics.error_at("id", "Invalid id in the state", detail);
            None
        }
    }
}

fn named(state: &State) -> String {
    state.name.as_str().map_or_else(|| "(unknown name)".to_owned(), |name| format!("`{name}`"))
}
