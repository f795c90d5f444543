//! Lines of the log: on stderr as JSON, and at a collector, beside the traces that they belong to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::RunStatus;
use justiam_tests::process::ServerProcess;
use justiam_tests::until;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::Value;

use crate::scripts::web::Web;

/// What must not be in any line and any span.
const CANARY: &str = "canary-7d1b02c4";
/// The trace in which a client makes its request.
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

type Bodies = Arc<Mutex<Vec<Bytes>>>;

/// A collector of traces and logs.
async fn collector() -> (Web, Bodies, Bodies) {
    let keep = |bodies: &Bodies| {
        let bodies = Arc::clone(bodies);
        post(move |body: Bytes| async move { bodies.lock().unwrap().push(body) })
    };
    let (traces, logs) = (Bodies::default(), Bodies::default());
    let router = Router::new().route("/v1/traces", keep(&traces)).route("/v1/logs", keep(&logs));
    (Web::serve(router).await, traces, logs)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn attributes(attributes: &[KeyValue]) -> BTreeMap<&str, String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|attribute| (attribute.key.as_str(), text(attribute))).collect()
}

fn spans(bodies: &Bodies) -> Vec<Span> {
    let bodies = bodies.lock().unwrap();
    let requests = bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.clone()).unwrap());
    let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

fn records(bodies: &Bodies) -> Vec<LogRecord> {
    let bodies = bodies.lock().unwrap();
    let requests = bodies.iter().map(|body| ExportLogsServiceRequest::decode(body.clone()).unwrap());
    let scopes = requests.flat_map(|request| request.resource_logs).flat_map(|resource| resource.scope_logs);
    // Lines of SQLite's driver have the ids and no trace: it works in a thread of its own.
    let own = scopes.filter(|scope| scope.scope.as_ref().is_some_and(|scope| !scope.name.starts_with("sqlx")));
    own.flat_map(|scope| scope.log_records).collect()
}

/// Whether a line stands in a span with this field.
fn within(line: &Value, field: &str, value: &str) -> bool {
    line["spans"].as_array().is_some_and(|spans| spans.iter().any(|span| span[field] == value))
}

#[tokio::test]
async fn lines_of_requests_and_runs_carry_their_ids_and_traces_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, traces, logs) = collector().await;
    let log = folder.path().join("log");
    let server = ServerProcess::start_changed(folder.path(), "debug", |command| {
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url(""))
            .env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", collector.url("/v1/logs"))
            .args(["--log-format", "json"])
            .stderr(File::create(&log).unwrap());
    })
    .await;
    let client = server.client(&server.token);
    let script = "package task\nimport (\"errors\"; \"fmt\"; \"secrets\")\n\
        func Run() (string, error) { fmt.Println(secrets.Get(\"KEY\")); return \"\", errors.New(secrets.Get(\"KEY\")) }";
    let mut new = NewTask::triggered_script("Observed", script);
    new.secrets = Some([("KEY".to_owned(), CANARY.into())].into());
    let task = client.tasks().create(&new).await.unwrap();
    let request = reqwest::Client::new().post(format!("{}/api/v1/tasks/{}/run", server.endpoint, task.id));
    let answer = request.bearer_auth(&server.token).header("traceparent", CALLER).send().await.unwrap();
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let run: Value = answer.error_for_status().unwrap().json().await.unwrap();
    let run_id = run["id"].as_str().unwrap().to_owned();
    let id = run_id.parse().unwrap();
    until("the run to end", async || client.runs().get(id).await.unwrap().status == RunStatus::Error).await;
    let token = server.token.clone();
    server.terminate();
    server.ended().await;

    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    assert!(
        lines.iter().any(|line| within(line, "request.id", &request_id) && line["fields"]["message"] == "answered")
    );
    assert!(lines.iter().any(|line| within(line, "run.id", &run_id) && within(line, "task.id", &task.id.to_string())));

    let spans = spans(&traces);
    let of_request = spans.iter().find(|span| span.name == "POST /api/v1/tasks/{id}/run").unwrap();
    assert_eq!(hex(&of_request.trace_id), CALLER[3..35]);
    assert_eq!(hex(&of_request.parent_span_id), CALLER[36..52]);
    let expected = [
        ("http.request.method", "POST"),
        ("http.response.status_code", "202"),
        ("http.route", "/api/v1/tasks/{id}/run"),
        ("request.id", &request_id),
    ];
    assert_eq!(attributes(&of_request.attributes), expected.map(|(key, value)| (key, value.to_owned())).into());
    assert!(!spans.iter().any(|span| span.name.contains("/health")));

    let records = records(&logs);
    let of = |key: &str, value: &str| {
        let found =
            records.iter().find(|record| attributes(&record.attributes).get(key).is_some_and(|found| found == value));
        found.unwrap_or_else(|| panic!("no record with {key}={value} among {}", records.len()))
    };
    assert_eq!(hex(&of("request.id", &request_id).trace_id), CALLER[3..35]);
    assert_eq!(of("request.id", &request_id).span_id, of_request.span_id);
    let of_run = spans.iter().find(|span| span.name == "run").unwrap();
    assert_eq!(of("run.id", &run_id).trace_id, of_run.trace_id);

    for secret in [CANARY, &token] {
        assert!(!text.contains(secret), "a secret is in the log");
        for bodies in [&traces, &logs] {
            let found = |body: &Bytes| body.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!bodies.lock().unwrap().iter().any(found), "a secret was exported");
        }
    }
}
