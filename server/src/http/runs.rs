//! Runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::page::Page;
use justiam_sdk::api::runs::{Run, RunQuery};

use super::caller::Authenticated;
use super::extract::{Id, NoBody};
use super::problem::Failure;
use super::query::Query;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `POST /api/v1/tasks/{id}/run`
pub(super) async fn run_task(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
    request: NoBody,
) -> Result<(StatusCode, Json<Run>), Failure> {
    Ok((StatusCode::ACCEPTED, Json(app.run_task(&caller, id, request.idempotency_key.as_ref()).await?)))
}

/// `GET /api/v1/tasks/{id}/runs`
pub(super) async fn list_of_task(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TaskId>,
    Query(query): Query<RunQuery>,
) -> Result<Json<Page<Run>>, Failure> {
    Ok(Json(app.list_task_runs(&caller, id, &query).await?))
}

/// `GET /api/v1/task-runs`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Query(query): Query<RunQuery>,
) -> Result<Json<Page<Run>>, Failure> {
    Ok(Json(app.list_runs(&caller, &query).await?))
}

/// `GET /api/v1/task-runs/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<RunId>,
) -> Result<Json<Run>, Failure> {
    Ok(Json(app.run(&caller, id).await?))
}

/// `POST /api/v1/task-runs/{id}/cancel`
pub(super) async fn cancel(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<RunId>,
    request: NoBody,
) -> Result<(StatusCode, Json<Run>), Failure> {
    Ok((StatusCode::ACCEPTED, Json(app.cancel_run(&caller, id, request.idempotency_key.as_ref()).await?)))
}
