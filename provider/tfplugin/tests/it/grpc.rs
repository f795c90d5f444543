//! Calls that Terraform cannot be made to send.

use std::time::{Duration, Instant};

use tfplugin::{Type, Value};
use tonic::Code;
use tonic::transport::Channel;

use crate::client::plugin::Empty;
use crate::client::plugin::grpc_controller_client::GrpcControllerClient;
use crate::client::plugin::grpc_stdio_client::GrpcStdioClient;
use crate::client::tfplugin6::provider_client::ProviderClient;
use crate::client::tfplugin6::{self as pb, DynamicValue};
use crate::client::{Identity, channel, connect};
use crate::plugin::Plugin;

async fn start() -> (Plugin, Channel) {
    let identity = Identity::new(1);
    let plugin = Plugin::start_with(&identity, |command| command.env("TF_LOG", "debug"));
    let channel = channel(&plugin.socket(), plugin.certificate(), &identity).await;
    (plugin, channel)
}

fn config(name: Value) -> Value {
    let null = ["id", "size", "enabled", "revision", "any", "note", "old", "tags", "secrets", "secret_wo"];
    let more = ["secret_wo_version", "steps", "mood"];
    let nulls = null.into_iter().chain(more).map(|name| (name.to_owned(), Value::Null));
    let set = [("name".to_owned(), name), ("rule".to_owned(), Value::List(Vec::new()))];
    Value::Object(nulls.chain(set).collect())
}

fn ty() -> Type {
    let step = Type::object([("program", Type::String), ("retries", Type::Number), ("number", Type::Number)]);
    Type::object([
        ("id", Type::String),
        ("name", Type::String),
        ("size", Type::Number),
        ("enabled", Type::Bool),
        ("revision", Type::Number),
        ("any", Type::Dynamic),
        ("note", Type::String),
        ("old", Type::String),
        ("tags", Type::set(Type::String)),
        ("secrets", Type::map(Type::String)),
        ("secret_wo", Type::String),
        ("secret_wo_version", Type::Number),
        ("steps", Type::list(step)),
        ("rule", Type::list(Type::object([("allow", Type::String)]))),
        ("mood", Type::String),
    ])
}

async fn validate(
    client: &mut ProviderClient<Channel>,
    config: Option<DynamicValue>,
    write_only: bool,
) -> Vec<pb::Diagnostic> {
    let request = pb::validate_resource_config::Request {
        type_name: "thing_thing".into(),
        config,
        client_capabilities: Some(pb::ClientCapabilities {
            write_only_attributes_allowed: write_only,
            ..pb::ClientCapabilities::default()
        }),
    };
    client.validate_resource_config(request).await.unwrap().into_inner().diagnostics
}

fn msgpack(value: &Value) -> DynamicValue {
    DynamicValue { msgpack: value.to_msgpack(&ty()).unwrap(), json: Vec::new() }
}

#[tokio::test]
async fn pitfall_05_stop_cancels_operations_and_the_server_lives_on() {
    let (mut plugin, channel) = start().await;
    let mut client = ProviderClient::new(channel.clone());
    client.stop_provider(pb::stop_provider::Request {}).await.unwrap();
    let metadata = client.get_metadata(pb::get_metadata::Request {}).await.unwrap().into_inner();
    assert_eq!(metadata.resources.len(), 1);
    assert!(plugin.is_running());
    GrpcControllerClient::new(channel).shutdown(Empty {}).await.unwrap();
    assert!(plugin.ended().success());
}

#[tokio::test]
async fn pitfall_06_open_streams_and_connections_do_not_hold_up_the_end() {
    let (mut plugin, channel) = start().await;
    let silent = connect(&plugin.socket(), plugin.certificate(), Some(&Identity::new(1))).await.unwrap();
    let stream = GrpcStdioClient::new(channel.clone()).stream_stdio(()).await.unwrap();
    let asked = Instant::now();
    GrpcControllerClient::new(channel).shutdown(Empty {}).await.unwrap();
    assert!(plugin.ended().success());
    assert!(asked.elapsed() < Duration::from_millis(1900), "Terraform would have killed it");
    drop((stream, silent));
}

#[tokio::test]
async fn pitfall_08_messages_may_be_large() {
    let (_plugin, channel) = start().await;
    let mut client = ProviderClient::new(channel).max_encoding_message_size(1 << 28);
    let value = config(Value::String("x".repeat(8 << 20)));
    let problems = validate(&mut client, Some(msgpack(&value)), true).await;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].summary, "Invalid length");
}

#[tokio::test]
async fn pitfall_13_json_is_accepted_too() {
    let (_plugin, channel) = start().await;
    let mut client = ProviderClient::new(channel);
    let json = config("forbidden".into()).to_json(&ty()).unwrap();
    let problems = validate(&mut client, Some(DynamicValue { msgpack: Vec::new(), json }), true).await;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].summary, "Forbidden name");
}

#[tokio::test]
async fn pitfall_14_write_only_needs_a_terraform_that_knows_it() {
    let (_plugin, channel) = start().await;
    let mut client = ProviderClient::new(channel);
    let Value::Object(mut entries) = config("a".into()) else { unreachable!() };
    entries.insert("secret_wo".to_owned(), "hush".into());
    let value = msgpack(&Value::Object(entries));
    assert_eq!(validate(&mut client, Some(value.clone()), true).await, []);
    let problems = validate(&mut client, Some(value), false).await;
    assert_eq!(problems[0].summary, "Write-only attribute not supported");
    assert!(!format!("{problems:?}").contains("hush"));
}

#[tokio::test]
async fn pitfall_19_what_is_not_known_is_unimplemented() {
    let (_plugin, channel) = start().await;
    let mut client = ProviderClient::new(channel);
    let status = client.get_states(pb::get_states::Request::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    let status = client.read_state_bytes(pb::read_state_bytes::Request::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn malformed_values_are_problems_and_not_the_end() {
    let (mut plugin, channel) = start().await;
    let mut client = ProviderClient::new(channel);
    for bytes in [&b"\xdd\xff\xff\xff\xff"[..], b"\x81\xa4name\xff", b"\xc1", b"\x80", b"\xdf\xff\xff\xff\xff\xa1"] {
        let value = DynamicValue { msgpack: bytes.to_vec(), json: Vec::new() };
        let problems = validate(&mut client, Some(value), true).await;
        assert_eq!(problems[0].summary, "Terraform sent a malformed value");
    }
    assert!(plugin.is_running());
}

#[tokio::test]
async fn an_operation_before_configure_says_so() {
    let (_plugin, channel) = start().await;
    let mut client = ProviderClient::new(channel);
    let request = pb::read_resource::Request {
        type_name: "thing_thing".into(),
        current_state: Some(msgpack(&config("a".into()))),
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
    let (mut plugin, channel) = start().await;
    let mut client = ProviderClient::new(channel.clone());
    validate(&mut client, Some(msgpack(&config("a".into()))), true).await;
    GrpcControllerClient::new(channel).shutdown(Empty {}).await.unwrap();
    plugin.ended();
    let stderr = plugin.stderr();
    let lines = stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect(line));
    let ours = |line: &serde_json::Value| line["tf_rpc"] == "ValidateResourceConfig" && line["@message"] == "answered";
    let line = lines.into_iter().find(ours).expect(&stderr);
    assert_eq!(line["@level"], "debug");
    assert_eq!(line["tf_resource_type"], "thing_thing");
    assert!(line["@timestamp"].as_str().unwrap().ends_with('Z') && line["@module"].is_string());
}
