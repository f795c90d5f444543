use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use tfplugin::{AttributePath, Step, Type, Value};

use super::*;
use crate::schema::{Attribute, Block, Kind, Nesting, Object};
use crate::{UNKNOWN, encode, from_json, unknown};

fn attribute(kind: Kind, how: &str) -> Attribute {
    Attribute {
        kind,
        required: how.contains("required"),
        optional: how.contains("optional"),
        computed: how.contains("computed"),
        sensitive: false,
        write_only: how.contains("write-only"),
    }
}

fn text(how: &str) -> Attribute {
    attribute(Kind::Plain(Type::String), how)
}

/// `{ key = …, uid = (computed) }`
fn item() -> Object {
    let attributes = [("key", text("required")), ("uid", text("optional, computed"))];
    Object { attributes: attributes.map(|(name, attribute)| (name.to_owned(), attribute)).into(), ..Object::default() }
}

fn object() -> Object {
    let nested = |nesting, how: &str| attribute(Kind::Nested(nesting, item()), how);
    let attributes = [
        ("id", text("computed")),
        ("name", text("required")),
        ("mode", text("optional, computed")),
        ("note", text("optional")),
        ("secret", text("optional, write-only")),
        ("tags", attribute(Kind::Plain(Type::set(Type::String)), "optional")),
        ("labels", attribute(Kind::Plain(Type::map(Type::String)), "optional")),
        ("any", attribute(Kind::Plain(Type::Dynamic), "optional, computed")),
        ("one", nested(Nesting::Single, "optional")),
        ("list", nested(Nesting::List, "optional, computed")),
        ("map", nested(Nesting::Map, "optional")),
        ("set", nested(Nesting::Set, "optional")),
    ];
    let blocks = [
        ("single", Nesting::Single),
        ("group", Nesting::Group),
        ("rule", Nesting::List),
        ("entry", Nesting::Map),
        ("pool", Nesting::Set),
    ];
    Object {
        attributes: attributes.map(|(name, attribute)| (name.to_owned(), attribute)).into(),
        blocks: blocks.map(|(name, nesting)| (name.to_owned(), Block { nesting, object: item() })).into(),
    }
}

fn value(json: &Json) -> Value {
    let mut value = from_json(json, &object().ty()).unwrap();
    object().complete(&mut value);
    value
}

/// The JSON with something else at a pointer.
fn with(json: &Json, pointer: &str, new: Json) -> Json {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let mut json = json.clone();
    match json.pointer_mut(parent).unwrap() {
        Json::Object(entries) => drop(entries.insert(name.to_owned(), new)),
        Json::Array(items) if name == "-" => items.push(new),
        Json::Array(items) => items[name.parse::<usize>().unwrap()] = new,
        _ => panic!("{pointer} leads nowhere"),
    }
    json
}

fn said(breaches: Vec<Breach>) -> Vec<(String, Rule)> {
    breaches.into_iter().map(|breach| (breach.path.to_string(), breach.rule)).collect()
}

fn config() -> Json {
    let items = json!([{"key": "a"}, {"key": "b"}]);
    let entries = json!({"x": {"key": "a"}, "y": {"key": "b"}});
    json!({
        "name": "n", "note": "text", "secret": "hush", "tags": ["t", "u"], "labels": {"l": "m"}, "any": [1, "x"],
        "one": {"key": "a"}, "list": items, "map": entries, "set": items,
        "single": {"key": "a"}, "group": {"key": "a"}, "rule": items, "entry": entries, "pool": items,
    })
}

/// What a good provider plans when it creates the object of [`config`].
fn plan() -> Json {
    let item = |key: &str| json!({"key": key, "uid": UNKNOWN});
    let items = json!([item("a"), item("b")]);
    let entries = json!({"x": item("a"), "y": item("b")});
    json!({
        "id": UNKNOWN, "mode": "default",
        "name": "n", "note": "text", "tags": ["t", "u"], "labels": {"l": "m"}, "any": [1, "x"],
        "one": item("a"), "list": items, "map": entries, "set": items,
        "single": item("a"), "group": item("a"), "rule": items, "entry": entries, "pool": items,
    })
}

