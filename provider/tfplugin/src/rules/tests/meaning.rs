//! Values that mean the same, and what changes with what.

use super::*;
use crate::{Attr, IntoValue, same};

fn unknown() -> Value {
    Attr::<bool>::Unknown.into_value()
}

fn set<const N: usize>(items: [Value; N]) -> Value {
    Value::Set(items.into_iter().collect())
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

/// The plan that Terraform gets: `proposed` is the configuration with what is computed taken over from the prior state.
fn plan(schema: &Schema, prior: &Value, config: &Value, proposed: &Value) -> Value {
    let mut planned = proposed.clone();
    prepare_plan(&schema.fields, Some(prior), config, &mut planned);
    mark_changes(&schema.fields, prior, config, &mut planned);
    let mut diagnostics = Diagnostics::new();
    check_configured(&schema.fields, Some(prior), config, &mut planned, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    planned
}

#[test]
fn a_cosmetic_edit_plans_nothing() {
    let text = || Attribute::string("json").optional().keep_prior_if(same::json);
    let schema = Schema::new()
        .attributes([
            Attribute::string("id").computed(),
            Attribute::number("revision").computed().changes_on_update(),
            text(),
            Attribute::dynamic("any").optional().keep_prior_if(same::json),
            Attribute::list("words", Type::String).optional().keep_prior_if(same::each(same::ignoring_case)),
            Attribute::nested("single", [text(), Attribute::nested_list("list", [text()]).optional()]).optional(),
            Attribute::nested_list("list", [text()]).optional(),
            Attribute::nested_map("map", [text()]).optional(),
            Attribute::nested_set("set", [text(), Attribute::number("n").default(1)]).optional(),
        ])
        .block(Block::list("block", [text()]).block(Block::set("inner", [text()])));
    let config = |json: &str, word: &str| {
        let inner = || object(&[("json", json.into())]);
        let value = object(&[
            ("json", json.into()),
            ("any", json.into()),
            ("words", Value::List(vec![word.into(), "x".into()])),
            ("single", object(&[("json", json.into()), ("list", Value::List(vec![inner()]))])),
            ("list", Value::List(vec![inner(), inner()])),
            ("map", map([("k", inner())])),
            ("set", set([inner(), object(&[("json", "[2]".into())])])),
            ("block", Value::List(vec![object(&[("json", json.into()), ("inner", set([inner()]))])])),
        ]);
        value.conform(&schema.ty()).unwrap()
    };
    let with_computed = |config: &Value| {
        let Value::Object(mut entries) = config.clone() else { unreachable!() };
        entries.extend([("id".to_owned(), "1".into()), ("revision".to_owned(), 1.into())]);
        Value::Object(entries)
    };
    let first = config("[1]", "a");
    let mut prior = with_computed(&first);
    prepare_plan(&schema.fields, None, &first, &mut prior);
    let prior = with_computed(&prior);

    let edited = config("[ 1.0 ]", "A");
    assert_eq!(plan(&schema, &prior, &edited, &with_computed(&edited)), prior);
    // The same of what the server makes of it.
    let mut returned = with_computed(&edited);
    prepare_plan(&schema.fields, None, &edited, &mut returned);
    let mut returned = with_computed(&returned);
    settle(&schema.fields, Some(&prior), &mut returned);
    assert_eq!(returned, prior);

    let changed = config("[3]", "A");
    let planned = plan(&schema, &prior, &changed, &with_computed(&changed));
    assert_eq!(planned.get("json"), Some(&"[3]".into()));
    assert_eq!(planned.get("map"), changed.get("map"));
    assert_eq!(planned.get("words"), prior.get("words"), "this one is still the same");
    assert_eq!((planned.get("id"), planned.get("revision")), (Some(&"1".into()), Some(&unknown())));
}

#[test]
fn a_value_of_another_type_is_another_value() {
    let schema = Schema::new().attribute(Attribute::dynamic("any").optional().keep_prior_if(same::json));
    let of = |any: Value| object(&[("any", any)]).conform(&schema.ty()).unwrap();
    let (prior, new) = (of("[1]".into()), of(Value::Tuple(vec![1.into()])));
    assert_eq!(plan(&schema, &prior, &new, &new), new);
}

#[test]
fn a_null_that_brings_its_type_is_as_good_as_none() {
    let schema = Schema::new().attributes([
        Attribute::dynamic("given").default("x"),
        Attribute::dynamic("made").computed().optional(),
        Attribute::dynamic("free").optional(),
    ]);
    let null = || Value::Dynamic(Box::new(crate::Typed { ty: Type::String, value: Value::Null }));
    let config = object(&[("given", null()), ("made", null()), ("free", null())]);
    let mut planned = config.clone();
    prepare_plan(&schema.fields, None, &config, &mut planned);
    let expected = object(&[("given", "x".into()), ("free", null())]).conform(&schema.ty()).unwrap();
    assert_eq!((planned.get("given"), planned.get("free")), (expected.get("given"), expected.get("free")));
    assert!(planned.get("made").unwrap().is_unknown());
    // The same of what there is already.
    let prior = object(&[("given", "x".into()), ("made", "y".into())]).conform(&schema.ty()).unwrap();
    let proposed = object(&[("given", "x".into()), ("made", "y".into()), ("free", null())]);
    let proposed = proposed.conform(&schema.ty()).unwrap();
    assert_eq!(plan(&schema, &prior, &config, &proposed), proposed);
}

#[test]
fn an_element_of_a_set_keeps_what_means_the_same() {
    let attributes = || {
        [
            Attribute::string("name").required().keep_prior_if(same::ignoring_case),
            Attribute::number("n").default(1),
            Attribute::nested_list(
                "inner",
                [Attribute::string("text").required().keep_prior_if(same::ignoring_spaces)],
            )
            .optional(),
        ]
    };
    let attribute = Schema::new().attribute(Attribute::nested_set("set", attributes()).optional());
    let block = Schema::new().block(Block::set("set", attributes()));
    let element = |name: &str, n: Value| object(&[("name", name.into()), ("n", n)]);
    let with = |name: &str, text: &str| {
        let inner = Value::List(vec![object(&[("text", text.into())])]);
        object(&[("name", name.into()), ("n", 1.into()), ("inner", inner)])
    };
    let one = || 1.into();
    let table = [
        // Prior, configuration, plan.
        (set([element("a", one())]), set([element("A", Value::Null)]), set([element("a", one())])),
        // Beside an element that is really another.
        (
            set([element("a", one()), element("b", one()), element("c", one())]),
            set([element("A", Value::Null), element("b", Value::Null), element("d", Value::Null)]),
            set([element("a", one()), element("b", one()), element("d", one())]),
        ),
        // One attribute is the same, another is not.
        (set([element("a", one())]), set([element("A", 2.into())]), set([element("A", 2.into())])),
        (set([with("a", "x y")]), set([with("A", " x  y ")]), set([with("a", "x y")])),
        (set([with("a", "x y")]), set([with("A", "xy")]), set([with("A", "xy")])),
        // Two that could be it: nobody knows which.
        (
            set([element("a", one()), element("A", one())]),
            set([element("aA", one()), element("Aa", one())]),
            set([element("aA", one()), element("Aa", one())]),
        ),
        (
            set([element("ab", one()), element("AB", one())]),
            set([element("aB", Value::Null)]),
            set([element("aB", one())]),
        ),
        // One that two could be: they must remain two.
        (
            set([element("ab", one())]),
            set([element("aB", Value::Null), element("Ab", Value::Null)]),
            set([element("aB", one()), element("Ab", one())]),
        ),
        // The prior element is there as it was.
        (
            set([element("ab", one())]),
            set([element("ab", one()), element("Ab", Value::Null)]),
            set([element("ab", one()), element("Ab", one())]),
        ),
    ];
    for schema in [&attribute, &block] {
        let of = |set: &Value| object(&[("set", set.clone())]).conform(&schema.ty()).unwrap();
        for (prior, config, planned) in &table {
            let (prior, config, planned) = (of(prior), of(config), of(planned));
            let mut found = config.clone();
            prepare_plan(&schema.fields, Some(&prior), &config, &mut found);
            assert_eq!(found, planned);
        }
    }
}

#[test]
fn blocks_within_a_set_of_blocks_count_too() {
    let attributes = || [Attribute::string("name").required().keep_prior_if(same::ignoring_case)];
    let schema = Schema::new().block(Block::set("set", attributes()).block(Block::list("inner", attributes())));
    let of = |name: &str, inner: &str| {
        let inner = Value::List(vec![object(&[("name", inner.into())])]);
        object(&[("set", set([object(&[("name", name.into()), ("inner", inner)])]))])
    };
    let planned = |config: Value| {
        let mut planned = config.clone();
        prepare_plan(&schema.fields, Some(&of("a", "b")), &config, &mut planned);
        planned
    };
    assert_eq!(planned(of("A", "B")), of("a", "b"));
    assert_eq!(planned(of("A", "c")), of("A", "c"));
}

#[test]
fn the_elements_of_a_set_in_which_very_much_is_different_are_new() {
    let name = Attribute::string("name").required().keep_prior_if(same::ignoring_case);
    let schema = Schema::new().attribute(Attribute::nested_set("set", [name]).optional());
    let of = |count: usize, end: &str| {
        let elements = (0..count).map(|number| object(&[("name", format!("{number}{end}").into())]));
        object(&[("set", Value::Set(elements.collect()))])
    };
    for (count, end) in [(300, "a"), (301, "A"), (50_000, "A")] {
        let mut returned = of(count, "A");
        settle(&schema.fields, Some(&of(count, "a")), &mut returned);
        assert_eq!(returned, of(count, end));
    }
}

#[test]
fn what_a_server_returns_in_a_set_is_settled() {
    let name = Attribute::string("name").required().keep_prior_if(same::ignoring_case);
    let schema = Schema::new().attribute(Attribute::nested_set("set", [name]).optional());
    let of = |names: &[&str]| {
        let elements = names.iter().map(|name| object(&[("name", (*name).into())])).collect();
        object(&[("set", Value::Set(elements))])
    };
    let mut returned = of(&["A", "b", "NEW"]);
    settle(&schema.fields, Some(&of(&["a", "b", "c"])), &mut returned);
    assert_eq!(returned, of(&["a", "b", "NEW"]));
}

#[test]
fn a_replacement_may_depend_on_the_values() {
    let shrinks = |prior: &Value, new: &Value| match (prior.as_number(), new.as_number()) {
        (Some(prior), Some(new)) => new < prior,
        _ => false,
    };
    let schema = Schema::new().attributes([
        Attribute::number("size").optional().requires_replace_if(shrinks),
        Attribute::string("set_once").optional().requires_replace_if(|prior, _| !prior.is_null()),
        Attribute::dynamic("any")
            .optional()
            .requires_replace_if(|prior, new| prior.as_str().is_some() && new.is_null()),
    ]);
    let of = |entries: &[(&str, Value)]| object(entries).conform(&schema.ty()).unwrap();
    let replaced = |prior: &[(&str, Value)], planned: &[(&str, Value)]| {
        let paths = replacements(&schema.fields, &of(prior), &mut of(planned));
        paths.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let none: [String; 0] = [];
    assert_eq!(replaced(&[("size", 2.into())], &[("size", 3.into())]), none);
    assert_eq!(replaced(&[("size", 2.into())], &[("size", 1.into())]), ["size"]);
    assert_eq!(replaced(&[("size", 2.into())], &[("size", unknown())]), none);
    assert_eq!(replaced(&[("size", 2.into())], &[]), none);
    assert_eq!(replaced(&[], &[("set_once", "x".into())]), none);
    assert_eq!(replaced(&[("set_once", "x".into())], &[("set_once", unknown())]), ["set_once"]);
    assert_eq!(replaced(&[("set_once", "x".into())], &[("set_once", "x".into())]), none);
    assert_eq!(replaced(&[("any", "x".into())], &[]), ["any"]);
}

#[test]
fn what_is_unknown_as_a_whole_is_replaced_like_what_is_in_it() {
    let inner = || [Attribute::string("free").optional(), Attribute::string("name").optional().requires_replace()];
    let free = || [Attribute::string("free").optional()];
    let set_once = Attribute::string("once").optional().requires_replace_if(|prior, _| !prior.is_null());
    let schema = Schema::new()
        .attributes([
            Attribute::nested_list("list", inner()).optional(),
            Attribute::nested("single", [Attribute::nested_map("map", inner()).optional()]).optional(),
            Attribute::nested_list("free", free()).optional(),
            Attribute::nested_list("once", [set_once]).optional(),
            Attribute::nested_set("set", [Attribute::nested("deep", inner()).optional()]).optional(),
        ])
        .block(Block::list("block", free()).block(Block::set("inner", inner())));
    let of = |entries: &[(&str, Value)]| object(entries).conform(&schema.ty()).unwrap();
    let replaced = |prior: &[(&str, Value)], planned: &[(&str, Value)]| {
        let paths = replacements(&schema.fields, &of(prior), &mut of(planned));
        paths.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let none: [String; 0] = [];
    let list = |items: &[Value]| Value::List(items.to_vec());
    assert_eq!(replaced(&[], &[("list", unknown())]), ["list"]);
    assert_eq!(replaced(&[("list", list(&[object(&[])]))], &[("list", unknown())]), ["list"]);
    assert_eq!(replaced(&[], &[("single", unknown())]), ["single"]);
    assert_eq!(replaced(&[], &[("single", object(&[("map", unknown())]))]), ["single.map"]);
    assert_eq!(replaced(&[], &[("free", unknown())]), none);
    assert_eq!(replaced(&[], &[("block", unknown())]), ["block"]);
    assert_eq!(replaced(&[], &[("block", list(&[object(&[("inner", unknown())])]))]), ["block[0].inner"]);
    assert_eq!(replaced(&[], &[("set", set([object(&[("deep", unknown())])]))]), ["set"]);
    assert_eq!(replaced(&[], &[("once", unknown())]), none);
    assert_eq!(replaced(&[("once", list(&[object(&[("once", "x".into())])]))], &[("once", unknown())]), ["once"]);
}

#[test]
fn a_replacement_is_asked_for_the_set_and_not_within_it() {
    let name = Attribute::string("name").required().requires_replace();
    let inner = [name.clone(), Attribute::nested("deep", [name]).optional()];
    let schema = Schema::new().attribute(Attribute::nested_set("set", inner).optional());
    let of = |names: &[&str]| {
        let element = |name: &str| object(&[("name", name.into()), ("deep", object(&[("name", name.into())]))]);
        object(&[("set", Value::Set(names.iter().map(|name| element(name)).collect()))])
    };
    let replaced = |prior: &[&str], planned: &[&str]| replacements(&schema.fields, &of(prior), &mut of(planned));
    assert_eq!(replaced(&["a", "b"], &["b", "a"]), []);
    assert_eq!(replaced(&["a", "b"], &["a", "c", "d"]), ["set".into()]);
    assert_eq!(replaced(&["a", "b"], &["a"]), []);
}

#[test]
fn a_path_of_the_authors_is_one_that_the_protocol_can_say() {
    use crate::AttributePath;
    let name = || Attribute::string("name").optional();
    let schema = Schema::new()
        .attributes([
            name(),
            Attribute::dynamic("any").optional(),
            Attribute::set("tags", Type::String).optional(),
            Attribute::map("map", Type::list(Type::String)).optional(),
            Attribute::of("tuple", Type::Tuple(vec![Type::Bool])).optional(),
            Attribute::nested("single", [name()]).optional(),
            Attribute::nested_set("set", [name()]).optional(),
        ])
        .block(Block::list("block", [name()]));
    let address = |path: AttributePath| Some(address_of_path(&schema.fields, &path)?.to_string());
    let of = AttributePath::of;
    let table = [
        (of("name"), Some("name")),
        (of("single").attribute("name"), Some("single.name")),
        (of("block").index(7).attribute("name"), Some("block[7].name")),
        (of("map").key("k").index(0), Some("map[\"k\"][0]")),
        (of("tuple").index(0), Some("tuple[0]")),
        (of("tags").index(0), Some("tags")),
        (of("set").index(1).attribute("name"), Some("set")),
        (of("any").attribute("x"), Some("any")),
        (AttributePath::default(), None),
        (of("nmae"), None),
        (of("name").attribute("x"), None),
        (of("tuple").index(1), None),
        (of("block").attribute("name"), None),
        (of("map").attribute("k"), None),
        (of("single").key("name"), None),
    ];
    for (path, expected) in table {
        assert_eq!(address(path.clone()).as_deref(), expected, "{path}");
    }
}

#[test]
fn a_computed_value_changes_with_what_it_depends_on() {
    let schema = Schema::new()
        .attributes([
            Attribute::string("script").required(),
            Attribute::string("note").optional(),
            Attribute::string("checksum").computed().changes_with(["script"]),
            Attribute::string("signature").computed().changes_with(["checksum"]),
            Attribute::string("first_run").computed().changes_with(["step"]),
            Attribute::nested_list("steps", [Attribute::string("sum").computed().changes_with(["script"])]).optional(),
        ])
        .block(Block::list("step", [Attribute::string("a").optional()]));
    let value = |script: &str, note: Value, step: &str, computed: bool| {
        let given = |text: &str| if computed { text.into() } else { Value::Null };
        object(&[
            ("script", script.into()),
            ("note", note),
            ("checksum", given("sum")),
            ("signature", given("signed")),
            ("first_run", Value::Null),
            ("steps", Value::List(vec![object(&[("sum", given("step sum"))])])),
            ("step", Value::List(vec![object(&[("a", step.into())])])),
        ])
    };
    let prior = value("s", Value::Null, "a", true);
    let unknowns = |script: &str, note: Value, step: &str| {
        let config = value(script, note.clone(), step, false);
        let planned = plan(&schema, &prior, &config, &value(script, note, step, true));
        let top = ["checksum", "signature", "first_run"].map(|name| planned.get(name).unwrap().is_unknown());
        let sum = planned.get("steps").unwrap().as_elements().unwrap()[0].get("sum").unwrap().is_unknown();
        [top[0], top[1], top[2], sum]
    };
    assert_eq!(unknowns("s", Value::Null, "a"), [false; 4]);
    // Neither what it does not depend on, nor that there has been no value, is a reason.
    assert_eq!(unknowns("s", "x".into(), "a"), [false; 4]);
    assert_eq!(unknowns("t", Value::Null, "a"), [true, true, false, true]);
    assert_eq!(unknowns("s", Value::Null, "b"), [false, false, true, false]);
}
