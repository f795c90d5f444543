//! Groups of users.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use justiam_sdk::api::groups::{Group, GroupQuery};
use justiam_sdk::api::ids::{GroupId, UserId};
use justiam_sdk::api::page::{Page, PageQuery};
use justiam_sdk::api::paths;
use justiam_sdk::api::users::User;

use super::caller::Authenticated;
use super::extract::{Body, Id, Ids};
use super::problem::Failure;
use super::query::Query;
use crate::app::App;
use crate::app::identity::actor::Actor;

type Shared = State<Arc<App>>;

/// `POST /api/v1/groups`
pub(super) async fn create(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let group = app.create_group(&caller, body.object, body.idempotency_key.as_ref()).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, paths::group(group.id))], Json(group)).into_response())
}

/// `GET /api/v1/groups`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Query(query): Query<GroupQuery>,
) -> Result<Json<Page<Group>>, Failure> {
    Ok(Json(app.list_groups(&caller, &query).await?))
}

/// `GET /api/v1/groups/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<GroupId>,
) -> Result<Json<Group>, Failure> {
    Ok(Json(app.group(&caller, id).await?))
}

/// `PUT /api/v1/groups/{id}`
pub(super) async fn replace(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<GroupId>,
    body: Body,
) -> Result<Json<Group>, Failure> {
    Ok(Json(app.replace_group(&caller, id, body.object).await?))
}

/// `PATCH /api/v1/groups/{id}`
pub(super) async fn patch(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<GroupId>,
    body: Body,
) -> Result<Json<Group>, Failure> {
    Ok(Json(app.patch_group(&caller, id, body.object).await?))
}

/// `DELETE /api/v1/groups/{id}`
pub(super) async fn delete(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<GroupId>,
) -> Result<StatusCode, Failure> {
    app.delete_group(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/groups/{id}/members`
pub(super) async fn members(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<GroupId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<User>>, Failure> {
    Ok(Json(app.list_members(&caller, id, &query).await?))
}

/// `PUT /api/v1/groups/{id}/members/{user_id}`
pub(super) async fn add_member(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Ids(group, user): Ids<GroupId, UserId>,
) -> Result<StatusCode, Failure> {
    app.add_member(&Actor::Caller(&caller), &group.to_string(), &user.to_string()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/groups/{id}/members/{user_id}`
pub(super) async fn remove_member(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Ids(group, user): Ids<GroupId, UserId>,
) -> Result<StatusCode, Failure> {
    app.remove_member(&Actor::Caller(&caller), &group.to_string(), &user.to_string()).await?;
    Ok(StatusCode::NO_CONTENT)
}
