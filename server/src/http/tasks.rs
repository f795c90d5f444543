//! Tasks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode, header};
use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::page::Page;
use justiam_sdk::api::paths;
use justiam_sdk::api::preview::{NextQuery, NextRuns, Validation};
use justiam_sdk::api::tasks::{Task, TaskQuery};

use super::caller::Authenticated;
use super::extract::{Body, Id, IfMatch};
use super::problem::Failure;
use super::query::Query;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `POST /api/v1/tasks`
pub(super) async fn create(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let task = app.create_task(&caller, body.object, body.idempotency_key.as_ref()).await?;
    let location = paths::task(task.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], with_etag(task)).into_response())
}

/// `GET /api/v1/tasks`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Query(query): Query<TaskQuery>,
) -> Result<Json<Page<Task>>, Failure> {
    Ok(Json(app.list_tasks(&caller, &query).await?))
}

/// `GET /api/v1/tasks/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
) -> Result<impl IntoResponse, Failure> {
    Ok(with_etag(app.task(&caller, id).await?))
}

/// `PUT /api/v1/tasks/{id}`
pub(super) async fn replace(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
    IfMatch(revision): IfMatch,
    body: Body,
) -> Result<impl IntoResponse, Failure> {
    Ok(with_etag(app.replace_task(&caller, id, body.object, revision.as_deref(), body.idempotency_key.as_ref()).await?))
}

/// `PATCH /api/v1/tasks/{id}`
pub(super) async fn patch(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
    IfMatch(revision): IfMatch,
    body: Body,
) -> Result<impl IntoResponse, Failure> {
    Ok(with_etag(app.patch_task(&caller, id, body.object, revision.as_deref(), body.idempotency_key.as_ref()).await?))
}

/// `DELETE /api/v1/tasks/{id}`
pub(super) async fn delete(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
    IfMatch(revision): IfMatch,
) -> Result<StatusCode, Failure> {
    app.delete_task(&caller, id, revision.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/tasks/{id}/next`
pub(super) async fn next(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
    Query(query): Query<NextQuery>,
) -> Result<Json<NextRuns>, Failure> {
    Ok(Json(app.next_runs(&caller, id, &query).await?))
}

/// `POST /api/v1/tasks/validate`
pub(super) async fn validate(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Json<Validation>, Failure> {
    Ok(Json(app.validate_task(&caller, body.object).await?))
}

fn with_etag(task: Task) -> ([(HeaderName, String); 1], Json<Task>) {
    ([(header::ETAG, format!("\"{}\"", task.revision))], Json(task))
}
