//! What callers have of their own.

use reqwest::Method;

use super::error::Error;
use super::transport::Transport;
use crate::api::ids::TokenId;
use crate::api::me::{NewShortToken, RenewShortToken, RenewedShortToken, ShortToken};
use crate::api::paths;

/// What callers have of their own: short tokens.
#[derive(Clone, Copy)]
#[must_use]
pub struct Me<'a>(pub(super) &'a Transport);

impl Me<'_> {
    /// Makes a token that ends soon and may do no more than the caller's. A short token cannot make another one.
    pub async fn short_token(&self, token: &NewShortToken) -> Result<ShortToken, Error> {
        self.0.send_body(Method::POST, &paths::short_tokens(), token).await
    }

    /// Lets a short token live for so many seconds from now. Its maker may do this, and the token itself.
    pub async fn renew_short_token(&self, id: &TokenId, ttl_seconds: i64) -> Result<RenewedShortToken, Error> {
        let body = RenewShortToken { ttl_seconds };
        self.0.send_body(Method::POST, &paths::short_token_renew(*id), &body).await
    }

    /// Ends a short token at once. That it has ended already is no error. Its maker may do this, and the token itself.
    pub async fn revoke_short_token(&self, id: &TokenId) -> Result<(), Error> {
        self.0.delete(&paths::short_token(*id)).await
    }
}
