//! A task's secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::secrets::SecretKeys;

use super::caller::Authenticated;
use super::extract::{Body, Id, IfMatch};
use super::problem::Failure;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `GET /api/v1/tasks/{id}/secrets`
pub(super) async fn keys(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
) -> Result<Json<SecretKeys>, Failure> {
    Ok(Json(app.secret_keys(&caller, id).await?))
}

/// `PUT /api/v1/tasks/{id}/secrets`
pub(super) async fn replace(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
    IfMatch(revision): IfMatch,
    body: Body,
) -> Result<Json<SecretKeys>, Failure> {
    Ok(Json(app.replace_secrets(&caller, id, body.object, revision.as_deref()).await?))
}

/// `PATCH /api/v1/tasks/{id}/secrets`
pub(super) async fn patch(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
    IfMatch(revision): IfMatch,
    body: Body,
) -> Result<Json<SecretKeys>, Failure> {
    Ok(Json(app.patch_secrets(&caller, id, body.object, revision.as_deref()).await?))
}

/// `POST /api/v1/tasks/{id}/secrets/compare`
pub(super) async fn compare(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
    body: Body,
) -> Result<Json<BTreeMap<String, bool>>, Failure> {
    Ok(Json(app.compare_secrets(&caller, id, body.object).await?))
}
