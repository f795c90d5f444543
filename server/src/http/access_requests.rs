//! Access requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use justiam_sdk::api::access_requests::{AccessRequest, AccessRequestQuery};
use justiam_sdk::api::ids::AccessRequestId;
use justiam_sdk::api::page::Page;
use justiam_sdk::api::paths;

use super::caller::Authenticated;
use super::extract::{Body, Id, NoBody};
use super::problem::Failure;
use super::query::Query;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `POST /api/v1/access-requests`
pub(super) async fn create(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let request = app.create_access_request(&caller, body.object, body.idempotency_key.as_ref()).await?;
    let location = paths::access_request(request.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(request)).into_response())
}

/// `GET /api/v1/access-requests`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Query(query): Query<AccessRequestQuery>,
) -> Result<Json<Page<AccessRequest>>, Failure> {
    Ok(Json(app.list_access_requests(&caller, &query).await?))
}

/// `GET /api/v1/access-requests/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<AccessRequestId>,
) -> Result<Json<AccessRequest>, Failure> {
    Ok(Json(app.access_request(&caller, id).await?))
}

/// `POST /api/v1/access-requests/{id}/approve`
pub(super) async fn approve(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<AccessRequestId>,
    request: NoBody,
) -> Result<Json<AccessRequest>, Failure> {
    Ok(Json(app.approve_access_request(&caller, id, request.idempotency_key.as_ref()).await?))
}

/// `POST /api/v1/access-requests/{id}/deny`
pub(super) async fn deny(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<AccessRequestId>,
    request: NoBody,
) -> Result<Json<AccessRequest>, Failure> {
    Ok(Json(app.deny_access_request(&caller, id, request.idempotency_key.as_ref()).await?))
}
