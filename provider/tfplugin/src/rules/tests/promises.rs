//! What is known of values that are not known yet.

use super::*;
use crate::{FromValue as _, IntoValue as _, Refinement};

fn starts(prefix: &str) -> Value {
    Refinement::new().not_null().prefix(prefix).into()
}

fn never_null() -> Value {
    Refinement::new().not_null().into()
}

fn list(items: &[Value]) -> Value {
    Value::List(items.to_vec())
}

fn promising() -> Schema {
    Schema::new().attributes([
        Attribute::string("id").computed().never_null().prefix("job-"),
        Attribute::string("text").optional().computed().never_null(),
        Attribute::string("name").required().requires_replace(),
        Attribute::list("items", Type::String).optional(),
        Attribute::set("tags", Type::String).optional(),
        Attribute::dynamic("any").optional(),
        Attribute::map("map", Type::String).optional(),
        Attribute::nested_list("steps", [Attribute::string("uid").computed().never_null()]).optional(),
    ])
}

fn value(entries: &[(&str, Value)]) -> Value {
    object(entries).conform(&promising().ty()).unwrap()
}

fn refined(config: &Value, planned: &Value) -> Value {
    let mut planned = planned.clone();
    restore(&mut planned, config);
    promise(&promising().fields, config, &mut planned);
    planned
}

#[test]
fn what_a_model_forgets_of_the_configuration_is_put_back() {
    let of = |unknown: &Value| {
        value(&[
            ("name", unknown.clone()),
            ("items", list(&["a".into(), unknown.clone()])),
            ("tags", list(&["a".into(), unknown.clone()])),
            ("any", object(&[("inner", list(&["x".into()])), ("other", unknown.clone())])),
            ("map", object(&[("k", unknown.clone())])),
        ])
    };
    let config = {
        // Inside a value of open type, an unknown part has a type of its own.
        let Value::Object(mut config) = of(&starts("pre-")) else { unreachable!() };
        config.insert("any".to_owned(), starts("lost").conform(&Type::Dynamic).unwrap());
        Value::Object(config)
    };
    let Value::Object(mut planned) = of(&Value::UNKNOWN) else { unreachable!() };
    planned.insert("any".to_owned(), Value::UNKNOWN);
    assert_eq!(refined(&config, &Value::Object(planned)), config);
}

#[test]
fn what_is_known_within_a_value_of_open_type_is_put_back() {
    let ty = Type::object([("inner", Type::String)]);
    let of = |inner: Value| {
        let typed = crate::Typed { ty: ty.clone(), value: object(&[("inner", inner)]) };
        value(&[("any", Value::Dynamic(Box::new(typed)))])
    };
    assert_eq!(refined(&of(starts("a")), &of(Value::UNKNOWN)), of(starts("a")));
    assert_eq!(refined(&of(starts("a")), &of("abc".into())), of("abc".into()));
}

#[test]
fn the_type_of_what_is_null_or_unknown_is_put_back() {
    let typed = |value| Value::Dynamic(Box::new(crate::Typed { ty: Type::Number, value }));
    let of = |any: Value| value(&[("any", any)]);
    for (given, lost) in [(typed(Value::UNKNOWN), Value::UNKNOWN), (typed(Value::Null), Value::Null)] {
        assert_eq!(crate::Attr::<Value>::from_value(given.clone()), crate::Attr::from_value(lost.clone()));
        assert_eq!(refined(&of(given.clone()), &of(lost)), of(given.clone()));
        assert_eq!(refined(&of(given), &of("x".into())), of("x".into()));
    }
    assert_eq!(refined(&of(typed(Value::UNKNOWN)), &of(Value::Null)), of(Value::Null));
}

