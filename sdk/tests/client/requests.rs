//! What exactly each method sends.

use std::pin::pin;

use futures::StreamExt as _;
use justiam_sdk::Client;
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::me::NewShortToken;
use justiam_sdk::api::preview::NextQuery;
use justiam_sdk::api::runs::RunQuery;
use justiam_sdk::api::secrets::SecretsPatch;
use justiam_sdk::api::tasks::{NewTask, TaskPatch, TaskQuery};
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, ScheduleType, TaskType};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use super::support::{RUN, TASK, TOKEN, client, json_answer, line, requests};

/// A server that answers everything with an empty object, which fits nothing: only the requests matter.
async fn listener() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(json_answer(200, &json!({}))).mount(&server).await;
    server
}

async fn lines(server: &MockServer) -> Vec<String> {
    requests(server).await.iter().map(line).collect()
}

fn task() -> TaskId {
    TASK.parse().unwrap()
}

fn run() -> RunId {
    RUN.parse().unwrap()
}

#[tokio::test]
async fn tasks() {
    let server = listener().await;
    let client = client(&server.uri(), 0);
    let tasks = client.tasks();

    let mut new = NewTask::new("Alles", TaskType::Script, ScheduleType::Once);
    new.description = Some("d".into());
    new.timezone = Some("Europe/Zurich".into());
    new.run_at = Some("2026-05-01T06:00:00Z".parse().unwrap());
    new.overlap_policy = Some(OverlapPolicy::Queue);
    new.enabled = Some(false);
    new.timeout_seconds = Some(5);
    new.script = Some("package task\r\n".into());
    new.config = Some(json!({ "b": 1.50, "a": [null] }));
    new.task_config = Some([("k".to_owned(), "v".to_owned())].into());
    new.secrets = Some([("S".to_owned(), "hunter2".into())].into());
    let _ = tasks.create(&new).await;
    let _ = tasks.create(&NewTask::cron_script("C", "0 * * * *", "package task")).await;
    let _ = tasks.get(task()).await;
    let _ = tasks.page(&TaskQuery::new()).await;
    let mut query = TaskQuery::named("a b&c=ü/?#");
    query.page = Some(2);
    query.limit = Some(1000);
    query.search = Some("100%".into());
    query.task_type = Some(TaskType::Script);
    query.enabled = Some(true);
    query.include = Some("script,secrets".into());
    let _ = tasks.page(&query).await;
    let _ = tasks.find("My Task").await;
    let _ = pin!(tasks.list(query)).next().await;
    let _ = tasks.replace(task(), &NewTask::triggered_script("T", "package task")).await;
    let _ = tasks.update(task(), &TaskPatch::new()).await;
    let mut patch = TaskPatch::new();
    patch.description = Some(None);
    patch.cron_expr = Some(Some("@daily".into()));
    patch.task_config = Some([].into());
    patch.secrets = Some({
        let mut secrets = SecretsPatch::new();
        secrets.set = [("K".to_owned(), "v".into())].into();
        secrets.remove = vec!["OLD".into()];
        secrets
    });
    let _ = tasks.update(task(), &patch).await;
    let _ = tasks.delete(task()).await;
    let _ = tasks.run(task()).await;
    let _ = pin!(tasks.runs(task())).next().await;
    let mut next = NextQuery::new();
    let _ = tasks.next(task(), &next).await;
    next.count = Some(3);
    next.from = Some("2026-03-08T00:00:00+01:00".parse().unwrap());
    let _ = tasks.next(task(), &next).await;
    let _ = tasks.validate(&NewTask::triggered_script("T", "package task")).await;

    let query = "name=a+b%26c%3D%C3%BC%2F%3F%23&search=100%25&task_type=script&enabled=true&include=script%2Csecrets";
    assert_eq!(
        lines(&server).await,
        [
            concat!(
                r#"POST /api/v1/tasks {"name":"Alles","description":"d","task_type":"script","schedule_type":"once","#,
                r#""timezone":"Europe/Zurich","run_at":"2026-05-01T06:00:00Z","overlap_policy":"queue","enabled":false,"#,
                r#""timeout_seconds":5,"script":"package task\r\n","config":{"b":1.5,"a":[null]},"#,
                r#""task_config":{"k":"v"},"secrets":{"S":"hunter2"}}"#
            )
            .to_owned(),
            concat!(
                r#"POST /api/v1/tasks {"name":"C","task_type":"script","schedule_type":"cron","#,
                r#""cron_expr":"0 * * * *","script":"package task"}"#
            )
            .to_owned(),
            format!("GET /api/v1/tasks/{TASK}"),
            "GET /api/v1/tasks".to_owned(),
            format!("GET /api/v1/tasks?page=2&limit=1000&{query}"),
            "GET /api/v1/tasks?name=My+Task".to_owned(),
            format!("GET /api/v1/tasks?page=1&limit=1000&{query}"),
            format!(
                "PUT /api/v1/tasks/{TASK} {}",
                r#"{"name":"T","task_type":"script","schedule_type":"once","script":"package task"}"#
            ),
            format!("PATCH /api/v1/tasks/{TASK} {{}}"),
            format!(
                "PATCH /api/v1/tasks/{TASK} {}",
                concat!(
                    r#"{"description":null,"cron_expr":"@daily","task_config":{},"#,
                    r#""secrets":{"set":{"K":"v"},"remove":["OLD"]}}"#
                )
            ),
            format!("DELETE /api/v1/tasks/{TASK}"),
            format!("POST /api/v1/tasks/{TASK}/run"),
            format!("GET /api/v1/tasks/{TASK}/runs?page=1"),
            format!("GET /api/v1/tasks/{TASK}/next"),
            format!("GET /api/v1/tasks/{TASK}/next?count=3&from=2026-03-07T23%3A00%3A00Z"),
            concat!(
                r#"POST /api/v1/tasks/validate {"name":"T","task_type":"script","schedule_type":"once","#,
                r#""script":"package task"}"#
            )
            .to_owned(),
        ]
    );
}

