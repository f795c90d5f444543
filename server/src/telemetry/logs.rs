//! The log, exported over OTLP beside stderr where an operator names a collector for it.
//!
//! As with traces, nobody waits for an export: lines wait in a queue of bounded length, and those for which there is no room are
//! dropped. On stderr they are in any case.

use opentelemetry_appender_tracing::layer::{OpenTelemetryTracingBridge, TracingSpanAttributes};
use opentelemetry_otlp::{LogExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::logs::{BatchLogProcessor, SdkLogger, SdkLoggerProvider};

use url::Url;

use super::export::{Client, LAST_PATIENCE, resource};

/// Who speaks while a line is exported. Were that exported as well, each export would cause another one.
const EXPORTING: [&str; 6] = ["hyper", "hyper_util", "reqwest", "rustls", "opentelemetry", "tower"];

/// Exports the lines of one process.
#[derive(Debug)]
pub struct Logs(SdkLoggerProvider);

impl Logs {
    /// Exports to the collector at this URL, the whole of it (`http://127.0.0.1:4318/v1/logs`).
    pub fn new(collector: &str) -> Result<Self, String> {
        if !Url::parse(collector).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            // Not the value, which may hold a password.
            return Err("--otlp-logs-endpoint must be a whole address that begins with http:// or https://".to_owned());
        }
        let client = Client::new("logs", "--otlp-logs-endpoint")?;
        let exporter = LogExporter::builder().with_http().with_http_client(client).with_endpoint(collector).build();
        let exporter = exporter.map_err(|error| format!("logs cannot be exported: {error}"))?;
        let processor = BatchLogProcessor::builder(exporter).build();
        let provider = SdkLoggerProvider::builder().with_resource(resource()).with_log_processor(processor);
        Ok(Self(provider.build()))
    }

    /// What makes records of events: with the fields of the spans around them, such as the ids of request and run.
    pub(super) fn bridge(&self) -> OpenTelemetryTracingBridge<SdkLoggerProvider, SdkLogger> {
        let bridge = OpenTelemetryTracingBridge::builder(&self.0);
        bridge.with_tracing_span_attributes(TracingSpanAttributes::all()).build()
    }

    /// Whether an event of this target may be exported.
    pub(super) fn takes(target: &str) -> bool {
        let of = target.split("::").next().unwrap_or_default();
        !EXPORTING.iter().any(|name| of == *name || of.starts_with("opentelemetry"))
    }

    /// Sends what is left. Lines that come later are lost.
    pub async fn end(&self) {
        let provider = self.0.clone();
        // As with traces.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_PATIENCE)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last lines of the log could not be exported");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_while_exporting_is_not_exported() {
        for (target, expected) in [
            ("justiam_server::http", true),
            ("sqlx::query", true),
            ("hyper_util::client::legacy", false),
            ("reqwest::connect", false),
            ("opentelemetry_sdk", false),
        ] {
            assert_eq!(Logs::takes(target), expected, "{target}");
        }
    }
}
