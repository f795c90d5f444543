//! Federated providers. Who users are there is with the users.

use futures::Stream;
use reqwest::Method;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::federated_providers::{
    FederatedProvider, FederatedProviderPatch, FederatedProviderQuery, NewFederatedProvider,
};
use crate::api::ids::ProviderId;
use crate::api::page::Page;
use crate::api::paths;

/// Federated providers. Who a user is there: `client.users().federated_identities(…)`.
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

    /// The provider with exactly this name, if there is one.
    pub async fn find(&self, name: &str) -> Result<Option<FederatedProvider>, Error> {
        Ok(self.page(&FederatedProviderQuery::named(name)).await?.data.into_iter().next())
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
}
