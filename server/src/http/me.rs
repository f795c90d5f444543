//! What callers have of their own: short tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use justiam_sdk::api::ids::TokenId;
use justiam_sdk::api::me::RenewedShortToken;

use super::caller::Authenticated;
use super::extract::{Body, Id};
use super::problem::Failure;
use crate::app::App;

type Shared = State<Arc<App>>;

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
