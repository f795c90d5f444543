//! The async client.

mod access_requests;
mod activities;
mod applications;
mod audit;
mod config;
mod connected_systems;
mod error;
mod executions;
mod federated_providers;
mod groups;
mod me;
mod pages;
mod retry;
mod run_logs;
mod runs;
mod schedules;
mod secrets;
mod service_accounts;
mod sse;
mod tasks;
mod transport;
mod users;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Proxy};
use url::Url;

use crate::api::ids::TaskId;
use crate::api::secrets::Secret;

pub use access_requests::AccessRequests;
pub use activities::Activities;
pub use applications::Applications;
pub use audit::Audit;
pub use config::Config;
pub use connected_systems::{ConnectedSystems, RunProfiles};
pub use error::{ApiError, BuildError, Error};
pub use executions::Executions;
pub use federated_providers::FederatedProviders;
pub use groups::Groups;
pub use me::Me;
pub use retry::Retry;
pub use runs::Runs;
pub use schedules::Schedules;
pub use secrets::Secrets;
pub use service_accounts::ServiceAccounts;
pub use tasks::Tasks;
pub use users::Users;

use transport::Transport;

/// A client of one server. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client(Arc<Transport>);

impl Client {
    /// Starts a client for the server at `endpoint`, such as `https://iam.example.com`. A path in front of `/api/v1` is kept.
    pub fn builder(endpoint: impl Into<String>) -> Builder {
        Builder {
            endpoint: endpoint.into(),
            token: None,
            ca_certificate: None,
            proxy: None,
            request_timeout: Duration::from_secs(30),
            user_agent: format!("justiam-sdk/{}", env!("CARGO_PKG_VERSION")),
            retry: Retry::default(),
        }
    }

    /// Tasks: create, read, change, delete, run.
    pub fn tasks(&self) -> Tasks<'_> {
        Tasks(&self.0)
    }

    /// The secrets of one task.
    pub fn secrets(&self, task: TaskId) -> Secrets<'_> {
        Secrets { transport: &self.0, task }
    }

    /// The config entries of one task.
    pub fn config(&self, task: TaskId) -> Config<'_> {
        Config { transport: &self.0, task }
    }

    /// Runs of all tasks.
    pub fn runs(&self) -> Runs<'_> {
        Runs(&self.0)
    }

    /// Schedules: create, read, change, delete, run.
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules(&self.0)
    }

    /// Executions of all schedules.
    pub fn executions(&self) -> Executions<'_> {
        Executions(&self.0)
    }

    /// What steps and run profiles did, in detail.
    pub fn activities(&self) -> Activities<'_> {
        Activities(&self.0)
    }

    /// Connected systems, and their run profiles.
    pub fn connected_systems(&self) -> ConnectedSystems<'_> {
        ConnectedSystems(&self.0)
    }

    /// Users, and what belongs to them.
    pub fn users(&self) -> Users<'_> {
        Users(&self.0)
    }

    /// Federated providers, and who users are there.
    pub fn federated_providers(&self) -> FederatedProviders<'_> {
        FederatedProviders(&self.0)
    }

    /// Applications that users sign in to.
    pub fn applications(&self) -> Applications<'_> {
        Applications(&self.0)
    }

    /// Requests of users for access.
    pub fn access_requests(&self) -> AccessRequests<'_> {
        AccessRequests(&self.0)
    }

    /// Groups of users, and who is a member.
    pub fn groups(&self) -> Groups<'_> {
        Groups(&self.0)
    }

    /// The audit log: who changed what.
    pub fn audit(&self) -> Audit<'_> {
        Audit(&self.0)
    }

    /// Service accounts and their tokens.
    pub fn service_accounts(&self) -> ServiceAccounts<'_> {
        ServiceAccounts(&self.0)
    }

    /// Who the caller is, and what it has of its own: tokens.
    pub fn me(&self) -> Me<'_> {
        Me(&self.0)
    }

    /// The server's version, which also shows that it can be reached.
    pub async fn version(&self) -> Result<String, Error> {
        self.0.get(crate::api::paths::routes::VERSION).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.0.endpoint().as_str()).finish_non_exhaustive()
    }
}

