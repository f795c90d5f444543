//! How long requests take, and their spans, by the pattern of their route and never by their path: whoever asks for nonsense makes no new figure.

use std::sync::{Arc, LazyLock};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use justiam_sdk::api::paths::routes;
use opentelemetry::context::FutureExt as _;

use super::super::problem::DatabaseFailed;
use super::super::spans::RequestSpan;
use crate::app::App;

/// The route of a path that is none of ours.
static NO_ROUTE: LazyLock<Arc<str>> = LazyLock::new(|| "none".into());

/// What monitoring asks for every few seconds makes no spans.
const MONITORING: [&str; 5] =
    [routes::HEALTH, routes::API_HEALTH, routes::READY, routes::METRICS, routes::API_HEALTH_VERSION];

/// Measures the time until an answer begins. A client that goes away before gets none, and is not counted.
pub(in super::super) async fn measure(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| Arc::clone(&NO_ROUTE), |path| path.as_str().into());
    let method = method(request.method());
    let counts = app.counts();
    let began = app.clock.monotonic();
    let watched = MONITORING.contains(&&*route);
    let telemetry = app.telemetry.get().filter(|telemetry| telemetry.is_exporting() && !watched);
    let span = telemetry.map(|telemetry| RequestSpan::begin(telemetry, method, &route, request.headers()));
    let answer = next.run(request);
    let response = match &span {
        Some(span) => answer.with_context(span.context()).await,
        None => answer.await,
    };
    if let Some(span) = span {
        span.end(response.status(), response.headers());
    }
    if let Some(DatabaseFailed(kind)) = response.extensions().get() {
        counts.database_errors.add(*kind, 1);
    }
    counts.answered(method, &route, response.status().as_u16(), app.clock.monotonic() - began);
    response
}

/// Anybody may invent methods.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
