//! What holds between attributes, and what is deprecated.

use super::*;
use crate::{Attr, IntoValue, Relation};

fn unknown() -> Value {
    Attr::<bool>::Unknown.into_value()
}

fn set<const N: usize>(items: [Value; N]) -> Value {
    Value::Set(items.into_iter().collect())
}

/// A configuration in the form in which Terraform sends it.
fn config(schema: &Schema, entries: &[(&str, Value)]) -> Value {
    let mut config = object(entries).conform(&schema.ty()).unwrap();
    schema.fields.complete(&mut config);
    config
}

fn shown(diagnostics: &Diagnostics) -> Vec<String> {
    diagnostics.iter().map(|problem| format!("{}: {}", problem.path, problem.detail)).collect()
}

fn violations(schema: &Schema, entries: &[(&str, Value)]) -> Vec<String> {
    let mut diagnostics = Diagnostics::new();
    check_relations(&schema.fields, &config(schema, entries), &mut diagnostics);
    shown(&diagnostics)
}

fn warnings(schema: &Schema, entries: &[(&str, Value)]) -> Vec<String> {
    let mut diagnostics = Diagnostics::new();
    deprecations(schema, &mut config(schema, entries), &mut diagnostics);
    assert!(!diagnostics.has_errors());
    shown(&diagnostics)
}

#[test]
fn each_deprecated_attribute_has_a_summary_of_its_own() {
    let old = || Attribute::string("old").optional().deprecated("Gone soon.");
    let schema = Schema::new()
        .attributes([old(), Attribute::nested_list("list", [old()]).optional()])
        .block(Block::list("rule", []).deprecated("Use `list`."));
    let element = || object(&[("old", "x".into())]);
    let entries = [
        ("old", "x".into()),
        ("list", Value::List(vec![element(), element()])),
        ("rule", Value::List(vec![object(&[])])),
    ];
    let mut diagnostics = Diagnostics::new();
    deprecations(&schema, &mut config(&schema, &entries), &mut diagnostics);
    let summaries: Vec<&str> = diagnostics.iter().map(|warning| warning.summary.as_str()).collect();
    let of_list = "Attribute `list.old` is deprecated";
    assert_eq!(summaries, ["Attribute `old` is deprecated", of_list, of_list, "Block `rule` is deprecated"]);
}

fn attributes() -> [Attribute; 3] {
    [Attribute::string("a").optional(), Attribute::string("b").default("x"), Attribute::dynamic("c").optional()]
}

#[test]
fn only_what_is_certainly_wrong_is_reported() {
    let names = ["a", "b", "c"];
    let (none, one) = (Value::Null, Value::from("x"));
    let only = |set: &str| format!("Only one of `a`, `b` and `c` may be set, and {set} are.");
    let together = "a: `a`, `b` and `c` must be set together: `a` is set, and `b` is not.";
    let exactly = ": Exactly one of `a`, `b` and `c` must be set, and none is.";
    let at_least = ": At least one of `a`, `b` and `c` must be set, and none is.";
    let a_and_b = &format!("b: {}", only("`a` and `b`"));
    let b_and_c = &format!("c: {}", only("`b` and `c`"));
    let requires_b = "a: `a` requires `b` and `c`: `b` is not set.";
    let requires_both = "a: `a` requires `b` and `c`: `b` and `c` are not set.";
    let relations = || {
        [
            Relation::exactly_one_of(names),
            Relation::at_least_one_of(names),
            Relation::at_most_one_of(names),
            Relation::together(names),
            Relation::requires("a", ["b", "c"]),
        ]
    };
    let all_three = &format!("b: {}", only("`a`, `b` and `c`"));
    let a_alone = "a: `a`, `b` and `c` must be set together: `a` is set, and `b` and `c` are not.";
    let b_and_c_alone = "b: `a`, `b` and `c` must be set together: `b` and `c` are set, and `a` is not.";
    let fine = "";
    // Exactly one, at least one, at most one, together, requires.
    let table = [
        ([none.clone(), none.clone(), none.clone()], [exactly, at_least, fine, fine, fine]),
        ([one.clone(), none.clone(), none.clone()], [fine, fine, fine, a_alone, requires_both]),
        ([one.clone(), one.clone(), one.clone()], [all_three, fine, all_three, fine, fine]),
        ([none.clone(), one.clone(), one.clone()], [b_and_c, fine, b_and_c, b_and_c_alone, fine]),
        ([none.clone(), none.clone(), unknown()], [fine, fine, fine, fine, fine]),
        ([one.clone(), unknown(), unknown()], [fine, fine, fine, fine, fine]),
        ([one.clone(), none.clone(), unknown()], [fine, fine, fine, together, requires_b]),
        ([one.clone(), one.clone(), unknown()], [a_and_b, fine, a_and_b, fine, fine]),
        ([unknown(), unknown(), unknown()], [fine, fine, fine, fine, fine]),
    ];
    for ([a, b, c], expected) in table {
        let entries = [("a", a), ("b", b), ("c", c)];
        for (relation, expected) in relations().into_iter().zip(expected) {
            let schema = Schema::new().attributes(attributes()).relation(relation);
            let expected = (!expected.is_empty()).then_some(expected);
            assert_eq!(violations(&schema, &entries), expected.into_iter().collect::<Vec<_>>(), "{entries:?}");
        }
    }
}

