//! Reads the text form of values.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::value::{MAP_COST, MAX_DEPTH, MAX_VALUES, Number, Step, Type, Typed, Value, ValueError};

/// How many attributes may be added as null, if the text lacks them. A long text may lack more, one for two bytes, but
/// not so many that a few bytes become a lot of memory.
const MIN_ADDED: usize = 10_000;

/// How many texts may be within one another. Where a value comes before its type, it is read only once the type is
/// known, and so are all values in it. Terraform's values of dynamic type have none within them.
const MAX_TEXTS: usize = 16;

pub(in crate::value) fn decode(text: &[u8], ty: &Type) -> Result<Value, ValueError> {
    let state = State { max_added: MIN_ADDED.max(text.len() / 2), ..State::default() };
    decode_at(text, ty, 0, &state)
}

fn decode_at(text: &[u8], ty: &Type, depth: usize, state: &State) -> Result<Value, ValueError> {
    let texts = state.texts.get();
    if texts == MAX_TEXTS {
        return Err(ValueError::too_deep());
    }
    state.texts.set(texts + 1);
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = Seed { ty, depth, state }.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    state.texts.set(texts);
    value.map_err(|error| state.failure(&error))
}

/// What the seeds of one value share.
#[derive(Default)]
struct State {
    values: Cell<usize>,
    texts: Cell<usize>,
    added: Cell<usize>,
    max_added: usize,
    /// serde's errors are only text, which may repeat the value. Ours, with its path, waits here until the parser has
    /// given up.
    failure: Cell<Option<Failure>>,
}

struct Failure {
    error: ValueError,
    /// Whether the parser has complained, and not a seed: then the text may be no JSON at all.
    by_parser: bool,
}

impl State {
    fn fail<E: de::Error>(&self, error: ValueError) -> E {
        let text = E::custom(error.problem());
        self.failure.set(Some(Failure { error, by_parser: false }));
        text
    }

    /// Keeps what a seed has to say about the parser's complaint, unless there is something better already.
    fn explain<E>(&self, error: E, explanation: impl FnOnce() -> ValueError) -> E {
        let failure = self.failure.take().unwrap_or_else(|| Failure { error: explanation(), by_parser: true });
        self.failure.set(Some(failure));
        error
    }

    /// Adds a step to the failure on its way out.
    fn under<E>(&self, error: E, step: Step) -> E {
        let failure = self.failure.take().unwrap_or_else(|| Failure { error: malformed(), by_parser: true });
        self.failure.set(Some(Failure { error: failure.error.under(step), ..failure }));
        error
    }

    fn failure(&self, error: &serde_json::Error) -> ValueError {
        match self.failure.take() {
            Some(Failure { error: ours, by_parser }) if !by_parser || error.is_data() => ours,
            Some(Failure { error: ours, .. }) => ours.because(malformed()),
            None => malformed(),
        }
    }

    fn count<E: de::Error>(&self, values: usize) -> Result<(), E> {
        let values = self.values.get() + values;
        self.values.set(values);
        if values > MAX_VALUES { Err(self.fail(ValueError::new("has too many values"))) } else { Ok(()) }
    }

    fn count_added<E: de::Error>(&self) -> Result<(), E> {
        let added = self.added.get() + 1;
        self.added.set(added);
        if added > self.max_added { Err(self.fail(ValueError::new("lacks too many attributes"))) } else { Ok(()) }
    }
}

fn malformed() -> ValueError {
    ValueError::new("is malformed JSON")
}

/// Reads a value of a type.
struct Seed<'a> {
    ty: &'a Type,
    depth: usize,
    state: &'a State,
}

impl Seed<'_> {
    fn inner<'b>(&'b self, ty: &'b Type) -> Seed<'b> {
        Seed { ty, depth: self.depth + 1, state: self.state }
    }

    fn mismatch<E: de::Error>(&self, found: &Value) -> E {
        self.state.fail(ValueError::mismatch(self.ty, found))
    }

    fn expected(&self) -> ValueError {
        ValueError::new(format!("expected a value of type {}", self.ty))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let state = self.state;
        state.count(1)?;
        if self.depth > MAX_DEPTH {
            return Err(state.fail(ValueError::too_deep()));
        }
        match self.ty {
            Type::Bool | Type::String => deserializer.deserialize_any(self),
            Type::Number => number(<&RawValue>::deserialize(deserializer)?.get()).map_err(|error| state.fail(error)),
            // Asked for any value, the parser shows a number as a map.
            _ => deserializer.deserialize_option(self),
        }
    }
}

