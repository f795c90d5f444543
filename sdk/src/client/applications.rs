//! Applications.

use futures::Stream;
use reqwest::Method;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::applications::{Application, ApplicationPatch, ApplicationQuery, NewApplication};
use crate::api::ids::ApplicationId;
use crate::api::page::Page;
use crate::api::paths;

/// Applications that users sign in to.
#[derive(Clone, Copy)]
#[must_use]
pub struct Applications<'a>(pub(super) &'a Transport);

impl<'a> Applications<'a> {
    /// Creates an application. The answer for one of type `oidc` has its client secret; no later answer does.
    pub async fn create(&self, application: &NewApplication) -> Result<Application, Error> {
        self.0.send_body(Method::POST, &paths::applications(), application).await
    }

    /// Reads an application.
    pub async fn get(&self, id: ApplicationId) -> Result<Application, Error> {
        self.0.get(&paths::application(id)).await
    }

    /// Reads one page of applications, by name.
    pub async fn page(&self, query: &ApplicationQuery) -> Result<Page<Application>, Error> {
        self.0.get_with(&paths::applications(), query).await
    }

    /// All applications that fit, by name, page by page as they are asked for.
    pub fn list(&self, query: ApplicationQuery) -> impl Stream<Item = Result<Application, Error>> + Unpin + 'a {
        let applications = Applications(self.0);
        pages::all(move |page| {
            let query = ApplicationQuery { page: Some(page), ..query.clone() };
            async move { applications.page(&query).await }
        })
    }

    /// The application with exactly this name, if there is one.
    pub async fn find(&self, name: &str) -> Result<Option<Application>, Error> {
        Ok(self.page(&ApplicationQuery::named(name)).await?.data.into_iter().next())
    }

    /// Replaces an application. Its type stays, and so do client id and secret.
    pub async fn replace(&self, id: ApplicationId, application: &NewApplication) -> Result<Application, Error> {
        self.0.send_body(Method::PUT, &paths::application(id), application).await
    }

    /// Changes what the patch names.
    pub async fn update(&self, id: ApplicationId, patch: &ApplicationPatch) -> Result<Application, Error> {
        self.0.send_body(Method::PATCH, &paths::application(id), patch).await
    }

    /// Deletes an application.
    pub async fn delete(&self, id: ApplicationId) -> Result<(), Error> {
        self.0.delete(&paths::application(id)).await
    }

    /// Makes a new client secret for an application of type `oidc`; the old one ends at once. No later answer has the new one.
    pub async fn rotate_secret(&self, id: ApplicationId) -> Result<Application, Error> {
        self.0.post(&paths::application_rotate_secret(id)).await
    }
}
