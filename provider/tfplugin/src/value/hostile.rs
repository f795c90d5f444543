//! Messages that nobody means: they must be refused, or at least neither stop the process nor take all its memory.

mod json;
mod msgpack;
mod number;

use std::collections::BTreeMap;

use super::tests::{number, typed};
use super::*;

/// How deep what is far too deep is.
const ABYSS: usize = 1_000_000;

fn any_types() -> Vec<Type> {
    let object = Type::object([("a", Type::Number), ("b", Type::list(Type::Dynamic))]);
    vec![
        Type::Bool,
        Type::Number,
        Type::String,
        Type::Dynamic,
        Type::list(Type::Dynamic),
        Type::set(Type::String),
        Type::map(Type::Bool),
        Type::map(object.clone()),
        object,
        Type::Tuple(vec![Type::Bool, Type::Number]),
        Type::Tuple(Vec::new()),
    ]
}

/// A type as deep as types may be.
fn deepest(outer: fn(Type) -> Type) -> Type {
    (0..MAX_DEPTH).fold(Type::Bool, |inner, _| outer(inner))
}

/// How many values there are in this one, itself included.
fn count(value: &Value) -> usize {
    let within: usize = match value {
        Value::List(items) | Value::Tuple(items) => items.iter().map(count).sum(),
        Value::Set(items) => items.iter().map(count).sum(),
        Value::Map(entries) | Value::Object(entries) => entries.values().map(count).sum(),
        Value::Dynamic(typed) => count(&typed.value),
        _ => 0,
    };
    within + 1
}
