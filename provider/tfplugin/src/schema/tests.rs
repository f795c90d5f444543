use super::*;
use crate::{AttributePath, Diagnostics, Value};

fn problems(check: &Check, value: impl Into<Value>) -> Vec<String> {
    let mut diagnostics = Diagnostics::new();
    check.run(&value.into(), &AttributePath::of("a"), &mut diagnostics);
    diagnostics.into_iter().map(|problem| format!("{}: {}", problem.path, problem.detail)).collect()
}

#[test]
fn checks_pass_what_is_not_known() {
    let all = [Check::one_of(["x"]), Check::length(5..=6), Check::int(5..=6), Check::items(5..=6)];
    for check in all {
        assert!(problems(&check, Value::UNKNOWN).is_empty());
        assert!(problems(&check, Value::Null).is_empty());
    }
}

#[test]
fn checks_say_what_is_wrong() {
    assert_eq!(problems(&Check::one_of(["x", "y"]), "x"), Vec::<String>::new());
    assert_eq!(problems(&Check::one_of(["x", "y"]), "secret"), ["a: The value must be one of \"x\", \"y\"."]);
    assert_eq!(problems(&Check::length(1..=3), "äöü"), Vec::<String>::new());
    assert_eq!(problems(&Check::length(1..=3), ""), ["a: The value must have 1 to 3 characters, and has 0."]);
    assert_eq!(problems(&Check::int(1..=3), 3), Vec::<String>::new());
    assert_eq!(problems(&Check::int(1..=3), 4), ["a: The value must be a whole number from 1 to 3."]);
    assert_eq!(problems(&Check::int(1..=3), Value::Number("2.5".parse().unwrap())).len(), 1);
    let no_x = Check::text(|text| if text == "x" { Err(Message::new("No x", "It is x.")) } else { Ok(()) });
    let list = Value::List(vec!["y".into(), "x".into(), Value::UNKNOWN]);
    assert_eq!(problems(&Check::each(no_x.clone()), list.clone()), ["a[1]: It is x."]);
    assert_eq!(problems(&Check::items(1..=2), list), ["a: There must be 1 to 2 elements, and there are 3."]);
    let set = Value::Set(["x".into()].into_iter().collect());
    assert_eq!(problems(&Check::each(no_x.clone()), set), ["a: It is x."]);
    let map = Value::Map([("x".to_owned(), Value::Null)].into());
    assert_eq!(problems(&Check::keys(no_x.clone()), map), ["a[\"x\"]: It is x."]);
    let either = Check::any_of([no_x, Check::length(1..=1)], Message::new("Neither", "Neither fits."));
    assert_eq!(problems(&either, "x"), Vec::<String>::new());
}

#[test]
fn the_authors_mistakes_are_found() {
    let fields = ["a", "b", "c", "d", "e", "g", "i", "j", "k", "l"];
    let schema = Schema::new().attributes([
        Attribute::string("a"),
        Attribute::string("b").optional().computed().write_only(),
        Attribute::bool("c").default("no bool"),
        Attribute::string("d").required(),
        Attribute::string("d").required(),
        Attribute::nested_set("e", [Attribute::string("f").computed()]).optional(),
        Attribute::string("h-i").optional(),
        Attribute::string("i").required().never_null(),
        Attribute::number("j").computed().prefix("j-"),
        Attribute::dynamic("k").computed().never_null(),
        Attribute::string("l").computed().never_null().prefix("l-"),
    ]);
    assert_eq!(
        schema.mistakes(Role::Resource, &fields),
        [
            "`d` occurs twice",
            "`h-i` must consist of lower-case letters, digits and underscores",
            "`a` is neither required nor optional nor computed",
            "`b` is write-only, so the provider cannot compute it or give it a default",
            "the default of `c` does not fit: expected a value of type bool, found a string",
            "`e.f` is computed, but elements of a set are not told apart before and after",
            "`i` has a promise about its computed value, and is not computed",
            "`j` has a promise that values of its type cannot keep",
            "`k` has a promise that values of its type cannot keep",
            "`g` is in the model, but not in the schema",
            "`h-i` is in the schema, but not in the model",
        ]
    );
}

