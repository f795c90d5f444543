//! What can go wrong between a client and a server.

use std::fmt;
use std::time::Duration;

use crate::api::problem::{Code, Problem};

/// Why a [`Client`](super::Client) could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The endpoint cannot be used.
    #[error("`{endpoint}` is not a usable endpoint: {cause}")]
    Endpoint {
        /// The endpoint.
        endpoint: String,
        /// Why not.
        cause: &'static str,
    },
    /// The certificate authority cannot be read.
    #[error("the CA certificate is not PEM text with at least one certificate")]
    CaCertificate,
    /// The proxy's address cannot be read.
    #[error("the proxy is not a URL")]
    Proxy,
    /// The token cannot be sent.
    #[error("the token holds characters that cannot be part of a token")]
    Token,
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] reqwest::Error),
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server said no, and why.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// Somebody answered who does not speak this API: a proxy, a login page, another server.
    #[error("{url} answered {status} with {what} instead of the API's answer{excerpt}")]
    Unexpected {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What kind of body came.
        what: String,
        /// How the body begins, ready to be appended, or nothing.
        excerpt: String,
    },
    /// The server could not be reached, or went away in the middle.
    #[error("cannot reach {url}")]
    Transport {
        /// What was asked.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// An answer that comes piece by piece ended too early, each time it was asked for.
    #[error("the answer of {url} ended before it was complete")]
    Interrupted {
        /// What was asked.
        url: String,
    },
    /// The server did not answer in time.
    #[error("{url} did not answer within {} s", after.as_secs_f64())]
    Timeout {
        /// What was asked.
        url: String,
        /// How long each attempt waited.
        after: Duration,
    },
    /// A successful answer that is not what the contract says.
    #[error("{url} sent an answer that does not fit the contract at `{path}`")]
    Decode {
        /// What was asked.
        url: String,
        /// Where in the body: `line:column`.
        path: String,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
}

/// The server's own account of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The error body.
    pub problem: Problem,
    /// Finds the request in the server's log.
    pub request_id: Option<String>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for ApiError {}

impl Error {
    /// The server's own account, if it gave one.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the server itself says that there is no such thing. A 404 of a proxy is not that.
    pub fn is_not_found(&self) -> bool {
        self.has_code(&Code::NotFound)
    }

    /// Whether the name is taken, or the thing is not in the right state.
    pub fn is_conflict(&self) -> bool {
        self.has_code(&Code::Conflict)
    }

    /// Whether the object is not the one that was read: somebody else has changed it.
    pub fn is_precondition_failed(&self) -> bool {
        self.has_code(&Code::PreconditionFailed)
    }

    fn has_code(&self, code: &Code) -> bool {
        self.api().is_some_and(|error| error.problem.code.as_ref() == Some(code))
    }
}
