use super::plugin::StdioData;
use super::tfplugin6 as pb;
use super::tfplugin6::attribute_path::step::Selector;
use super::{decode, diagnostics, encode, schema};
use crate::{Attribute, AttributePath, Block, Diagnostics, Schema, Type, Value};

#[test]
fn pitfall_09_an_absent_value_is_null() {
    assert_eq!(decode(None, &Type::String).unwrap(), Value::Null);
    assert_eq!(decode(Some(&pb::DynamicValue::default()), &Type::String).unwrap(), Value::Null);
}

#[test]
fn pitfall_12_an_attribute_has_a_type_or_a_nested_type() {
    let nested = Attribute::nested_map("n", [Attribute::string("x").required()]).optional();
    let plain = Attribute::map("p", Type::String).optional().sensitive();
    let block = schema(&Schema::new().attributes([nested, plain]).block(Block::list("b", []))).block.unwrap();
    let [nested, plain] = &block.attributes[..] else { panic!("two attributes") };
    assert!(nested.r#type.is_empty() && nested.nested_type.is_some());
    assert!(plain.r#type == br#"["map","string"]"# && plain.nested_type.is_none() && plain.sensitive);
    assert_eq!(block.block_types[0].nesting(), pb::schema::nested_block::NestingMode::List);
}

#[test]
fn pitfall_13_answers_are_msgpack() {
    let value = encode(&Value::from("x"), &Type::String).unwrap();
    assert_eq!((&value.msgpack[..], &value.json[..]), (&b"\xa1x"[..], &b""[..]));
    assert_eq!(decode(Some(&value), &Type::String).unwrap(), Value::from("x"));
    // What comes in may be JSON as well.
    let json = pb::DynamicValue { msgpack: Vec::new(), json: b"\"x\"".to_vec() };
    assert_eq!(decode(Some(&json), &Type::String).unwrap(), Value::from("x"));
}

#[test]
fn pitfall_18_no_message_shows_a_secret() {
    let secret = || b"hush-hush".to_vec();
    let value = || Some(pb::DynamicValue { msgpack: secret(), json: secret() });
    let raw = || Some(pb::RawState { json: secret(), ..Default::default() });
    let bytes = format!("{:?}", secret()).replace(['[', ']'], "");
    let plan = pb::plan_resource_change::Request { config: value(), prior_private: secret(), ..Default::default() };
    let planned =
        pb::plan_resource_change::Response { planned_state: value(), planned_private: secret(), ..Default::default() };
    let apply = pb::apply_resource_change::Request { config: value(), planned_private: secret(), ..Default::default() };
    let applied = pb::apply_resource_change::Response { new_state: value(), private: secret(), ..Default::default() };
    let read = pb::read_resource::Request { current_state: value(), private: secret(), ..Default::default() };
    let open = pb::open_ephemeral_resource::Response { result: value(), private: Some(secret()), ..Default::default() };
    let imported = pb::import_resource_state::ImportedResource { private: secret(), ..Default::default() };
    let import = pb::import_resource_state::Response { imported_resources: vec![imported], ..Default::default() };
    let upgrade = pb::upgrade_resource_state::Request { raw_state: raw(), ..Default::default() };
    let validate = pb::validate_resource_config::Request { config: value(), ..Default::default() };
    let moved =
        pb::move_resource_state::Request { source_private: secret(), source_state: raw(), ..Default::default() };
    let taken =
        pb::move_resource_state::Response { target_state: value(), target_private: secret(), ..Default::default() };
    let renew = pb::renew_ephemeral_resource::Request { private: Some(secret()), ..Default::default() };
    let renewed = pb::renew_ephemeral_resource::Response { private: Some(secret()), ..Default::default() };
    let close = pb::close_ephemeral_resource::Request { private: Some(secret()), ..Default::default() };
    let chunk = pb::read_state_bytes::ResponseChunk { bytes: secret(), ..Default::default() };
    let written = pb::write_state_bytes::RequestChunk { bytes: secret(), ..Default::default() };
    let printed = StdioData { data: secret(), ..Default::default() };
    let shown = [
        format!("{plan:?}"),
        format!("{planned:?}"),
        format!("{apply:?}"),
        format!("{applied:?}"),
        format!("{read:?}"),
        format!("{open:?}"),
        format!("{import:?}"),
        format!("{upgrade:?}"),
        format!("{validate:?}"),
        format!("{moved:?}"),
        format!("{taken:?}"),
        format!("{renew:?}"),
        format!("{renewed:?}"),
        format!("{close:?}"),
        format!("{chunk:?}"),
        format!("{written:?}"),
        format!("{printed:?}"),
    ];
    for text in shown {
        assert!(!text.contains(&bytes) && !text.contains("hush"), "{text}");
    }
}

#[test]
fn paths_are_sent_step_by_step() {
    let mut problems = Diagnostics::new();
    problems.error_at(AttributePath::of("steps").index(2).attribute("env").key("k"), "Summary", "Detail");
    problems.warning("Whole", "Resource");
    let [error, warning] = &diagnostics(problems)[..] else { panic!("two problems") };
    assert_eq!(error.severity(), pb::diagnostic::Severity::Error);
    assert_eq!(warning.severity(), pb::diagnostic::Severity::Warning);
    assert_eq!(warning.attribute, None);
    let steps = &error.attribute.as_ref().unwrap().steps;
    let selectors: Vec<_> = steps.iter().filter_map(|step| step.selector.clone()).collect();
    let expected = [
        Selector::AttributeName("steps".into()),
        Selector::ElementKeyInt(2),
        Selector::AttributeName("env".into()),
        Selector::ElementKeyString("k".into()),
    ];
    assert_eq!(selectors, expected);
}
