//! Somebody who asks the server again and again on a connection of his own.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, StatusCode};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::server::ServerProcess;
use crate::bench::ground::{Error, Result};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// An answer that is longer than this is none of ours.
const LONGEST: usize = 64 * 1024 * 1024;
/// How late a request may be sent before it counts from when it was due: the timer has milliseconds.
const ON_TIME: Duration = Duration::from_millis(2);

/// What became of requests, by what they were.
#[derive(Debug, Default)]
pub(in crate::bench) struct Tally {
    /// How long each took that was answered as it should be, in microseconds.
    pub(in crate::bench) took: BTreeMap<&'static str, Vec<i64>>,
    /// How many were not.
    pub(in crate::bench) errors: u64,
    /// The first of them.
    pub(in crate::bench) first_error: Option<String>,
}

impl Tally {
    pub(in crate::bench) fn add(&mut self, other: Self) {
        for (what, took) in other.took {
            self.took.entry(what).or_default().extend(took);
        }
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }

    fn fail(&mut self, what: &str, why: &str) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| format!("{what}: {why}"));
    }
}

/// A request, and the answer that it must have.
pub(in crate::bench) struct Ask {
    /// What it is called in the report.
    pub(in crate::bench) what: &'static str,
    pub(in crate::bench) method: Method,
    pub(in crate::bench) path: String,
    pub(in crate::bench) body: Option<Vec<u8>>,
    pub(in crate::bench) expected: StatusCode,
}

impl Ask {
    pub(in crate::bench) fn get(what: &'static str, path: String) -> Self {
        Self { what, method: Method::GET, path, body: None, expected: StatusCode::OK }
    }

    pub(in crate::bench) fn send(
        what: &'static str,
        method: Method,
        path: String,
        body: &impl serde::Serialize,
    ) -> Self {
        // Bodies of the contract always have a JSON form; an empty one would be refused and counted.
        let body = serde_json::to_vec(body).unwrap_or_default();
        let expected = if method == Method::POST { StatusCode::CREATED } else { StatusCode::OK };
        Self { what, method, path, body: Some(body), expected }
    }

    pub(in crate::bench) fn bare(what: &'static str, method: Method, path: String, expected: StatusCode) -> Self {
        Self { what, method, path, body: None, expected }
    }
}

/// One user.
pub(in crate::bench) struct User {
    /// Counts from 0.
    pub(in crate::bench) number: usize,
    sender: SendRequest<Body>,
    host: HeaderValue,
    token: HeaderValue,
    /// When the next request was to be sent.
    due: Instant,
    pub(in crate::bench) tally: Tally,
}

impl User {
    pub(in crate::bench) async fn connect(server: &ServerProcess, number: usize) -> Result<Self> {
        let failed = |why: &dyn std::fmt::Display| Error::Setup(format!("the server could not be reached: {why}"));
        let stream = TcpStream::connect(server.address).await.map_err(|error| failed(&error))?;
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        // Whoever waits for an answer hears how it ended.
        tokio::spawn(connection);
        let host = HeaderValue::from_str(&server.address.to_string()).map_err(|error| failed(&error))?;
        let token = HeaderValue::from_str(&format!("Bearer {}", server.token.expose()));
        let mut token = token.map_err(|error| failed(&error))?;
        token.set_sensitive(true);
        Ok(Self { number, sender, host, token, due: Instant::now(), tally: Tally::default() })
    }

    /// The next request is to be sent at this instant.
    pub(in crate::bench) fn due_at(&mut self, due: Instant) {
        self.due = due;
    }

    /// Sends a request and notes how long the whole answer took. `None` when it is not the one that must come.
    pub(in crate::bench) async fn ask(&mut self, ask: Ask) -> Option<Bytes> {
        let what = ask.what;
        let now = Instant::now();
        // What is late because an earlier answer was slow would have waited in the world outside.
        let from = if now - self.due > ON_TIME { self.due } else { now };
        let answered = timeout(PATIENCE, self.answer(ask)).await;
        let took = from.elapsed().as_micros().try_into().unwrap_or(i64::MAX);
        // A second request of one turn is due when the first has its answer.
        self.due = Instant::now();
        match answered.unwrap_or_else(|_| Err("no answer came".into())) {
            Ok(bytes) => {
                self.tally.took.entry(what).or_default().push(took);
                Some(bytes)
            }
            Err(why) => {
                self.tally.fail(what, &why);
                None
            }
        }
    }

    async fn answer(&mut self, ask: Ask) -> std::result::Result<Bytes, String> {
        let mut request = Request::builder().method(ask.method).uri(ask.path);
        request = request.header(HOST, &self.host).header(AUTHORIZATION, &self.token);
        if ask.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = ask.body.map_or_else(Body::empty, Body::from);
        let request = request.body(body).map_err(|error| error.to_string())?;
        self.sender.ready().await.map_err(|error| error.to_string())?;
        let answer = self.sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let bytes = to_bytes(Body::new(answer.into_body()), LONGEST).await.map_err(|error| error.to_string())?;
        if status == ask.expected {
            return Ok(bytes);
        }
        let start: String = String::from_utf8_lossy(&bytes).chars().take(200).collect();
        Err(format!("{status} instead of {}: {start}", ask.expected))
    }
}
