//! Figures for monitoring, in the text forms that Prometheus reads.

mod measure;
mod text;

use std::sync::Arc;

use axum::extract::State;
use http::{HeaderMap, HeaderName, header};

use super::caller::Authenticated;
use super::problem::{self, Failure};
use crate::app::App;
pub(super) use measure::measure;

/// OpenMetrics, for whoever names it or names nothing.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The older form, for whoever takes that alone.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

type Text = ([(HeaderName, &'static str); 1], String);

/// `GET /metrics`
pub(super) async fn scrape(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
) -> Result<Text, Failure> {
    app.may_see_metrics(&caller)?;
    figures(&app, &headers).await
}

/// The same on a listener of its own, for everybody who gets there.
pub(super) async fn scrape_openly(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Text, Failure> {
    figures(&app, &headers).await
}

async fn figures(app: &Arc<App>, headers: &HeaderMap) -> Result<Text, Failure> {
    let stored = app.metrics().await;
    // Writing to a text does not fail.
    let text = text::write(app, stored).map_err(|_| problem::internal())?;
    Ok(if wants_plain(headers) {
        ([(header::CONTENT_TYPE, PLAIN)], text::plain(&text))
    } else {
        ([(header::CONTENT_TYPE, OPEN_METRICS)], text)
    })
}

fn wants_plain(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    let mut plain = false;
    for kinds in accepted.by_ref() {
        if kinds.contains("application/openmetrics-text") {
            return false;
        }
        plain |= kinds.contains("text/plain");
    }
    plain
}
