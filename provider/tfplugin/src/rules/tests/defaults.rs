//! What a plan says of what the configuration leaves open.

use super::*;

fn set<const N: usize>(items: [Value; N]) -> Value {
    Value::Set(items.into_iter().collect())
}

/// What is planned of a proposal of Terraform's.
fn plan(schema: &Schema, prior: Option<&Value>, config: &Value, proposed: &Value) -> Value {
    let of = |value: &Value| value.clone().conform(&schema.ty()).unwrap();
    let (prior, config, mut planned) = (prior.map(of), of(config), of(proposed));
    prepare_plan(&schema.fields, prior.as_ref(), &config, &mut planned);
    if let Some(prior) = &prior {
        mark_changes(&schema.fields, prior, &config, &mut planned);
    }
    let mut diagnostics = Diagnostics::new();
    check_configured(&schema.fields, prior.as_ref(), &config, &mut planned, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    planned
}

#[test]
fn a_default_in_a_set_comes_back() {
    let attributes = || [Attribute::string("name").required(), Attribute::number("n").default(1)];
    let element = |n: Value| object(&[("name", "a".into()), ("n", n)]);
    let of = |n: Value| object(&[("set", set([element(n)]))]);
    // Terraform proposes the prior number of the element that is the same but for it.
    let attribute = Schema::new().attribute(Attribute::nested_set("set", attributes()).optional());
    let block = Schema::new().block(Block::set("set", attributes()));
    for schema in [attribute, block] {
        assert_eq!(plan(&schema, Some(&of(5.into())), &of(Value::Null), &of(5.into())), of(1.into()));
        assert_eq!(plan(&schema, Some(&of(5.into())), &of(5.into()), &of(5.into())), of(5.into()));
        assert_eq!(plan(&schema, Some(&of(1.into())), &of(Value::Null), &of(1.into())), of(1.into()));
    }
    // Deeper, too.
    let inner = || [Attribute::nested_set("set", attributes()).optional()];
    let schema = Schema::new().attributes([
        Attribute::nested("single", inner()).optional(),
        Attribute::nested_list("list", inner()).optional(),
        Attribute::nested_map("map", inner()).optional(),
    ]);
    let of = |n: Value| {
        let map = Value::Map(BTreeMap::from([("k".to_owned(), of(n.clone()))]));
        object(&[("single", of(n.clone())), ("list", Value::List(vec![of(n)])), ("map", map)])
    };
    assert_eq!(plan(&schema, Some(&of(5.into())), &of(Value::Null), &of(5.into())), of(1.into()));
}

#[test]
fn what_leaves_the_configuration_is_computed_again() {
    let inner = [Attribute::number("set").optional(), Attribute::number("made").optional().computed()];
    let schema = Schema::new()
        .attributes([Attribute::nested("x", inner).optional().computed(), Attribute::string("id").computed()]);
    let prior = object(&[("x", object(&[("set", 1.into()), ("made", 2.into())])), ("id", "1".into())]);
    let config = object(&[]);
    // Terraform keeps the prior value of a nested attribute only if no part of it can have been configured.
    let proposed = object(&[("id", "1".into())]);
    let planned = plan(&schema, Some(&prior), &config, &proposed);
    assert_eq!((planned.get("x"), planned.get("id")), (Some(&Value::UNKNOWN), Some(&"1".into())));
    // What the provider has made stays.
    assert_eq!(plan(&schema, Some(&prior), &config, &prior), prior);
}

#[test]
fn a_default_is_filled_with_the_defaults_in_it() {
    let inner = [
        Attribute::number("n").default(3),
        Attribute::string("text").optional(),
        Attribute::string("uid").computed(),
        Attribute::number("revision").computed().changes_on_update(),
    ];
    let attributes = [
        Attribute::string("note").optional(),
        Attribute::nested("x", inner).default(object(&[])),
        Attribute::nested_set("set", [Attribute::number("n").default(4)]).default(Value::List(vec![object(&[])])),
    ];
    let schema = Schema::new().attributes(attributes);
    let of = |note: &str, uid: Value, revision: Value| {
        let x = object(&[("n", 3.into()), ("text", Value::Null), ("uid", uid), ("revision", revision)]);
        object(&[("note", note.into()), ("x", x), ("set", set([object(&[("n", 4.into())])]))])
    };
    let config = |note: &str| object(&[("note", note.into())]);
    let created = of("a", Value::UNKNOWN, Value::UNKNOWN);
    assert_eq!(plan(&schema, None, &config("a"), &config("a")), created);
    let prior = of("a", "u".into(), 1.into());
    assert_eq!(plan(&schema, Some(&prior), &config("a"), &prior), prior);
    let proposed = of("b", "u".into(), 1.into());
    assert_eq!(plan(&schema, Some(&prior), &config("b"), &proposed), of("b", "u".into(), Value::UNKNOWN));
}