#[test]
fn a_null_that_brings_its_type_is_not_set() {
    let schema = Schema::new().attributes(attributes()).relation(Relation::at_most_one_of(["a", "c"]));
    let typed = |value| Value::Dynamic(Box::new(crate::Typed { ty: Type::String, value }));
    assert_eq!(violations(&schema, &[("a", "x".into()), ("c", typed(Value::Null))]), [""; 0]);
    assert_eq!(violations(&schema, &[("a", "x".into()), ("c", typed(unknown()))]), [""; 0]);
    assert_eq!(violations(&schema, &[("a", "x".into()), ("c", typed("y".into()))]).len(), 1);
}

#[test]
fn blocks_are_set_when_there_is_one() {
    let schema = Schema::new()
        .attribute(Attribute::list("empty", Type::String).optional())
        .block(Block::list("list", []))
        .block(Block::set("set", []))
        .block(Block::map("map", []))
        .block(Block::single("single", []))
        .relation(Relation::exactly_one_of(["empty", "list", "set", "map", "single"]));
    let none = [": Exactly one of `empty`, `list`, `set`, `map` and `single` must be set, and none is."];
    assert_eq!(violations(&schema, &[]), none);
    let object = || object(&[]);
    let set_to = [
        ("empty", Value::List(Vec::new())),
        ("list", Value::List(vec![object()])),
        ("set", set([object()])),
        ("map", Value::Map([("k".to_owned(), object())].into())),
        ("single", object()),
        ("list", unknown()),
    ];
    for entry in set_to {
        assert_eq!(violations(&schema, &[entry]), [""; 0]);
    }
    let both = [("list", Value::List(vec![object()])), ("single", object())];
    let names = "`empty`, `list`, `set`, `map` and `single`";
    let detail = format!("single: Only one of {names} may be set, and `list` and `single` are.");
    assert_eq!(violations(&schema, &both), [detail]);
}

#[test]
fn relations_hold_in_every_nested_object() {
    let pair = || [Attribute::string("a").optional(), Attribute::string("b").optional()];
    let one = || Relation::exactly_one_of(["a", "b"]);
    let inner = Block::single("inner", pair()).relation(one());
    let schema = Schema::new()
        .attribute(Attribute::nested("single", pair()).optional().relation(one()))
        .attribute(Attribute::nested_map("map", pair()).optional().relation(one()))
        .attribute(Attribute::nested_set("set", pair()).optional().relation(one()))
        .block(Block::list("list", pair()).block(inner));
    assert_eq!(violations(&schema, &[]), [""; 0]);
    let both = || object(&[("a", "x".into()), ("b", "y".into())]);
    let only = "Only one of `a` and `b` may be set, and `a` and `b` are.";
    let none = "Exactly one of `a` and `b` must be set, and none is.";
    let found = violations(
        &schema,
        &[
            ("single", object(&[])),
            ("map", Value::Map([("k".to_owned(), both()), ("l".to_owned(), object(&[("a", unknown())]))].into())),
            ("set", set([both(), object(&[("a", "z".into()), ("b", "y".into())]), object(&[("a", "x".into())])])),
            ("list", Value::List(vec![both(), object(&[("inner", both())])])),
        ],
    );
    assert_eq!(
        found,
        [
            format!("single: {none}"),
            format!("map[\"k\"].b: map[\"k\"].b: {only}"),
            // An element of a set has no address; both that are wrong are one place.
            format!("set: set.b: {only}"),
            format!("list[1].inner.b: list[1].inner.b: {only}"),
        ]
    );
}

