//! Traces of runs, as a collector gets them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::{any, post};
use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::RunStatus;
use justiam_server::Server;
use justiam_server::clock::SystemClock;
use justiam_server::config::Config;
use justiam_tests::server::TestServer;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;

use super::support::go;
use super::web::Web;

/// What must not be in any trace.
const CANARY: &str = "hunter2/of a canary";

type Bodies = Arc<Mutex<Vec<Bytes>>>;

async fn collector() -> (Web, Bodies) {
    let bodies = Bodies::default();
    let kept = Arc::clone(&bodies);
    let take = move |body: Bytes| async move { kept.lock().unwrap().push(body) };
    (Web::serve(Router::new().route("/v1/traces", post(take))).await, bodies)
}

/// A service that remembers the `traceparent` of each request, in their order.
async fn downstream() -> (Web, Arc<Mutex<Vec<String>>>) {
    let parents = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&parents);
    let take = move |headers: HeaderMap| async move {
        kept.lock().unwrap().push(headers["traceparent"].to_str().unwrap().to_owned());
    };
    (Web::serve(Router::new().route("/{*path}", any(take))).await, parents)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |value: &Option<_>| -> String {
        let value: &Option<opentelemetry_proto::tonic::common::v1::AnyValue> = value;
        value.as_ref().and_then(|value| value.value.as_ref()).map(text).unwrap_or_default()
    };
    span.attributes.iter().map(|attribute| (attribute.key.as_str(), value(&attribute.value))).collect()
}

#[tokio::test]
async fn a_run_its_script_and_what_it_fetches_are_one_trace() {
    let (collector, bodies) = collector().await;
    let (downstream, parents) = downstream().await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = collector.url("");
    let server = TestServer::start_with(|config| config.otlp_endpoint = Some(endpoint)).await;
    let body = format!(
        "key := secrets.Get(`KEY`)\n\
         _, err := fetch.Do(`GET`, `{down}/a/` + url.PathEscape(key) + `?q=` + url.QueryEscape(key), key, map[string]string{{`X-Key`: key, `traceparent`: `mine`}})\n\
         if err != nil {{ return ``, err }}\n\
         _, err = fetch.Do(`SEARCH`, `{down}/b`, ``, nil)\n\
         if err != nil {{ return ``, err }}\n\
         _, err = fetch.Post(`http://u:` + url.QueryEscape(key) + `@{gone}/c`, ``, key)\n\
         return ``, errors.New(key)",
        down = downstream.url("")
    );
    let mut new = NewTask::triggered_script("Traced", go(&["errors", "fetch", "net/url", "secrets"], &body));
    new.secrets = Some([("KEY".to_owned(), CANARY.into())].into());
    let task = server.client.tasks().create(&new).await.unwrap();
    let run = server.client.tasks().run(task.id).await.unwrap();
    let run = server.ended(run.id).await;
    assert_eq!(run.error.as_deref(), Some("****"));
    server.stop().await;

    let bodies: Vec<Bytes> = bodies.lock().unwrap().clone();
    for canary in [CANARY, "hunter2"] {
        assert!(!bodies.iter().any(|body| body.windows(canary.len()).any(|part| part == canary.as_bytes())));
    }
    let requests = bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.clone()).unwrap());
    let mut spans: Vec<Span> = requests
        .flat_map(|request| request.resource_spans)
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .collect();
    // Requests to the API have traces of their own.
    let root = spans.iter().find(|span| span.name == "run").unwrap().trace_id.clone();
    spans.retain(|span| span.trace_id == root);
    let span =
        |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:?}"));
    let (root, script, get, other, post) = (span("run"), span("script"), span("GET"), span("HTTP"), span("POST"));
    assert_eq!(spans.len(), 5);
    assert_eq!((root.parent_span_id.as_slice(), &script.parent_span_id), (&[][..], &root.span_id));
    for fetched in [get, other, post] {
        assert_eq!((&fetched.parent_span_id, fetched.kind), (&script.span_id, 3));
    }
    let parent = |span: &Span| format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id));
    assert_eq!(*parents.lock().unwrap(), [parent(get), parent(other)]);

    let id = run.id.to_string();
    let task_id = task.id.to_string();
    let expected = [
        ("run.attempt", "1"),
        ("run.id", &id),
        ("run.status", "error"),
        ("run.trigger", "manual"),
        ("task.id", &task_id),
        ("task.name", "Traced"),
    ];
    assert_eq!(attributes(root), expected.map(|(key, value)| (key, value.to_owned())).into());
    let number = downstream.address.port().to_string();
    let url = format!("{}/a/****", downstream.url(""));
    let expected = [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("server.address", "127.0.0.1"),
        ("server.port", &number),
        ("url.full", &url),
    ];
    assert_eq!(attributes(get), expected.map(|(key, value)| (key, value.to_owned())).into());
    let other = attributes(other);
    assert_eq!(
        (other["http.request.method"].as_str(), other["http.request.method_original"].as_str()),
        ("_OTHER", "SEARCH")
    );
    let post = attributes(post);
    assert_eq!(
        (post["error.type"].as_str(), post["url.full"].as_str()),
        ("connection_refused", format!("http://{gone}/c").as_str())
    );
    assert_eq!(post.get("http.response.status_code"), None);
}

#[tokio::test]
async fn a_secret_in_a_path_is_hidden_however_the_url_is_written() {
    let (collector, bodies) = collector().await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = collector.url("");
    let server = TestServer::start_with(|config| config.otlp_endpoint = Some(endpoint)).await;
    let body = format!(
        "_, a := fetch.Get(`http://{gone}/a/` + secrets.Get(`KEY`) + `/b`)\n\
         _, b := fetch.Get(`http://{gone}/` + secrets.Get(`KEY`))\nreturn ``, fmt.Errorf(`%v, %v`, a, b)"
    );
    let mut new = NewTask::triggered_script("Hidden", go(&["fetch", "fmt", "secrets"], &body));
    new.secrets = Some([("KEY".to_owned(), "p(a)ss{word}^".into())].into());
    let task = server.client.tasks().create(&new).await.unwrap();
    let run = server.client.tasks().run(task.id).await.unwrap();
    let run = server.ended(run.id).await;
    let expected = format!(
        "fetch: GET http://{gone}/a/****/b: the connection was refused, fetch: GET http://{gone}/****: the connection was refused"
    );
    assert_eq!(run.error, Some(expected));
    server.stop().await;
    let bodies: Vec<Bytes> = bodies.lock().unwrap().clone();
    assert!(!bodies.is_empty());
    for part in ["ss{word", "ss%7Bword"] {
        assert!(!bodies.iter().any(|body| body.windows(part.len()).any(|found| found == part.as_bytes())), "{part}");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_disturbs_no_run() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = TestServer::start_with(|config| config.otlp_traces_endpoint = Some(format!("http://{gone}/x"))).await;
    let new = NewTask::triggered_script("Traced", go(&[], "return `done`, nil"));
    let task = server.client.tasks().create(&new).await.unwrap();
    let run = server.client.tasks().run(task.id).await.unwrap();
    let run = server.ended(run.id).await;
    assert_eq!((run.status, run.output.as_deref()), (RunStatus::Success, Some("done")));
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_showing_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path().join("server"));
    config.otlp_endpoint = Some("u:hunter2@localhost:4318".to_owned());
    let refused = Server::open(config, Arc::new(SystemClock)).await.err().unwrap();
    let expected = "otlp_endpoint must be a whole address that begins with http:// or https://";
    assert_eq!(refused.to_string(), expected);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
