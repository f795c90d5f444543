//! Clients, answers, and a server that can break off in the middle.

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use justiam_sdk::client::Retry;
use justiam_sdk::{Client, Error};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// What must never be seen outside of a request's header.
pub(crate) const TOKEN: &str = "justiam_pat_canary-5f1c7a";
pub(crate) const TASK: &str = "0199f2a6-0000-7000-8000-000000000001";
pub(crate) const RUN: &str = "0199f2a6-0000-7000-8000-0000000000aa";

/// A client that tries again at once, up to `max_retries` times.
pub(crate) fn client(endpoint: &str, max_retries: u32) -> Client {
    client_with(endpoint, max_retries, Duration::from_secs(20))
}

pub(crate) fn client_with(endpoint: &str, max_retries: u32, request_timeout: Duration) -> Client {
    let retry = Retry { max_retries, first_pause: Duration::from_millis(1), ..Retry::default() };
    Client::builder(endpoint).token(TOKEN).retry(retry).request_timeout(request_timeout).build().unwrap()
}

/// A server that gives these answers, one after the other, and then none.
pub(crate) async fn server(answers: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    for answer in answers {
        Mock::given(any()).respond_with(answer).up_to_n_times(1).mount(&server).await;
    }
    server
}

pub(crate) fn json_answer(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

pub(crate) fn html(status: u16) -> ResponseTemplate {
    let page = "\n<html><body><h1>Sign in</h1></body></html>";
    ResponseTemplate::new(status).set_body_raw(page, "text/html; charset=utf-8")
}

pub(crate) fn problem(status: u16, code: &str) -> ResponseTemplate {
    json_answer(status, &json!({ "code": code, "message": "no" }))
}

pub(crate) fn task_json() -> Value {
    json!({
        "id": TASK, "name": "Nightly", "description": null, "task_type": "script", "schedule_type": "cron",
        "cron_expr": "0 3 * * *", "timezone": "UTC", "run_at": null, "overlap_policy": "allow", "enabled": true,
        "timeout_seconds": 30, "script": "package task", "is_system": false, "next_run_at": "2026-01-01T03:00:00Z",
        "last_run_at": null, "last_status": null, "revision": "r1", "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    })
}

pub(crate) fn run_json(status: &str) -> Value {
    json!({
        "id": RUN, "task_id": TASK, "task_name": "Nightly", "status": status, "trigger": "manual",
        "scheduled_for": "2026-01-01T00:00:00Z", "queued_at": "2026-01-01T00:00:00Z", "started_at": null,
        "finished_at": null, "duration_ms": null, "output": null, "error": null, "reason": null, "attempt": 0,
        "missed_ticks": 0, "isolation": null, "triggered_by": "me",
    })
}

/// Method, path with query, and body of a request, in one line.
pub(crate) fn line(request: &Request) -> String {
    let query = request.url.query().map_or_else(String::new, |query| format!("?{query}"));
    let body = String::from_utf8_lossy(&request.body);
    format!("{} {}{query} {body}", request.method, request.url.path()).trim_end().to_owned()
}

pub(crate) async fn requests(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

/// Everything that a person or a log could see of an error.
pub(crate) fn seen(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, " {error} {error:?}");
        cause = error.source();
    }
    text
}

/// What a [`canned`] server does with a connection after it has read the request.
pub(crate) enum Then {
    /// Sends these bytes and closes.
    Send(String),
    /// Sends these bytes and resets the connection.
    Reset(String),
}

/// A whole answer with a JSON body.
pub(crate) fn whole(status: &str, body: &str) -> Then {
    let length = body.len();
    Then::Send(format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}

/// A server that treats one connection after the other as told. The task returns the requests that came.
pub(crate) async fn canned(script: Vec<Then>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for then in script {
            let (mut stream, _) = listener.accept().await.unwrap();
            requests.push(read(&mut stream).await);
            let (Then::Send(bytes) | Then::Reset(bytes)) = &then;
            stream.write_all(bytes.as_bytes()).await.unwrap();
            if matches!(then, Then::Reset(_)) {
                stream.set_zero_linger().unwrap();
            }
        }
        requests
    });
    (endpoint, served)
}

/// Reads one request: its head, and as much body as the head announces.
async fn read(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let count = stream.read(&mut chunk).await.unwrap();
        assert_ne!(count, 0, "the client went away: {text}");
        text.push_str(std::str::from_utf8(&chunk[..count]).unwrap());
    }
}
