//! Federated providers, and who users are there.

use futures::Stream;
use reqwest::Method;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::federated_providers::{
    FederatedIdentity, FederatedIdentityQuery, FederatedProvider, FederatedProviderPatch, FederatedProviderQuery,
    NewFederatedIdentity, NewFederatedProvider,
};
use crate::api::ids::{ProviderId, UserId};
use crate::api::page::Page;
use crate::api::paths;

/// Federated providers, and who users are there.
#[derive(Clone, Copy)]
#[must_use]
pub struct FederatedProviders<'a>(pub(super) &'a Transport);

impl<'a> FederatedProviders<'a> {
    /// Creates a provider.
    pub async fn create(&self, provider: &NewFederatedProvider) -> Result<FederatedProvider, Error> {
        self.0.send_body(Method::POST, &paths::federated_providers(), provider).await
    }

    /// Reads a provider.
    pub async fn get(&self, id: ProviderId) -> Result<FederatedProvider, Error> {
        self.0.get(&paths::federated_provider(id)).await
    }

    /// Reads one page of providers, by name.
    pub async fn page(&self, query: &FederatedProviderQuery) -> Result<Page<FederatedProvider>, Error> {
        self.0.get_with(&paths::federated_providers(), query).await
    }

    /// All providers that fit, by name, page by page as they are asked for.
    pub fn list(
        &self,
        query: FederatedProviderQuery,
    ) -> impl Stream<Item = Result<FederatedProvider, Error>> + Unpin + 'a {
        let providers = FederatedProviders(self.0);
        pages::all(move |page| {
            let query = FederatedProviderQuery { page: Some(page), ..query.clone() };
            async move { providers.page(&query).await }
        })
    }

    /// Replaces a provider. What the body leaves out returns to its default.
    pub async fn replace(&self, id: ProviderId, provider: &NewFederatedProvider) -> Result<FederatedProvider, Error> {
        self.0.send_body(Method::PUT, &paths::federated_provider(id), provider).await
    }

    /// Changes what the patch names.
    pub async fn update(&self, id: ProviderId, patch: &FederatedProviderPatch) -> Result<FederatedProvider, Error> {
        self.0.send_body(Method::PATCH, &paths::federated_provider(id), patch).await
    }

    /// Deletes a provider and all identities there. Users stay.
    pub async fn delete(&self, id: ProviderId) -> Result<(), Error> {
        self.0.delete(&paths::federated_provider(id)).await
    }

    /// All identities of a user, in the order in which they were linked, page by page as they are asked for.
    pub fn identities(&self, user: UserId) -> impl Stream<Item = Result<FederatedIdentity, Error>> + Unpin + 'a {
        let providers = FederatedProviders(self.0);
        pages::all(move |page| {
            let query = FederatedIdentityQuery { page: Some(page), ..FederatedIdentityQuery::default() };
            async move { providers.identities_page(user, &query).await }
        })
    }

    /// Reads one page of the identities of a user, in the order in which they were linked.
    pub async fn identities_page(
        &self,
        user: UserId,
        query: &FederatedIdentityQuery,
    ) -> Result<Page<FederatedIdentity>, Error> {
        self.0.get_with(&paths::user_identities(user), query).await
    }

    /// Links a user to who he or she is at a provider. The same again is fine.
    pub async fn link(&self, user: UserId, identity: &NewFederatedIdentity) -> Result<FederatedIdentity, Error> {
        self.0.send_body(Method::POST, &paths::user_identities(user), identity).await
    }

    /// Removes the identity that a user has at a provider. Where there is none, nothing happens.
    pub async fn unlink(&self, user: UserId, provider: ProviderId) -> Result<(), Error> {
        self.0.delete(&paths::user_identity(user, provider)).await
    }
}
