use super::*;
use crate::{Attr, IntoValue, Type};

fn problems(check: &Check, value: impl IntoValue) -> Vec<String> {
    let mut diagnostics = Diagnostics::new();
    check.run(&value.into_value(), &AttributePath::of("a"), &mut diagnostics);
    diagnostics.into_iter().map(|problem| format!("{}: {}", problem.path, problem.detail)).collect()
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn unknown() -> Value {
    Attr::<bool>::Unknown.into_value()
}

fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::List(items.into())
}

fn set<const N: usize>(items: [Value; N]) -> Value {
    Value::Set(items.into_iter().collect())
}

fn message() -> Message {
    Message::new("Wrong", "It is wrong.")
}

const FINE: [&str; 0] = [];

#[test]
fn no_check_is_asked_about_null_and_unknown() {
    let never = || Check::new(|_| Err(message()));
    let all = [
        never(),
        Check::range(5.0..),
        Check::regex("x", message()),
        Check::json_object(),
        Check::bytes(5..=6),
        Check::none_of(["x"]),
        Check::not(Check::items(0..=0), message()),
        Check::all_of([never(), never()]),
        Check::any_of([never()], message()),
        Check::unique(),
    ];
    for check in all {
        for value in [Value::Null, unknown()] {
            assert_eq!(problems(&check, value.clone()), FINE);
            let typed = crate::Typed { ty: Type::String, value };
            assert_eq!(problems(&check, Value::Dynamic(Box::new(typed))), FINE);
        }
    }
}

#[test]
fn ranges_of_numbers_are_exact() {
    let half_open = || Check::range(0.1..2.0);
    for fine in ["0.1", "0.100000000000000000000000000000001", "1", "1.999999999999999999999999999999"] {
        assert_eq!(problems(&half_open(), number(fine)), FINE, "{fine}");
    }
    for wrong in ["0.09999999999999999999999999999", "-1", "2", "2.000000000000000000000000000001", "1e300"] {
        assert_eq!(problems(&half_open(), number(wrong)), ["a: The value must be at least 0.1 and less than 2."]);
    }
    assert_eq!(problems(&Check::range(..=0.5), number("0.51")), ["a: The value must be at most 0.5."]);
    let above = (std::ops::Bound::Excluded(1.5), std::ops::Bound::Unbounded);
    assert_eq!(problems(&Check::range(above), number("1.5")), ["a: The value must be more than 1.5."]);
    assert_eq!(problems(&Check::range(above), number("1.51")), FINE);
    // As the wire has it: the binary fraction nearest to one tenth is a bit more than one tenth.
    let bytes = [&[0xcb][..], &0.1_f64.to_be_bytes()].concat();
    let nearest = Value::from_msgpack(&bytes, &Type::Number).unwrap();
    assert_eq!(problems(&Check::range(..=0.1), nearest), ["a: The value must be at most 0.1."]);
    assert_eq!(problems(&Check::range(f64::NEG_INFINITY..=f64::INFINITY), number("-1e400")), FINE);
    assert_eq!(problems(&half_open(), "no number"), FINE);
}

#[test]
fn texts_are_checked() {
    let name = || Check::regex("^[a-z][a-z0-9-]*$", message());
    assert_eq!(problems(&name(), "a-1"), FINE);
    assert_eq!(problems(&name(), "A"), ["a: It is wrong."]);
    assert_eq!(problems(&Check::regex("b", message()), "abc"), FINE);
    assert_eq!(problems(&Check::none_of(["x", "y"]), "z"), FINE);
    assert_eq!(problems(&Check::none_of(["x", "y"]), "y"), ["a: The value must not be one of \"x\", \"y\"."]);
    assert_eq!(problems(&Check::bytes(1..=3), "abc"), FINE);
    assert_eq!(problems(&Check::bytes(1..=3), "ää"), ["a: The value must have 1 to 3 bytes, and has 4."]);
}

#[test]
fn json_is_checked_without_being_shown() {
    for fine in ["{}", " {\"a\": [1, null]} ", "[]", "1e999", "\"x\"", "null"] {
        assert_eq!(problems(&Check::json(), fine), FINE, "{fine}");
    }
    let text = "{\n  \"password\": hush\n}";
    assert_eq!(problems(&Check::json(), text), ["a: The value must be JSON text: expected value at line 2 column 15."]);
    for broken in ["", "{", "{} x", "{'hush': 1}", "[hush", "\"hush\u{1}\"", "{\"hush\" 1}", "hush"] {
        let problems = problems(&Check::json_object(), broken);
        let [problem] = &problems[..] else { panic!("{broken}: {problems:?}") };
        assert!(problem.contains("column") && !problem.contains("hush"), "{problem}");
    }
    assert_eq!(problems(&Check::json_object(), "\n{}"), FINE);
    for other in ["[]", "1", "\"{\"", "null"] {
        let wrong = ["a: The value must be a JSON object: names and values within `{` and `}`."];
        assert_eq!(problems(&Check::json_object(), other), wrong);
    }
}

