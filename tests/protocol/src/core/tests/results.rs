//! What may become of a plan.

use super::*;

#[test]
fn what_was_planned_and_filled_in_breaks_no_rule() {
    let found = |planned: &Json, state: &Json| said(check_result(&value(planned), &value(state)));
    assert_eq!(found(&plan(), &state()), []);
    // Two elements that were unknown have become the same.
    let planned = with(&plan(), "/tags", json!(["t", UNKNOWN]));
    assert_eq!(found(&planned, &with(&state(), "/tags", json!(["t"]))), []);
    assert_eq!(found(&with(&plan(), "/any", json!(UNKNOWN)), &with(&state(), "/any", json!({"a": 1}))), []);
    assert_eq!(found(&with(&plan(), "/any/1", json!(UNKNOWN)), &state()), []);
    assert_eq!(found(&with(&plan(), "/pool", json!(UNKNOWN)), &with(&state(), "/pool", json!([]))), []);
}

#[test]
fn each_rule_of_a_result_can_be_broken() {
    let other = json!({"key": "other", "uid": "u"});
    for (pointer, result, path, rule) in [
        ("/name", json!("m"), "name", Rule::NotAsPlanned),
        ("/name", Json::Null, "name", Rule::NotAsPlanned),
        ("/mode", json!("other"), "mode", Rule::NotAsPlanned),
        ("/name", json!(UNKNOWN), "name", Rule::NotAsPlanned),
        ("/any", json!([1, 2]), "any", Rule::NotAsPlanned),
        ("/any", json!([1, "y"]), "any[1]", Rule::NotAsPlanned),
        ("/labels/l", json!("n"), "labels[\"l\"]", Rule::NotAsPlanned),
        ("/labels/n", json!("n"), "labels", Rule::NotTheElementsPlanned),
        ("/tags", json!(["t"]), "tags", Rule::NotTheElementsPlanned),
        ("/tags", json!(["t", "v"]), "tags", Rule::NotTheElementsPlanned),
        ("/one/key", json!("b"), "one.key", Rule::NotAsPlanned),
        ("/one", Json::Null, "one", Rule::NotAsPlanned),
        ("/list/-", other.clone(), "list", Rule::NotTheElementsPlanned),
        ("/list/0", other.clone(), "list[0].key", Rule::NotAsPlanned),
        ("/map/z", other.clone(), "map", Rule::NotTheElementsPlanned),
        ("/set/-", other.clone(), "set", Rule::NotTheElementsPlanned),
        ("/set/0", other.clone(), "set", Rule::NotTheElementsPlanned),
        ("/single", Json::Null, "single", Rule::NotAsPlanned),
        ("/rule/-", other.clone(), "rule", Rule::NotTheElementsPlanned),
        ("/rule/1", other.clone(), "rule[1].key", Rule::NotAsPlanned),
        ("/entry/x", other.clone(), "entry[\"x\"].key", Rule::NotAsPlanned),
        ("/pool/0", other.clone(), "pool", Rule::NotTheElementsPlanned),
    ] {
        let found = check_result(&value(&plan()), &value(&with(&state(), pointer, result)));
        assert_eq!(said(found), [(path.to_owned(), rule)], "{pointer}");
    }
    // Growing is not what unknown elements do.
    let planned = value(&with(&plan(), "/tags", json!([UNKNOWN])));
    assert_eq!(said(check_result(&planned, &value(&state()))), [("tags".to_owned(), Rule::NotTheElementsPlanned)]);
    // Null was planned, which is as good as any other value.
    let planned = value(&with(&plan(), "/note", Json::Null));
    assert_eq!(said(check_result(&planned, &value(&state()))), [("note".to_owned(), Rule::NotAsPlanned)]);
}

#[test]
fn promises_are_held_against_the_result() {
    let ty = Type::object([("a", Type::String)]);
    let mut planned = encode(&Value::Object([("a".to_owned(), Value::Null)].into()), &ty).unwrap();
    // In place of null: unknown, but not null.
    planned.msgpack.truncate(planned.msgpack.len() - 1);
    planned.msgpack.extend_from_slice(b"\xc7\x03\x0c\x81\x01\xc2");
    let result = |a: Value| check_promises(&planned, &ty, &Value::Object([("a".to_owned(), a)].into()));
    assert_eq!(said(result("x".into())), []);
    assert_eq!(said(result(Value::Null)), [("a".to_owned(), Rule::Promise("is null".to_owned()))]);
}
