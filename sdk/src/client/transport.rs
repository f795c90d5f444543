//! Sends one request and makes sense of the answer.

mod events;
mod quoting;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, IF_MATCH, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{ApiError, BuildError, Error};
use super::retry::Retry;
use crate::api::problem::Problem;
use crate::api::secrets::Secret;

/// The longest answer that is read: a page whose texts are as long as they may be ([`MAX_PAGE_BYTES`](crate::api::page::MAX_PAGE_BYTES)), and
/// full of characters that JSON writes with six bytes.
const MAX_ANSWER: usize = 512 * 1024 * 1024;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

/// Shorter texts are no tokens of any server; to take them out of an answer would garble it.
const SHORTEST_TOKEN: usize = 8;

pub(super) struct Transport {
    http: reqwest::Client,
    endpoint: Url,
    authorization: Option<HeaderValue>,
    request_timeout: Duration,
    retry: Retry,
    /// Whether the server has asked for fewer requests already.
    throttled: AtomicBool,
}

/// One attempt's failure, and whether it may pass.
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) may_pass: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// Reads a part of an answer.
    pub(super) fn decoded<T: DeserializeOwned>(url: impl FnOnce() -> String, data: &str) -> Result<T, Self> {
        serde_json::from_str(data).map_err(|source| {
            let path = format!("{}:{}", source.line(), source.column());
            let error = Error::Decode { url: url(), path, source };
            Self { error, may_pass: false, retry_after: None }
        })
    }
}

impl Transport {
    pub(super) fn new(
        http: reqwest::Client,
        endpoint: Url,
        token: Option<&Secret>,
        request_timeout: Duration,
        retry: Retry,
    ) -> Result<Self, BuildError> {
        let authorization = token
            .map(|token| HeaderValue::from_str(&format!("Bearer {}", token.expose())))
            .transpose()
            .map_err(|_| BuildError::Token)?
            .map(|mut value| {
                value.set_sensitive(true);
                value
            });
        Ok(Self { http, endpoint, authorization, request_timeout, retry, throttled: AtomicBool::new(false) })
    }

    pub(super) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.send::<(), (), T>(Method::GET, path, None, None, None).await
    }

    pub(super) async fn get_with<Q: Serialize, T: DeserializeOwned>(&self, path: &str, query: &Q) -> Result<T, Error> {
        self.send::<Q, (), T>(Method::GET, path, Some(query), None, None).await
    }

    pub(super) async fn send_body<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T, Error> {
        self.send::<(), B, T>(method, path, None, Some(body), None).await
    }

    /// A PUT or PATCH that counts only as long as the object has this revision.
    pub(super) async fn body_if<B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
        revision: &str,
    ) -> Result<T, Error> {
        self.send::<(), B, T>(method, path, None, Some(body), Some(revision)).await
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.send::<(), (), T>(Method::POST, path, None, None, None).await
    }

    /// A PUT whose path says everything.
    pub(super) async fn put(&self, path: &str) -> Result<(), Error> {
        self.attempts::<(), ()>(Method::PUT, path, JSON, None, None, None).await.map(drop)
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), Error> {
        self.attempts::<(), ()>(Method::DELETE, path, JSON, None, None, None).await.map(drop)
    }

    pub(super) async fn get_text(&self, path: &str) -> Result<String, Error> {
        let (_, bytes) = self.attempts::<(), ()>(Method::GET, path, TEXT, None, None, None).await?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    pub(super) fn retry(&self) -> &Retry {
        &self.retry
    }

    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}{path}", self.endpoint.path().trim_end_matches('/')));
        url
    }

    async fn send<Q: Serialize, B: Serialize, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: Option<&Q>,
        body: Option<&B>,
        revision: Option<&str>,
    ) -> Result<T, Error> {
        let is_read = method == Method::GET;
        let (url, bytes) = self.attempts(method, path, JSON, query, body, revision).await?;
        serde_json::from_slice(&bytes).map_err(|source| {
            let path = format!("{}:{}", source.line(), source.column());
            // The answer to a change may hold a secret, or be the request itself.
            let source = if is_read && !self.shows_token(&source) { source } else { quoting::neutral(source) };
            Error::Decode { url, path, source }
        })
    }

    /// Tries until it works, cannot work, or has been tried often enough.
    async fn attempts<Q: Serialize, B: Serialize>(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        query: Option<&Q>,
        body: Option<&B>,
        revision: Option<&str>,
    ) -> Result<(String, Vec<u8>), Error> {
        let url = self.url(path);
        let shown = url.to_string();
        // The same key on every attempt: what was done, and whose answer got lost, is answered again and not done again.
        let is_change = matches!(method, Method::POST | Method::PATCH | Method::PUT);
        let idempotency_key = is_change.then(new_key);
        for retry in 0.. {
            let mut request = self.http.request(method.clone(), url.clone());
            if kind != JSON {
                request = request.header(ACCEPT, kind);
            }
            if let Some(query) = query {
                request = request.query(query);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            if let Some(key) = &idempotency_key {
                request = request.header("Idempotency-Key", key);
            }
            if let Some(revision) = revision {
                request = request.header(IF_MATCH, format!("\"{revision}\""));
            }
            if let Some(value) = &self.authorization {
                request = request.header(AUTHORIZATION, value);
            }
            let failure = match request.send().await {
                Ok(response) => match self.answer(&shown, kind, response).await {
                    Ok(bytes) => return Ok((shown, bytes)),
                    // The first attempt may have deleted it before its answer got lost.
                    Err(failure) if retry > 0 && method == Method::DELETE && failure.error.is_not_found() => {
                        return Ok((shown, Vec::new()));
                    }
                    Err(failure) if is_change => {
                        Failure { error: quoting::conceal(failure.error, path, body), ..failure }
                    }
                    Err(failure) => failure,
                },
                Err(source) => self.lost(&shown, source),
            };
            if !failure.may_pass || retry >= self.retry.max_retries {
                return Err(failure.error);
            }
            let pause = self.retry.pause(retry, failure.retry_after);
            // Once is enough to explain why everything takes longer.
            if is_throttling(&failure.error) && !self.throttled.swap(true, Ordering::Relaxed) {
                let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(%method, url = shown, pause_ms, "the server asks for fewer requests (429); they are made more slowly, and this is said once");
            }
            tracing::debug!(%method, url = shown, retry, pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), error = %failure.error, "request failed, trying again");
            tokio::time::sleep(pause).await;
        }
        unreachable!("the loop ends with an answer or an error")
    }

    fn token(&self) -> Option<&str> {
        let header = self.authorization.as_ref().and_then(|value| value.to_str().ok());
        header.and_then(|value| value.strip_prefix("Bearer ")).filter(|token| token.len() >= SHORTEST_TOKEN)
    }

    fn shows_token(&self, source: &serde_json::Error) -> bool {
        self.token().is_some_and(|token| source.to_string().contains(token))
    }

    fn without_token(&self, bytes: Vec<u8>) -> Vec<u8> {
        match self.token() {
            Some(token) => String::from_utf8_lossy(&bytes).replace(token, "…").into_bytes(),
            None => bytes,
        }
    }

    fn lost(&self, url: &str, source: reqwest::Error) -> Failure {
        let may_pass = !source.is_builder();
        // The URL is in our own text; reqwest would repeat it with its query.
        let source = source.without_url();
        let error = if source.is_timeout() {
            Error::Timeout { url: url.to_owned(), after: self.request_timeout }
        } else {
            Error::Transport { url: url.to_owned(), source }
        };
        Failure { error, may_pass, retry_after: None }
    }

    async fn answer(&self, url: &str, kind: &str, mut response: Response) -> Result<Vec<u8>, Failure> {
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_ANSWER => bytes.extend_from_slice(&chunk),
                Ok(Some(_)) => return Err(unexpected(url, status, "more than 512 MiB".into(), String::new())),
                Ok(None) => break,
                Err(source) => return Err(self.lost(url, source)),
            }
        }
        let json = is_kind(&headers, JSON);
        if status.is_success() && (is_kind(&headers, kind) || status == StatusCode::NO_CONTENT) {
            return Ok(bytes);
        }
        // Somebody who shows a request that he did not understand must not put its token into an error.
        let bytes = self.without_token(bytes);
        let may_pass = matches!(status.as_u16(), 429 | 502 | 503 | 504);
        let retry_after = retry_after(&headers);
        let problem = if json && !status.is_success() { serde_json::from_slice::<Problem>(&bytes).ok() } else { None };
        let Some(problem) = problem else {
            let what = headers
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .map_or_else(|| "an untyped body".to_owned(), |kind| kind.chars().take(60).collect());
            // What has worked may have answered with a secret.
            let excerpt = if status.is_success() { String::new() } else { excerpt(&bytes) };
            return Err(Failure { may_pass, retry_after, ..unexpected(url, status, what, excerpt) });
        };
        let request_id = headers.get("x-request-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let error = Error::Api(Box::new(ApiError { status: status.as_u16(), problem, request_id }));
        Err(Failure { error, may_pass, retry_after })
    }
}

