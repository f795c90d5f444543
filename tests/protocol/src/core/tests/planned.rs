//! What may be planned.

use super::*;

#[test]
fn good_plans_break_no_rule() {
    let (none, state, config) = (Value::Null, value(&state()), value(&config()));
    let good = |prior: &Value, config: &Value, planned: &Value| {
        assert_eq!(said(check_object(&object(), planned, false)), []);
        assert_eq!(said(check_plan(&object(), prior, config, planned)), []);
    };
    good(&none, &config, &value(&plan()));
    good(&state, &config, &state);
    good(&state, &none, &none);
    // The prior value may stand for one that means the same.
    for (pointer, other) in [("/name", json!("N")), ("/rule/0/key", json!("A")), ("/list/1/key", json!("B"))] {
        good(&state, &value(&with(&self::config(), pointer, other)), &state);
    }
    // An unknown configuration is planned as unknown.
    for name in ["name", "list", "set", "rule"] {
        let pointer = format!("/{name}");
        let (config, plan) = (with(&self::config(), &pointer, json!(UNKNOWN)), with(&plan(), &pointer, json!(UNKNOWN)));
        good(&none, &value(&config), &value(&plan));
    }
    // What is computed may be anything where nothing is configured.
    for anything in [json!(UNKNOWN), Json::Null, json!([]), json!([{"key": "k"}])] {
        good(&none, &value(&with(&self::config(), "/list", Json::Null)), &value(&with(&plan(), "/list", anything)));
    }
}

#[test]
fn each_rule_of_a_plan_can_be_broken() {
    let other = json!({"key": "other", "uid": "u"});
    let one = json!([{"key": "a", "uid": "u"}]);
    for (pointer, planned, path, rule) in [
        ("/name", json!("m"), "name", Rule::NotConfigured),
        ("/name", json!(UNKNOWN), "name", Rule::PlannedUnknown),
        ("/name", Json::Null, "name", Rule::NotConfigured),
        ("/tags", json!(["t"]), "tags", Rule::NotConfigured),
        ("/tags", json!(["t", UNKNOWN]), "tags", Rule::NotConfigured),
        ("/labels/l", json!("n"), "labels", Rule::NotConfigured),
        ("/any", json!([1, "y"]), "any", Rule::NotConfigured),
        ("/any", json!(["1", "x"]), "any", Rule::NotConfigured),
        ("/one", Json::Null, "one", Rule::PlannedAbsent),
        ("/one", json!(UNKNOWN), "one", Rule::PlannedUnknown),
        ("/one", other.clone(), "one.key", Rule::NotConfigured),
        ("/list", one.clone(), "list", Rule::PlannedCount),
        ("/list", json!(UNKNOWN), "list", Rule::PlannedUnknown),
        ("/list", Json::Null, "list", Rule::PlannedAbsent),
        ("/list/1", other.clone(), "list[1].key", Rule::NotConfigured),
        ("/list/1", Json::Null, "list[1].key", Rule::NotConfigured),
        ("/list/1", json!(UNKNOWN), "list[1].key", Rule::PlannedUnknown),
        ("/map", json!({"x": {"key": "a"}}), "map", Rule::PlannedKeys),
        ("/map/z", other.clone(), "map", Rule::PlannedKeys),
        ("/map/y", other.clone(), "map[\"y\"].key", Rule::NotConfigured),
        ("/set", one.clone(), "set", Rule::PlannedCount),
        ("/set", json!(UNKNOWN), "set", Rule::PlannedUnknown),
        ("/single", Json::Null, "single", Rule::PlannedAbsent),
        ("/single", json!(UNKNOWN), "single", Rule::PlannedUnknown),
        ("/single", other.clone(), "single.key", Rule::NotConfigured),
        ("/group", other.clone(), "group.key", Rule::NotConfigured),
        ("/rule", one.clone(), "rule", Rule::PlannedCount),
        ("/rule", json!(UNKNOWN), "rule", Rule::PlannedUnknown),
        ("/rule/0", json!(UNKNOWN), "rule[0]", Rule::PlannedUnknown),
        ("/rule/0", other.clone(), "rule[0].key", Rule::NotConfigured),
        ("/entry/z", other.clone(), "entry", Rule::PlannedKeys),
        ("/entry/x", other.clone(), "entry[\"x\"].key", Rule::NotConfigured),
        ("/pool", json!(UNKNOWN), "pool", Rule::PlannedUnknown),
        ("/pool/0", json!(UNKNOWN), "pool", Rule::PlannedUnknown),
    ] {
        let planned = value(&with(&plan(), pointer, planned));
        let found = check_plan(&object(), &Value::Null, &value(&config()), &planned);
        assert_eq!(said(found), [(path.to_owned(), rule)], "{pointer}");
    }
}

#[test]
fn what_is_not_configured_must_not_be_planned() {
    let item = json!({"key": "k", "uid": "u"});
    for (name, planned, path, rule) in [
        ("note", json!("made up"), "note", Rule::NotComputed),
        ("note", json!(UNKNOWN), "note", Rule::NotComputed),
        ("one", item.clone(), "one", Rule::NotComputed),
        ("map", json!({}), "map", Rule::NotComputed),
        ("single", item.clone(), "single", Rule::PlannedPresent),
        ("rule", json!([item]), "rule", Rule::PlannedCount),
        ("entry", json!({"x": item}), "entry", Rule::PlannedKeys),
    ] {
        let mut config = config();
        config.as_object_mut().unwrap().remove(name);
        let planned = value(&with(&plan(), &format!("/{name}"), planned));
        let found = check_plan(&object(), &Value::Null, &value(&config), &planned);
        assert_eq!(said(found), [(path.to_owned(), rule)], "{name}");
    }
}

#[test]
fn a_configuration_that_is_not_known_yet_is_not_decided_by_the_provider() {
    for name in ["name", "one", "list", "set", "rule", "pool"] {
        let config = value(&with(&config(), &format!("/{name}"), json!(UNKNOWN)));
        let found = check_plan(&object(), &Value::Null, &config, &value(&plan()));
        assert_eq!(said(found), [(name.to_owned(), Rule::NotConfigured)], "{name}");
    }
}

#[test]
fn whether_there_is_an_object_is_not_the_providers_to_decide() {
    let found = |config: &Value, planned: &Value| said(check_plan(&object(), &Value::Null, config, planned));
    let object = value(&config());
    assert_eq!(found(&object, &Value::Null), [(String::new(), Rule::PlannedAbsent)]);
    assert_eq!(found(&Value::Null, &object), [(String::new(), Rule::PlannedPresent)]);
    assert_eq!(found(&object, &unknown()), [(String::new(), Rule::PlannedUnknown)]);
}
