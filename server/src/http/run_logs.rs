//! The logs of runs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, header};
use justiam_sdk::api::ids::RunId;
use justiam_sdk::api::run_logs::LogEvent;

use super::caller::Authenticated;
use super::extract::Id;
use super::problem::Failure;
use crate::app::App;

/// How often a log in which nothing happens shows that it is still followed.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// `GET /api/v1/task-runs/{id}/log`
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Id(id): Id<RunId>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    // Wrong is wrong, also where it would not count.
    let begin = last_event(&headers)?;
    if !wants_events(&headers) {
        let text = app.run_log(&caller, id).await?;
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response());
    }
    let events = app.follow_run(&caller, id, begin).await?;
    let events = events.map(|event| Ok::<_, Infallible>(server_sent(&event)));
    let mut answer = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // Proxies would collect what should be seen at once.
    answer.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), header::HeaderValue::from_static("no"));
    Ok(answer)
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(',')).filter_map(|kind| kind.split(';').next());
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// Where a client goes on whose connection was lost.
fn last_event(headers: &HeaderMap) -> Result<u64, Failure> {
    let Some(value) = headers.get("last-event-id") else { return Ok(0) };
    value
        .to_str()
        .ok()
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| Failure::bad_request("`Last-Event-ID` must be the id of an event of this log, a whole number"))
}

fn server_sent(event: &LogEvent) -> Event {
    match event {
        LogEvent::Log(piece) => Event::default().event("log").id(piece.end().to_string()).data(json(piece)),
        LogEvent::End(end) => Event::default().event("end").data(json(end)),
        // There are no others yet.
        _ => Event::default(),
    }
}

/// Structs of texts and numbers always have a JSON form.
fn json(data: &impl serde::Serialize) -> String {
    serde_json::to_string(data).unwrap_or_default()
}
