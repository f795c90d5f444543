//! `justiam_schedule`.
//!
//! The model and the lifecycle are here; beside them the [`schema`], the checks of what goes together ([`validate`]), the way to the
//! API's bodies ([`convert`]) and back ([`observe`]). Steps have an [`order`], those that stay are found again ([`keep`]), and private
//! state has their ids ([`memory`]).

mod convert;
mod keep;
mod memory;
mod observe;
mod order;
mod schema;
mod validate;

use std::collections::BTreeSet;

use justiam_sdk::api::ids::ScheduleId;
use justiam_sdk::api::schedules::{Schedule as Answer, StepType};
use justiam_sdk::api::values::Words as _;
use tfplugin::{
    Attr, AttributePath, Context, Diagnostics, IdentityAttribute, IdentitySchema, Import, Plan, Read, Resource, Schema,
    Sensitive, Type, async_trait, model,
};

use crate::client::Api;
use crate::problem::{Subject, is_as_planned, report, report_at, report_interrupted, report_unchanged, since_the_plan};
use memory::Memory;

model! {
    /// A schedule, as configuration, plan and state hold it.
    #[derive(Debug)]
    pub struct State {
        pub id: Attr<String>,
        pub name: Attr<String>,
        pub description: Attr<String>,
        pub trigger_type: Attr<String>,
        pub pattern_type: Attr<String>,
        pub cron_expression: Attr<String>,
        pub days_of_week: Attr<BTreeSet<Attr<i64>>>,
        pub run_times: Attr<BTreeSet<Attr<String>>>,
        pub interval_value: Attr<i64>,
        pub interval_unit: Attr<String>,
        pub interval_window_start: Attr<String>,
        pub interval_window_end: Attr<String>,
        pub timezone: Attr<String>,
        pub is_enabled: Attr<bool>,
        pub steps: Attr<Vec<Attr<Step>>>,
    }

    /// One step.
    #[derive(Debug)]
    #[expect(clippy::struct_field_names, reason = "attributes have the names of the API's fields")]
    pub struct Step {
        pub step_index: Attr<i64>,
        pub name: Attr<String>,
        pub execution_mode: Attr<String>,
        pub step_type: Attr<String>,
        pub continue_on_failure: Attr<bool>,
        pub timeout_seconds: Attr<i64>,
        pub connected_system_id: Attr<i64>,
        pub run_profile_id: Attr<i64>,
        pub script_path: Attr<String>,
        pub arguments: Attr<String>,
        pub executable_path: Attr<String>,
        pub working_directory: Attr<String>,
        pub sql_connection_string: Attr<Sensitive<String>>,
        pub sql_connection_string_wo: Attr<Sensitive<String>>,
        pub sql_connection_string_wo_version: Attr<String>,
        pub sql_script_path: Attr<String>,
    }
}

/// The resource.
pub(crate) struct Schedule;

/// What its requests are about.
const SCHEDULE: Subject = Subject { type_name: Schedule::TYPE_NAME, noun: "schedule", attribute: convert::attribute };

#[async_trait]
impl Resource for Schedule {
    const TYPE_NAME: &'static str = "justiam_schedule";
    type Client = Api;
    type State = State;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn identity(&self) -> Option<IdentitySchema> {
        let id = IdentityAttribute::required("id", Type::String).description("The schedule's id, a UUID.");
        Some(IdentitySchema::new([id]))
    }

    async fn validate(&self, config: &State, diagnostics: &mut Diagnostics) {
        validate::validate(config, diagnostics);
    }

    /// Says which pattern type a configuration without one means, so that a plan shows it.
    async fn plan(&self, plan: &mut Plan<'_, State, Api>) {
        if plan.config.pattern_type.is_null() {
            let meant = validate::pattern_type(&plan.config);
            plan.planned.pattern_type = meant.map_or(Attr::Unknown, |meant| Attr::known(meant.as_str()));
        }
    }

    async fn create(&self, planned: State, config: State, context: &mut Context<'_, Api>) -> Option<State> {
        let summary = format!("Could not create the schedule {}", named(&planned));
        if context.stop.is_requested() {
            context
                .diagnostics
                .error(summary, "Terraform was interrupted before the request was sent; nothing was created.");
            return None;
        }
        let new = match convert::new_schedule(&planned, &config) {
            Ok(new) => new,
            Err((path, problem)) => {
                context.diagnostics.error_at(path, summary, problem);
                return None;
            }
        };
        // Not given up when Terraform is interrupted: only the answer tells whether there is something to remember.
        match context.client.call(async |client| client.schedules().create(&new).await).await {
            Ok(schedule) => Some(adopt(&schedule, planned, &summary, context)),
            Err(error) => {
                let attribute = |field: &str| convert::attribute_in(field, &config);
                report_at(context.diagnostics, &SCHEDULE, &summary, &error, attribute);
                None
            }
        }
    }

