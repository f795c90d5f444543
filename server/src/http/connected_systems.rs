//! Connected systems and their run profiles.

use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use justiam_sdk::api::connected_systems::{ConnectedSystem, ConnectedSystemQuery, RunProfile, RunProfileRun};
use justiam_sdk::api::page::Items;
use justiam_sdk::api::paths;

use super::caller::Authenticated;
use super::extract::{Body, Id, Ids, NoBody, PathId};
use super::problem::Failure;
use super::query::LooseQuery;
use crate::app::{App, Error};

type Shared = State<Arc<App>>;

/// The number of a connected system.
#[derive(Debug, Clone, Copy)]
pub(super) struct System(i64);

impl FromStr for System {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl PathId for System {
    fn missing(text: &str) -> Error {
        Error::no_connected_system(text)
    }
}

/// The number of a run profile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Profile(i64);

impl FromStr for Profile {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl PathId for Profile {
    fn missing(text: &str) -> Error {
        Error::no_run_profile(text)
    }
}

/// `POST /api/v1/synchronisation/connected-systems`
pub(super) async fn create(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let system = app.create_connected_system(&caller, body.object, body.idempotency_key.as_ref()).await?;
    let location = paths::connected_system(system.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(system)).into_response())
}

/// `GET /api/v1/synchronisation/connected-systems`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    LooseQuery(query): LooseQuery<ConnectedSystemQuery>,
) -> Result<Json<Items<ConnectedSystem>>, Failure> {
    Ok(Json(app.list_connected_systems(&caller, &query).await?))
}

/// `GET /api/v1/synchronisation/connected-systems/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(System(id)): Id<System>,
) -> Result<Json<ConnectedSystem>, Failure> {
    Ok(Json(app.connected_system(&caller, id).await?))
}

/// `PUT /api/v1/synchronisation/connected-systems/{id}`
pub(super) async fn replace(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(System(id)): Id<System>,
    body: Body,
) -> Result<Json<ConnectedSystem>, Failure> {
    Ok(Json(app.replace_connected_system(&caller, id, body.object).await?))
}

/// `DELETE /api/v1/synchronisation/connected-systems/{id}`
pub(super) async fn delete(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(System(id)): Id<System>,
) -> Result<StatusCode, Failure> {
    app.delete_connected_system(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/synchronisation/connected-systems/{id}/run-profiles`
pub(super) async fn create_profile(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(System(id)): Id<System>,
    body: Body,
) -> Result<Response, Failure> {
    let profile = app.create_run_profile(&caller, id, body.object, body.idempotency_key.as_ref()).await?;
    let location = paths::run_profile(id, profile.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(profile)).into_response())
}

/// `GET /api/v1/synchronisation/connected-systems/{id}/run-profiles`
pub(super) async fn list_profiles(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(System(id)): Id<System>,
) -> Result<Json<Vec<RunProfile>>, Failure> {
    Ok(Json(app.list_run_profiles(&caller, id).await?))
}

/// `GET /api/v1/synchronisation/connected-systems/{id}/run-profiles/{run_profile_id}`
pub(super) async fn read_profile(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Ids(System(system), Profile(id)): Ids<System, Profile>,
) -> Result<Json<RunProfile>, Failure> {
    Ok(Json(app.run_profile(&caller, system, id).await?))
}

/// `PUT /api/v1/synchronisation/connected-systems/{id}/run-profiles/{run_profile_id}`
pub(super) async fn replace_profile(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Ids(System(system), Profile(id)): Ids<System, Profile>,
    body: Body,
) -> Result<Json<RunProfile>, Failure> {
    Ok(Json(app.replace_run_profile(&caller, system, id, body.object).await?))
}

/// `DELETE /api/v1/synchronisation/connected-systems/{id}/run-profiles/{run_profile_id}`
pub(super) async fn delete_profile(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Ids(System(system), Profile(id)): Ids<System, Profile>,
) -> Result<StatusCode, Failure> {
    app.delete_run_profile(&caller, system, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/synchronisation/connected-systems/{id}/run-profiles/{run_profile_id}/execute`
pub(super) async fn execute_profile(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Ids(System(system), Profile(id)): Ids<System, Profile>,
    request: NoBody,
) -> Result<(StatusCode, Json<RunProfileRun>), Failure> {
    let run = app.execute_profile(&caller, system, id, request.idempotency_key.as_ref()).await?;
    Ok((StatusCode::ACCEPTED, Json(run)))
}