/// What becomes of it.
fn state() -> Json {
    let text = plan().to_string().replace(UNKNOWN, "computed");
    serde_json::from_str(&text).unwrap()
}

// ----- what is proposed -----

#[test]
fn a_new_object_is_proposed_as_configured() {
    assert_eq!(proposed(&object(), &Value::Null, &value(&config())), value(&config()));
    assert_eq!(proposed(&object(), &Value::Null, &Value::Null), Value::Null);
    assert_eq!(proposed(&object(), &value(&state()), &Value::Null), value(&state()));
}

#[test]
fn computed_attributes_keep_their_values_wherever_they_are() {
    let expected = with(&state(), "/secret", json!("hush"));
    assert_eq!(proposed(&object(), &value(&state()), &value(&config())), value(&expected));
}

#[test]
fn what_the_configuration_sets_wins() {
    let config = with(&with(&config(), "/mode", json!("set")), "/rule/1", json!({"key": "b", "uid": "mine"}));
    let proposal = proposed(&object(), &value(&state()), &value(&config));
    assert_eq!(proposal.get("mode"), Some(&"set".into()));
    let rules = proposal.get("rule").unwrap().as_elements().unwrap();
    assert_eq!([rules[0].get("uid"), rules[1].get("uid")], [Some(&"computed".into()), Some(&"mine".into())]);
}

#[test]
fn nested_objects_are_matched_by_position_by_name_and_in_sets_by_content() {
    let turned = json!([{"key": "b"}, {"key": "c"}]);
    let renamed = json!({"y": {"key": "b"}, "z": {"key": "a"}});
    let mut config = config();
    for name in ["list", "set", "rule", "pool"] {
        config = with(&config, &format!("/{name}"), turned.clone());
    }
    for name in ["map", "entry"] {
        config = with(&config, &format!("/{name}"), renamed.clone());
    }
    let proposal = proposed(&object(), &value(&state()), &value(&config));
    let uids = |name: &str| {
        let value = proposal.get(name).unwrap();
        let items: Vec<Value> = match value {
            Value::Map(entries) => entries.values().cloned().collect(),
            value => value.as_elements().unwrap().to_vec(),
        };
        let uid = |item: Value| (item.get("key").unwrap().clone(), item.get("uid").unwrap().clone());
        items.into_iter().map(uid).collect::<BTreeMap<Value, Value>>()
    };
    let expected = |entries: [(&str, Value); 2]| entries.map(|(key, uid)| (Value::from(key), uid)).into();
    for name in ["list", "rule"] {
        assert_eq!(uids(name), expected([("b", "computed".into()), ("c", "computed".into())]), "{name}");
    }
    for name in ["set", "pool"] {
        assert_eq!(uids(name), expected([("b", "computed".into()), ("c", Value::Null)]), "{name}");
    }
    for name in ["map", "entry"] {
        assert_eq!(uids(name), expected([("b", "computed".into()), ("a", Value::Null)]), "{name}");
    }
}

#[test]
fn what_was_configured_and_is_taken_out_is_not_kept() {
    // Each object of `list` has a `key`, which only a configuration sets.
    let proposal = proposed(&object(), &value(&state()), &value(&with(&config(), "/list", Json::Null)));
    assert_eq!(proposal.get("list"), Some(&Value::Null));
    // Of `mode` nobody can tell.
    assert_eq!(proposal.get("mode"), Some(&"default".into()));
}

#[test]
fn what_is_unknown_is_proposed_as_unknown() {
    let mut config = config();
    for name in ["name", "one", "list", "map", "set", "rule", "pool", "single"] {
        config = with(&config, &format!("/{name}"), json!(UNKNOWN));
    }
    let proposal = proposed(&object(), &value(&state()), &value(&config));
    for name in ["name", "one", "list", "map", "set", "rule", "pool", "single"] {
        assert!(proposal.get(name).unwrap().is_unknown(), "{name}");
    }
}

// ----- what may be planned -----

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

// ----- what every value must be -----

