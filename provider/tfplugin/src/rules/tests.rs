mod defaults;
mod meaning;
mod promises;
mod relations;

use std::collections::BTreeMap;

use super::*;
use crate::{Attribute, Block, Check, Diagnostics, Schema, Type, Value};

fn object(entries: &[(&str, Value)]) -> Value {
    Value::Object(entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn schema() -> Schema {
    Schema::new().attributes([
        Attribute::string("id").computed(),
        Attribute::number("revision").computed().changes_on_update(),
        Attribute::string("name").required().requires_replace(),
        Attribute::bool("enabled").default(true),
        Attribute::string("secret_wo").optional().write_only(),
        Attribute::nested_list(
            "steps",
            [
                Attribute::string("program").required(),
                Attribute::number("retries").default(3),
                Attribute::string("uid").computed(),
            ],
        )
        .optional(),
    ])
}

/// The value that Terraform sends: every attribute, null where nothing is said.
fn value(entries: &[(&str, Value)]) -> Value {
    object(entries).conform(&schema().ty()).unwrap()
}

fn step(entries: &[(&str, Value)]) -> Value {
    object(entries)
}

fn planned(prior: Option<&Value>, config: &Value, proposed: &Value) -> Value {
    let schema = schema();
    let mut planned = proposed.clone();
    prepare_plan(&schema.fields, prior, config, &mut planned);
    if let Some(prior) = prior {
        mark_changes(&schema.fields, prior, config, &mut planned);
    }
    planned
}

#[test]
fn pitfall_15_computed_values_are_unknown_on_create() {
    let config = value(&[("name", "a".into()), ("secret_wo", "hush".into())]);
    let plan = planned(None, &config, &config);
    assert_eq!(plan.get("id"), Some(&Value::UNKNOWN));
    assert_eq!(plan.get("revision"), Some(&Value::UNKNOWN));
    assert_eq!(plan.get("enabled"), Some(&Value::Bool(true)));
    assert_eq!(plan.get("steps"), Some(&Value::Null));
    // Pitfall 14: the configuration alone has it.
    assert_eq!(plan.get("secret_wo"), Some(&Value::Null));
}

#[test]
fn pitfall_15_computed_values_are_kept_on_update_unless_marked() {
    let state = |enabled: bool| {
        value(&[("id", "1".into()), ("revision", 7.into()), ("name", "a".into()), ("enabled", enabled.into())])
    };
    let config = |enabled: Value| value(&[("name", "a".into()), ("enabled", enabled)]);
    let plan = planned(Some(&state(true)), &config(Value::Null), &state(true));
    assert_eq!(plan, state(true), "nothing changes");
    let plan = planned(Some(&state(true)), &config(false.into()), &state(false));
    assert_eq!(plan.get("id"), Some(&"1".into()));
    assert_eq!(plan.get("revision"), Some(&Value::UNKNOWN));
    // Removed from the configuration: the default comes back.
    let plan = planned(Some(&state(false)), &config(Value::Null), &state(false));
    assert_eq!(plan.get("enabled"), Some(&true.into()));
    assert_eq!(plan.get("revision"), Some(&Value::UNKNOWN));
}

#[test]
fn elements_of_lists_are_planned_one_by_one() {
    let prior_step = step(&[("program", "p".into()), ("retries", 3.into()), ("uid", "u1".into())]);
    let prior =
        value(&[("name", "a".into()), ("enabled", true.into()), ("steps", Value::List(vec![prior_step.clone()]))]);
    let new = |program: &str| step(&[("program", program.into()), ("retries", Value::Null), ("uid", Value::Null)]);
    let config = value(&[("name", "a".into()), ("steps", Value::List(vec![new("p"), new("q")]))]);
    let proposed = value(&[
        ("name", "a".into()),
        ("enabled", true.into()),
        ("steps", Value::List(vec![prior_step.clone(), new("q")])),
    ]);
    let plan = planned(Some(&prior), &config, &proposed);
    let steps = plan.get("steps").unwrap().as_elements().unwrap();
    assert_eq!(steps[0], prior_step);
    assert_eq!((steps[1].get("retries"), steps[1].get("uid")), (Some(&3.into()), Some(&Value::UNKNOWN)));
}

#[test]
fn replacement_is_asked_for_what_has_changed() {
    let prior = value(&[("name", "a".into())]);
    assert_eq!(replacements(&schema().fields, &prior, &mut prior.clone()), []);
    let mut changed = value(&[("name", "b".into())]);
    assert_eq!(replacements(&schema().fields, &prior, &mut changed), ["name".into()]);
    let mut unknown = value(&[("name", Value::UNKNOWN)]);
    assert_eq!(replacements(&schema().fields, &prior, &mut unknown), ["name".into()]);
}

#[test]
fn a_plan_against_the_configuration_is_reported() {
    let config = value(&[("name", "a".into()), ("steps", Value::List(vec![step(&[("program", "p".into())])]))]);
    let problems = |changed: &[(&str, Value)]| {
        let Value::Object(mut plan) = config.clone() else { unreachable!() };
        plan.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let mut diagnostics = Diagnostics::new();
        check_configured(&schema().fields, None, &config, &mut Value::Object(plan), &mut diagnostics);
        diagnostics.iter().map(|problem| problem.path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(problems(&[]), Vec::<String>::new());
    assert_eq!(problems(&[("id", "computed".into()), ("enabled", false.into())]), Vec::<String>::new());
    assert_eq!(problems(&[("name", "b".into())]), ["name"]);
    let other = value(&[("steps", Value::List(vec![step(&[("program", "q".into()), ("uid", "u".into())])]))]);
    assert_eq!(problems(&[("steps", other.get("steps").unwrap().clone())]), ["steps[0].program"]);
    assert_eq!(problems(&[("steps", Value::List(Vec::new()))]), ["steps"]);
}

#[test]
fn pitfall_15_what_was_planned_must_come_back() {
    let ty = Type::object([
        ("list", Type::list(Type::String)),
        ("map", Type::map(Type::String)),
        ("set", Type::set(Type::String)),
    ]);
    let list = |items: &[Value]| Value::List(items.to_vec());
    let map = |key: &str, value: Value| Value::Map(BTreeMap::from([(key.to_owned(), value)]));
    let problems = |planned: &[(&str, Value)], state: &[(&str, Value)]| {
        let mut diagnostics = Diagnostics::new();
        let shape = |entries| object(entries).conform(&ty).unwrap();
        verify_result(&shape(planned), &shape(state), &mut diagnostics);
        diagnostics.iter().map(|problem| problem.path.to_string()).collect::<Vec<_>>()
    };
    let nothing = Vec::<String>::new();
    assert_eq!(problems(&[("list", Value::UNKNOWN)], &[("list", list(&["x".into()]))]), nothing);
    assert_eq!(problems(&[("list", list(&[Value::UNKNOWN]))], &[("list", list(&["x".into()]))]), nothing);
    assert_eq!(problems(&[("list", list(&["x".into()]))], &[("list", list(&["y".into()]))]), ["list[0]"]);
    assert_eq!(problems(&[("list", list(&["x".into()]))], &[("list", list(&[]))]), ["list"]);
    assert_eq!(problems(&[("list", list(&[]))], &[]), ["list"]);
    assert_eq!(problems(&[("map", map("k", "x".into()))], &[("map", map("k", "y".into()))]), ["map[\"k\"]"]);
    assert_eq!(problems(&[("map", map("k", "x".into()))], &[("map", map("l", "x".into()))]), ["map"]);
    let set = |items: &[Value]| list(items);
    assert_eq!(
        problems(&[("set", set(&["a".into(), "b".into()]))], &[("set", set(&["b".into(), "a".into()]))]),
        nothing
    );
    assert_eq!(
        problems(&[("set", set(&["a".into(), Value::UNKNOWN]))], &[("set", set(&["b".into(), "a".into()]))]),
        nothing
    );
    assert_eq!(
        problems(&[("set", set(&["a".into(), Value::UNKNOWN]))], &[("set", set(&["b".into(), "c".into()]))]),
        ["set"]
    );
}

#[test]
fn problems_do_not_repeat_values() {
    let mut diagnostics = Diagnostics::new();
    let of = |text: &str| value(&[("name", text.into())]);
    verify_result(&of("hush-planned"), &of("hush-returned"), &mut diagnostics);
    assert!(diagnostics.has_errors() && !format!("{diagnostics:?}").contains("hush"));
}

#[test]
fn nothing_is_unknown_after_apply() {
    let mut diagnostics = Diagnostics::new();
    let mut state = value(&[("id", Value::UNKNOWN), ("steps", Value::List(vec![step(&[("uid", Value::UNKNOWN)])]))]);
    forget_unknown(&mut state, &mut diagnostics);
    assert!(!state.has_unknown());
    assert_eq!(diagnostics.iter().map(|problem| problem.path.to_string()).collect::<Vec<_>>(), ["id", "steps[0].uid"]);
}

#[test]
fn blocks_are_empty_and_not_null() {
    let block = Block::list("outer", [Attribute::string("name").required()])
        .block(Block::set("inner", [Attribute::string("name").required()]));
    let schema = Schema::new().block(block).block(Block::single("one", [Attribute::string("name").required()]));
    let mut value = object(&[]).conform(&schema.ty()).unwrap();
    schema.fields.complete(&mut value);
    assert_eq!(value, object(&[("outer", Value::List(Vec::new())), ("one", Value::Null)]));
    let mut value = object(&[("outer", Value::List(vec![object(&[])]))]).conform(&schema.ty()).unwrap();
    schema.fields.complete(&mut value);
    let inner = value.get("outer").unwrap().as_elements().unwrap()[0].get("inner").unwrap();
    assert_eq!(inner, &Value::Set([].into_iter().collect()));
}

#[test]
fn deprecated_things_warn_where_they_are_used() {
    let inner = Block::single("inner", [Attribute::string("a").optional()]).deprecated("Leave it out.");
    let rule = Block::list("rule", [Attribute::string("a").optional()]).deprecated("Use `list`.").block(inner);
    let old = Attribute::string("old").optional().deprecated("Gone soon.");
    let schema = Schema::new()
        .attribute(Attribute::nested_list("list", [old]).optional())
        .block(rule)
        .block(Block::map("unused", []).deprecated("Never shown."));
    let list = Value::List(vec![object(&[("old", Value::UNKNOWN)])]);
    let rules = Value::List(vec![object(&[]), object(&[("inner", object(&[]))])]);
    let mut config = object(&[("list", list), ("rule", rules)]).conform(&schema.ty()).unwrap();
    schema.fields.complete(&mut config);
    let mut diagnostics = Diagnostics::new();
    deprecations(&schema, &mut config, &mut diagnostics);
    let warnings = diagnostics.iter().map(|warning| format!("{}: {}", warning.path, warning.detail));
    assert_eq!(
        warnings.collect::<Vec<_>>(),
        ["list[0].old: list[0].old: Gone soon.", "rule: Use `list`.", "rule[1].inner: rule[1].inner: Leave it out.",]
    );
    assert!(!diagnostics.has_errors());
}

#[test]
fn pitfall_14_a_returned_write_only_value_is_dropped() {
    let mut state = value(&[("name", "a".into()), ("secret_wo", "hush".into())]);
    settle(&schema().fields, None, &mut state);
    assert_eq!(state, value(&[("name", "a".into())]));
}

#[test]
fn what_means_the_same_is_what_was_planned() {
    let attribute = Attribute::string("name").required();
    let schema = Schema::new()
        .attribute(attribute.keep_prior_if(|prior, new| prior.as_str().map(str::len) == new.as_str().map(str::len)));
    let of = |name: Value| object(&[("name", name)]);
    let settled = |before: Value, state: Value| {
        let mut state = of(state);
        settle(&schema.fields, Some(&of(before)), &mut state);
        state
    };
    assert_eq!(settled("abc".into(), "xyz".into()), of("abc".into()));
    assert_eq!(settled("abc".into(), "longer".into()), of("longer".into()));
    assert_eq!(settled(Value::Null, "xyz".into()), of("xyz".into()));
    assert_eq!(settled(Value::UNKNOWN, "xyz".into()), of("xyz".into()));
}
