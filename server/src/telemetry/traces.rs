//! Traces of runs, exported over OTLP where an operator names a collector.
//!
//! Nothing is global: a server has a provider of its own. Whatever happens to an export, no run waits for it: spans wait in a
//! queue of bounded length, and those for which there is no room are dropped.

use std::borrow::Cow;
use std::env;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use opentelemetry::trace::{SpanContext, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span};
use tokio::runtime::Handle;

/// How long one attempt to export may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last spans may take when a server ends.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
/// Failures are logged this seldom.
const COMPLAIN_EVERY: Duration = Duration::from_mins(5);

/// Makes the spans of one server. Clones share everything.
#[derive(Debug, Clone)]
pub struct Telemetry {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Telemetry {
    /// Exports to the collector at this URL, the whole of it (`http://127.0.0.1:4318/v1/traces`). Without one, spans are not
    /// kept, and other servers are told that they need not keep theirs.
    pub fn new(collector: Option<&str>) -> Result<Self, String> {
        let mut resource = Resource::builder();
        if env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("justiam-server");
        }
        let mut provider = SdkTracerProvider::builder().with_resource(resource.build());
        provider = match collector {
            Some(url) => provider.with_span_processor(BatchSpanProcessor::builder(exporter(url)?).build()),
            None => provider.with_sampler(Sampler::AlwaysOff),
        };
        let provider = provider.build();
        let tracer = provider.tracer("justiam-server");
        Ok(Self { provider, tracer })
    }

    /// Begins a span; without a parent it is the root of a trace. It ends when it is dropped.
    pub fn begin(
        &self,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        parent: Option<&SpanContext>,
        attributes: Vec<KeyValue>,
    ) -> Span {
        let context = match parent {
            Some(parent) => Context::new().with_remote_span_context(parent.clone()),
            None => Context::new(),
        };
        let span = self.tracer.span_builder(name).with_kind(kind).with_attributes(attributes);
        self.tracer.build_with_context(span, &context)
    }

    /// Sends what is left. Spans that end later are lost.
    pub async fn end(&self) {
        let provider = self.provider.clone();
        // The provider waits for a thread of its own, which needs this runtime for its requests.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_PATIENCE)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last spans could not be exported");
        }
    }
}

fn exporter(url: &str) -> Result<SpanExporter, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("traces cannot be exported: {error}");
    let http = crate::outbound::client().timeout(PATIENCE).build().map_err(|error| wrong(&error))?;
    let client = Client { http, runtime: Handle::current(), complained: Mutex::new(None) };
    let exporter = SpanExporter::builder().with_http().with_http_client(client).with_endpoint(url).build();
    exporter.map_err(|error| wrong(&error))
}

/// Sends what the exporter gives it. The exporter has a thread without a runtime.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
    /// When a failure was logged last.
    complained: Mutex<Option<Instant>>,
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

impl Client {
    fn complain(&self, error: &(dyn std::error::Error + 'static)) {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY) {
            *complained = Some(Instant::now());
            tracing::warn!(
                error,
                "traces could not be exported; the collector may be away, or --otlp-endpoint is wrong"
            );
        }
    }
}
