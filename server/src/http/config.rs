//! A task's config entries.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use justiam_sdk::api::config::ConfigEntries;
use justiam_sdk::api::ids::TaskId;

use super::caller::Authenticated;
use super::extract::{Body, Id, IfMatch};
use super::problem::Failure;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `GET /api/v1/tasks/{id}/config`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
) -> Result<Json<ConfigEntries>, Failure> {
    Ok(Json(ConfigEntries { config: app.config(&caller, id).await? }))
}

/// `PUT /api/v1/tasks/{id}/config`
pub(super) async fn replace(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
    IfMatch(revision): IfMatch,
    body: Body,
) -> Result<Json<ConfigEntries>, Failure> {
    let config = app.replace_config(&caller, id, body.object, revision.as_deref()).await?;
    Ok(Json(ConfigEntries { config }))
}
