//! Access requests.

use futures::Stream;
use reqwest::Method;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::access_requests::{AccessRequest, AccessRequestQuery, NewAccessRequest};
use crate::api::ids::AccessRequestId;
use crate::api::page::Page;
use crate::api::paths;

/// Requests of users for access.
#[derive(Clone, Copy)]
#[must_use]
pub struct AccessRequests<'a>(pub(super) &'a Transport);

impl<'a> AccessRequests<'a> {
    /// Makes a pending request.
    pub async fn create(&self, request: &NewAccessRequest) -> Result<AccessRequest, Error> {
        self.0.send_body(Method::POST, &paths::access_requests(), request).await
    }

    /// Reads a request.
    pub async fn get(&self, id: AccessRequestId) -> Result<AccessRequest, Error> {
        self.0.get(&paths::access_request(id)).await
    }

    /// Reads one page of requests, newest first.
    pub async fn page(&self, query: &AccessRequestQuery) -> Result<Page<AccessRequest>, Error> {
        self.0.get_with(&paths::access_requests(), query).await
    }

    /// All requests that fit, newest first, page by page as they are asked for.
    pub fn list(&self, query: AccessRequestQuery) -> impl Stream<Item = Result<AccessRequest, Error>> + Unpin + 'a {
        let requests = AccessRequests(self.0);
        pages::all(move |page| {
            let query = AccessRequestQuery { page: Some(page), ..query.clone() };
            async move { requests.page(&query).await }
        })
    }

    /// Grants a pending request.
    pub async fn approve(&self, id: AccessRequestId) -> Result<AccessRequest, Error> {
        self.0.post(&paths::access_request_approve(id)).await
    }

    /// Refuses a pending request.
    pub async fn deny(&self, id: AccessRequestId) -> Result<AccessRequest, Error> {
        self.0.post(&paths::access_request_deny(id)).await
    }
}
