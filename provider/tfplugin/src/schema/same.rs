//! Ready-made comparisons for [`Attribute::keep_prior_if`](crate::Attribute::keep_prior_if): when do two values mean
//! the same?
//!
//! ```
//! use tfplugin::{Attribute, Type, same};
//!
//! let attributes = [
//!     Attribute::string("policy").required().keep_prior_if(same::json),
//!     Attribute::string("cron").optional().keep_prior_if(same::ignoring_spaces),
//!     Attribute::list("methods", Type::String).optional().keep_prior_if(same::each(same::ignoring_case)),
//! ];
//! ```
//!
//! What is equal is the same to all of them, whatever it is; beyond that each looks at texts only.

use serde_json::Value as Json;

use super::counterpart::MAX_DIFFERENT;
use crate::value::{Number, Value};

/// Whether two texts are the same JSON: the order of names and spaces between the parts do not matter, and numbers are
/// the same when their values are (`1.0` and `1`), to the last digit. Of a name that occurs twice, the last counts.
/// What is no JSON is the same as nothing but itself.
pub fn json(prior: &Value, new: &Value) -> bool {
    texts(prior, new, |prior, new| {
        let parse = |text| serde_json::from_str::<Json>(text).ok();
        parse(prior).zip(parse(new)).is_some_and(|(prior, new)| same_json(&prior, &new))
    })
}

/// Whether two texts differ in upper and lower case only.
pub fn ignoring_case(prior: &Value, new: &Value) -> bool {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
    texts(prior, new, |prior, new| lower(prior) == lower(new))
}

/// Whether two texts differ in white space only: how much there is between two words, and any at the ends. A cron
/// expression is the same with two spaces between its fields as with one.
pub fn ignoring_spaces(prior: &Value, new: &Value) -> bool {
    texts(prior, new, |prior, new| prior.split_whitespace().eq(new.split_whitespace()))
}

/// Whether two lists, sets or maps have the same elements by `same`. Elements of lists are compared in their order,
/// those of maps by their keys, and those of sets each with another one, in any order. Sets of which more than 300
/// elements differ are different: each would have to be compared with each.
///
/// This is about the elements of one attribute such as `list(string)`; the objects of a nested attribute have
/// attributes, and each has its own comparison. All elements must be the same, or the whole value is new.
pub fn each(
    same: impl Fn(&Value, &Value) -> bool + Send + Sync + 'static,
) -> impl Fn(&Value, &Value) -> bool + Send + Sync + 'static {
    let same = move |(prior, new): (&Value, &Value)| prior == new || same(prior, new);
    move |prior, new| match (prior, new) {
        (Value::Set(prior), Value::Set(new)) => {
            let mut left: Vec<&Value> = prior.iter().filter(|item| !new.contains(item)).collect();
            let few = left.len() <= MAX_DIFFERENT;
            let mut taken = |new: &Value| match left.iter().position(|prior| same((prior, new))) {
                Some(position) => {
                    left.swap_remove(position);
                    true
                }
                None => false,
            };
            prior.len() == new.len() && few && new.iter().filter(|item| !prior.contains(item)).all(&mut taken)
        }
        (Value::Map(prior) | Value::Object(prior), Value::Map(new) | Value::Object(new)) => {
            prior.keys().eq(new.keys()) && prior.values().zip(new.values()).all(&same)
        }
        (prior, new) => match (prior.as_elements(), new.as_elements()) {
            (Some(prior), Some(new)) => prior.len() == new.len() && prior.iter().zip(new).all(&same),
            _ => prior == new,
        },
    }
}

fn texts(prior: &Value, new: &Value, same: impl Fn(&str, &str) -> bool) -> bool {
    prior == new || prior.as_str().zip(new.as_str()).is_some_and(|(prior, new)| same(prior, new))
}

