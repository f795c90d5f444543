//! One request on the wire as a span of the run's trace.

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use opentelemetry::trace::{Span as _, SpanContext, SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::Span;
use url::Url;

use super::failure::{Kind, Shown};
use crate::telemetry::traces::Telemetry;

/// A span of kind client. Dropped without an end, it says that the request was given up.
pub(super) struct Leg {
    span: Span,
    open: bool,
}

impl Leg {
    /// Begins a span. `hide` takes out of a text what no trace may show; it is not asked where nobody keeps the span.
    pub(super) fn begin(
        telemetry: &Telemetry,
        parent: Option<&SpanContext>,
        method: &Method,
        url: &Url,
        resent: usize,
        hide: impl Fn(&str) -> String,
    ) -> Self {
        let standard = is_standard(method);
        let name = if standard { method.to_string() } else { "HTTP".to_owned() };
        let mut span = telemetry.begin(name, SpanKind::Client, parent, Vec::new());
        if !span.is_recording() {
            return Self { span, open: true };
        }
        let mut attributes = vec![
            KeyValue::new("http.request.method", if standard { method.to_string() } else { "_OTHER".to_owned() }),
            KeyValue::new("url.full", hide(&Shown(url).to_string())),
            KeyValue::new("server.address", hide(url.host_str().unwrap_or_default())),
        ];
        if let Some(port) = url.port_or_known_default() {
            attributes.push(KeyValue::new("server.port", i64::from(port)));
        }
        if !standard {
            attributes.push(KeyValue::new("http.request.method_original", hide(method.as_str())));
        }
        if resent > 0 {
            attributes.push(KeyValue::new("http.request.resend_count", i64::try_from(resent).unwrap_or(i64::MAX)));
        }
        span.set_attributes(attributes);
        Self { span, open: true }
    }

    /// Tells the other side which span the request belongs to, in place of what a script may have said.
    pub(super) fn inject(&self, headers: &mut HeaderMap) {
        let context = self.span.span_context();
        headers.remove("traceparent");
        headers.remove("tracestate");
        let parent = format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8());
        if let Ok(parent) = HeaderValue::from_str(&parent) {
            headers.insert("traceparent", parent);
        }
        let state = context.trace_state().header();
        if !state.is_empty()
            && let Ok(state) = HeaderValue::from_str(&state)
        {
            headers.insert("tracestate", state);
        }
    }

    pub(super) fn answered(mut self, status: StatusCode) {
        self.span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if status.is_client_error() || status.is_server_error() {
            self.fail(status.as_str().to_owned());
        }
        self.open = false;
    }

    pub(super) fn failed(mut self, kind: &Kind) {
        self.fail(kind.name());
        self.open = false;
    }

    fn fail(&mut self, kind: impl Into<Value>) {
        self.span.set_attribute(KeyValue::new("error.type", kind));
        self.span.set_status(Status::error(""));
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        if self.open {
            self.fail("cancelled");
        }
    }
}

fn is_standard(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
    ]
    .contains(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_that_nobody_keeps_costs_no_search_for_secrets() {
        let telemetry = Telemetry::new(None).unwrap();
        let url = Url::parse("http://a.example/").unwrap();
        let leg = Leg::begin(&telemetry, None, &Method::GET, &url, 0, |text| panic!("looked for secrets in {text}"));
        leg.answered(StatusCode::OK);
    }
}