fn is_throttling(error: &Error) -> bool {
    match error {
        Error::Api(answer) => answer.status == 429,
        Error::Unexpected { status, .. } => *status == 429,
        _ => false,
    }
}

fn unexpected(url: &str, status: StatusCode, what: String, excerpt: String) -> Failure {
    let error = Error::Unexpected { url: url.to_owned(), status: status.as_u16(), what, excerpt };
    Failure { error, may_pass: false, retry_after: None }
}

fn is_kind(headers: &HeaderMap, kind: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|found| found.trim().eq_ignore_ascii_case(kind))
}

/// Seconds, or a date, which is compared with the clock of whoever sent it where they tell it.
#[expect(
    clippy::disallowed_methods,
    reason = "a date of somebody who does not tell their own time is compared with ours"
)]
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::trim);
    let after = text(RETRY_AFTER)?;
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| rfc2822::parse(text).ok().map(|date| date.timestamp());
    let now = text(DATE).and_then(date).unwrap_or_else(Timestamp::now);
    // A moment that is over asks for no pause.
    Some(Duration::try_from(date(after)?.duration_since(now)).unwrap_or_default())
}

/// The first line of a body that somebody else sent, for a person to recognise it by.
fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]);
    let line: String =
        text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().chars().take(120).collect();
    if line.is_empty() { String::new() } else { format!(": {line}") }
}

fn new_key() -> String {
    let mut bytes = [0; 16];
    // A system without random numbers cannot have got as far as a TLS connection.
    let _ = SystemRandom::new().fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_wait_is_a_number_or_a_date() {
        let wait = |after: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(after))]);
            headers.extend(date.map(|date| (DATE, HeaderValue::from_static(date))));
            retry_after(&headers)
        };
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wait("7", now), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(wait("Mon, 07 Nov 1994 08:49:36 GMT", now), Some(Duration::from_secs(86_399)));
        // Over, by the sender's clock and by ours.
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:30 GMT", now), Some(Duration::ZERO));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT", None), Some(Duration::ZERO));
        let far = wait("Fri, 01 Jan 2100 00:00:00 GMT", Some("now")).unwrap();
        assert!(far > Duration::from_hours(24), "{far:?}");
        for wrong in ["", "soon", "-1", "1.5", "Sun, 06 Nov 1994"] {
            assert_eq!(wait(wrong, now), None, "{wrong}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
