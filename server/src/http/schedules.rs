//! Schedules.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode, header};
use justiam_sdk::api::ids::ScheduleId;
use justiam_sdk::api::page::Items;
use justiam_sdk::api::paths;
use justiam_sdk::api::preview::{NextExecutions, NextQuery};
use justiam_sdk::api::schedules::{Schedule, ScheduleQuery};

use super::caller::Authenticated;
use super::extract::{Body, Id, IfMatch, NoBody};
use super::problem::Failure;
use super::query::LooseQuery;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `POST /api/v1/schedules`
pub(super) async fn create(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let schedule = app.create_schedule(&caller, body.object, body.idempotency_key.as_ref()).await?;
    let location = paths::schedule(schedule.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], with_etag(schedule)).into_response())
}

/// `GET /api/v1/schedules`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    LooseQuery(query): LooseQuery<ScheduleQuery>,
) -> Result<Json<Items<Schedule>>, Failure> {
    Ok(Json(app.list_schedules(&caller, &query).await?))
}

/// `GET /api/v1/schedules/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ScheduleId>,
) -> Result<impl IntoResponse, Failure> {
    Ok(with_etag(app.schedule(&caller, id).await?))
}

/// `PUT /api/v1/schedules/{id}`
pub(super) async fn replace(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ScheduleId>,
    IfMatch(revision): IfMatch,
    body: Body,
) -> Result<impl IntoResponse, Failure> {
    Ok(with_etag(
        app.replace_schedule(&caller, id, body.object, revision.as_deref(), body.idempotency_key.as_ref()).await?,
    ))
}

/// `DELETE /api/v1/schedules/{id}`
pub(super) async fn delete(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ScheduleId>,
    IfMatch(revision): IfMatch,
) -> Result<StatusCode, Failure> {
    app.delete_schedule(&caller, id, revision.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/schedules/{id}/enable`. A key to repeat it under is not needed: to enable twice is to enable.
pub(super) async fn enable(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ScheduleId>,
    IfMatch(revision): IfMatch,
    _: NoBody,
) -> Result<impl IntoResponse, Failure> {
    Ok(with_etag(app.enable_schedule(&caller, id, true, revision.as_deref()).await?))
}

/// `POST /api/v1/schedules/{id}/disable`
pub(super) async fn disable(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ScheduleId>,
    IfMatch(revision): IfMatch,
    _: NoBody,
) -> Result<impl IntoResponse, Failure> {
    Ok(with_etag(app.enable_schedule(&caller, id, false, revision.as_deref()).await?))
}

/// `GET /api/v1/schedules/{id}/next`
pub(super) async fn next(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ScheduleId>,
    LooseQuery(query): LooseQuery<NextQuery>,
) -> Result<Json<NextExecutions>, Failure> {
    Ok(Json(app.next_executions(&caller, id, &query).await?))
}

fn with_etag(schedule: Schedule) -> ([(HeaderName, String); 1], Json<Schedule>) {
    ([(header::ETAG, format!("\"{}\"", schedule.revision))], Json(schedule))
}