fn number(text: &str) -> Result<Value, ValueError> {
    // A number too large for others may be written as a string.
    let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match text {
        "null" => Ok(Value::Null),
        text => Ok(Value::Number(unquoted.unwrap_or(text).parse::<Number>()?)),
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of type {}", self.ty)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Self { ty, depth, state } = self;
        let result = match ty {
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => deserializer.deserialize_seq(self),
            _ => deserializer.deserialize_map(self),
        };
        result.map_err(|error| state.explain(error, || Self { ty, depth, state }.expected()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        let value = Value::Bool(value);
        if self.ty == &Type::Bool { Ok(value) } else { Err(self.mismatch(&value)) }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        let value = Value::String(text.to_owned());
        if self.ty == &Type::String { Ok(value) } else { Err(self.mismatch(&value)) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let index = values.len();
            let ty = match self.ty {
                Type::List(element) | Type::Set(element) => element,
                // One type more than there are: an element too many is then read as null or fails.
                Type::Tuple(types) => types.get(index).unwrap_or(&Type::Dynamic),
                _ => return Err(self.mismatch(&Value::List(Vec::new()))),
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

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        match self.ty {
            Type::Map(element) => self.map(map, element),
            Type::Object(types) => self.object(map, types),
            Type::Dynamic => self.dynamic(map),
            // An object, or a number in the parser's disguise.
            _ => Err(self.state.fail(self.expected())),
        }
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Err(self.mismatch(&Value::from(number)))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Value, E> {
        self.visit_i64(0)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Value, E> {
        self.visit_i64(0)
    }
}

/// Where a name occurs twice, the last one counts.
impl Seed<'_> {
    fn map<'de, A: MapAccess<'de>>(self, mut map: A, element: &Type) -> Result<Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if entries.is_empty() {
                self.state.count(MAP_COST)?;
            }
            match map.next_value_seed(self.inner(element)) {
                Ok(value) => entries.insert(key, value),
                Err(error) => return Err(self.state.under(error, Step::Key(key))),
            };
        }
        Ok(Value::Map(entries))
    }

    fn object<'de, A: MapAccess<'de>>(self, mut map: A, types: &BTreeMap<String, Type>) -> Result<Value, A::Error> {
        let mut entries = BTreeMap::new();
        if !types.is_empty() {
            self.state.count(MAP_COST)?;
        }
        while let Some(name) = map.next_key::<String>()? {
            let Some(ty) = types.get(&name) else {
                // An attribute that the schema has lost.
                map.next_value::<de::IgnoredAny>()?;
                continue;
            };
            match map.next_value_seed(self.inner(ty)) {
                Ok(value) => entries.insert(name, value),
                Err(error) => return Err(self.state.under(error, Step::Attribute(name))),
            };
        }
        for name in types.keys() {
            if !entries.contains_key(name) {
                self.state.count_added()?;
                entries.insert(name.clone(), Value::Null);
            }
        }
        Ok(Value::Object(entries))
    }

    fn dynamic<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let (mut ty, mut value, mut unread) = (None, None, None);
        while let Some(name) = map.next_key::<String>()? {
            match (name.as_str(), &ty) {
                ("type", None) => {
                    let text = map.next_value::<&RawValue>()?.get();
                    ty = Some(Type::from_json(text.as_bytes()).map_err(|error| self.state.fail(error))?);
                }
                ("value", Some(ty)) if value.is_none() && unread.is_none() => {
                    value = Some(map.next_value_seed(self.inner(ty))?);
                }
                // Terraform puts the value before its type.
                ("value", None) if unread.is_none() => unread = Some(map.next_value::<&RawValue>()?.get()),
                _ => return Err(self.state.fail(not_dynamic())),
            }
        }
        let value = match (&ty, value, unread) {
            (Some(_), Some(value), None) => value,
            (Some(ty), None, Some(text)) => {
                // The parser bounds the nesting of one text only: the depth goes on counting in the text within.
                let value = decode_at(text.as_bytes(), ty, self.depth + 1, self.state);
                value.map_err(|error| self.state.fail(error))?
            }
            _ => return Err(self.state.fail(not_dynamic())),
        };
        Ok(Typed::wrap(ty.unwrap_or(Type::Dynamic), value))
    }
}

fn not_dynamic() -> ValueError {
    ValueError::new("expected a type and a value in JSON")
}