#[test]
fn every_value_has_its_shape() {
    let found = |json: &Json, known| said(check_object(&object(), &value(json), known));
    assert_eq!(found(&state(), true), []);
    assert_eq!(found(&with(&state(), "/secret", json!("hush")), true), [("secret".into(), Rule::WriteOnly)]);
    let anywhere = found(&with(&state(), "/secret", json!(UNKNOWN)), false);
    assert_eq!(anywhere, [("secret".into(), Rule::WriteOnly)]);
    for (pointer, path) in [
        ("/id", "id"),
        ("/list/1/uid", "list[1].uid"),
        ("/map/y/uid", "map[\"y\"].uid"),
        ("/set/0/uid", "set"),
        ("/labels/l", "labels[\"l\"]"),
        ("/any", "any"),
        ("/any/1", "any[1]"),
        ("/pool", "pool"),
        ("/single/uid", "single.uid"),
    ] {
        let json = with(&state(), pointer, json!(UNKNOWN));
        assert_eq!(found(&json, true), [(path.to_owned(), Rule::Known)], "{pointer}");
        assert_eq!(found(&json, false), [], "{pointer}");
    }
    for name in ["rule", "entry", "pool", "group"] {
        let Value::Object(mut entries) = value(&state()) else { unreachable!() };
        entries.insert(name.to_owned(), Value::Null);
        let found = said(check_object(&object(), &Value::Object(entries), true));
        assert_eq!(found, [(name.to_owned(), Rule::NullBlock)]);
    }
}

#[test]
fn a_write_only_attribute_is_found_in_nested_objects_and_blocks() {
    let secret = || Object { attributes: [("s".to_owned(), text("optional, write-only"))].into(), ..Object::default() };
    let nested = attribute(Kind::Nested(Nesting::Map, secret()), "optional");
    let block = Block { nesting: Nesting::List, object: secret() };
    let object = Object { attributes: [("m".to_owned(), nested)].into(), blocks: [("b".to_owned(), block)].into() };
    let value = from_json(&json!({"m": {"k": {"s": "x"}, "l": {}}, "b": [{}, {"s": "x"}]}), &object.ty()).unwrap();
    let found = said(check_object(&object, &value, true));
    assert_eq!(found, [("m[\"k\"].s".into(), Rule::WriteOnly), ("b[1].s".into(), Rule::WriteOnly)]);
}

// ----- what may become of a plan -----

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

// ----- paths and words -----

#[test]
fn paths_lead_to_what_is_in_the_schema() {
    let leads = |path: &AttributePath| leads_somewhere(&object().ty(), path.steps());
    let of = AttributePath::of;
    for path in [
        of("name"),
        of("list").index(7).attribute("key"),
        of("map").key("k").attribute("uid"),
        of("rule").index(0),
        of("any").index(3).attribute("x"),
        of("single").attribute("key"),
        AttributePath::default(),
    ] {
        assert!(leads(&path), "{path}");
    }
    for path in [
        of("nome"),
        of("name").attribute("x"),
        of("list").attribute("key"),
        of("list").key("a"),
        of("set").index(0),
        of("rule").index(0).attribute("x"),
    ] {
        assert!(!leads(&path), "{path}");
    }
    let state = value(&state());
    assert_eq!(at(&state, &of("list").index(1).attribute("key")), "b".into());
    assert_eq!(at(&state, &of("any").index(1)), "x".into());
    assert_eq!(at(&state, &of("list").index(2).attribute("key")), Value::Null);
    assert!(at(&unknown(), &of("name").step(Step::Index(0))).is_unknown());
}

#[test]
fn a_breach_names_rule_and_attribute_and_no_value() {
    let planned = value(&with(&plan(), "/name", json!("hush-planned")));
    let found =
        check_plan(&object(), &value(&with(&state(), "/name", json!("hush-prior"))), &value(&config()), &planned);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts.iter().filter(|text| text.contains("name")).collect::<Vec<_>>(),
        ["`name` is planned as neither what is configured nor what it was before"]
    );
    let breach = Breach { rule: Rule::Vanished, path: AttributePath::default() };
    assert_eq!(breach.to_string(), "the object is gone, though it was to be created or changed");
    assert!(!format!("{found:?}{texts:?}").contains("hush"));
}
