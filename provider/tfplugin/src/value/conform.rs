//! Brings a value into exactly the shape of a type.

use std::collections::BTreeMap;

use super::{MAX_DEPTH, Step, Type, Typed, Value, ValueError};

pub(super) fn conform(value: Value, ty: &Type, depth: usize) -> Result<Value, ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::too_deep());
    }
    let depth = depth + 1;
    match (ty, value) {
        (ty, Value::Unknown(known)) => Ok(Value::Unknown(known.and_then(|known| known.of_type(ty)))),
        (_, value @ Value::Null)
        | (Type::Bool, value @ Value::Bool(_))
        | (Type::Number, value @ Value::Number(_))
        | (Type::String, value @ Value::String(_)) => Ok(value),
        (Type::List(element), Value::List(items) | Value::Tuple(items)) => {
            Ok(Value::List(elements(items, |_| Some(element), depth)?))
        }
        (Type::Set(element), Value::List(items) | Value::Tuple(items)) => {
            Ok(Value::Set(elements(items, |_| Some(element), depth)?.into_iter().collect()))
        }
        (Type::Set(element), Value::Set(items)) => {
            Ok(Value::Set(items.into_iter().map(|item| conform(item, element, depth)).collect::<Result<_, _>>()?))
        }
        (Type::Tuple(types), Value::List(items) | Value::Tuple(items)) if types.len() == items.len() => {
            Ok(Value::Tuple(elements(items, |index| types.get(index), depth)?))
        }
        (Type::Map(element), Value::Map(entries) | Value::Object(entries)) => {
            let entry = |(key, value)| match conform(value, element, depth) {
                Ok(value) => Ok((key, value)),
                Err(error) => Err(error.under(Step::Key(key))),
            };
            Ok(Value::Map(entries.into_iter().map(entry).collect::<Result<_, _>>()?))
        }
        (Type::Object(types), Value::Map(entries) | Value::Object(entries)) => object(entries, types, depth),
        (Type::Dynamic, Value::Dynamic(typed)) => {
            let Typed { ty, value } = *typed;
            let value = conform(value, &ty, depth)?;
            Ok(Typed::wrap(ty, value))
        }
        (Type::Dynamic, value) => {
            let ty = infer(&value);
            Ok(Value::Dynamic(Box::new(Typed { value: conform(value, &ty, depth)?, ty })))
        }
        (ty, Value::Dynamic(typed)) => conform(typed.value, ty, depth),
        (ty, value) => Err(ValueError::mismatch(ty, &value)),
    }
}

fn elements<'t>(
    items: Vec<Value>,
    ty: impl Fn(usize) -> Option<&'t Type>,
    depth: usize,
) -> Result<Vec<Value>, ValueError> {
    let element = |(index, item)| match ty(index) {
        Some(ty) => conform(item, ty, depth).map_err(|error| error.under(Step::Index(index))),
        None => Err(ValueError::new("is one element too many")),
    };
    items.into_iter().enumerate().map(element).collect()
}

/// An object carries *every* attribute of its type; Terraform refuses it otherwise.
fn object(
    mut entries: BTreeMap<String, Value>,
    types: &BTreeMap<String, Type>,
    depth: usize,
) -> Result<Value, ValueError> {
    let mut object = BTreeMap::new();
    for (name, ty) in types {
        let (name, value) = entries.remove_entry(name).unwrap_or_else(|| (name.clone(), Value::Null));
        match conform(value, ty, depth) {
            Ok(value) => object.insert(name, value),
            Err(error) => return Err(error.under(Step::Attribute(name))),
        };
    }
    match entries.into_keys().next() {
        None => Ok(Value::Object(object)),
        Some(name) => Err(ValueError::new("is not in the schema").under(Step::Attribute(name))),
    }
}

/// The type of a value that does not say it. Elements keep types of their own, as they would in a configuration.
fn infer(value: &Value) -> Type {
    match value {
        Value::Unknown(_) | Value::Null | Value::Dynamic(_) => Type::Dynamic,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::List(items) | Value::Tuple(items) => Type::Tuple(items.iter().map(infer).collect()),
        Value::Set(items) => Type::set(items.iter().next().map_or(Type::Dynamic, infer)),
        Value::Map(entries) | Value::Object(entries) => {
            Type::object(entries.iter().map(|(name, value)| (name.clone(), infer(value))))
        }
    }
}
