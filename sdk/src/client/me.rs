//! Who the caller is, and what callers have of their own.

use futures::Stream;
use reqwest::Method;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::ids::TokenId;
use crate::api::me::{self, NewShortToken, RenewShortToken, RenewedShortToken, ShortToken};
use crate::api::page::{Page, PageQuery};
use crate::api::paths;
use crate::api::tokens::{IssuedToken, NewToken, Token};

/// Who the caller is, and what callers have of their own: tokens.
#[derive(Clone, Copy)]
#[must_use]
pub struct Me<'a>(pub(super) &'a Transport);

impl<'a> Me<'a> {
    /// Who the caller is, and what it may do at this moment.
    pub async fn whoami(&self) -> Result<me::Me, Error> {
        self.0.get(&paths::me()).await
    }

    /// Makes a token of the caller's account that may do no more than the caller. Only the answer tells its text.
    pub async fn create_token(&self, token: &NewToken) -> Result<IssuedToken, Error> {
        self.0.send_body(Method::POST, &paths::my_tokens(), token).await
    }

    /// All tokens of the caller's account, the newest first, page by page as they are asked for.
    pub fn tokens(&self) -> impl Stream<Item = Result<Token, Error>> + Unpin + 'a {
        let me = Me(self.0);
        pages::all(move |page| async move { me.tokens_page(&PageQuery::number(page)).await })
    }

    /// Reads one page of the tokens of the caller's account, the newest first.
    pub async fn tokens_page(&self, query: &PageQuery) -> Result<Page<Token>, Error> {
        self.0.get_with(&paths::my_tokens(), query).await
    }

    /// Ends a token of the caller's account at once. That it has ended already is no error.
    pub async fn revoke_token(&self, id: TokenId) -> Result<(), Error> {
        self.0.delete(&paths::my_token(id)).await
    }

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
