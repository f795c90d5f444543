//! Logs of runs: texts, and events that come piece by piece.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use justiam_sdk::Error;
use justiam_sdk::api::run_logs::LogEvent;
use justiam_sdk::api::values::RunStatus;
use wiremock::ResponseTemplate;

use super::support::{RUN, Then, canned, client, client_with, html, problem, requests, server, whole};

const FIRST: &str = "event: log\nid: 4\ndata: {\"at\":0,\"text\":\"one\\n\"}\n\n";
const SECOND: &str =
    ": here\n\nevent: later\ndata: {}\n\nevent: log\nid: 8\ndata: {\"at\":4,\"text\":\"two\\n\",\"new\":1}\n\n";
const END: &str = "event: end\ndata: {\"status\":\"success\"}\n\n";

/// An answer with events; its connection closes behind them.
fn events(parts: &[&str]) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n{}", parts.concat())
}

async fn follow(endpoint: &str, retries: u32) -> Result<(String, Option<RunStatus>), Error> {
    let client = client(endpoint, retries);
    let events: Vec<LogEvent> = client.runs().follow(RUN.parse().unwrap()).try_collect().await?;
    let (mut text, mut status) = (String::new(), None);
    for event in events {
        match event {
            LogEvent::Log(piece) => text.push_str(&piece.text),
            LogEvent::End(end) => status = Some(end.status),
            other => panic!("{other:?}"),
        }
    }
    Ok((text, status))
}

#[tokio::test]
async fn a_log_is_read_as_text() {
    let answer = ResponseTemplate::new(200).set_body_raw("line\nzwö", "text/plain; charset=utf-8");
    let server = server([problem(503, "SERVICE_UNAVAILABLE"), answer, html(200)]).await;
    let client = client(&server.uri(), 1);
    assert_eq!(client.runs().log(RUN.parse().unwrap()).await.unwrap(), "line\nzwö");
    let asked = &requests(&server).await[1];
    assert_eq!(
        (asked.url.path(), asked.headers["accept"].to_str().unwrap()),
        (format!("/api/v1/task-runs/{RUN}/log").as_str(), "text/plain")
    );
    let error = client.runs().log(RUN.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Unexpected { .. }), "{error}");
}

#[tokio::test]
async fn a_log_that_is_followed_goes_on_over_new_connections() {
    let (endpoint, served) = canned(vec![
        Then::Send(events(&[FIRST])),
        Then::Reset(String::new()),
        whole("503 Service Unavailable", r#"{"code":"SERVICE_UNAVAILABLE","message":"no"}"#),
        // Cut in the middle of an event.
        Then::Send(events(&[&SECOND[..60]])),
        Then::Send(events(&[SECOND, END])),
    ])
    .await;
    assert_eq!(follow(&endpoint, 4).await.unwrap(), ("one\ntwo\n".to_owned(), Some(RunStatus::Success)));
    let requests = served.await.unwrap();
    assert_eq!(requests.len(), 5);
    assert!(!requests[0].contains("last-event-id"), "{}", requests[0]);
    for later in &requests[1..] {
        assert!(later.contains("last-event-id: 4") && later.contains("accept: text/event-stream"), "{later}");
    }
}

#[tokio::test]
async fn failures_are_counted_from_the_last_news_on() {
    let early = || Then::Send(events(&[": here\n\n"]));
    let (endpoint, served) = canned(vec![early(), early(), Then::Send(events(&[FIRST])), early(), early()]).await;
    let error = follow(&endpoint, 2).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!("the answer of {endpoint}/api/v1/task-runs/{RUN}/log ended before it was complete")
    );
    assert_eq!(served.await.unwrap().len(), 5);
}

#[tokio::test]
async fn what_is_no_log_ends_the_stream_with_an_error() {
    let strange = "event: log\ndata: 7\n\n";
    for (answer, expected) in [
        (whole("404 Not Found", r#"{"code":"NOT_FOUND","message":"there is no run"}"#), "there is no run"),
        (whole("200 OK", "{}"), "application/json instead of the API's answer"),
        (Then::Send(events(&[strange])), "does not fit the contract"),
    ] {
        let (endpoint, _) = canned(vec![answer]).await;
        let client = client(&endpoint, 3);
        let mut log = client.runs().follow(RUN.parse().unwrap());
        let error = log.next().await.unwrap().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(log.next().await.is_none());
    }
}

#[tokio::test]
async fn an_answer_that_does_not_begin_in_time_is_a_time_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let client = client_with(&endpoint, 0, Duration::from_millis(50));
    let error = client.runs().follow(RUN.parse().unwrap()).next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
}