#[tokio::test]
async fn secrets_config_and_version() {
    let server = listener().await;
    let client = client(&server.uri(), 0);
    let secrets = client.secrets(task());
    let _ = secrets.keys().await;
    let _ = secrets.replace(&[("B".to_owned(), "2".into()), ("A".to_owned(), "1\n".into())].into()).await;
    let mut patch = SecretsPatch::new();
    patch.remove = vec!["A".into()];
    let _ = secrets.update(&patch).await;
    let _ = secrets.compare(&[("A".to_owned(), "1\n".into())].into()).await;
    let config = client.config(task());
    let _ = config.get().await;
    let _ = config.replace(&[("domain".to_owned(), "example.com".to_owned())].into()).await;
    let _ = client.version().await;
    assert_eq!(
        lines(&server).await,
        [
            format!("GET /api/v1/tasks/{TASK}/secrets"),
            format!("PUT /api/v1/tasks/{TASK}/secrets {}", r#"{"A":"1\n","B":"2"}"#),
            format!("PATCH /api/v1/tasks/{TASK}/secrets {}", r#"{"remove":["A"]}"#),
            format!("POST /api/v1/tasks/{TASK}/secrets/compare {}", r#"{"A":"1\n"}"#),
            format!("GET /api/v1/tasks/{TASK}/config"),
            format!("PUT /api/v1/tasks/{TASK}/config {}", r#"{"domain":"example.com"}"#),
            "GET /api/v1/version".to_owned(),
        ]
    );
}

#[tokio::test]
async fn runs() {
    let server = listener().await;
    let client = client(&server.uri(), 0);
    let runs = client.runs();
    let _ = runs.get(run()).await;
    let _ = runs.cancel(run()).await;
    let _ = runs.wait(run()).await;
    let mut query = RunQuery::new();
    query.page = Some(3);
    query.limit = Some(5);
    query.task_id = Some(task());
    query.status = Some(RunStatus::Error);
    let _ = runs.page(&query).await;
    let _ = pin!(runs.list(query)).next().await;
    assert_eq!(
        lines(&server).await,
        [
            format!("GET /api/v1/task-runs/{RUN}"),
            format!("POST /api/v1/task-runs/{RUN}/cancel"),
            format!("GET /api/v1/task-runs/{RUN}"),
            format!("GET /api/v1/task-runs?page=3&limit=5&task_id={TASK}&status=error"),
            format!("GET /api/v1/task-runs?page=1&limit=5&task_id={TASK}&status=error"),
        ]
    );
}

#[tokio::test]
async fn short_tokens() {
    let server = listener().await;
    let client = client(&server.uri(), 0);
    let (me, id) = (client.me(), RUN.parse().unwrap());
    let _ = me.short_token(&NewShortToken::new(900)).await;
    let _ = me.short_token(&NewShortToken::new(60).with_permissions(["tasks.view"])).await;
    let _ = me.renew_short_token(&id, 3600).await;
    let _ = me.revoke_short_token(&id).await;
    assert_eq!(
        lines(&server).await,
        [
            r#"POST /api/v1/me/tokens/short {"ttl_seconds":900}"#.to_owned(),
            r#"POST /api/v1/me/tokens/short {"ttl_seconds":60,"permissions":["tasks.view"]}"#.to_owned(),
            format!("POST /api/v1/me/tokens/short/{RUN}/renew {}", r#"{"ttl_seconds":3600}"#),
            format!("DELETE /api/v1/me/tokens/short/{RUN}"),
        ]
    );
}

#[tokio::test]
async fn every_request_says_who_asks_and_what_it_holds() {
    let server = listener().await;
    let _ = client(&server.uri(), 0).tasks().create(&NewTask::triggered_script("n", "package task")).await;
    let anonymous = Client::builder(server.uri()).user_agent("acme/7").build().unwrap();
    let _ = anonymous.version().await;
    let requests = requests(&server).await;
    let header = |index: usize, name: &str| requests[index].headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header(0, "Authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(header(0, "Content-Type"), Some("application/json"));
    assert_eq!(header(0, "User-Agent"), Some(concat!("justiam-sdk/", env!("CARGO_PKG_VERSION"))));
    assert_eq!((header(1, "Authorization"), header(1, "User-Agent")), (None, Some("acme/7")));
}

#[tokio::test]
async fn an_endpoint_below_a_path_keeps_it() {
    let server = listener().await;
    for suffix in ["/iam", "/iam/", "/iam/api/v1", "/iam/api/v1/"] {
        let _ = client(&format!("{}{suffix}", server.uri()), 0).tasks().get(task()).await;
    }
    assert_eq!(lines(&server).await, vec![format!("GET /iam/api/v1/tasks/{TASK}"); 4]);
}
