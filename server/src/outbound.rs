//! Sends HTTP requests for scripts: where the operator lets them go, bounded, and as a part of the run's trace.

mod destinations;
mod failure;
mod leg;
mod redirect;
mod request;
mod resolver;
mod share;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use opentelemetry::trace::SpanContext;
use reqwest::redirect::Policy;
use url::Url;

pub use destinations::{Denied, Destinations, Rule};
pub use failure::Failure;
pub use request::{Request, canonical_name};

use crate::clock::Clock;
use crate::telemetry::traces::Telemetry;
use failure::{Kind, Shown};
use leg::Leg;
use resolver::Resolver;
pub(crate) use share::Room;
use share::{SMALL, Share};

/// How long a connection may take. An answer may take as long as the run.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How many redirects are followed, as by Go's client.
const MAX_REDIRECTS: usize = 10;

/// What an operator decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where requests may go.
    pub destinations: Destinations,
    /// The longest answer that is read, in MiB.
    pub max_body_mib: u32,
    /// Where the directory of Google Workspace is.
    pub gworkspace: Url,
}

/// Sends requests. Clones share connections.
#[derive(Clone)]
pub struct Outbound {
    shared: Arc<Shared>,
    /// The span that requests belong to.
    parent: Option<SpanContext>,
    share: Share,
    /// Takes the secrets of the run out of a text.
    hide: Option<Arc<Hide>>,
}

type Hide = dyn Fn(&str) -> String + Send + Sync;

struct Shared {
    http: reqwest::Client,
    destinations: Arc<Destinations>,
    max_body_mib: usize,
    gworkspace: Url,
    telemetry: Telemetry,
    clock: Arc<dyn Clock>,
}

/// An answer, whatever its status.
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Vec<u8>,
    /// What it takes of the run's share, to be kept for as long as the body.
    pub(crate) room: Option<Room>,
}

impl Outbound {
    /// Prepares to send.
    pub fn new(settings: Settings, telemetry: Telemetry, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let destinations = Arc::new(settings.destinations);
        let http = client()
            .user_agent(concat!("justiam-server/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            // Connections that are kept have no limit that counts for all hosts together: a script could take all descriptors.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Resolver::new(Arc::clone(&destinations))))
            .build()?;
        let max_body_mib = usize::try_from(settings.max_body_mib).unwrap_or(usize::MAX);
        let gworkspace = settings.gworkspace;
        let shared = Shared { http, destinations, max_body_mib, gworkspace, telemetry, clock };
        Ok(Self { shared: Arc::new(shared), parent: None, share: Share::new(max_body_mib), hide: None })
    }

    /// The same for one run: its requests belong to `parent`, and neither traces nor errors show what `hide` takes out of a text.
    #[must_use]
    pub fn of_run(&self, parent: SpanContext, hide: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let share = Share::new(self.shared.max_body_mib);
        Self { shared: Arc::clone(&self.shared), parent: Some(parent), share, hide: Some(Arc::new(hide)) }
    }

    /// The server's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Where the directory of Google Workspace is.
    pub(crate) fn gworkspace(&self) -> &Url {
        &self.shared.gworkspace
    }

    /// Waits until the run lists no other directory.
    pub(crate) async fn listing(&self) -> Room {
        self.share.listing().await
    }

    /// Sends a request and follows redirects. Dropping the future closes the connection.
    pub async fn send(&self, mut request: Request) -> Result<Response, Failure> {
        for sent in 0..=MAX_REDIRECTS {
            let (method, url) = (request.method.clone(), request.url.clone());
            match self.hop(request, sent).await.map_err(|kind| self.failure(kind, &method, &url))? {
                Hop::End(response) => return Ok(response),
                Hop::On(next) => request = *next,
            }
        }
        Err(self.failure(Kind::TooManyRedirects, &request.method, &request.url))
    }

    async fn hop(&self, request: Request, sent: usize) -> Result<Hop, Kind> {
        let telemetry = &self.shared.telemetry;
        let leg = Leg::begin(telemetry, self.parent.as_ref(), &request.method, &request.url, sent, |text| {
            self.without_secrets(text)
        });
        match self.exchange(&request, &leg).await {
            Ok((status, hop)) => {
                leg.answered(status);
                Ok(hop)
            }
            Err(kind) => {
                leg.failed(&kind);
                Err(kind)
            }
        }
    }

    async fn exchange(&self, request: &Request, leg: &Leg) -> Result<(StatusCode, Hop), Kind> {
        if let Some(host) = request.url.host() {
            self.shared.destinations.check_host(&host).map_err(Kind::Denied)?;
        }
        let mut headers = request.headers.clone();
        leg.inject(&mut headers);
        // User and password of the URL become a header here, unless the script has set its own.
        let sent = self.shared.http.request(request.method.clone(), request.url.clone());
        let sent = sent.headers(headers).body(request.body.clone()).send();
        let mut response = resolver::of_run(&self.share.look_ups, sent).await?;
        let status = response.status();
        if let Some(next) = redirect::follow(request, status, response.headers())? {
            return Ok((status, Hop::On(Box::new(next))));
        }
        let limit = self.shared.max_body_mib << 20;
        let too_long = || Kind::TooLong(self.shared.max_body_mib);
        let length = response.content_length().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if length.is_some_and(|length| length > limit) && request.method != Method::HEAD {
            return Err(too_long());
        }
        let (mut body, mut room) = (Vec::new(), None);
        while let Some(piece) = response.chunk().await? {
            let end = body.len() + piece.len();
            if end > limit {
                return Err(too_long());
            }
            if end > SMALL && room.is_none() {
                let whole = length.unwrap_or(limit);
                room = Some(self.share.body(whole).await);
                body.reserve_exact(whole - body.len());
            }
            body.extend_from_slice(&piece);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok((status, Hop::End(Response { status: status.as_u16(), headers, body, room })))
    }

    fn without_secrets(&self, text: &str) -> String {
        self.hide.as_ref().map_or_else(|| text.to_owned(), |hide| hide(text))
    }

    fn failure(&self, kind: Kind, method: &Method, url: &Url) -> Failure {
        Failure { at: self.without_secrets(&format!("{method} {}", Shown(url))), kind }
    }
}

/// What comes after an answer.
enum Hop {
    End(Response),
    On(Box<Request>),
}

/// What all clients of this server have in common: no proxy from the environment, and a library for TLS.
pub(crate) fn client() -> reqwest::ClientBuilder {
    // Not having been first is as good.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    reqwest::Client::builder().no_proxy()
}

#[cfg(test)]
mod tests;
