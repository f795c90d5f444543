//! Executions of schedules.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use justiam_sdk::api::executions::{Execution, ExecutionQuery};
use justiam_sdk::api::ids::{ExecutionId, ScheduleId};
use justiam_sdk::api::page::Items;
use justiam_sdk::api::schedules::ScheduleRun;

use super::caller::Authenticated;
use super::extract::{Id, NoBody};
use super::problem::Failure;
use super::query::LooseQuery;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `POST /api/v1/schedules/{id}/run`
pub(super) async fn run_schedule(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ScheduleId>,
    request: NoBody,
) -> Result<(StatusCode, Json<ScheduleRun>), Failure> {
    Ok((StatusCode::ACCEPTED, Json(app.run_schedule(&caller, id, request.idempotency_key.as_ref()).await?)))
}

/// `GET /api/v1/schedule-executions`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    LooseQuery(query): LooseQuery<ExecutionQuery>,
) -> Result<Json<Items<Execution>>, Failure> {
    Ok(Json(app.list_executions(&caller, &query).await?))
}

/// `GET /api/v1/schedule-executions/active`
pub(super) async fn active(
    State(app): Shared,
    Authenticated(caller): Authenticated,
) -> Result<Json<Vec<Execution>>, Failure> {
    Ok(Json(app.active_executions(&caller).await?))
}

/// `GET /api/v1/schedule-executions/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ExecutionId>,
) -> Result<Json<Execution>, Failure> {
    Ok(Json(app.execution(&caller, id).await?))
}

/// `POST /api/v1/schedule-executions/{id}/cancel`
pub(super) async fn cancel(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ExecutionId>,
    request: NoBody,
) -> Result<Json<Execution>, Failure> {
    Ok(Json(app.cancel_execution(&caller, id, request.idempotency_key.as_ref()).await?))
}