/// Makes a [`Client`].
#[must_use]
pub struct Builder {
    endpoint: String,
    token: Option<Secret>,
    ca_certificate: Option<Vec<u8>>,
    proxy: Option<String>,
    request_timeout: Duration,
    user_agent: String,
    retry: Retry,
}

impl Builder {
    /// The access token: a personal access token or a JWT.
    pub fn token(mut self, token: impl Into<Secret>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// A certificate authority (PEM, one or more certificates) to trust beside those of the system.
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_certificate = Some(pem.into());
        self
    }

    /// A proxy for all requests. Without it `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// How long one attempt may take, from connecting to the last byte. 30 seconds where not set.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// What to say in `User-Agent`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// How often and how soon to try again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Makes the client. Sends nothing yet.
    pub fn build(self) -> Result<Client, BuildError> {
        let endpoint = endpoint(&self.endpoint)?;
        // One backend in the whole program; a provider that the program has already chosen stays.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let mut http = reqwest::Client::builder()
            .user_agent(self.user_agent)
            .timeout(self.request_timeout)
            // The API never redirects; following one would show a token to somebody else's server, or hide a wrong address.
            .redirect(Policy::none())
            .tcp_nodelay(true);
        if let Some(pem) = &self.ca_certificate {
            let certificates = Certificate::from_pem_bundle(pem).map_err(|_| BuildError::CaCertificate)?;
            if certificates.is_empty() {
                return Err(BuildError::CaCertificate);
            }
            http = http.tls_certs_merge(certificates);
        }
        if let Some(proxy) = &self.proxy {
            http = http.proxy(Proxy::all(proxy).map_err(|_| BuildError::Proxy)?);
        }
        let http = http.build().map_err(BuildError::Http)?;
        let transport = Transport::new(http, endpoint, self.token.as_ref(), self.request_timeout, self.retry)?;
        Ok(Client(Arc::new(transport)))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("endpoint", &shown(&self.endpoint)).finish_non_exhaustive()
    }
}

fn endpoint(text: &str) -> Result<Url, BuildError> {
    let wrong = |cause: &'static str| BuildError::Endpoint { endpoint: shown(text), cause };
    let mut url = Url::parse(text).map_err(|_| wrong("it is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it must begin with https:// or http://"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("it has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it must not hold a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it must not hold a query or a fragment"));
    }
    // People paste the address with the base path; both forms mean the same server.
    let path =
        url.path().trim_end_matches('/').trim_end_matches(crate::api::paths::BASE).trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// An endpoint without what may be a password: a user's part, a query, a fragment.
fn shown(text: &str) -> String {
    let text: String = text.chars().take_while(|letter| !matches!(letter, '?' | '#')).take(200).collect();
    match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_checked_when_the_client_is_made() {
        for (wrong, cause) in [
            ("", "it is not a URL"),
            ("iam.example.com", "it is not a URL"),
            ("ftp://iam.example.com", "it must begin with https:// or http://"),
            ("https://user:hunter2@iam.example.com", "it must not hold a user name or password"),
            ("https://iam.example.com?x=1", "it must not hold a query or a fragment"),
        ] {
            let error = Client::builder(wrong).build().unwrap_err().to_string();
            assert!(error.contains(cause), "{wrong}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        for good in ["https://iam.example.com", "https://iam.example.com/", "https://iam.example.com/api/v1/"] {
            assert_eq!(endpoint(good).unwrap().as_str(), "https://iam.example.com/");
        }
        assert_eq!(endpoint("http://h/tenant/").unwrap().as_str(), "http://h/tenant");
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused_and_not_shown() {
        let error = Client::builder("http://localhost").token("hun\nter2").build().unwrap_err();
        assert_eq!(error.to_string(), "the token holds characters that cannot be part of a token");
        assert!(!format!("{error:?}").contains("ter2"));
    }

    #[test]
    fn debug_shows_no_token() {
        let builder = Client::builder("http://localhost").token("canary");
        assert!(!format!("{builder:?}").contains("canary"));
        assert!(!format!("{:?}", builder.build().unwrap()).contains("canary"));
    }
}
