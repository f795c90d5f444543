//! A server and raw requests to it.

use justiam_sdk::api::tasks::{NewTask, Task};
use justiam_tests::server::TestServer;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// A script that does nothing.
pub(crate) const SCRIPT: &str = "package task\n\nfunc Run() (string, error) {\n\treturn \"done\", nil\n}\n";
/// How many tasks a fresh server has.
pub(crate) const BUILT_IN: u64 = 7;
/// An id that nothing has.
pub(crate) const NOBODY: &str = "0199f2a6-0000-7000-8000-00000000dead";

/// A server, and its admin without an SDK.
pub(crate) struct Api {
    pub(crate) server: TestServer,
    http: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::with(TestServer::start().await)
    }

    pub(crate) fn with(server: TestServer) -> Self {
        Self { server, http: reqwest::Client::new() }
    }

    /// A request with the admin's token.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.server.token)
    }

    /// A request without a token.
    pub(crate) fn anonymous(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.server.endpoint))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request("GET", path)).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.text(method, path, body.to_string()).await
    }

    /// Sends a body as it is, as JSON.
    pub(crate) async fn text(&self, method: &str, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        answer(self.request(method, path).header(CONTENT_TYPE, "application/json").body(body)).await
    }

    /// Creates a task from a body.
    pub(crate) async fn create(&self, body: &Value) -> Value {
        self.send("POST", "/api/v1/tasks", body).await.expect(201).json()
    }

    /// Creates an hourly script.
    pub(crate) async fn task(&self, name: &str) -> Task {
        self.server.client.tasks().create(&hourly(name)).await.unwrap()
    }

    /// How many tasks there are beside those of the server.
    pub(crate) async fn count(&self) -> u64 {
        self.get("/api/v1/tasks?limit=1").await.json()["total"].as_u64().unwrap() - BUILT_IN
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless this is the error with the status and code. Returns its body.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["code"], code, "{body}");
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        assert!(body["timestamp"].is_string(), "{body}");
        assert!(!self.header("x-request-id").is_empty());
        body
    }

    /// Fails unless this is a 400 about exactly these fields. Returns what it says about them.
    #[track_caller]
    pub(crate) fn wrong_fields(&self, fields: &[&str]) -> Value {
        let body = self.refused(400, "VALIDATION_ERROR");
        let errors = body["validationErrors"].clone();
        let mut found: Vec<&str> =
            errors.as_object().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default();
        found.sort_unstable();
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        assert_eq!(found, fields, "{body}");
        errors
    }
}

pub(crate) fn hourly(name: &str) -> NewTask {
    NewTask::cron_script(name, "0 * * * *", SCRIPT)
}

/// The body of an hourly script, with some fields changed.
pub(crate) fn body(changes: &Value) -> Value {
    let mut body = json!({
        "name": "A task", "task_type": "script", "schedule_type": "cron", "cron_expr": "0 * * * *", "script": SCRIPT,
    });
    merge(&mut body, changes);
    body
}

/// Puts the fields of one object over those of another.
pub(crate) fn merge(body: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
}

pub(crate) fn path(task: &Task) -> String {
    format!("/api/v1/tasks/{}", task.id)
}