#[test]
fn the_digits_that_a_float_cannot_hold_are_put_back() {
    let number = |text: &str| Value::Number(text.parse().unwrap());
    let schema = Schema::new().attributes([
        Attribute::number("size").optional(),
        Attribute::set("sizes", Type::Number).optional(),
        Attribute::nested_set("set", [Attribute::number("size").optional()]).optional(),
        Attribute::dynamic("any").optional(),
    ]);
    let of = |sizes: [&str; 2]| {
        let numbers = || sizes.iter().map(|size| number(size)).collect::<Vec<_>>();
        let objects = numbers().into_iter().map(|size| object(&[("size", size)])).collect();
        let entries = [
            ("size", number(sizes[0])),
            ("sizes", Value::List(numbers())),
            ("set", Value::List(objects)),
            ("any", Value::List(numbers())),
        ];
        object(&entries).conform(&schema.ty()).unwrap()
    };
    let given = of(["0.12345678901234567890", "123456789012345678901234567890"]);
    let through_model =
        |text: &str| f64::from_value(number(text)).unwrap().into_value().as_number().unwrap().to_string();
    let (first, second) = (through_model("0.12345678901234567890"), through_model("123456789012345678901234567890"));
    let mut planned = of([&first, &second]);
    assert_ne!(planned, given);
    restore(&mut planned, &given);
    assert_eq!(planned, given);
    let mut settled = of([&first, &second]);
    settle(&schema.fields, Some(&given), &mut settled);
    assert_eq!(settled, given);
    // Another number is another number.
    let mut changed = of(["0.2", "123456789012345678901234567891"]);
    let before = changed.clone();
    restore(&mut changed, &given);
    assert_eq!(changed, before);
    // Two numbers with one float: which is which, nobody knows.
    let mut one = of([&first, &second]);
    let twins = of(["0.12345678901234567890", "0.12345678901234567891"]);
    restore(&mut one, &twins);
    assert_eq!(one.get("sizes"), of([&first, &second]).get("sizes"));
}

#[test]
fn nothing_is_put_where_the_author_has_planned_something_else() {
    let config = value(&[("name", starts("a")), ("tags", list(&["x".into(), starts("t")]))]);
    let planned = value(&[("name", "abc".into()), ("tags", list(&["y".into(), Value::UNKNOWN]))]);
    assert_eq!(refined(&config, &planned), planned);
    let more = value(&[("name", starts("abc")), ("tags", list(&["x".into(), starts("t")]))]);
    assert_eq!(refined(&config, &more), more, "the author knows more");
}

#[test]
fn the_authors_promises_hold_where_the_provider_decides() {
    let config = value(&[("name", "n".into()), ("steps", list(&[object(&[("uid", Value::Null)])]))]);
    let unknown = [("id", Value::UNKNOWN), ("text", Value::UNKNOWN), ("name", "n".into())];
    let steps = |uid: Value| ("steps", list(&[object(&[("uid", uid)])]));
    let planned = value(&[&unknown[..], &[steps(Value::UNKNOWN)]].concat());
    let plan = refined(&config, &planned);
    assert_eq!(plan.get("id"), Some(&starts("job-")));
    assert_eq!(plan.get("text"), Some(&never_null()));
    assert_eq!(plan.get("steps"), value(&[steps(never_null())]).get("steps"));
    // What the user has yet to say may be null; what is known needs no promise.
    let config = value(&[("name", "n".into()), ("text", Value::UNKNOWN)]);
    let planned = value(&[("id", "job-1".into()), ("text", Value::UNKNOWN), ("name", "n".into())]);
    assert_eq!(refined(&config, &planned), planned);
}

#[test]
fn what_is_known_of_an_unknown_value_is_no_change() {
    let schema = promising();
    let config = value(&[("name", starts("a")), ("tags", list(&["x".into(), starts("t")]))]);
    let mut planned = value(&[("name", Value::UNKNOWN), ("tags", list(&["x".into(), Value::UNKNOWN]))]);
    let mut diagnostics = Diagnostics::new();
    check_configured(&schema.fields, None, &config, &mut planned.clone(), &mut diagnostics);
    assert!(!diagnostics.has_errors());
    assert_eq!(replacements(&schema.fields, &config, &mut planned), []);
    let before = planned.clone();
    mark_changes(&schema.fields, &config, &config, &mut planned);
    assert_eq!(planned, before);
}

#[test]
fn a_broken_promise_is_reported_with_the_name_and_not_the_value() {
    let planned = value(&[
        ("id", starts("job-")),
        ("text", never_null()),
        ("items", list(&[starts("hush-planned"), starts("b")])),
        ("any", "x".into()),
    ]);
    let problems = |state: &[(&str, Value)]| {
        let mut diagnostics = Diagnostics::new();
        verify_result(&planned, &value(state), &mut diagnostics);
        diagnostics.into_iter().map(|problem| problem.detail).collect::<Vec<_>>().join("\n")
    };
    let items = ("items", list(&["hush-planned".into(), "b".into()]));
    assert_eq!(problems(&[("id", "job-7".into()), ("text", "".into()), items, ("any", "x".into())]), "");
    let items = ("items", list(&["hush-returned".into(), "b".into()]));
    let text = problems(&[("id", "task-7".into()), items, ("any", "x".into())]);
    assert!(
        text.contains("In the provider's answer, id does not begin as planned. This is a mistake in the provider"),
        "{text}"
    );
    assert!(text.contains("In the provider's answer, text is null, which the plan excludes."), "{text}");
    assert!(text.contains("In the provider's answer, items[0] does not begin as planned."), "{text}");
    assert!(!text.contains("items[1]") && !text.contains("hush") && !text.contains("task-7"), "{text}");
}