fn same_json(prior: &Json, new: &Json) -> bool {
    match (prior, new) {
        (Json::Number(prior), Json::Number(new)) => {
            let (prior, new) = (prior.to_string(), new.to_string());
            let values = prior.parse::<Number>().ok().zip(new.parse::<Number>().ok());
            // An exponent beyond all reason has a text, but no value here.
            values.map_or(prior == new, |(prior, new)| prior == new)
        }
        (Json::Array(prior), Json::Array(new)) => {
            prior.len() == new.len() && prior.iter().zip(new).all(|(prior, new)| same_json(prior, new))
        }
        (Json::Object(prior), Json::Object(new)) => {
            let same = |(name, prior)| new.get(name).is_some_and(|new| same_json(prior, new));
            prior.len() == new.len() && prior.iter().all(same)
        }
        (prior, new) => prior == new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list<const N: usize>(items: [&str; N]) -> Value {
        Value::List(items.map(Value::from).into())
    }

    fn set<const N: usize>(items: [&str; N]) -> Value {
        Value::Set(items.map(Value::from).into_iter().collect())
    }

    fn map<const N: usize>(entries: [(&str, &str); N]) -> Value {
        Value::Map(entries.map(|(key, value)| (key.to_owned(), value.into())).into())
    }

    #[test]
    fn json_is_compared_by_meaning() {
        let table = [
            (r#"{"a":1,"b":[true,null]}"#, " { \"b\" : [ true , null ],\n \"a\": 1.0 } ", true),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#, false),
            (r#"{"a":1}"#, r#"{"b":1}"#, false),
            ("[1,2]", "[2,1]", false),
            ("[1,2]", "[1,2,3]", false),
            ("100", "1e2", true),
            ("0.1", "0.10000000000000000000000000000000000001", false),
            ("123456789012345678901234567890", "123456789012345678901234567891", false),
            ("123456789012345678901234567890", "1.2345678901234567890123456789e29", true),
            ("1e9999999", "1e9999999", true),
            ("1e9999999", "1e9999998", false),
            (r#""\u00e4""#, "\"ä\"", true),
            ("1", "\"1\"", false),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true),
            ("no json", "no json", true),
            ("no json", "no  json", false),
            ("{}", "no json", false),
        ];
        for (prior, new, same) in table {
            assert_eq!(json(&prior.into(), &new.into()), same, "{prior} and {new}");
            assert_eq!(json(&new.into(), &prior.into()), same, "{new} and {prior}");
        }
    }

    #[test]
    fn texts_are_compared_by_meaning() {
        let table = [
            ("Hello", "hELLO", true, false),
            ("ÄÖ", "äö", true, false),
            ("0 3 * * *", " 0  3\t* * *\n", false, true),
            ("a b", "ab", false, false),
            ("a", "a", true, true),
        ];
        for (prior, new, by_case, by_space) in table {
            assert_eq!(ignoring_case(&prior.into(), &new.into()), by_case, "{prior} and {new}");
            assert_eq!(ignoring_spaces(&prior.into(), &new.into()), by_space, "{prior} and {new}");
        }
        // What is no text is the same as itself.
        assert!(ignoring_case(&1.into(), &1.into()) && !ignoring_case(&1.into(), &"1".into()));
    }

    #[test]
    fn elements_are_compared_one_by_one() {
        let table = [
            (list(["a", "B"]), list(["A", "b"]), true),
            (list(["a", "b"]), list(["b", "a"]), false),
            (list(["a"]), list(["a", "a"]), false),
            (map([("k", "a")]), map([("k", "A")]), true),
            (map([("k", "a")]), map([("K", "a")]), false),
            (set(["a", "b", "c"]), set(["C", "b", "A"]), true),
            // Each has a counterpart of its own.
            (set(["a", "b"]), set(["a", "A"]), false),
            (set(["a", "A"]), set(["a", "b"]), false),
            (set(["a", "b"]), set(["a"]), false),
            (list(["a"]), set(["A"]), true),
            ("a".into(), "A".into(), false),
            ("a".into(), "a".into(), true),
            (Value::List(vec![Value::Null]), Value::List(vec![Value::Null]), true),
            (Value::List(vec![Value::Null]), list(["a"]), false),
        ];
        let same = each(ignoring_case);
        let many =
            |count: usize, end: &str| Value::Set((0..count).map(|number| format!("{number}{end}").into()).collect());
        for (count, expected) in [(300, true), (301, false), (100_000, false)] {
            assert_eq!(same(&many(count, "a"), &many(count, "A")), expected, "{count}");
            assert!(same(&many(count, "a"), &many(count, "a")));
        }
        for (prior, new, expected) in table {
            assert_eq!(same(&prior, &new), expected, "{prior:?} and {new:?}");
        }
    }
}
