//! The text form of values, in which states are stored.
//!
//! Numbers are read from the text itself: a parser that makes an `f64` of `0.1` or of thirty digits would show a
//! change at every plan.

mod decode;

use std::collections::BTreeMap;

pub(super) use decode::decode;

use super::number::Wire;
use super::{MAX_DEPTH, Step, Type, Value, ValueError};

pub(super) fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    put(&mut out, value, ty, 0)?;
    Ok(out)
}

fn put(out: &mut Vec<u8>, value: &Value, ty: &Type, depth: usize) -> Result<(), ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::too_deep());
    }
    let depth = depth + 1;
    match (ty, value) {
        (_, Value::Null) => out.extend_from_slice(b"null"),
        (_, Value::Unknown(_)) => return Err(ValueError::new("is not known, which JSON cannot say")),
        (Type::Bool, Value::Bool(value)) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        (Type::Number, Value::Number(number)) => match number.wire() {
            Wire::Float(float) if float.is_infinite() => return Err(ValueError::new("is infinite")),
            _ => out.extend_from_slice(number.to_string().as_bytes()),
        },
        (Type::String, Value::String(text)) => put_text(out, text)?,
        (Type::List(element), Value::List(items)) => put_elements(out, items, |_| Some(element), depth)?,
        (Type::Set(element), Value::Set(items)) => put_elements(out, items.as_slice(), |_| Some(element), depth)?,
        (Type::Tuple(types), Value::Tuple(items)) if types.len() == items.len() => {
            put_elements(out, items, |index| types.get(index), depth)?;
        }
        (Type::Map(element), Value::Map(entries)) => put_entries(out, entries, |_| Some(element), Step::Key, depth)?,
        (Type::Object(types), Value::Object(entries)) if types.len() == entries.len() => {
            put_entries(out, entries, |name| types.get(name), Step::Attribute, depth)?;
        }
        (Type::Dynamic, Value::Dynamic(typed)) => {
            out.extend_from_slice(b"{\"type\":");
            out.extend_from_slice(&typed.ty.to_json());
            out.extend_from_slice(b",\"value\":");
            put(out, &typed.value, &typed.ty, depth)?;
            out.push(b'}');
        }
        (ty, value) => return Err(ValueError::mismatch(ty, value)),
    }
    Ok(())
}

fn put_text(out: &mut Vec<u8>, text: &str) -> Result<(), ValueError> {
    serde_json::to_writer(out, text).map_err(|_| ValueError::new("cannot be written as JSON"))
}

fn put_elements<'t>(
    out: &mut Vec<u8>,
    items: &[Value],
    ty: impl Fn(usize) -> Option<&'t Type>,
    depth: usize,
) -> Result<(), ValueError> {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let ty = ty(index).ok_or_else(|| ValueError::new("is one element too many"))?;
        put(out, item, ty, depth).map_err(|error| error.under(Step::Index(index)))?;
    }
    out.push(b']');
    Ok(())
}

fn put_entries<'t>(
    out: &mut Vec<u8>,
    entries: &BTreeMap<String, Value>,
    ty: impl Fn(&str) -> Option<&'t Type>,
    step: fn(String) -> Step,
    depth: usize,
) -> Result<(), ValueError> {
    out.push(b'{');
    for (index, (name, value)) in entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        put_text(out, name)?;
        out.push(b':');
        let ty = ty(name).ok_or_else(|| ValueError::new("is not in the schema").under(step(name.clone())))?;
        put(out, value, ty, depth).map_err(|error| error.under(step(name.clone())))?;
    }
    out.push(b'}');
    Ok(())
}
