//! Requests as spans: children of the caller's own where that sends `traceparent`.

use http::{HeaderMap, StatusCode};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::Span;

use super::REQUEST_ID;
use crate::telemetry::traces::Telemetry;

/// The span of a request, until its answer begins. A request that nobody waits for any more ends its span without a status.
pub(super) struct RequestSpan(Span);

impl RequestSpan {
    /// Begins it. The path stays out, as in the metrics; so do query, headers and body.
    pub(super) fn begin(telemetry: &Telemetry, method: &'static str, route: &str, headers: &HeaderMap) -> Self {
        let caller = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
        let caller = caller.span().span_context().clone();
        let attributes =
            vec![KeyValue::new("http.request.method", method), KeyValue::new("http.route", route.to_owned())];
        let name = format!("{method} {route}");
        Self(telemetry.begin(name, SpanKind::Server, caller.is_valid().then_some(&caller), attributes))
    }

    /// What the lines of the log belong to meanwhile.
    pub(super) fn context(&self) -> Context {
        Context::new().with_remote_span_context(self.0.span_context().clone())
    }

    /// Ends it with an answer.
    pub(super) fn end(mut self, status: StatusCode, headers: &HeaderMap) {
        self.0.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if let Some(id) = headers.get(&REQUEST_ID).and_then(|id| id.to_str().ok()) {
            self.0.set_attribute(KeyValue::new("request.id", id.to_owned()));
        }
        if status.is_server_error() {
            self.0.set_status(Status::error(""));
        }
        self.0.end();
    }
}
