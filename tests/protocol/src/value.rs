//! Values: from JSON as a test writes it, and to and from the wire.

use serde_json::Value as Json;
use tfplugin::{Attr, IntoValue as _, Step, Type, Value, ValueError};

use crate::wire::tfplugin6::DynamicValue;

/// Stands for an unknown value in the JSON of a test: `json!({ "name": UNKNOWN })`.
pub const UNKNOWN: &str = "(known after apply)";

/// A value that is known only after apply.
pub fn unknown() -> Value {
    Attr::<String>::Unknown.into_value()
}

/// Reads JSON as a configuration is read: what an object lacks is null, lists become sets and objects become maps
/// where the type says so, and a value of open type has the type that it looks like. [`UNKNOWN`] is an unknown value.
///
/// # Errors
/// Names the part that does not fit the type.
pub fn from_json(json: &Json, ty: &Type) -> Result<Value, ValueError> {
    plain(json)?.conform(ty)
}

fn plain(json: &Json) -> Result<Value, ValueError> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Number(number.to_string().parse()?),
        Json::String(text) if text == UNKNOWN => unknown(),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => {
            let element = |(index, item)| plain(item).map_err(|error| error.under(Step::Index(index)));
            Value::List(items.iter().enumerate().map(element).collect::<Result<_, _>>()?)
        }
        Json::Object(entries) => {
            let entry = |(name, value): (&String, &Json)| match plain(value) {
                Ok(value) => Ok((name.clone(), value)),
                Err(error) => Err(error.under(Step::Attribute(name.clone()))),
            };
            Value::Object(entries.iter().map(entry).collect::<Result<_, _>>()?)
        }
    })
}

/// The form in which a value goes over the wire: msgpack.
///
/// # Errors
/// Names the part that does not fit the type.
pub fn encode(value: &Value, ty: &Type) -> Result<DynamicValue, ValueError> {
    Ok(DynamicValue { msgpack: value.to_msgpack(ty)?, json: Vec::new() })
}

/// Reads a value from the wire: msgpack or JSON. Nothing at all is null.
///
/// # Errors
/// Names the part that does not fit the type; an object that lacks an attribute does not fit.
pub fn decode(value: Option<&DynamicValue>, ty: &Type) -> Result<Value, ValueError> {
    match value {
        Some(value) if !value.msgpack.is_empty() => Value::from_msgpack(&value.msgpack, ty),
        Some(value) if !value.json.is_empty() => Value::from_json(&value.json, ty),
        _ => Ok(Value::Null),
    }
}

/// Whether two values are the same, whatever is promised about what is unknown in them.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        _ if left.is_unknown() || right.is_unknown() => left.is_unknown() && right.is_unknown(),
        (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Set(left), Value::Set(right)) => {
            // Elements with something unknown in them may stand in another order.
            let mut open: Vec<&Value> = right.iter().collect();
            let mut found = |left| {
                open.iter().position(|right| same(left, right)).map(|position| open.swap_remove(position)).is_some()
            };
            left.len() == right.len() && left.iter().all(&mut found)
        }
        (Value::Map(left), Value::Map(right)) | (Value::Object(left), Value::Object(right)) => {
            left.keys().eq(right.keys()) && left.values().zip(right.values()).all(|(left, right)| same(left, right))
        }
        (Value::Dynamic(left), Value::Dynamic(right)) => left.ty == right.ty && same(&left.value, &right.value),
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_takes_the_shape_of_the_type() {
        let ty = Type::object([
            ("set", Type::set(Type::Number)),
            ("map", Type::map(Type::Bool)),
            ("open", Type::Dynamic),
            ("big", Type::Number),
            ("later", Type::list(Type::String)),
            ("none", Type::String),
        ]);
        let json = json!({"set": [2, 1, 2], "map": {"k": true}, "open": [1, "x"], "later": UNKNOWN});
        let big: Json = serde_json::from_str("123456789012345678901234567890").unwrap();
        let Json::Object(mut entries) = json else { unreachable!() };
        entries.insert("big".into(), big);
        let value = from_json(&Json::Object(entries), &ty).unwrap();
        assert_eq!(value.get("set").unwrap().as_elements().unwrap().len(), 2);
        assert_eq!(value.get("map").unwrap().get("k"), Some(&true.into()));
        let Some(Value::Dynamic(open)) = value.get("open") else { panic!("a type of its own") };
        assert_eq!(open.ty, Type::Tuple(vec![Type::Number, Type::String]));
        assert_eq!(value.get("big").unwrap().as_number().unwrap().to_string(), "123456789012345678901234567890");
        assert!(value.get("later").unwrap().is_unknown() && value.get("none").unwrap().is_null());
        // And over the wire.
        assert_eq!(decode(Some(&encode(&value, &ty).unwrap()), &ty).unwrap(), value);
        let error = from_json(&json!({"map": {"k": "no"}}), &ty).unwrap_err();
        assert_eq!(error.path().to_string(), "map[\"k\"]");
        assert!(from_json(&json!({"more": 1}), &ty).is_err());
    }

    #[test]
    fn what_is_unknown_is_the_same_in_any_place_of_a_set() {
        let set = |items: &[Value]| Value::Set(items.iter().cloned().collect());
        let one = |a: Value| Value::Object([("a".to_owned(), a)].into());
        let these = set(&[one("x".into()), one(unknown())]);
        assert!(same(&these, &these.clone()));
        assert!(!same(&these, &set(&[one("x".into()), one("y".into())])));
        assert!(!same(&unknown(), &Value::Null) && !same(&Value::Null, &unknown()));
    }
}
