//! Traces of runs and requests, exported over OTLP where an operator names a collector.
//!
//! Nothing is global: a server has a provider of its own. Whatever happens to an export, no run waits for it: spans wait in a
//! queue of bounded length, and those for which there is no room are dropped.

use std::borrow::Cow;

use opentelemetry::trace::{SpanContext, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span};

use super::export::{Client, LAST_PATIENCE, resource};

/// Makes the spans of one server. Clones share everything.
#[derive(Debug, Clone)]
pub struct Telemetry {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    is_exporting: bool,
}

impl Telemetry {
    /// Exports to the collector at this URL, the whole of it (`http://127.0.0.1:4318/v1/traces`). Without one, spans are not
    /// kept, and other servers are told that they need not keep theirs.
    pub fn new(collector: Option<&str>) -> Result<Self, String> {
        let mut provider = SdkTracerProvider::builder().with_resource(resource());
        provider = match collector {
            Some(url) => provider.with_span_processor(BatchSpanProcessor::builder(exporter(url)?).build()),
            None => provider.with_sampler(Sampler::AlwaysOff),
        };
        let provider = provider.build();
        let tracer = provider.tracer("justiam-server");
        Ok(Self { provider, tracer, is_exporting: collector.is_some() })
    }

    /// Whether there is a collector.
    pub fn is_exporting(&self) -> bool {
        self.is_exporting
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
    let client = Client::new("traces", "--otlp-endpoint")?;
    let exporter = SpanExporter::builder().with_http().with_http_client(client).with_endpoint(url).build();
    exporter.map_err(|error| format!("traces cannot be exported: {error}"))
}