    async fn read(&self, state: State, context: &mut Context<'_, Api>) -> Read<State> {
        let Some(id) = id_of(&state, context.diagnostics) else { return Read::Failed };
        let summary = format!("Could not read the schedule {}", named(&state));
        let request = context.client.call(async |client| client.schedules().get(id).await);
        let answer = tokio::select! {
            answer = request => answer,
            () = context.stop.requested() => {
                context.diagnostics.error(summary, "Terraform was interrupted.");
                return Read::Failed;
            }
        };
        let schedule = match answer {
            Ok(schedule) => schedule,
            Err(error) if error.is_not_found() => return Read::Gone,
            Err(error) => {
                report(context.diagnostics, &SCHEDULE, &summary, &error);
                return Read::Failed;
            }
        };
        match observe::refreshed(&schedule, &state, &Memory::recall(context.private)) {
            Ok(state) => {
                Memory::of(&schedule).store(context.private, context.diagnostics);
                Read::Found(state)
            }
            Err(problem) => {
                context
                    .diagnostics
                    .error(summary, format!("The server's answer does not fit the contract: {problem}."));
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
        let summary = format!("Could not change the schedule {}", named(&prior));
        let id = id_of(&prior, context.diagnostics)?;
        let memory = Memory::recall(context.private);
        let new = match convert::replacement(&prior, &planned, &config, &memory) {
            Ok(Some(new)) => new,
            // Another way to write the same, such as an index that the order has given so far, is nothing to send.
            Ok(None) => return Some(planned),
            Err((path, problem)) => {
                context.diagnostics.error_at(path, summary, problem);
                return None;
            }
        };
        let replace = context.client.change(context.stop, async |client| match memory.revision.as_str() {
            // An object that was stored without a revision is replaced all the same.
            "" => client.schedules().replace(id, &new).await,
            revision => client.schedules().replace_if(id, &new, revision).await,
        });
        let Some(replaced) = replace.await else {
            report_interrupted(context.diagnostics, &summary);
            return None;
        };
        match replaced {
            Ok(schedule) => Some(adopt(&schedule, planned, &summary, context)),
            Err(error) if error.is_precondition_failed() => {
                let now = context.client.call(async |client| client.schedules().get(id).await).await;
                let seen = |before: &State| {
                    let now = now.as_ref().ok()?;
                    observe::refreshed(now, before, &memory).ok()
                };
                // Of a connection string nobody but the server knows whether it is the planned one.
                let open = convert::steps(&planned)
                    .iter()
                    .any(|step| step.step_type.as_str() == Some(StepType::SqlScript.as_str()));
                if let (Ok(now), Some(seen), false) = (&now, seen(&planned), open)
                    && is_as_planned(&planned, &seen)
                {
                    return Some(adopt(now, planned, &summary, context));
                }
                let seen = seen(&prior).unwrap_or_default();
                let since = since_the_plan(&prior, now.map(|_| seen));
                report_unchanged(context.diagnostics, &SCHEDULE, &summary, &error, Some(&since), SCHEDULE.attribute);
                None
            }
            Err(error) => {
                let attribute = |field: &str| convert::attribute_in(field, &config);
                report_unchanged(context.diagnostics, &SCHEDULE, &summary, &error, None, attribute);
                None
            }
        }
    }

    async fn delete(&self, state: State, context: &mut Context<'_, Api>) {
        let Some(id) = id_of(&state, context.diagnostics) else { return };
        let summary = format!("Could not delete the schedule {}", named(&state));
        match context.client.change(context.stop, async |client| client.schedules().delete(id).await).await {
            None => report_interrupted(context.diagnostics, &summary),
            Some(Err(error)) if !error.is_not_found() => report(context.diagnostics, &SCHEDULE, &summary, &error),
            Some(_) => {}
        }
    }

    /// By id, or by name. What looks like an id is one.
    async fn import(&self, import: Import<'_>, context: &mut Context<'_, Api>) -> Option<State> {
        let id = import.id_or("id")?;
        let summary = format!("Could not import the schedule `{id}`");
        let found = match id.parse::<ScheduleId>() {
            Ok(schedule) => context.client.call(async |client| client.schedules().get(schedule).await.map(Some)).await,
            Err(_) => context.client.call(async |client| client.schedules().find(id).await).await,
        };
        match found {
            // The rest is read right after.
            Ok(Some(schedule)) => Some(State {
                id: Attr::known(schedule.id.to_string()),
                name: Attr::known(schedule.name),
                ..State::default()
            }),
            Ok(None) => {
                let detail = format!(
                    "There is no schedule with the name `{id}`. A schedule is imported by its id (a UUID) or its exact name."
                );
                context.diagnostics.error(summary, detail);
                None
            }
            Err(error) => {
                report(context.diagnostics, &SCHEDULE, &summary, &error);
                None
            }
        }
    }
}

/// The state of a schedule that Terraform does not know. An error names the field of an answer that means nothing.
pub(crate) fn listed(schedule: &Answer) -> Result<State, String> {
    observe::refreshed(schedule, &State::default(), &Memory::default())
}

/// The path of a step.
fn step_path(position: usize) -> AttributePath {
    AttributePath::of("steps").index(position)
}

/// Turns the answer to a create or an update into the new state, and remembers what it says about the steps.
fn adopt(schedule: &Answer, planned: State, summary: &str, context: &mut Context<'_, Api>) -> State {
    let (sent, stored) = (convert::steps(&planned).len(), schedule.steps.as_ref().map_or(0, Vec::len));
    if sent != stored {
        let detail =
            format!("{sent} steps were sent, and the server's answer has {stored}. Plan again to see what it holds.");
        context.diagnostics.error(summary, detail);
    }
    Memory::of(schedule).store(context.private, context.diagnostics);
    State {
        id: Attr::known(schedule.id.to_string()),
        pattern_type: Attr::known(schedule.pattern_type.as_str()),
        ..planned
    }
}

/// The schedule's id. Terraform only hands over what an earlier call returned, so it is one.
fn id_of(state: &State, diagnostics: &mut Diagnostics) -> Option<ScheduleId> {
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
