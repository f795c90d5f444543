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
