//! The rules, on values made by hand.

mod planned;
mod proposals;
mod results;
mod values;
mod words;

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
