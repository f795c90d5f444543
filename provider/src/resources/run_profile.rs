//! `justiam_run_profile`.

use futures::TryStreamExt as _;
use justiam_sdk::api::connected_systems::{
    ConnectedSystemQuery, DEFAULT_PAGE_SIZE, MAX_NAME, NewRunProfile, PAGE_SIZE, RunProfile as Profile, RunType,
};
use justiam_sdk::api::page::MAX_LIMIT;
use justiam_sdk::api::schedules::MAX_PATH;
use justiam_sdk::api::values::Words as _;
use justiam_sdk::{Client, Error};
use tfplugin::{
    Attr, Attribute, AttributePath, Check, Context, IdentityAttribute, IdentitySchema, Import, Read, Resource, Schema,
    Type, async_trait, model,
};

use super::connected_system;
use crate::checks::{absolute_path, line, word};
use crate::client::Api;
use crate::problem::{Subject, report, report_interrupted, report_unchanged, report_undeleted};

model! {
    /// A run profile, as configuration, plan and state hold it.
    #[derive(Debug)]
    pub struct State {
        pub id: Attr<i64>,
        pub connected_system_id: Attr<i64>,
        pub name: Attr<String>,
        pub run_type: Attr<String>,
        pub page_size: Attr<i64>,
        pub file_path: Attr<String>,
    }
}

/// The resource.
pub(crate) struct RunProfile;

const SUBJECT: Subject = Subject { type_name: RunProfile::TYPE_NAME, noun: "run profile", attribute };

#[async_trait]
impl Resource for RunProfile {
    const TYPE_NAME: &'static str = "justiam_run_profile";
    type Client = Api;
    type State = State;

    fn schema(&self) -> Schema {
        Schema::new().markdown("A run profile: something that can be done with a connected system, by a schedule's step or on demand.").attributes([
            Attribute::number("id").computed().markdown("The run profile's id, a number that is unique over all connected systems."),
            Attribute::number("connected_system_id").required().requires_replace().check(Check::int(1..=i64::MAX)).markdown(
                "The id of the connected system. Changing it replaces the run profile.",
            ),
            Attribute::string("name").required().check(line("name", MAX_NAME)).markdown(
                "The run profile's name: 1 to 200 characters, unique among those of the connected system.",
            ),
            Attribute::string("run_type").required().check(word::<RunType>("run type")).markdown(
                "What it does: `FullImport` reads all objects, and those that are not there any more count as gone; `DeltaImport` reads \
                 objects that may have changed, and all others stay; `FullSynchronisation` compares all imported objects with users and \
                 groups; `DeltaSynchronisation` compares what has changed since; `Export` writes prepared changes to the connected system.",
            ),
            Attribute::number("page_size").default(DEFAULT_PAGE_SIZE).check(Check::int(PAGE_SIZE)).markdown(
                "How many objects are handled at a time, from 1 to 10,000. Default `500`.",
            ),
            Attribute::string("file_path").optional().check(absolute_path(MAX_PATH)).markdown(
                "The file on the server to read or write, where it is not the connected system's.",
            ),
        ])
    }

    fn identity(&self) -> Option<IdentitySchema> {
        let number = |name: &str, about: &str| IdentityAttribute::required(name, Type::Number).description(about);
        let system = number("connected_system_id", "The connected system's id.");
        Some(IdentitySchema::new([system, number("id", "The run profile's id.")]))
    }

    async fn create(&self, planned: State, _: State, context: &mut Context<'_, Api>) -> Option<State> {
        let summary = format!("Could not create the run profile {}", named(&planned));
        if context.stop.is_requested() {
            let detail = "Terraform was interrupted before the request was sent; nothing was created.";
            context.diagnostics.error(summary, detail);
            return None;
        }
        let (system, new) = (planned.connected_system_id.as_known().copied()?, new_profile(&planned)?);
        // Not given up when Terraform is interrupted: only the answer tells whether there is something to remember.
        match context
            .client
            .call(async |client| client.connected_systems().run_profiles(system).create(&new).await)
            .await
        {
            Ok(profile) => Some(State { id: Attr::Known(profile.id), ..planned }),
            Err(error) => {
                report(context.diagnostics, &SUBJECT, &summary, &error);
                None
            }
        }
    }

    async fn read(&self, state: State, context: &mut Context<'_, Api>) -> Read<State> {
        let summary = format!("Could not read the run profile {}", named(&state));
        let Some((system, id)) = ids_of(&state) else { return Read::Failed };
        let request = context.client.call(async |client| client.connected_systems().run_profiles(system).get(id).await);
        let answer = tokio::select! {
            answer = request => answer,
            () = context.stop.requested() => {
                context.diagnostics.error(summary, "Terraform was interrupted.");
                return Read::Failed;
            }
        };
        match answer {
            Ok(profile) => Read::Found(state_of(&profile)),
            Err(error) if error.is_not_found() => Read::Gone,
            Err(error) => {
                report(context.diagnostics, &SUBJECT, &summary, &error);
                Read::Failed
            }
        }
    }

