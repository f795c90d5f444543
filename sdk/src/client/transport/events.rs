//! Answers that come piece by piece.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::{Response, StatusCode};
use url::Url;

use super::{Failure, Transport, is_kind, unexpected};
use crate::client::error::Error;

const EVENTS: &str = "text/event-stream";

/// How long the next piece may take: servers show more often that they are there.
const SILENCE: Duration = Duration::from_secs(30);

impl Transport {
    /// Begins to read events, one attempt. `last` is where the client has got to.
    pub(in crate::client) async fn open_events(&self, path: &str, last: u64) -> Result<Response, Failure> {
        let url = self.url(path);
        // The answer lasts as long as what it tells about; the silence between two pieces is limited.
        let mut request = self.http.get(url.clone()).header(ACCEPT, EVENTS).timeout(Duration::MAX);
        if last > 0 {
            request = request.header("Last-Event-ID", last);
        }
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let Ok(sent) = tokio::time::timeout(self.request_timeout, request.send()).await else {
            return Err(silent(&url, self.request_timeout));
        };
        let response = sent.map_err(|source| self.lost(url.as_str(), source))?;
        if response.status().is_success() && is_kind(response.headers(), EVENTS) {
            return Ok(response);
        }
        // No kind at all: whatever it is, it is not what was asked for.
        let Err(failure) = self.answer(url.as_str(), "", response).await else { return Err(self.not_events(path)) };
        Err(failure)
    }

    /// The next piece of an answer that comes piece by piece.
    pub(in crate::client) async fn chunk(&self, path: &str, response: &mut Response) -> Result<Vec<u8>, Failure> {
        let url = self.url(path);
        let silence = self.request_timeout.max(SILENCE);
        match tokio::time::timeout(silence, response.chunk()).await {
            Ok(Ok(Some(chunk))) => Ok(chunk.into()),
            Ok(Ok(None)) => {
                Err(Failure { error: Error::Interrupted { url: url.to_string() }, may_pass: true, retry_after: None })
            }
            Ok(Err(source)) => Err(self.lost(url.as_str(), source)),
            Err(_) => Err(silent(&url, silence)),
        }
    }

    /// Somebody answered with something else than events.
    pub(in crate::client) fn not_events(&self, path: &str) -> Failure {
        unexpected(self.url(path).as_str(), StatusCode::OK, "what is no stream of events".into(), String::new())
    }
}

fn silent(url: &Url, after: Duration) -> Failure {
    Failure { error: Error::Timeout { url: url.to_string(), after }, may_pass: true, retry_after: None }
}
