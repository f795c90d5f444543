//! Somebody who gets reports, and knows who sent them by their signatures.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use ring::hmac;
use serde_json::Value;

use super::serve;

/// The receiver.
pub(crate) struct Webhook {
    /// Where it takes reports.
    pub(crate) url: String,
    inner: Arc<Inner>,
}

struct Inner {
    key: Option<hmac::Key>,
    received: Mutex<Vec<Value>>,
    broken: Mutex<bool>,
}

impl Webhook {
    /// A receiver that demands signatures made with this key, or none.
    pub(crate) async fn start(key: Option<&str>) -> Self {
        let key = key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()));
        let inner = Arc::new(Inner { key, received: Mutex::default(), broken: Mutex::default() });
        let router = Router::new().route("/reports", post(receive)).with_state(Arc::clone(&inner));
        Self { url: serve(router).await + "/reports", inner }
    }

    /// The reports that it took.
    pub(crate) fn received(&self) -> Vec<Value> {
        self.inner.received.lock().unwrap().clone()
    }

    /// From now on, it fails.
    pub(crate) fn break_down(&self) {
        *self.inner.broken.lock().unwrap() = true;
    }
}

async fn receive(State(webhook): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    if *webhook.broken.lock().unwrap() {
        return (StatusCode::INTERNAL_SERVER_ERROR, "out\nof  order").into_response();
    }
    let signature = headers.get("x-signature-256").map(|value| value.to_str().unwrap());
    let right = match &webhook.key {
        Some(key) => signature
            .and_then(|signature| signature.strip_prefix("sha256="))
            .and_then(bytes)
            .is_some_and(|signature| hmac::verify(key, body.as_bytes(), &signature).is_ok()),
        None => signature.is_none(),
    };
    if !right || headers.get("content-type").is_none_or(|value| value != "application/json") {
        return (StatusCode::UNAUTHORIZED, "bad signature").into_response();
    }
    webhook.received.lock().unwrap().push(serde_json::from_str(&body).unwrap());
    StatusCode::NO_CONTENT.into_response()
}

/// Hexadecimal digits as bytes.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}