    async fn update(&self, prior: State, planned: State, _: State, context: &mut Context<'_, Api>) -> Option<State> {
        let summary = format!("Could not change the run profile {}", named(&prior));
        let ((system, id), new) = (ids_of(&prior)?, new_profile(&planned)?);
        let request = async |client: &Client| client.connected_systems().run_profiles(system).replace(id, &new).await;
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
        let Some((system, id)) = ids_of(&state) else { return };
        let summary = format!("Could not delete the run profile {}", named(&state));
        let request = async |client: &Client| client.connected_systems().run_profiles(system).delete(id).await;
        match context.client.change(context.stop, request).await {
            None => report_interrupted(context.diagnostics, &summary),
            Some(Err(error)) if !error.is_not_found() => {
                report_undeleted(context.diagnostics, &SUBJECT, &summary, &error);
            }
            Some(_) => {}
        }
    }

    /// By the connected system and the run profile, each by its id or its name; or by the run profile's id alone.
    async fn import(&self, import: Import<'_>, context: &mut Context<'_, Api>) -> Option<State> {
        let id = match import {
            Import::Id(id) => id.to_owned(),
            Import::Identity(_) => format!("{}/{}", import.int("connected_system_id")?, import.int("id")?),
        };
        let summary = format!("Could not import the run profile `{id}`");
        let found = match (id.split_once('/'), id.parse()) {
            (Some((system, profile)), _) if !system.is_empty() && !profile.is_empty() => {
                context.client.call(async |client| looked_up(client, system, profile).await).await
            }
            (None, Ok(profile)) => context.client.call(async |client| anywhere(client, profile).await).await,
            _ => {
                let detail = "A run profile is imported by its connected system and itself, with a slash between them, each by its id (a \
                              number) or its exact name, such as `3/7` or `HR/Full import`; or by its id alone. A connected system \
                              whose name has a slash is named by its id.";
                context.diagnostics.error(summary, detail);
                return None;
            }
        };
        match found {
            Ok(Found::Profile(profile)) => Some(state_of(&profile)),
            Ok(Found::Nothing(detail)) => {
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

/// What an import finds.
enum Found {
    Profile(Profile),
    /// And why.
    Nothing(String),
}

/// A run profile by its connected system and itself. What looks like an id is one.
async fn looked_up(client: &Client, system: &str, profile: &str) -> Result<Found, Error> {
    let id = match system.parse() {
        // Whether there is such a system, the answer about the profile tells.
        Ok(id) => id,
        Err(_) => match connected_system::looked_up(client, system).await? {
            Some(system) => system.id,
            None => return Ok(Found::Nothing(format!("There is no connected system with the name `{system}`."))),
        },
    };
    let profiles = client.connected_systems().run_profiles(id);
    let found = match profile.parse() {
        Ok(id) => Some(profiles.get(id).await?),
        Err(_) => profiles.find(profile).await?,
    };
    Ok(found.map_or_else(
        || Found::Nothing(format!("The connected system `{system}` has no run profile with the name `{profile}`.")),
        Found::Profile,
    ))
}

/// A run profile by its id, which is unique over all connected systems.
async fn anywhere(client: &Client, id: i64) -> Result<Found, Error> {
    let mut query = ConnectedSystemQuery::new();
    query.page_size = Some(i64::from(MAX_LIMIT));
    let mut systems = client.connected_systems().list(query);
    while let Some(system) = systems.try_next().await? {
        match client.connected_systems().run_profiles(system.id).get(id).await {
            Err(error) if error.is_not_found() => {}
            found => return found.map(Found::Profile),
        }
    }
    Ok(Found::Nothing(format!("No connected system has a run profile with the id {id}.")))
}

fn new_profile(planned: &State) -> Option<NewRunProfile> {
    let mut new = NewRunProfile::new(planned.name.as_str()?, planned.run_type.as_str()?.into());
    new.page_size = planned.page_size.as_known().copied();
    new.file_path = planned.file_path.as_str().map(str::to_owned);
    Some(new)
}

fn state_of(profile: &Profile) -> State {
    State {
        id: Attr::Known(profile.id),
        connected_system_id: Attr::Known(profile.connected_system_id),
        name: profile.name.clone().into(),
        run_type: Attr::known(profile.run_type.as_str()),
        page_size: Attr::Known(profile.page_size),
        file_path: profile.file_path.clone().into(),
    }
}

/// The connected system and the run profile. Terraform only hands over what an earlier call returned, so they are there.
fn ids_of(state: &State) -> Option<(i64, i64)> {
    state.connected_system_id.as_known().copied().zip(state.id.as_known().copied())
}

fn named(state: &State) -> String {
    state.name.as_str().map_or_else(|| "(unknown name)".to_owned(), |name| format!("`{name}`"))
}

/// The attribute that a field of the API comes from.
fn attribute(field: &str) -> Option<AttributePath> {
    match field {
        "name" => Some(AttributePath::of("name")),
        "runType" => Some(AttributePath::of("run_type")),
        "pageSize" => Some(AttributePath::of("page_size")),
        "filePath" => Some(AttributePath::of("file_path")),
        _ => None,
    }
}
