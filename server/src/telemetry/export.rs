//! Sends what is exported over OTLP, over the same HTTP client as everything else.

use std::env;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_sdk::Resource;
use tokio::runtime::Handle;

/// How long one attempt to export may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last of what waits may take when a server ends.
pub(super) const LAST_PATIENCE: Duration = Duration::from_secs(5);
/// Failures are logged this seldom.
const COMPLAIN_EVERY: Duration = Duration::from_mins(5);

/// What the collector is told about this process.
pub(super) fn resource() -> Resource {
    let mut resource = Resource::builder();
    if env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("justiam-server");
    }
    resource.build()
}

/// Sends what an exporter gives it. The exporter has a thread without a runtime.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    runtime: Handle,
    /// What is exported, and the setting that says where to.
    what: &'static str,
    setting: &'static str,
    /// When a failure was logged last.
    complained: Mutex<Option<Instant>>,
}

impl Client {
    pub(super) fn new(what: &'static str, setting: &'static str) -> Result<Self, String> {
        let http = crate::outbound::client().timeout(PATIENCE).build();
        let http = http.map_err(|error| format!("{what} cannot be exported: {error}"))?;
        Ok(Self { http, runtime: Handle::current(), what, setting, complained: Mutex::new(None) })
    }

    fn complain(&self, error: &(dyn std::error::Error + 'static)) {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY) {
            *complained = Some(Instant::now());
            let (what, setting) = (self.what, self.setting);
            tracing::warn!(error, "{what} could not be exported; the collector may be away, or {setting} is wrong");
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move {
            let (parts, body) = request.into_parts();
            let request = http.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
            let response = request.send().await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, response.bytes().await?))
        });
        let (status, headers, body) =
            match sent.await.map_err(HttpError::from).and_then(|sent| sent.map_err(Into::into)) {
                Ok(answer) => answer,
                Err(error) => {
                    self.complain(&*error);
                    return Err(error);
                }
            };
        if !status.is_success() {
            self.complain(&std::io::Error::other(format!("the collector answered {status}")));
        }
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
