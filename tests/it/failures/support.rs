//! Requests whose answers are looked at one by one, by a client that tries nothing twice.

use std::time::Duration;

use justiam_sdk::api::problem::{Code, Problem};
use justiam_tests::process::{ServerProcess, through};
use justiam_tests::{PATIENCE, soon};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// Somebody with a token and connections of his own.
pub(super) struct Caller {
    client: Client,
    endpoint: String,
    token: String,
}

/// An answer, whatever it says.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<String>,
    pub(super) body: Value,
}

impl Caller {
    pub(super) fn new(server: &ServerProcess, token: &str) -> Self {
        let client = Client::builder().no_proxy().timeout(PATIENCE).pool_idle_timeout(None::<Duration>);
        Self { client: client.build().unwrap(), endpoint: server.endpoint.clone(), token: token.into() }
    }

    /// The first admin of a server that was started on new data.
    pub(super) async fn first(server: &mut ServerProcess) -> Self {
        let token = server.first_token().await;
        Self::new(server, &token)
    }

    /// The same one at a server that was started again.
    pub(super) fn at(&self, server: &ServerProcess) -> Self {
        Self::new(server, &self.token)
    }

    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Answer> {
        let mut request = self.client.request(method, format!("{}{path}", self.endpoint)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let (status, retry_after) = (answer.status(), answer.headers().get(RETRY_AFTER).cloned());
        let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
        let text = answer.text().await?;
        Ok(Answer { status, retry_after, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await.unwrap()
    }

    /// Creates a task whose script is so long.
    pub(super) async fn create(&self, name: &str, bytes: usize) -> reqwest::Result<Answer> {
        let script =
            format!("package task\n\nfunc Run() (string, error) {{ return \"done\", nil }}\n// {}", "x".repeat(bytes));
        let task = json!({ "name": name, "task_type": "script", "schedule_type": "once", "script": script });
        self.ask(Method::POST, "/api/v1/tasks", Some(&task)).await
    }

    /// The names of all tasks that were created by callers, sorted.
    pub(super) async fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for page in 1.. {
            let found = self.get(&format!("/api/v1/tasks?limit=1000&page={page}")).await.body;
            let found = found["data"].as_array().unwrap().clone();
            if found.is_empty() {
                break;
            }
            let made = found.iter().filter(|task| task["is_system"] == false);
            names.extend(made.map(|task| task["name"].as_str().unwrap().to_owned()));
        }
        names.sort();
        names
    }

    /// Triggers a task, and waits for the end of the run.
    pub(super) async fn run(&self, task: &Value) -> Value {
        let path = format!("/api/v1/tasks/{}/run", task["id"].as_str().unwrap());
        let run = self.ask(Method::POST, &path, None).await.unwrap();
        assert_eq!(run.status, StatusCode::ACCEPTED, "{run:?}");
        let path = format!("/api/v1/task-runs/{}", run.body["id"].as_str().unwrap());
        let mut look = tokio::time::interval(Duration::from_millis(20));
        let ended = async {
            loop {
                look.tick().await;
                let run = self.get(&path).await.body;
                if !run["finished_at"].is_null() {
                    return run;
                }
            }
        };
        soon("the run to end", ended).await
    }
}

impl Answer {
    /// Fails unless the server says that it cannot store anything at the moment, and when to try again.
    pub(super) fn assert_unavailable(&self, message: &str) {
        let problem: Problem = serde_json::from_value(self.body.clone()).unwrap();
        assert_eq!((self.status, &problem.code), (StatusCode::SERVICE_UNAVAILABLE, &Some(Code::ServiceUnavailable)));
        assert_eq!((problem.message.as_str(), self.retry_after.as_deref()), (message, Some("1")));
    }
}

/// Fails unless all that always holds does, in the data on which a server was started in the same way.
pub(super) async fn check(launcher: &[String], arguments: &[(&str, &std::ffi::OsStr)]) {
    let mut command = through(launcher);
    command.arg("check");
    for (name, value) in arguments {
        command.arg(name).arg(value);
    }
    let checked = soon("the check", command.output()).await.unwrap();
    assert!(checked.status.success(), "{checked:?}");
}
