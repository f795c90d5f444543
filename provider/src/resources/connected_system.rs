//! `justiam_connected_system`.
//!
//! Four parts, as those of `justiam_scheduled_task`: the model (here), its [`schema`], the [`convert`]ers to and from the API, and the
//! lifecycle (here).

mod convert;
mod schema;

use std::collections::BTreeMap;

use justiam_sdk::Client;
use tfplugin::{
    Attr, Context, Diagnostics, IdentityAttribute, IdentitySchema, Import, Plan, Read, Resource, Schema, Type,
    async_trait, model,
};

use crate::client::Api;
use crate::problem::{Subject, report, report_interrupted, report_unchanged, report_undeleted};

pub(crate) use convert::csv;
pub(super) use convert::looked_up;

model! {
    /// A connected system, as configuration, plan and state hold it.
    #[derive(Debug)]
    pub struct State {
        pub id: Attr<i64>,
        pub name: Attr<String>,
        pub description: Attr<String>,
        pub connector_name: Attr<String>,
        pub direction: Attr<String>,
        pub csv: Attr<Csv>,
    }

    /// How a CSV file is read and written.
    #[derive(Debug)]
    pub struct Csv {
        pub file_path: Attr<String>,
        pub delimiter: Attr<String>,
        pub id_column: Attr<String>,
        pub email_column: Attr<String>,
        pub first_name_column: Attr<String>,
        pub last_name_column: Attr<String>,
        pub active_column: Attr<String>,
        pub groups_column: Attr<String>,
        pub groups_delimiter: Attr<String>,
        pub attribute_columns: Attr<BTreeMap<String, Attr<String>>>,
    }
}

/// The resource.
pub(crate) struct ConnectedSystem;

const SUBJECT: Subject =
    Subject { type_name: ConnectedSystem::TYPE_NAME, noun: "connected system", attribute: convert::attribute };

#[async_trait]
impl Resource for ConnectedSystem {
    const TYPE_NAME: &'static str = "justiam_connected_system";
    type Client = Api;
    type State = State;

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn identity(&self) -> Option<IdentitySchema> {
        let id = IdentityAttribute::required("id", Type::Number).description("The connected system's id.");
        Some(IdentitySchema::new([id]))
    }

    async fn validate(&self, config: &State, diagnostics: &mut Diagnostics) {
        schema::validate(config, diagnostics);
    }

    /// Warns of what a change of the direction does beyond the change that a plan shows.
    async fn plan(&self, plan: &mut Plan<'_, State, Api>) {
        let Some(prior) = &plan.prior else { return };
        let (Some(was), Some(becomes)) = (prior.direction.as_str(), plan.planned.direction.as_str()) else { return };
        if was != becomes {
            let detail = format!(
                "Another direction (`{becomes}` in the place of `{was}`) empties the connector space of the connected system {}: what was \
                 imported, and what is prepared for an export, is forgotten. Users and groups stay as they are.\n\nhint: let a full \
                 import run after the apply",
                named(prior)
            );
            plan.diagnostics.warning_at("direction", "The connector space will be emptied", detail);
        }
    }

    async fn create(&self, planned: State, _: State, context: &mut Context<'_, Api>) -> Option<State> {
        let summary = format!("Could not create the connected system {}", named(&planned));
        if context.stop.is_requested() {
            let detail = "Terraform was interrupted before the request was sent; nothing was created.";
            context.diagnostics.error(summary, detail);
            return None;
        }
        let new = convert::new_system(&planned)?;
        // Not given up when Terraform is interrupted: only the answer tells whether there is something to remember.
        match context.client.call(async |client| client.connected_systems().create(&new).await).await {
            Ok(system) => Some(State { id: Attr::Known(system.id), ..planned }),
            Err(error) => {
                report(context.diagnostics, &SUBJECT, &summary, &error);
                None
            }
        }
    }

    async fn read(&self, state: State, context: &mut Context<'_, Api>) -> Read<State> {
        let summary = format!("Could not read the connected system {}", named(&state));
        let Some(id) = state.id.as_known().copied() else { return Read::Failed };
        let request = context.client.call(async |client| client.connected_systems().get(id).await);
        let answer = tokio::select! {
            answer = request => answer,
            () = context.stop.requested() => {
                context.diagnostics.error(summary, "Terraform was interrupted.");
                return Read::Failed;
            }
        };
        match answer {
            Ok(system) => Read::Found(convert::refreshed(&system, &state)),
            Err(error) if error.is_not_found() => Read::Gone,
            Err(error) => {
                report(context.diagnostics, &SUBJECT, &summary, &error);
                Read::Failed
            }
        }
    }

    async fn update(&self, prior: State, planned: State, _: State, context: &mut Context<'_, Api>) -> Option<State> {
        let summary = format!("Could not change the connected system {}", named(&prior));
        let id = prior.id.as_known().copied()?;
        let new = convert::new_system(&planned)?;
        let request = async |client: &Client| client.connected_systems().replace(id, &new).await;
        match context.client.change(context.stop, request).await {
            Some(Ok(_)) => Some(planned),
            None => {
                report_interrupted(context.diagnostics, &summary);
                None
            }
            Some(Err(error)) => {
                report_unchanged(context.diagnostics, &SUBJECT, &summary, &error, None, SUBJECT.attribute);
                None
            }
        }
    }

    async fn delete(&self, state: State, context: &mut Context<'_, Api>) {
        let Some(id) = state.id.as_known().copied() else { return };
        let summary = format!("Could not delete the connected system {}", named(&state));
        match context.client.change(context.stop, async |client| client.connected_systems().delete(id).await).await {
            None => report_interrupted(context.diagnostics, &summary),
            Some(Err(error)) if !error.is_not_found() => {
                report_undeleted(context.diagnostics, &SUBJECT, &summary, &error);
            }
            Some(_) => {}
        }
    }

    /// By id, or by name. What looks like an id is one.
    async fn import(&self, import: Import<'_>, context: &mut Context<'_, Api>) -> Option<State> {
        let id = match import {
            Import::Id(id) => id.to_owned(),
            Import::Identity(_) => import.int("id")?.to_string(),
        };
        let summary = format!("Could not import the connected system `{id}`");
        match context.client.call(async |client| looked_up(client, &id).await).await {
            Ok(Some(system)) => Some(convert::refreshed(&system, &State::default())),
            Ok(None) => {
                let detail = format!(
                    "There is no connected system with the name `{id}`. One is imported by its id (a number) or its exact name."
                );
                context.diagnostics.error(summary, detail);
                None
            }
            Err(error) => {
                report(context.diagnostics, &SUBJECT, &summary, &error);
                None
            }
        }
    }
}

fn named(state: &State) -> String {
    state.name.as_str().map_or_else(|| "(unknown name)".to_owned(), |name| format!("`{name}`"))
}
