//! Figures for monitoring, in the text form that Prometheus reads.

use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use http::{HeaderName, header};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::caller::Authenticated;
use super::problem::{self, Failure};
use crate::app::App;
use crate::app::metrics::Metrics;

/// What the text is.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`
pub(super) async fn scrape(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
) -> Result<([(HeaderName, &'static str); 1], String), Failure> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Figures(app.metrics(&caller).await?)));
    let mut text = String::new();
    // Writing to a text does not fail.
    encode(&mut text, &registry).map_err(|_| problem::internal())?;
    Ok(([(header::CONTENT_TYPE, TEXT)], text))
}

#[derive(Debug)]
struct Figures(Arc<Metrics>);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let metrics = &*self.0;
        let runs = [("queued", metrics.active.queued), ("running", metrics.active.running)];
        gauges(&mut encoder, "justiam_runs", "Runs that have not ended", "status", runs)?;
        let steps = [("queued", metrics.steps.queued), ("processing", metrics.steps.processing)];
        gauges(&mut encoder, "justiam_steps", "Steps of schedules whose turn has come", "status", steps)?;
        let lag = ConstGauge::new(metrics.due_lag.as_secs_f64());
        let help = "How long the most overdue enabled task or schedule has waited";
        lag.encode(encoder.encode_descriptor("justiam_due_lag_seconds", help, None, MetricType::Gauge)?)?;
        let violations = metrics
            .invariants
            .iter()
            .map(|checked| (checked.name, i64::try_from(checked.violations).unwrap_or(i64::MAX)));
        let help = "What is not as it must be";
        gauges(&mut encoder, "justiam_invariant_violations", help, "invariant", violations)
    }
}

/// A gauge for each value of a label.
fn gauges<N: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (&'static str, N)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (word, value) in values {
        ConstGauge::new(value).encode(family.encode_family(&[(label, word)])?)?;
    }
    Ok(())
}
