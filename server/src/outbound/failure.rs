//! Why there is no answer, in one line for the script.

use std::error::Error;
use std::fmt;
use std::io;

use url::Url;

use super::destinations::Denied;
use super::request::MAX_URL;
use super::resolver::ResolveError;
use super::{CONNECT_TIMEOUT, MAX_REDIRECTS};

/// A request that has no answer.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {kind}")]
pub struct Failure {
    /// Method and URL, without what may be secret in it.
    pub(super) at: String,
    pub(super) kind: Kind,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Kind {
    #[error(transparent)]
    Denied(Denied),
    #[error("the host name {0} could not be resolved")]
    Unresolved(String),
    #[error("the connection was refused")]
    Refused,
    #[error("no connection within {} s", CONNECT_TIMEOUT.as_secs())]
    ConnectTimeout,
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("the connection was closed before the answer was complete")]
    Closed,
    #[error("the answer is longer than {0} MiB, the limit that --fetch-max-body-mib sets on the server")]
    TooLong(usize),
    #[error("more than {MAX_REDIRECTS} redirects")]
    TooManyRedirects,
    #[error("it was redirected to something that is no http or https URL")]
    RedirectToNowhere,
    #[error("it was redirected to a URL of more than {MAX_URL} bytes")]
    RedirectTooLong,
    #[error("{0}")]
    Other(String),
}

impl Kind {
    /// The name of this failure in traces.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::Unresolved(_) => "name_not_resolved",
            Self::Refused => "connection_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls(_) => "tls",
            Self::Closed => "connection_closed",
            Self::TooLong(_) => "response_too_long",
            Self::TooManyRedirects => "too_many_redirects",
            Self::RedirectToNowhere | Self::RedirectTooLong => "bad_redirect",
            Self::Other(_) => "_OTHER",
        }
    }
}

impl From<reqwest::Error> for Kind {
    fn from(error: reqwest::Error) -> Self {
        if error.is_connect() && error.is_timeout() {
            return Self::ConnectTimeout;
        }
        let error = error.without_url();
        let mut deepest = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            if let Some(known) = known(cause) {
                return known;
            }
            deepest = cause.to_string();
            next = cause.source();
        }
        Self::Other(one_line(&deepest))
    }
}

fn known(cause: &(dyn Error + 'static)) -> Option<Kind> {
    if let Some(error) = cause.downcast_ref::<ResolveError>() {
        return Some(match error {
            ResolveError::Denied(denied) => Kind::Denied(denied.clone()),
            ResolveError::Unknown { name, .. } => Kind::Unresolved(name.clone()),
        });
    }
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(Kind::Tls(one_line(&error.to_string())));
    }
    let error = cause.downcast_ref::<io::Error>()?;
    // What an I/O error wraps is not among its causes.
    if let Some(known) = error.get_ref().and_then(|inner| known(inner)) {
        return Some(known);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Kind::Refused),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => Some(Kind::Closed),
        _ => None,
    }
}

/// A URL without user, password, query and fragment.
pub(super) struct Shown<'a>(pub(super) &'a Url);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(url) = self;
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(500).collect()
}
