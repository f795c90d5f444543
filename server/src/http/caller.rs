//! Tells who asks.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};

use super::problem::Failure;
use crate::app::caller::Caller;
use crate::app::{App, Error};

/// A caller with a valid token.
pub(super) struct Authenticated(pub(super) Caller);

impl FromRequestParts<Arc<App>> for Authenticated {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let token = token(&parts.headers).ok_or(Error::Unauthorised(
            "a token is required: send the header `Authorization: Bearer <token>` or `X-API-Key: <token>`",
        ))?;
        Ok(Self(app.authenticate(token).await?))
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty());
    }
    headers.get("x-api-key")?.to_str().ok().map(str::trim).filter(|token| !token.is_empty())
}
