//! `justiam_scheduled_task`.
//!
//! The model and the lifecycle (here), its [`schema`], the [`convert`]ers to and from the API, and what becomes of [`secrets`].

mod convert;
mod schema;
mod secrets;

use std::collections::BTreeMap;

use justiam_sdk::Error;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::tasks::{Task, TaskPatch};
use tfplugin::{
    Attr, Context, Diagnostics, IdentityAttribute, IdentitySchema, Import, Plan, Read, Resource, Schema, Sensitive,
    Type, async_trait, model,
};

use crate::client::Api;
use crate::problem::{Subject, report, report_at, report_interrupted, report_unchanged, since_the_plan};
use secrets::{Change, Memory};

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
        pub secrets_wo: Attr<BTreeMap<String, Attr<Sensitive<String>>>>,
        pub secrets_wo_version: Attr<String>,
        pub revision: Attr<String>,
        pub secret_revisions: Attr<BTreeMap<String, Attr<String>>>,
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

    fn identity(&self) -> Option<IdentitySchema> {
        let id = IdentityAttribute::required("id", Type::String).description("The task's id, a UUID.");
        Some(IdentitySchema::new([id]))
    }

    async fn validate(&self, config: &State, diagnostics: &mut Diagnostics) {
        schema::validate(config, diagnostics);
    }

    async fn plan(&self, plan: &mut Plan<'_, State, Api>) {
        secrets::plan(plan).await;
    }

    async fn create(&self, planned: State, config: State, context: &mut Context<'_, Api>) -> Option<State> {
        let summary = format!("Could not create the task {}", named(&planned));
        if context.stop.is_requested() {
            context
                .diagnostics
                .error(summary, "Terraform was interrupted before the request was sent; nothing was created.");
            return None;
        }
        let config = secrets::as_planned(&planned, config);
        let prepared = async {
            let change = Change::of(None, &planned, &config, &Memory::default()).await?;
            let mut new = convert::new_task(&planned)?;
            new.secrets = change.initial();
            Ok((new, change))
        };
        let (new, change) = match prepared.await {
            Ok(prepared) => prepared,
            Err((attribute, problem)) => {
                context.diagnostics.error_at(attribute, summary, problem);
                return None;
            }
        };
        // Not given up when Terraform is interrupted: only the answer tells whether there is something to remember.
        match context.client.call(async |client| client.tasks().create(&new).await).await {
            Ok(task) => {
                let revisions = task.secret_revisions.unwrap_or_default();
                let memory = change.remembered(None, &config, Memory::default(), &revisions).await;
                memory.store(context.private, context.diagnostics);
                Some(State {
                    id: Attr::known(task.id.to_string()),
                    revision: Attr::known(task.revision),
                    secret_revisions: convert::revisions(&revisions),
                    ..planned
                })
            }
            Err(error) => {
                report_secrets(&config, context.diagnostics, &summary, &error);
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
            Ok(task) => Read::Found(convert::refreshed(&task, &state)),
            Err(error) if error.is_not_found() => Read::Gone,
            Err(error) => {
                report(context.diagnostics, &TASK, &format!("Could not read the task {}", named(&state)), &error);
                Read::Failed
            }
        }
    }

    async fn update(
        &self,
        prior: State,
        planned: State,
        config: State,
        context: &mut Context<'_, Api>,
    ) -> Option<State> {
        let summary = format!("Could not change the task {}", named(&prior));
        let id = id_of(&prior, context.diagnostics)?;
        let memory = Memory::recall(context.private);
        let config = secrets::as_planned(&planned, config);
        let prepared = async {
            Ok((convert::patch(&prior, &planned)?, Change::of(Some(&prior), &planned, &config, &memory).await?))
        };
        let (mut patch, mut change) = match prepared.await {
            Ok(prepared) => prepared,
            Err((attribute, problem)) => {
                context.diagnostics.error_at(attribute, summary, problem);
                return None;
            }
        };
        if let Some(questions) = change.questions() {
            let asked = context.client.change(context.stop, async |client| client.secrets(id).compare(questions).await);
            match asked.await {
                Some(Ok(equal)) => change.answer(&equal),
                // A server that does not say it, or not to this token: all are written. It keeps the revision of a value that it has,
                // and it is the one to say whether this token may write.
                Some(Err(Error::Api(error))) if matches!(error.status, 403..=405) => change.answer(&BTreeMap::new()),
                None => {
                    report_interrupted(context.diagnostics, &summary);
                    return None;
                }
                Some(Err(error)) => {
                    report_secrets(&config, context.diagnostics, &summary, &error);
                    return None;
                }
            }
        }
        patch.secrets = change.patch();
        let (revision, revisions) = if patch == TaskPatch::new() {
            (prior.revision.clone(), change.unchanged())
        } else {
            context.client.wrote(id);
            let request = context.client.change(context.stop, async |client| match prior.revision.as_str() {
                Some(revision) => client.tasks().update_if(id, &patch, revision).await,
                // A state from before there was this attribute, and no refresh since.
                None => client.tasks().update(id, &patch).await,
            });
            let Some(answer) = request.await else {
                report_interrupted(context.diagnostics, &summary);
                return None;
            };
            match answer {
                Ok(task) => (Attr::known(task.revision), task.secret_revisions.unwrap_or_default()),
                Err(error) => {
                    let since = if error.is_precondition_failed() {
                        let now = context.client.call(async |client| client.tasks().get(id).await).await;
                        Some(since_the_plan(&prior, now.map(|task| convert::refreshed(&task, &prior))))
                    } else {
                        None
                    };
                    let secrets = secrets::attribute(&config);
                    let attribute = |field: &str| convert::attribute_of(field, secrets);
                    report_unchanged(context.diagnostics, &TASK, &summary, &error, since.as_deref(), attribute);
                    return None;
                }
            }
        };
        let memory = change.remembered(Some(&prior), &config, memory, &revisions).await;
        memory.store(context.private, context.diagnostics);
        Some(State { revision, secret_revisions: convert::revisions(&revisions), ..planned })
    }

    async fn delete(&self, state: State, context: &mut Context<'_, Api>) {
        let Some(id) = id_of(&state, context.diagnostics) else { return };
        context.client.wrote(id);
        let summary = format!("Could not delete the task {}", named(&state));
        match context.client.change(context.stop, async |client| client.tasks().delete(id).await).await {
            None => report_interrupted(context.diagnostics, &summary),
            Some(Err(error)) if !error.is_not_found() => report(context.diagnostics, &TASK, &summary, &error),
            Some(_) => {}
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

/// The state of a task that Terraform does not know.
pub(crate) fn listed(task: &Task) -> State {
    convert::imported(task)
}

/// Reports a failed request that may have had secrets in it, at the attribute that they came from.
fn report_secrets(config: &State, diagnostics: &mut Diagnostics, summary: &str, error: &Error) {
    let secrets = secrets::attribute(config);
    report_at(diagnostics, &TASK, summary, error, |field| convert::attribute_of(field, secrets));
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
