//! Messages that are large or deep.

use serde_json::json;
use tfplugin_client::wire::tfplugin6::{self as pb, DynamicValue};
use tonic::Code;

use super::problems::error_at;
use super::resource::with;
use super::{THING, World};

#[tokio::test]
async fn a_text_of_64_mebibytes_is_validated_planned_and_applied() {
    let world = World::start().await;
    let note = "x".repeat(64 << 20);
    let thing = |note: &str| json!({"name": "a", "note": note});
    let config = world.thing(thing(&note));
    let wire = world.encoded(&config);
    let request = pb::validate_resource_config::Request { config: wire.clone(), ..world.to_validate(thing("")) };
    assert_eq!(answer!(world, validate_resource_config, request).diagnostics, []);

    let request = pb::plan_resource_change::Request {
        proposed_new_state: wire.clone(),
        config: wire.clone(),
        ..world.to_plan(json!(null), thing(""))
    };
    let planned = answer!(world, plan_resource_change, request);
    assert_eq!(planned.diagnostics, []);
    let request = pb::apply_resource_change::Request {
        planned_state: planned.planned_state,
        config: wire,
        ..world.to_apply(json!(null), thing(""), thing(""))
    };
    let applied = answer!(world, apply_resource_change, request);
    assert_eq!(applied.diagnostics, []);
    let state = world.decoded(applied.new_state.as_ref());
    assert!(state.get("note") == config.get("note"), "the text is another");
    assert!(std::fs::metadata(world.file("id-a")).unwrap().len() > 64 << 20);
    world.end().await;
}

#[tokio::test]
async fn a_message_larger_than_terraform_sends_is_refused() {
    let world = World::start().await;
    let private = vec![b' '; 256 << 20];
    let request = pb::read_resource::Request { private, ..world.to_read(json!({"id": "id-a"})) };
    let mut provider = world.session.provider().max_encoding_message_size(usize::MAX);
    let status = provider.read_resource(request).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    let answer = answer!(world, read_resource, world.to_read(json!({"id": "id-a"})));
    assert_eq!((answer.diagnostics, answer.new_state), (vec![], world.wire(json!(null))));
    world.end().await;
}

/// A value of open type, nested in two ways: in a type of its own, and in values of open type again.
fn deep(levels: usize) -> [Vec<u8>; 2] {
    let ty = format!("{}\"string\"{}", r#"["list","#.repeat(levels), "]".repeat(levels));
    let mut typed = b"\x92\xc6".to_vec();
    typed.extend(u32::try_from(ty.len()).unwrap().to_be_bytes());
    typed.extend(ty.bytes());
    typed.extend(b"\x91".repeat(levels));
    typed.push(0xc0);
    let mut open = b"\x92\xc4\x09\"dynamic\"".repeat(levels);
    open.push(0xc0);
    [typed, open]
}

#[tokio::test]
async fn a_value_of_ten_thousand_levels_is_a_problem_of_that_call() {
    let world = World::start().await;
    let plain = world.wire(json!({"name": "a"})).unwrap().msgpack;
    let place = plain.windows(5).position(|bytes| bytes == b"\xa3any\xc0").unwrap() + 4;
    let [typed, open] = deep(10_000);
    let malformed = |detail| [error_at("any", "Terraform sent a malformed value", detail)];
    for (value, detail) in [(&typed, "any: has a malformed type."), (&open, "any: is nested too deeply.")] {
        let msgpack = [&plain[..place], value, &plain[place + 1..]].concat();
        let config = Some(DynamicValue { msgpack, json: Vec::new() });
        let request = pb::validate_resource_config::Request { config, ..world.to_validate(json!({"name": "a"})) };
        assert_eq!(answer!(world, validate_resource_config, request).diagnostics, malformed(detail));
    }
    for (value, problem) in [(typed, "has a malformed type"), (open, "is nested too deeply")] {
        let argument = DynamicValue { msgpack: value, json: Vec::new() };
        let call = pb::call_function::Request { name: "state".into(), arguments: vec![argument] };
        let error = answer!(world, call_function, call).error.unwrap();
        let text = format!("The value is malformed: {problem}.");
        assert_eq!(error, pb::FunctionError { text, function_argument: Some(0) });
    }
    world.end().await;
}

#[tokio::test]
async fn stored_text_of_ten_thousand_levels_is_a_problem_of_that_call() {
    let world = World::start().await;
    let lists = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let open = format!("{}null{}", r#"{"type":"dynamic","value":"#.repeat(10_000), "}".repeat(10_000));
    let upgrade = |attribute: &str, value: &str| {
        let state = format!(r#"{{"id":"id-a","{attribute}":{value}}}"#);
        let raw_state = Some(pb::RawState { json: state.into_bytes(), ..Default::default() });
        pb::upgrade_resource_state::Request { type_name: THING.into(), version: 1, raw_state }
    };
    let expected = [error_at("any", "State does not fit the schema", "any: is nested too deeply.")];
    assert_eq!(answer!(world, upgrade_resource_state, upgrade("any", &open)).diagnostics, expected);
    // An attribute that the schema has no longer is not looked at.
    let upgraded = answer!(world, upgrade_resource_state, upgrade("gone", &lists));
    assert_eq!((upgraded.diagnostics, upgraded.upgraded_state), (vec![], world.wire(json!({"id": "id-a"}))));

    // What nobody can read of the private state is no obstacle.
    world.created(json!({"name": "a"})).await;
    let state = json!({"id": "id-a", "name": "a", "enabled": true, "revision": 1});
    let private = format!(r#"{{"deep":{lists}}}"#).into_bytes();
    let request = pb::read_resource::Request { private, ..world.to_read(state.clone()) };
    let expected = pb::read_resource::Response {
        new_state: world.wire(with(&state, "revision", json!(1))),
        new_identity: world.identity("id-a"),
        ..Default::default()
    };
    assert_eq!(answer!(world, read_resource, request), expected);
    world.end().await;
}