fn mistakes(schema: &Schema) -> Vec<String> {
    let names: Vec<String> = schema.fields.names().map(str::to_owned).collect();
    schema.mistakes(Role::Resource, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The mistakes of a schema with one attribute.
fn of_one(attribute: Attribute) -> Vec<String> {
    mistakes(&Schema::new().attribute(attribute))
}

#[test]
fn reserved_names_are_found_at_the_top_only() {
    let named = |name: &str| Attribute::string(name).optional();
    let of_resource =
        ["connection", "count", "depends_on", "for_each", "lifecycle", "locals", "provider", "provisioner", "_"];
    let of_provider = ["alias", "count", "depends_on", "for_each", "lifecycle", "locals", "source", "version", "_"];
    for name in of_resource.iter().chain(&of_provider) {
        let expected = [format!("`{name}` has a name that Terraform reserves for itself")];
        let in_resource = if of_resource.contains(name) { &expected[..] } else { &[] };
        let in_provider = if of_provider.contains(name) { &expected[..] } else { &[] };
        assert_eq!(of_one(named(name)), in_resource, "{name}");
        assert_eq!(mistakes(&Schema::new().block(Block::list(*name, []))), in_resource, "{name}");
        assert_eq!(Schema::new().attribute(named(name)).mistakes(Role::Provider, &[name]), in_provider, "{name}");
        assert_eq!(of_one(Attribute::nested("n", [named(name)]).optional()), Vec::<String>::new(), "{name}");
    }
    let attribute_and_block = Schema::new().attribute(named("a")).block(Block::single("a", []));
    assert_eq!(mistakes(&attribute_and_block), ["`a` occurs twice"]);
}

#[test]
fn attributes_that_contradict_themselves_are_found() {
    let both = "`a` is required, and optional or computed as well";
    let text = || Attribute::string("a");
    let within = |inner: Attribute| Attribute::nested("a", [inner]);
    let replaces = "`a` is write-only and requires replacement, but there is no prior value to tell a change";
    let updates = "`a` changes with updates, but is not computed or has a default";
    let table = [
        (text().required().computed(), both),
        (text().optional().required(), both),
        (text().required().default("x"), both),
        (
            text().optional().relation(Relation::together(["x", "y"])),
            "`a` has a relation, but no attributes of its own",
        ),
        (text().optional().changes_on_update(), updates),
        (text().default("x").changes_on_update(), updates),
        (text().computed().changes_with(["b"]), "`a` changes with `b`, which does not exist"),
        (text().computed().changes_with([""; 0]), "`a` changes with other attributes, but names none"),
        (
            text().optional().check(Check::each(Check::one_of([""; 0]))),
            "`a` has a check that cannot work: no value is allowed",
        ),
        (
            within(Attribute::string("b").default("x")).optional().write_only(),
            "`a.b` is within a write-only attribute, so the provider cannot compute it or give it a default",
        ),
        (
            within(Attribute::string("b").optional().write_only()).computed(),
            "`a.b` is write-only within a computed attribute, so there is no configuration to read it from",
        ),
        (
            within(
                Attribute::nested_set("b", [within(Attribute::string("b").optional().write_only()).optional()])
                    .optional(),
            )
            .optional(),
            "`a.b.a.b` is write-only, which is impossible within a set",
        ),
        (text().optional().write_only().requires_replace(), replaces),
        (
            text().optional().write_only().keep_prior_if(same::json),
            "`a` is write-only and compared with its prior value, but there is none",
        ),
        (
            within(Attribute::string("b").optional().requires_replace()).optional().write_only(),
            "`a.b` is write-only and requires replacement, but there is no prior value to tell a change",
        ),
        (
            text().default("xyz").check(Check::length(1..=2)),
            "the default of `a` does not pass its check: The value must have 1 to 2 characters, and has 3.",
        ),
        (
            Attribute::list("a", Type::Number).default(vec![5_i64]).check(Check::each(Check::int(1..=3))),
            "the default of `a` does not pass its check: The value must be a whole number from 1 to 3.",
        ),
    ];
    for (attribute, mistake) in table {
        assert_eq!(of_one(attribute), [mistake]);
    }
    let computed_set = Attribute::nested_set("a", [Attribute::string("b").computed()]).computed();
    let checked = text().default("x").check(Check::length(1..=2));
    for fine in [checked, text().computed().default("x"), text().optional().computed(), computed_set] {
        assert_eq!(of_one(fine), Vec::<String>::new());
    }
}

#[test]
fn values_of_dynamic_type_are_found_in_collections() {
    let dynamic = || Attribute::dynamic("b").optional();
    let wrong = |name| {
        format!(
            "`{name}` is or has a value of dynamic type within a list, set or map, whose elements must be of one type"
        )
    };
    let deep = Type::object([("x", Type::Tuple(vec![Type::map(Type::Dynamic)]))]);
    let table = [
        (Schema::new().attribute(dynamic()), None),
        (Schema::new().attribute(Attribute::of("a", Type::object([("x", Type::Dynamic)])).optional()), None),
        (Schema::new().attribute(Attribute::nested("a", [dynamic()]).optional()), None),
        (Schema::new().block(Block::single("a", [dynamic()])), None),
        (Schema::new().attribute(Attribute::list("a", Type::Dynamic).optional()), Some("a")),
        (Schema::new().attribute(Attribute::of("a", deep).optional()), Some("a")),
        (Schema::new().attribute(Attribute::nested_list("a", [dynamic()]).optional()), Some("a.b")),
        (Schema::new().attribute(Attribute::nested_map("a", [dynamic()]).optional()), Some("a.b")),
        (Schema::new().attribute(Attribute::nested_set("a", [dynamic()]).optional()), Some("a.b")),
        (Schema::new().block(Block::list("a", [dynamic()])), Some("a.b")),
        (Schema::new().block(Block::set("a", []).block(Block::single("c", [dynamic()]))), Some("a.c.b")),
    ];
    for (schema, name) in table {
        assert_eq!(mistakes(&schema), name.map(wrong).into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn limits_of_blocks_must_make_sense() {
    let single = "`b` has limits other than (0, 0) and (1, 1) for a single block";
    let table = [
        (Block::single("b", []).items(0, 0), None),
        (Block::single("b", []).items(1, 1), None),
        (Block::single("b", []).items(0, 1), Some(single)),
        (Block::single("b", []).items(2, 2), Some(single)),
        (Block::list("b", []).items(2, 0), None),
        (Block::list("b", []).items(2, 2), None),
        (Block::list("b", []).items(3, 2), Some("`b` has a lower limit above the upper one")),
        (Block::set("b", []).items(3, 2), Some("`b` has a lower limit above the upper one")),
        (Block::set("b", []).items(-1, 2), Some("`b` has a negative number of items")),
        (Block::map("b", []).items(0, 2), Some("`b` has limits, which a map of blocks cannot have")),
    ];
    for (block, mistake) in table {
        assert_eq!(mistakes(&Schema::new().block(block)), mistake.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn relations_must_name_what_exists() {
    let of = |relation: Relation| {
        let attributes = || [Attribute::string("a").optional(), Attribute::string("id").computed()];
        let block = || Block::list("b", []);
        let outer = mistakes(&Schema::new().attributes(attributes()).block(block()).relation(relation.clone()));
        let nested = Attribute::nested_list("n", attributes()).optional().relation(relation.clone());
        let in_block = Block::list("n", attributes()).block(block()).relation(relation);
        [outer, mistakes(&Schema::new().block(in_block)), of_one(nested)]
    };
    let [outer, in_block, nested] = of(Relation::exactly_one_of(["a", "b"]));
    assert_eq!((outer, in_block), (Vec::new(), Vec::new()));
    assert_eq!(nested, ["`n.b` is in a relation, but does not exist"]);
    let [outer, ..] = of(Relation::together(["a", "c"]));
    assert_eq!(outer, ["`c` is in a relation, but does not exist"]);
    let [outer, ..] = of(Relation::at_least_one_of(["a", "id"]));
    assert_eq!(outer, ["`id` is in a relation, but no configuration can set it"]);
    for relation in [Relation::at_most_one_of(["a"]), Relation::requires("a", [""; 0]), Relation::requires("a", ["a"])]
    {
        let [outer, in_block, _] = of(relation);
        assert_eq!(outer, ["the schema has a relation that needs two or more attributes, each once"]);
        assert_eq!(in_block, ["`n` has a relation that needs two or more attributes, each once"]);
    }
}

#[test]
fn nothing_of_a_configuration_is_computed_or_stored() {
    let computed = "`a` is computed or has a default, but the provider has no say in a configuration";
    let table = [
        (Attribute::string("a").computed(), Some(computed)),
        (Attribute::string("a").default("x"), Some(computed)),
        (
            Attribute::string("a").optional().write_only(),
            Some("`a` is write-only, but only the states of resources are stored"),
        ),
        (Attribute::string("a").optional().sensitive(), None),
    ];
    for (attribute, mistake) in table {
        let schema = Schema::new().attribute(attribute);
        let mistake: Vec<_> = mistake.into_iter().collect();
        assert_eq!(schema.mistakes(Role::Provider, &["a"]), mistake);
        assert_eq!(schema.mistakes(Role::Config, &["a"]), mistake);
        // What an action is told, it may be told in confidence.
        let of_action: Vec<_> = mistake.iter().filter(|mistake| **mistake == computed).copied().collect();
        assert_eq!(schema.mistakes(Role::Action, &["a"]), of_action);
        assert_eq!(schema.mistakes(Role::Resource, &["a"]), Vec::<String>::new());
    }
}
