//! The text form of values, in which states are stored.
//!
//! Numbers are read from the text itself: a parser that makes an `f64` of `0.1` or of thirty digits would show a
//! change at every plan.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::number::Wire;
use super::{MAX_DEPTH, MAX_VALUES, Number, Step, Type, Typed, Value, ValueError};

pub(super) fn decode(text: &[u8], ty: &Type) -> Result<Value, ValueError> {
    decode_at(text, ty, 0)
}

fn decode_at(text: &[u8], ty: &Type, depth: usize) -> Result<Value, ValueError> {
    let state = State::default();
    let mut json = serde_json::Deserializer::from_slice(text);
    let seed = Seed { ty, depth, state: &state };
    let value = seed.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    // The error that was kept knows the path; the other one knows line and column, which nobody can look up.
    value.map_err(|error| state.failure.take().unwrap_or_else(|| ValueError::new(format!("is malformed: {error}"))))
}

/// What the seeds of one value share.
#[derive(Default)]
struct State {
    values: Cell<usize>,
    /// serde's errors are only text: ours, with its path, waits here until the parser has given up.
    failure: Cell<Option<ValueError>>,
}

impl State {
    fn fail<E: de::Error>(&self, error: ValueError) -> E {
        let text = E::custom(error.problem());
        self.failure.set(Some(error));
        text
    }

    /// Adds a step to the failure on its way out.
    fn under<E: fmt::Display>(&self, error: E, step: Step) -> E {
        let failure = self.failure.take().unwrap_or_else(|| ValueError::new(format!("is malformed: {error}")));
        self.failure.set(Some(failure.under(step)));
        error
    }
}

/// Reads a value of a type.
struct Seed<'a> {
    ty: &'a Type,
    depth: usize,
    state: &'a State,
}

impl<'a> Seed<'a> {
    fn inner(&self, ty: &'a Type) -> Self {
        Self { ty, depth: self.depth + 1, state: self.state }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let values = self.state.values.get() + 1;
        self.state.values.set(values);
        if self.depth > MAX_DEPTH {
            return Err(self.state.fail(ValueError::too_deep()));
        }
        if values > MAX_VALUES {
            return Err(self.state.fail(ValueError::new("has too many values")));
        }
        match self.ty {
            // Their meaning is in the text, or comes after it.
            Type::Number | Type::Dynamic => {
                let text = <&RawValue>::deserialize(deserializer)?.get();
                let value = if self.ty == &Type::Number { number(text) } else { dynamic(text, self.depth) };
                value.map_err(|error| self.state.fail(error))
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

fn number(text: &str) -> Result<Value, ValueError> {
    match text {
        "null" => Ok(Value::Null),
        // A number too large for others may be written as a string.
        text => Ok(Value::Number(text.trim_matches('"').parse::<Number>()?)),
    }
}

fn dynamic(text: &str, depth: usize) -> Result<Value, ValueError> {
    #[derive(serde::Deserialize)]
    struct Dynamic<'a> {
        #[serde(borrow, rename = "type")]
        ty: &'a RawValue,
        #[serde(borrow)]
        value: &'a RawValue,
    }
    if text == "null" {
        return Ok(Value::Null);
    }
    let parts: Dynamic<'_> =
        serde_json::from_str(text).map_err(|_| ValueError::new("expected a type and a value in JSON"))?;
    let ty = Type::from_json(parts.ty.get().as_bytes())?;
    // The parser bounds the nesting of one text only: the depth goes on counting in the text within.
    let value = decode_at(parts.value.get().as_bytes(), &ty, depth + 1)?;
    Ok(Value::Dynamic(Box::new(Typed { ty, value })))
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of type {}", self.ty)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        let value = Value::Bool(value);
        if self.ty == &Type::Bool { Ok(value) } else { Err(self.state.fail(ValueError::mismatch(self.ty, &value))) }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        let value = Value::String(text.to_owned());
        if self.ty == &Type::String { Ok(value) } else { Err(self.state.fail(ValueError::mismatch(self.ty, &value))) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let index = values.len();
            let ty = match self.ty {
                Type::List(element) | Type::Set(element) => element,
                // One type more than there are: an element too many is then read as null or fails.
                Type::Tuple(types) => types.get(index).unwrap_or(&Type::Dynamic),
                _ => return Err(self.state.fail(ValueError::mismatch(self.ty, &Value::List(Vec::new())))),
            };
            match items.next_element_seed(self.inner(ty)) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(error) => return Err(self.state.under(error, Step::Index(index))),
            }
        }
        match self.ty {
            Type::Set(_) => Ok(Value::Set(values.into_iter().collect())),
            Type::Tuple(types) if types.len() != values.len() => {
                Err(self.state.fail(ValueError::new(format!("expected {} elements", types.len()))))
            }
            Type::Tuple(_) => Ok(Value::Tuple(values)),
            _ => Ok(Value::List(values)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let (ty, step) = match self.ty {
                Type::Map(element) => (&**element, Step::Key(name.clone())),
                Type::Object(types) => {
                    let Some(ty) = types.get(&name) else {
                        // An attribute that the schema has lost.
                        map.next_value::<de::IgnoredAny>()?;
                        continue;
                    };
                    (ty, Step::Attribute(name.clone()))
                }
                _ => return Err(self.state.fail(ValueError::mismatch(self.ty, &Value::Object(BTreeMap::new())))),
            };
            match map.next_value_seed(self.inner(ty)) {
                Ok(value) => entries.insert(name, value),
                Err(error) => return Err(self.state.under(error, step)),
            };
        }
        if let Type::Object(types) = self.ty {
            for name in types.keys() {
                if !entries.contains_key(name) {
                    entries.insert(name.clone(), Value::Null);
                }
            }
            return Ok(Value::Object(entries));
        }
        Ok(Value::Map(entries))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Err(self.state.fail(ValueError::mismatch(self.ty, &Value::from(number))))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Value, E> {
        self.visit_i64(0)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Value, E> {
        self.visit_i64(0)
    }
}

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
