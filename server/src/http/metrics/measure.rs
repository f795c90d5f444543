//! How long requests take, by the pattern of their route and never by their path: whoever asks for nonsense makes no new figure.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;

use super::super::problem::DatabaseFailed;
use crate::app::App;

/// The route of a path that is none of ours.
static NO_ROUTE: LazyLock<Arc<str>> = LazyLock::new(|| "none".into());

/// A request without an answer, for as long as the value lives.
struct AtWork<'a>(&'a AtomicI64);

impl<'a> AtWork<'a> {
    fn begin(count: &'a AtomicI64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Measures the time until an answer begins. A client that goes away before gets none, and is not counted.
pub(in super::super) async fn measure(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| Arc::clone(&NO_ROUTE), |path| path.as_str().into());
    let method = method(request.method());
    let counts = app.counts();
    let at_work = AtWork::begin(&counts.requests_at_work);
    let began = app.clock.monotonic();
    let response = next.run(request).await;
    drop(at_work);
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