#[test]
fn deprecations_warn_once_for_each_place() {
    let old = || Attribute::string("old").default("x").deprecated("Gone soon.");
    let schema = Schema::new()
        .attribute(old())
        .attribute(Attribute::nested("single", [old()]).optional())
        .attribute(Attribute::nested_map("map", [old()]).optional())
        .attribute(Attribute::nested_set("set", [old(), Attribute::string("k").optional()]).optional())
        .attribute(Attribute::dynamic("any").optional().deprecated("Not any more."))
        .block(Block::set("block", [old()]).block(Block::list("inner", [old()]).deprecated("No inner.")));
    let old = |text: &str| object(&[("old", text.into())]);
    // The default is no use of it.
    let element = || object(&[("k", "x".into())]);
    let unused = [
        ("single", object(&[])),
        ("set", set([element()])),
        ("block", set([object(&[])])),
        ("any", Value::Dynamic(Box::new(crate::Typed { ty: Type::String, value: Value::Null }))),
    ];
    assert_eq!(warnings(&schema, &unused), [""; 0]);
    let inner = object(&[("inner", Value::List(vec![old("x"), old("y")]))]);
    let found = warnings(
        &schema,
        &[
            ("old", "x".into()),
            ("single", old("x")),
            ("map", Value::Map([("k".to_owned(), old("x")), ("l".to_owned(), object(&[]))].into())),
            ("set", set([old("x"), old("y"), element()])),
            ("any", 1.into()),
            ("block", set([old("x"), old("y"), inner])),
        ],
    );
    assert_eq!(
        found,
        [
            "old: Gone soon.",
            "single.old: single.old: Gone soon.",
            "map[\"k\"].old: map[\"k\"].old: Gone soon.",
            "set: set.old: Gone soon.",
            "any: Not any more.",
            "block: block.old: Gone soon.",
            "block: block.inner[0].old: Gone soon.",
            "block: block.inner[1].old: Gone soon.",
            "block: block.inner: No inner.",
        ]
    );
}

#[test]
fn a_check_within_says_where() {
    let attribute = || Attribute::list("tags", Type::String).optional().check(Check::each(Check::length(1..=1)));
    let schema = Schema::new()
        .attribute(attribute())
        .attribute(Attribute::nested_list("list", [attribute()]).optional())
        .attribute(Attribute::nested_set("set", [attribute()]).optional());
    let with = |tags: Value| object(&[("tags", tags)]);
    let wrong = || Value::List(vec!["x".into(), "xy".into()]);
    let mut config = config(
        &schema,
        &[("tags", wrong()), ("list", Value::List(vec![with(wrong())])), ("set", set([with(wrong())]))],
    );
    let mut diagnostics = Diagnostics::new();
    run_checks(&schema.fields, &mut config, &mut diagnostics);
    let detail = "The value must have 1 to 1 characters, and has 2.";
    assert_eq!(
        shown(&diagnostics),
        [
            format!("tags[1]: tags[1]: {detail}"),
            format!("list[0].tags[1]: list[0].tags[1]: {detail}"),
            format!("set: set.tags[1]: {detail}"),
        ]
    );
}

#[test]
fn of_very_many_wrong_elements_some_are_shown_and_the_rest_is_counted() {
    let short = || Check::each(Check::length(1..=1));
    let attribute = |name: &str| Attribute::list(name, Type::String).optional().check(short());
    let old = Attribute::string("old").optional().deprecated("Gone soon.");
    let schema = Schema::new()
        .attributes([attribute("a"), attribute("b"), attribute("c")])
        .attribute(Attribute::nested_list("list", [old]).optional());
    let wrong = |count: usize| Value::List(vec!["xy".into(); count]);
    let list = Value::List(vec![object(&[("old", "x".into())]); 102]);
    let mut config = config(&schema, &[("a", wrong(100_000)), ("b", wrong(100)), ("c", wrong(101)), ("list", list)]);
    let mut diagnostics = Diagnostics::new();
    run_checks(&schema.fields, &mut config, &mut diagnostics);
    let shown = shown(&diagnostics);
    assert_eq!(shown.len(), 302);
    assert_eq!(shown[99], "a[99]: a[99]: The value must have 1 to 1 characters, and has 2.");
    assert_eq!(shown[300], "a[100]: Problems with `a` that are not shown: 99900.");
    assert_eq!(shown[301], "c[100]: Problems with `c` that are not shown: 1.");
    let mut diagnostics = Diagnostics::new();
    deprecations(&schema, &mut config, &mut diagnostics);
    assert!(!diagnostics.has_errors());
    assert_eq!(diagnostics.iter().count(), 101);
    assert_eq!(diagnostics.iter().last().unwrap().detail, "Warnings of `list.old` that are not shown: 2.");
}
