//! Federated providers, and who users are there.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use justiam_sdk::api::federated_providers::{FederatedIdentity, FederatedProvider, FederatedProviderQuery};
use justiam_sdk::api::ids::{ProviderId, UserId};
use justiam_sdk::api::page::{Page, PageQuery};
use justiam_sdk::api::paths;

use super::caller::Authenticated;
use super::extract::{Body, Id, Ids};
use super::problem::Failure;
use super::query::Query;
use crate::app::App;
use crate::app::identity::actor::Actor;

type Shared = State<Arc<App>>;

/// `POST /api/v1/federated-providers`
pub(super) async fn create(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let provider = app.create_provider(&caller, body.object, body.idempotency_key.as_ref()).await?;
    let location = paths::federated_provider(provider.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(provider)).into_response())
}

/// `GET /api/v1/federated-providers`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Query(query): Query<FederatedProviderQuery>,
) -> Result<Json<Page<FederatedProvider>>, Failure> {
    Ok(Json(app.list_providers(&caller, &query).await?))
}

/// `GET /api/v1/federated-providers/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ProviderId>,
) -> Result<Json<FederatedProvider>, Failure> {
    Ok(Json(app.provider(&caller, id).await?))
}

/// `PUT /api/v1/federated-providers/{id}`
pub(super) async fn replace(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ProviderId>,
    body: Body,
) -> Result<Json<FederatedProvider>, Failure> {
    Ok(Json(app.replace_provider(&caller, id, body.object).await?))
}

/// `PATCH /api/v1/federated-providers/{id}`
pub(super) async fn patch(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ProviderId>,
    body: Body,
) -> Result<Json<FederatedProvider>, Failure> {
    Ok(Json(app.patch_provider(&caller, id, body.object).await?))
}

/// `DELETE /api/v1/federated-providers/{id}`
pub(super) async fn delete(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ProviderId>,
) -> Result<StatusCode, Failure> {
    app.delete_provider(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/users/{id}/federated-identities`
pub(super) async fn identities(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<UserId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<FederatedIdentity>>, Failure> {
    Ok(Json(app.list_identities(&caller, id, &query).await?))
}

/// `POST /api/v1/users/{id}/federated-identities`
pub(super) async fn link(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<UserId>,
    body: Body,
) -> Result<(StatusCode, Json<FederatedIdentity>), Failure> {
    let (identity, is_new) = app.create_identity(&caller, id, body.object, body.idempotency_key.as_ref()).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(identity)))
}

/// `DELETE /api/v1/users/{id}/federated-identities/{provider_id}`
pub(super) async fn unlink(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Ids(user, provider): Ids<UserId, ProviderId>,
) -> Result<StatusCode, Failure> {
    app.unlink_identity(&Actor::Caller(&caller), &user.to_string(), &provider.to_string()).await?;
    Ok(StatusCode::NO_CONTENT)
}
