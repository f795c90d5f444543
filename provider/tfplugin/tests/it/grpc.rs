//! Calls that Terraform cannot be made to send.

use std::time::{Duration, Instant};

use serde_json::json;
use tfplugin_client::wire::plugin::Empty;
use tfplugin_client::wire::tfplugin6::{self as pb, DynamicValue};
use tfplugin_client::{Identity, Session, connect};
use tonic::Code;

use crate::launch;

async fn start() -> Session {
    launch().env("TF_LOG", "debug").connect().await
}

/// A configuration with this name and nothing else.
async fn config(session: &Session, name: &str) -> DynamicValue {
    let schema = session.schemas().await.resource("thing_thing");
    schema.encode(&schema.object(json!({"name": name})))
}

async fn validate(session: &Session, config: DynamicValue, write_only: bool) -> Vec<pb::Diagnostic> {
    let request = pb::validate_resource_config::Request {
        type_name: "thing_thing".into(),
        config: Some(config),
        client_capabilities: Some(pb::ClientCapabilities {
            write_only_attributes_allowed: write_only,
            ..pb::ClientCapabilities::default()
        }),
    };
    session.provider().validate_resource_config(request).await.unwrap().into_inner().diagnostics
}

#[tokio::test]
async fn pitfall_05_the_server_lives_on_after_a_stop() {
    let mut session = start().await;
    session.provider().stop_provider(pb::stop_provider::Request {}).await.unwrap();
    let metadata = session.provider().get_metadata(pb::get_metadata::Request {}).await.unwrap().into_inner();
    assert_eq!(metadata.resources.len(), 1);
    assert!(session.plugin.is_running());
    assert!(session.shutdown().await.success());
}

#[tokio::test]
async fn pitfall_06_open_streams_and_connections_do_not_hold_up_the_end() {
    let mut session = start().await;
    let (socket, certificate) = (session.plugin.socket(), session.plugin.certificate());
    let silent = connect(&socket, certificate, Some(&Identity::new(1))).await.unwrap();
    let stream = session.stdio().stream_stdio(()).await.unwrap();
    let asked = Instant::now();
    session.controller().shutdown(Empty {}).await.unwrap();
    assert!(session.plugin.ended().success());
    assert!(asked.elapsed() < Duration::from_millis(1900), "Terraform would have killed it");
    drop((stream, silent));
}

#[tokio::test]
async fn pitfall_08_messages_may_be_large() {
    let session = start().await;
    let value = config(&session, &"x".repeat(8 << 20)).await;
    let problems = validate(&session, value, true).await;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].summary, "Invalid length");
}

#[tokio::test]
async fn pitfall_13_json_is_accepted_too() {
    let session = start().await;
    let schema = session.schemas().await.resource("thing_thing");
    let json = schema.object(json!({"name": "forbidden"})).to_json(schema.ty()).unwrap();
    let problems = validate(&session, DynamicValue { msgpack: Vec::new(), json }, true).await;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].summary, "Forbidden name");
}

#[tokio::test]
async fn pitfall_14_write_only_needs_a_terraform_that_knows_it() {
    let session = start().await;
    let schema = session.schemas().await.resource("thing_thing");
    let value = schema.encode(&schema.object(json!({"name": "a", "secret_wo": "hush"})));
    assert_eq!(validate(&session, value.clone(), true).await, []);
    let problems = validate(&session, value, false).await;
    assert_eq!(problems[0].summary, "Write-only attribute not supported");
    assert!(!format!("{problems:?}").contains("hush"));
}

#[tokio::test]
async fn pitfall_19_what_is_not_known_is_unimplemented() {
    let session = start().await;
    let mut client = session.provider();
    let status = client.get_states(pb::get_states::Request::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    let status = client.read_state_bytes(pb::read_state_bytes::Request::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn malformed_values_are_problems_and_not_the_end() {
    let mut session = start().await;
    for bytes in [&b"\xdd\xff\xff\xff\xff"[..], b"\x81\xa4name\xff", b"\xc1", b"\x80", b"\xdf\xff\xff\xff\xff\xa1"] {
        let value = DynamicValue { msgpack: bytes.to_vec(), json: Vec::new() };
        let problems = validate(&session, value, true).await;
        assert_eq!(problems[0].summary, "Terraform sent a malformed value");
    }
    assert!(session.plugin.is_running());
}

#[tokio::test]
async fn an_operation_before_configure_says_so() {
    let session = start().await;
    let mut client = session.provider();
    let request = pb::read_resource::Request {
        type_name: "thing_thing".into(),
        current_state: Some(config(&session, "a").await),
        private: b"{}".to_vec(),
        ..Default::default()
    };
    let response = client.read_resource(request.clone()).await.unwrap().into_inner();
    assert_eq!(response.diagnostics[0].summary, "Provider is not configured");
    assert_eq!(response.new_state, request.current_state);
    let request = pb::read_resource::Request { type_name: "thing_other".into(), ..Default::default() };
    let response = client.read_resource(request).await.unwrap().into_inner();
    assert_eq!(response.diagnostics[0].summary, "Unknown resource type");
}

#[tokio::test]
async fn pitfall_17_log_lines_are_what_terraform_expects() {
    let mut session = start().await;
    validate(&session, config(&session, "a").await, true).await;
    session.controller().shutdown(Empty {}).await.unwrap();
    session.plugin.ended();
    let stderr = session.plugin.stderr();
    let lines = stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect(line));
    let ours = |line: &serde_json::Value| line["tf_rpc"] == "ValidateResourceConfig" && line["@message"] == "answered";
    let line = lines.into_iter().find(ours).expect(&stderr);
    assert_eq!(line["@level"], "debug");
    assert_eq!(line["tf_resource_type"], "thing_thing");
    assert!(line["@timestamp"].as_str().unwrap().ends_with('Z') && line["@module"].is_string());
}
