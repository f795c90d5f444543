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
        schema.mistakes(&fields),
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