#[test]
fn checks_are_combined() {
    let all = Check::all_of([Check::length(2..=3), Check::one_of(["ab"])]);
    assert_eq!(problems(&all, "ab"), FINE);
    assert_eq!(problems(&all, "x").len(), 2);
    assert_eq!(problems(&Check::each(all), list(["ab".into(), "abc".into()])).len(), 1);
    let no_digit = Check::not(Check::regex("[0-9]", message()), Message::new("Digit", "No digit."));
    assert_eq!(problems(&no_digit, "abc"), FINE);
    assert_eq!(problems(&no_digit, "a1"), ["a: No digit."]);
    assert_eq!(problems(&Check::not(no_digit, message()), "abc"), ["a: It is wrong."]);
}

#[test]
fn nothing_is_said_that_could_turn_out_wrong() {
    let not_all_x = Check::not(Check::each(Check::one_of(["x"])), message());
    assert_eq!(problems(&not_all_x, list(["x".into(), "x".into()])), ["a: It is wrong."]);
    assert_eq!(problems(&not_all_x, list(["x".into(), unknown()])), FINE);
    // An unknown element of a set may be one that is there already.
    let two_known = || set(["x".into(), "y".into(), unknown(), unknown()]);
    assert_eq!(problems(&Check::items(2..=2), two_known()), FINE);
    assert_eq!(problems(&Check::items(4..=4), two_known()), FINE);
    assert_eq!(problems(&Check::items(0..=1), two_known()), ["a: There must be 0 to 1 elements, and there are 2."]);
    assert_eq!(problems(&Check::items(5..=9), two_known()), ["a: There must be 5 to 9 elements, and there are 4."]);
    assert_eq!(problems(&Check::items(0..=0), set([unknown()])).len(), 1);
    assert_eq!(problems(&Check::items(2..=2), list([unknown(), unknown(), unknown()])).len(), 1);
    assert_eq!(problems(&Check::unique(), list([unknown(), unknown()])), FINE);
    let object = |inner: Value| Value::Object([("k".to_owned(), inner)].into());
    assert_eq!(problems(&Check::unique(), list([object(unknown()), object(unknown())])), FINE);
}

#[test]
fn an_element_that_occurs_twice_is_found() {
    let twice = list(["x".into(), "y".into(), unknown(), "x".into(), number("1"), number("1.0"), "x".into()]);
    assert_eq!(
        problems(&Check::unique(), twice),
        [
            "a[3]: The elements 0 and 3 are the same, and each may occur once.",
            "a[5]: The elements 4 and 5 are the same, and each may occur once.",
            "a[6]: The elements 0 and 6 are the same, and each may occur once.",
        ]
    );
    assert_eq!(problems(&Check::unique(), list(["x".into(), "X".into()])), FINE);
}

#[test]
fn a_check_that_cannot_work_says_so() {
    let mistakes = |check: Check| check.mistakes().to_vec();
    let pattern = "the pattern \"(\" is no regular expression: ";
    let wrapped = Check::each(Check::not(Check::all_of([Check::regex("(", message())]), message()));
    for check in [Check::regex("(", message()), Check::keys(Check::any_of([wrapped], message()))] {
        assert_eq!(problems(&check, "x"), FINE);
        let mistakes = mistakes(check);
        assert!(mistakes.len() == 1 && mistakes[0].starts_with(pattern), "{mistakes:?}");
    }
    #[expect(clippy::reversed_empty_ranges, reason = "that is the mistake")]
    let table = [
        (Check::length(2..=1), "no text has 2 to 1 characters"),
        (Check::bytes(2..=1), "no text has 2 to 1 bytes"),
        (Check::int(2..=1), "no number is from 2 to 1"),
        (Check::items(2..=1), "nothing has 2 to 1 elements"),
        (Check::range(2.0..=1.0), "no number is at least 2 and at most 1"),
        (Check::range(1.0..1.0), "no number is at least 1 and less than 1"),
        (Check::range(f64::NAN..), "a bound of its range is not a number"),
        (Check::one_of(Vec::<String>::new()), "no value is allowed"),
    ];
    for (check, mistake) in table {
        assert_eq!(mistakes(check), [mistake]);
    }
    assert_eq!(mistakes(Check::range(1.0..=1.0)), FINE);
}
