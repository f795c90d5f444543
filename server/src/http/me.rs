//! Who the caller is, and what callers have of their own: tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use justiam_sdk::api::ids::TokenId;
use justiam_sdk::api::me::{Me, RenewedShortToken};
use justiam_sdk::api::page::{Page, PageQuery};
use justiam_sdk::api::tokens::Token;

use super::caller::Authenticated;
use super::extract::{Body, Id};
use super::problem::Failure;
use super::query::Query;
use crate::app::App;

type Shared = State<Arc<App>>;

/// `GET /api/v1/me`
pub(super) async fn read(State(app): Shared, Authenticated(caller): Authenticated) -> Result<Json<Me>, Failure> {
    Ok(Json(app.me(&caller).await?))
}

/// `GET /api/v1/me/tokens`
pub(super) async fn list_tokens(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Token>>, Failure> {
    Ok(Json(app.list_my_tokens(&caller, &query).await?))
}

/// `POST /api/v1/me/tokens`
pub(super) async fn create_token(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let token = app.create_my_token(&caller, body.object, body.idempotency_key.as_ref()).await?;
    // Nobody on the way keeps a copy.
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(token)).into_response())
}

/// `DELETE /api/v1/me/tokens/{id}`
pub(super) async fn revoke_token(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TokenId>,
) -> Result<StatusCode, Failure> {
    app.revoke_my_token(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/me/tokens/short`
pub(super) async fn create_short_token(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    body: Body,
) -> Result<Response, Failure> {
    let token = app.create_short_token(&caller, body.object, body.idempotency_key.as_ref()).await?;
    // Nobody on the way keeps a copy.
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(token)).into_response())
}

/// `POST /api/v1/me/tokens/short/{id}/renew`
pub(super) async fn renew_short_token(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TokenId>,
    body: Body,
) -> Result<Json<RenewedShortToken>, Failure> {
    Ok(Json(app.renew_short_token(&caller, id, body.object).await?))
}

/// `DELETE /api/v1/me/tokens/short/{id}`
pub(super) async fn revoke_short_token(
    State(app): Shared,
    Authenticated(caller): Authenticated,
    Id(id): Id<TokenId>,
) -> Result<StatusCode, Failure> {
    app.revoke_short_token(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
