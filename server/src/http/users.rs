//! Users.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use justiam_sdk::api::groups::Group;
use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::page::{Page, PageQuery};
use justiam_sdk::api::paths;
use justiam_sdk::api::users::{User, UserQuery};

use super::caller::Authenticated;
use super::extract::{Body, Id};
use super::problem::Failure;
use super::query::Query;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `POST /api/v1/users`
pub(super) async fn create(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let user = app.create_user(&caller, body.object, body.idempotency_key.as_ref()).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, paths::user(user.id))], Json(user)).into_response())
}

/// `GET /api/v1/users`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Query(query): Query<UserQuery>,
) -> Result<Json<Page<User>>, Failure> {
    Ok(Json(app.list_users(&caller, &query).await?))
}

/// `GET /api/v1/users/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<UserId>,
) -> Result<Json<User>, Failure> {
    Ok(Json(app.user(&caller, id).await?))
}

/// `PUT /api/v1/users/{id}`
pub(super) async fn replace(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<UserId>,
    body: Body,
) -> Result<Json<User>, Failure> {
    Ok(Json(app.replace_user(&caller, id, body.object).await?))
}

/// `PATCH /api/v1/users/{id}`
pub(super) async fn patch(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<UserId>,
    body: Body,
) -> Result<Json<User>, Failure> {
    Ok(Json(app.patch_user(&caller, id, body.object).await?))
}

/// `DELETE /api/v1/users/{id}`
pub(super) async fn delete(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<UserId>,
) -> Result<StatusCode, Failure> {
    app.delete_user(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/users/{id}/groups`
pub(super) async fn groups(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<UserId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Group>>, Failure> {
    Ok(Json(app.list_groups_of(&caller, id, &query).await?))
}
