//! Service accounts.

use futures::Stream;
use reqwest::Method;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::ids::{ServiceAccountId, TokenId};
use crate::api::page::{Page, PageQuery};
use crate::api::paths;
use crate::api::service_accounts::{NewServiceAccount, ServiceAccount, ServiceAccountPatch, ServiceAccountQuery};
use crate::api::tokens::{IssuedToken, NewToken, Token};

/// Service accounts and their tokens.
#[derive(Clone, Copy)]
#[must_use]
pub struct ServiceAccounts<'a>(pub(super) &'a Transport);

impl ServiceAccounts<'_> {
    /// Creates an account without tokens.
    pub async fn create(&self, account: &NewServiceAccount) -> Result<ServiceAccount, Error> {
        self.0.send_body(Method::POST, &paths::service_accounts(), account).await
    }

    /// Reads an account.
    pub async fn get(&self, id: ServiceAccountId) -> Result<ServiceAccount, Error> {
        self.0.get(&paths::service_account(id)).await
    }

    /// Reads one page of accounts, ordered by name.
    pub async fn page(&self, query: &ServiceAccountQuery) -> Result<Page<ServiceAccount>, Error> {
        self.0.get_with(&paths::service_accounts(), query).await
    }

    /// All accounts that fit, ordered by name, page by page as they are asked for.
    pub fn list(&self, query: ServiceAccountQuery) -> impl Stream<Item = Result<ServiceAccount, Error>> + Unpin {
        let accounts = ServiceAccounts(self.0);
        pages::all(move |page| {
            let query = ServiceAccountQuery { page: Some(page), ..query.clone() };
            async move { accounts.page(&query).await }
        })
    }

    /// The account with exactly this name, if there is one.
    pub async fn find(&self, name: &str) -> Result<Option<ServiceAccount>, Error> {
        Ok(self.page(&ServiceAccountQuery::named(name)).await?.data.into_iter().next())
    }

    /// Replaces what can be changed of an account; what the body does not name gets its default. Tokens stay.
    pub async fn replace(&self, id: ServiceAccountId, account: &NewServiceAccount) -> Result<ServiceAccount, Error> {
        self.0.send_body(Method::PUT, &paths::service_account(id), account).await
    }

    /// Changes what the patch names, all or nothing.
    pub async fn update(&self, id: ServiceAccountId, patch: &ServiceAccountPatch) -> Result<ServiceAccount, Error> {
        self.0.send_body(Method::PATCH, &paths::service_account(id), patch).await
    }

    /// Deletes an account with its tokens, which are refused at once.
    pub async fn delete(&self, id: ServiceAccountId) -> Result<(), Error> {
        self.0.delete(&paths::service_account(id)).await
    }

    /// Makes a token of an account. Only the answer tells its text.
    pub async fn create_token(&self, id: ServiceAccountId, token: &NewToken) -> Result<IssuedToken, Error> {
        self.0.send_body(Method::POST, &paths::service_account_tokens(id), token).await
    }

    /// All tokens of an account, the newest first, page by page as they are asked for.
    pub fn tokens(&self, id: ServiceAccountId) -> impl Stream<Item = Result<Token, Error>> + Unpin {
        let accounts = ServiceAccounts(self.0);
        pages::all(move |page| async move { accounts.tokens_page(id, &PageQuery::number(page)).await })
    }

    /// Reads one page of the tokens of an account, the newest first.
    pub async fn tokens_page(&self, id: ServiceAccountId, query: &PageQuery) -> Result<Page<Token>, Error> {
        self.0.get_with(&paths::service_account_tokens(id), query).await
    }

    /// Ends a token of an account at once. That it has ended already is no error.
    pub async fn revoke_token(&self, id: ServiceAccountId, token: TokenId) -> Result<(), Error> {
        self.0.delete(&paths::service_account_token(id, token)).await
    }
}
