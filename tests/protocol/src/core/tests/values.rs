//! What every value must be.

use super::*;

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
