//! A vault: version 2 of the key-value engine at `secret`, and what a token may do there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::{any, post};
use serde_json::{Value, json};

use super::{answer, serve};

/// The token that may write.
pub(crate) const TOKEN: &str = "hvs.a-token-for-applications";

/// The vault.
pub(crate) struct Vault {
    /// Its address.
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// The versions of each entry.
    entries: BTreeMap<String, Vec<Value>>,
    /// How many more writes fail, and with which status.
    failing: (usize, u16),
    /// How many more writes get no answer.
    ignoring: usize,
    /// How many writes were tried.
    writes: usize,
    read_only: bool,
}

impl Vault {
    /// An empty vault.
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new()
            .route("/v1/sys/capabilities-self", post(capabilities))
            .route("/v1/secret/data/{*path}", any(data))
            .with_state(Arc::clone(&inner));
        Self { url: serve(router).await, inner }
    }

    /// The newest version of an entry.
    pub(crate) fn entry(&self, path: &str) -> Option<Value> {
        self.inner.lock().unwrap().entries.get(path)?.last().cloned()
    }

    /// How many versions of entries there are.
    pub(crate) fn versions(&self) -> usize {
        self.inner.lock().unwrap().entries.values().map(Vec::len).sum()
    }

    /// How many writes were tried.
    pub(crate) fn writes(&self) -> usize {
        self.inner.lock().unwrap().writes
    }

    /// The next writes fail with this status.
    pub(crate) fn fail(&self, writes: usize, status: u16) {
        self.inner.lock().unwrap().failing = (writes, status);
    }

    /// The next writes get no answer.
    pub(crate) fn ignore(&self, writes: usize) {
        self.inner.lock().unwrap().ignoring = writes;
    }

    /// The token may only read from now on.
    pub(crate) fn make_read_only(&self) {
        self.inner.lock().unwrap().read_only = true;
    }
}

fn denied(headers: &HeaderMap) -> Option<Response> {
    let known = headers.get("x-vault-token").is_some_and(|token| token == TOKEN);
    (!known).then(|| answer(403, json!({ "errors": ["permission denied"] })))
}

async fn capabilities(State(vault): State<Arc<Mutex<Inner>>>, headers: HeaderMap, body: String) -> Response {
    if let Some(denied) = denied(&headers) {
        return denied;
    }
    let body: Value = serde_json::from_str(&body).unwrap();
    let rights = if vault.lock().unwrap().read_only { json!(["read"]) } else { json!(["create", "read", "update"]) };
    let paths = body["paths"].as_array().unwrap().iter();
    let each: serde_json::Map<_, _> = paths.map(|path| (path.as_str().unwrap().to_owned(), rights.clone())).collect();
    // The vault has the paths twice, above and in `data`.
    let mut all = Value::Object(each.clone());
    all["data"] = Value::Object(each);
    answer(200, all)
}

async fn data(
    State(vault): State<Arc<Mutex<Inner>>>,
    Path(path): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: String,
) -> Response {
    if let Some(denied) = denied(&headers) {
        return denied;
    }
    if !matches!(method.as_str(), "POST" | "PUT") {
        return answer(405, json!({ "errors": ["unsupported operation"] }));
    }
    let response = vault.lock().unwrap().write(path, &body);
    match response {
        Some(response) => response,
        None => std::future::pending().await,
    }
}

impl Inner {
    /// The answer to a write; `None` where there is none.
    fn write(&mut self, path: String, body: &str) -> Option<Response> {
        self.writes += 1;
        if self.ignoring > 0 {
            self.ignoring -= 1;
            return None;
        }
        let (failing, status) = &mut self.failing;
        if *failing > 0 {
            *failing -= 1;
            // What was sent comes back, as with some gateways: nothing of it may reach a log.
            return Some(answer(*status, json!({ "errors": ["Vault is sealed"], "request": body })));
        }
        if self.read_only {
            return Some(answer(403, json!({ "errors": ["permission denied"] })));
        }
        let body: Value = serde_json::from_str(body).unwrap();
        let versions = self.entries.entry(path).or_default();
        versions.push(body["data"].clone());
        let version = versions.len();
        Some(answer(200, json!({ "data": { "version": version, "destroyed": false } })))
    }
}
