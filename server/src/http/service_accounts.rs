//! Service accounts and their tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use justiam_sdk::api::ids::{ServiceAccountId, TokenId};
use justiam_sdk::api::page::{Page, PageQuery};
use justiam_sdk::api::paths;
use justiam_sdk::api::service_accounts::{ServiceAccount, ServiceAccountQuery};
use justiam_sdk::api::tokens::Token;

use super::caller::Authenticated;
use super::extract::{Body, Id, Ids};
use super::problem::Failure;
use super::query::Query;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `POST /api/v1/service-accounts`
pub(super) async fn create(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let account = app.create_service_account(&caller, body.object, body.idempotency_key.as_ref()).await?;
    let location = paths::service_account(account.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(account)).into_response())
}

/// `GET /api/v1/service-accounts`
pub(super) async fn list(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Query(query): Query<ServiceAccountQuery>,
) -> Result<Json<Page<ServiceAccount>>, Failure> {
    Ok(Json(app.list_service_accounts(&caller, &query).await?))
}

/// `GET /api/v1/service-accounts/{id}`
pub(super) async fn read(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ServiceAccountId>,
) -> Result<Json<ServiceAccount>, Failure> {
    Ok(Json(app.service_account(&caller, id).await?))
}

/// `PUT /api/v1/service-accounts/{id}`
pub(super) async fn replace(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ServiceAccountId>,
    body: Body,
) -> Result<Json<ServiceAccount>, Failure> {
    Ok(Json(app.replace_service_account(&caller, id, body.object).await?))
}

/// `PATCH /api/v1/service-accounts/{id}`
pub(super) async fn patch(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ServiceAccountId>,
    body: Body,
) -> Result<Json<ServiceAccount>, Failure> {
    Ok(Json(app.patch_service_account(&caller, id, body.object).await?))
}

/// `DELETE /api/v1/service-accounts/{id}`
pub(super) async fn delete(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ServiceAccountId>,
) -> Result<StatusCode, Failure> {
    app.delete_service_account(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/service-accounts/{id}/tokens`
pub(super) async fn create_token(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ServiceAccountId>,
    body: Body,
) -> Result<Response, Failure> {
    let token = app.create_account_token(&caller, id, body.object, body.idempotency_key.as_ref()).await?;
    // Nobody on the way keeps a copy.
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(token)).into_response())
}

/// `GET /api/v1/service-accounts/{id}/tokens`
pub(super) async fn list_tokens(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<ServiceAccountId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Token>>, Failure> {
    Ok(Json(app.list_account_tokens(&caller, id, &query).await?))
}

/// `DELETE /api/v1/service-accounts/{id}/tokens/{token_id}`
pub(super) async fn revoke_token(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Ids(account, id): Ids<ServiceAccountId, TokenId>,
) -> Result<StatusCode, Failure> {
    app.revoke_account_token(&caller, account, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
