//! Applications.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode, header};
use justiam_sdk::api::applications::{Application, ApplicationQuery};
use justiam_sdk::api::ids::ApplicationId;
use justiam_sdk::api::page::Page;
use justiam_sdk::api::paths;

use super::caller::Authenticated;
use super::extract::{Body, Id, NoBody};
use super::problem::Failure;
use super::query::Query;
use crate::app::App;

type Shared = State<Arc<App>>;

/// For answers that hold a client secret: nobody on the way keeps a copy.
const NOT_STORED: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// `POST /api/v1/applications`
pub(super) async fn create(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let application = app.create_application(&caller, body.object, body.idempotency_key.as_ref()).await?;
    let location = (header::LOCATION, paths::application(application.id));
    Ok((StatusCode::CREATED, [location], [NOT_STORED], Json(application)).into_response())
}

/// `GET /api/v1/applications`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Query(query): Query<ApplicationQuery>,
) -> Result<Json<Page<Application>>, Failure> {
    Ok(Json(app.list_applications(&caller, &query).await?))
}

/// `GET /api/v1/applications/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ApplicationId>,
) -> Result<Json<Application>, Failure> {
    Ok(Json(app.application(&caller, id).await?))
}

/// `PUT /api/v1/applications/{id}`
pub(super) async fn replace(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ApplicationId>,
    body: Body,
) -> Result<Json<Application>, Failure> {
    Ok(Json(app.replace_application(&caller, id, body.object).await?))
}

/// `PATCH /api/v1/applications/{id}`
pub(super) async fn patch(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ApplicationId>,
    body: Body,
) -> Result<Json<Application>, Failure> {
    Ok(Json(app.patch_application(&caller, id, body.object).await?))
}

/// `DELETE /api/v1/applications/{id}`
pub(super) async fn delete(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ApplicationId>,
) -> Result<StatusCode, Failure> {
    app.delete_application(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/applications/{id}/rotate-secret`
pub(super) async fn rotate_secret(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ApplicationId>,
    request: NoBody,
) -> Result<impl IntoResponse, Failure> {
    let application = app.rotate_secret(&caller, id, request.idempotency_key.as_ref()).await?;
    Ok(([NOT_STORED], Json(application)))
}
