//! What an author's model cannot hold.

use std::collections::BTreeMap;

use crate::value::{Number, Set, Typed, Value};

/// Puts back what a value has lost on its way through the author's model: what was known about unknown parts, the
/// types of those parts of open type that are null or unknown, and the digits of a number beyond those of a float.
/// What the author has changed stays.
pub(crate) fn restore(value: &mut Value, given: &Value) {
    match (value, given) {
        (Value::Unknown(known @ None), Value::Unknown(more)) => known.clone_from(more),
        (value @ (Value::Unknown(None) | Value::Null), Value::Dynamic(typed))
            if typed.value.is_unknown() && value.is_unknown() || typed.value.is_null() && value.is_null() =>
        {
            value.clone_from(given);
        }
        (Value::Number(value), Value::Number(given)) if *value == shortened(given) => value.clone_from(given),
        (Value::List(value), Value::List(given)) | (Value::Tuple(value), Value::Tuple(given)) => {
            for (value, given) in value.iter_mut().zip(given) {
                restore(value, given);
            }
        }
        (Value::Map(value), Value::Map(given)) | (Value::Object(value), Value::Object(given)) => {
            for (name, value) in value {
                if let Some(given) = given.get(name) {
                    restore(value, given);
                }
            }
        }
        // Elements are not told apart: all are as they were given, or nothing is known of any.
        (value @ Value::Set(_), given) if value.has_unknown() && value.alike(given) => value.clone_from(given),
        (Value::Set(value), Value::Set(given)) if value != given => *value = restored_set(value, given),
        (Value::Dynamic(value), Value::Dynamic(given)) if value.ty == given.ty => {
            restore(&mut value.value, &given.value);
        }
        _ => {}
    }
}

/// What a model with an `f64` makes of a number.
fn shortened(number: &Number) -> Number {
    Number::from_f64(number.to_f64()).unwrap_or_else(|| number.clone())
}

/// The elements of a set, where one has lost digits the given one. Of two that would be the same, neither is.
fn restored_set(set: &Set, given: &Set) -> Set {
    let mut by_short_form = BTreeMap::new();
    for item in given.iter().filter(|item| !set.contains(item)) {
        let given = by_short_form.entry(short_form(item)).or_insert(Some(item));
        *given = given.filter(|given| *given == item);
    }
    let restored = |item: &Value| by_short_form.get(item).copied().flatten().unwrap_or(item).clone();
    set.iter().map(|item| if given.contains(item) { item.clone() } else { restored(item) }).collect()
}

/// The value with all of its numbers as a model with an `f64` makes them.
fn short_form(value: &Value) -> Value {
    let entries = |entries: &BTreeMap<String, Value>| {
        entries.iter().map(|(name, value)| (name.clone(), short_form(value))).collect()
    };
    match value {
        Value::Number(number) => Value::Number(shortened(number)),
        Value::List(items) => Value::List(items.iter().map(short_form).collect()),
        Value::Tuple(items) => Value::Tuple(items.iter().map(short_form).collect()),
        Value::Set(items) => Value::Set(items.iter().map(short_form).collect()),
        Value::Map(inner) => Value::Map(entries(inner)),
        Value::Object(inner) => Value::Object(entries(inner)),
        Value::Dynamic(typed) => {
            Value::Dynamic(Box::new(Typed { ty: typed.ty.clone(), value: short_form(&typed.value) }))
        }
        Value::Unknown(_) | Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}