#[test]
fn a_value_left_unknown_is_reported_once() {
    let planned = value(&[("id", starts("job-")), ("name", "n".into())]);
    let mut state = value(&[("id", Value::UNKNOWN), ("name", Value::UNKNOWN)]);
    let mut diagnostics = Diagnostics::new();
    verify_result(&planned, &state, &mut diagnostics);
    assert_eq!(diagnostics.iter().count(), 0);
    forget_unknown(&mut state, &mut diagnostics);
    assert_eq!(diagnostics.iter().count(), 2);
}

/// The details of what is wrong with a result.
fn verified(planned: &Value, state: &Value) -> Vec<String> {
    let mut diagnostics = Diagnostics::new();
    verify_result(planned, state, &mut diagnostics);
    let text = |detail: String| detail.split(". This is").next().unwrap_or_default().to_owned();
    diagnostics.into_iter().map(|problem| text(problem.detail)).collect()
}

#[test]
fn a_type_that_was_open_in_parts_becomes_exact() {
    let of = |ty: Type, value: Value| {
        object(&[("any", Value::Dynamic(Box::new(crate::Typed { ty, value: value.conform(&Type::Dynamic).unwrap() })))])
            .conform(&Type::object([("any", Type::Dynamic)]))
            .unwrap()
    };
    let open = Type::object([("a", Type::Dynamic), ("b", Type::Tuple(vec![Type::Dynamic, Type::String]))]);
    let exact = Type::object([("a", Type::Number), ("b", Type::Tuple(vec![Type::String, Type::String]))]);
    let parts = |a: Value, first: Value| object(&[("a", a), ("b", Value::Tuple(vec![first, "y".into()]))]);
    let planned = of(open, parts(Value::UNKNOWN, "x".into()));
    assert_eq!(verified(&planned, &of(exact.clone(), parts(1.into(), "x".into()))), [""; 0]);
    assert_eq!(verified(&planned, &of(exact, parts(1.into(), "z".into()))).len(), 1);
    let other = Type::object([("a", Type::Number)]);
    assert_eq!(verified(&planned, &of(other, object(&[("a", 1.into())]))).len(), 1);
    let list = of(Type::list(Type::String), list(&[]));
    assert_eq!(verified(&list, &of(Type::list(Type::Number), self::list(&[]))).len(), 1);
}

#[test]
fn a_set_of_which_parts_were_unknown_becomes_no_other_set() {
    let element = |name: &str, id: Value| object(&[("name", name.into()), ("id", id)]);
    let of = |items: &[Value]| object(&[("set", Value::Set(items.iter().cloned().collect()))]);
    let planned = of(&[element("a", Value::UNKNOWN), element("b", Value::UNKNOWN), element("c", 3.into())]);
    let [a, b, c, other] =
        [element("a", 1.into()), element("b", 2.into()), element("c", 3.into()), element("d", 4.into())];
    let problem = |state: &[Value]| verified(&planned, &of(state)).concat();
    let starts = "In the provider's answer, set";
    assert_eq!(problem(&[a.clone(), b.clone(), c.clone()]), "");
    assert_eq!(problem(&[a.clone(), c.clone()]), format!("{starts} lacks an element that was planned"));
    assert_eq!(problem(&[a.clone(), b.clone()]), format!("{starts} lacks an element that was planned"));
    let more = [a.clone(), b.clone(), c.clone(), other.clone()];
    assert_eq!(problem(&more), format!("{starts} has more elements than planned"));
    // Two that became the same, and one that nobody planned.
    let planned = of(&[Value::UNKNOWN, Value::UNKNOWN]);
    assert_eq!(verified(&planned, &of(std::slice::from_ref(&a))), [""; 0]);
    let planned = of(&[element("a", Value::UNKNOWN), element("a", Value::UNKNOWN)]);
    assert_eq!(verified(&planned, &of(&[a, other])), [format!("{starts} has an element that was not planned")]);
}
