//! Reads the fields of a JSON object and collects what is wrong with all of them.

use jiff::Timestamp;
use justiam_sdk::api::config::ConfigMap;
use serde_json::{Map, Value};

use super::FieldErrors;

/// A JSON object as it came in.
pub type Object = Map<String, Value>;

/// What stands in a field: nothing, `null`, or a value of the right type. A value of a wrong type is recorded as an error
/// and then counts as nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field<T> {
    Absent,
    Null,
    Value(T),
}

impl<T> Field<T> {
    /// The value; `null` counts as nothing.
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Puts the value where it belongs; `null` puts the default there, and nothing leaves what is there.
    pub(super) fn put(self, place: &mut T, default: impl FnOnce() -> T) {
        match self {
            Self::Absent => {}
            Self::Null => *place = default(),
            Self::Value(value) => *place = value,
        }
    }
}

/// The fields of one object.
pub(super) struct Fields {
    object: Object,
    pub(super) errors: FieldErrors,
}

impl Fields {
    pub(super) fn new(object: Object) -> Self {
        Self { object, errors: FieldErrors::default() }
    }

    pub(super) fn text(&mut self, name: &str) -> Field<String> {
        let text = self.take(name, "a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        });
        match text {
            Field::Value(text) if text.contains('\0') => {
                self.errors.add(name, "must not contain a NUL character");
                Field::Absent
            }
            other => other,
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> Field<bool> {
        self.take(name, "true or false", |value| value.as_bool())
    }

    pub(super) fn integer(&mut self, name: &str) -> Field<i64> {
        self.take(name, "a whole number", |value| value.as_i64())
    }

    pub(super) fn instant(&mut self, name: &str) -> Field<Timestamp> {
        self.take(name, "an RFC 3339 instant such as `2026-01-31T08:00:00Z`", |value| {
            let instant: Timestamp = value.as_str()?.parse().ok()?;
            Timestamp::from_microsecond(instant.as_microsecond()).ok()
        })
    }

    pub(super) fn object(&mut self, name: &str) -> Field<Object> {
        self.take(name, "a JSON object", |value| match value {
            Value::Object(object) => Some(object),
            _ => None,
        })
    }

    pub(super) fn array(&mut self, name: &str) -> Field<Vec<Value>> {
        self.take(name, "a list", |value| match value {
            Value::Array(items) => Some(items),
            _ => None,
        })
    }

    /// An object of strings; an entry that is none is an error of its own.
    pub(super) fn texts(&mut self, name: &str) -> Field<ConfigMap> {
        match self.object(name) {
            Field::Value(object) => Field::Value(texts(object, &format!("{name}."), &mut self.errors)),
            Field::Null => Field::Null,
            Field::Absent => Field::Absent,
        }
    }

    /// What stands in a field, before anybody has taken it.
    pub(super) fn peek(&self, name: &str) -> Option<&Value> {
        self.object.get(name)
    }

    /// Drops fields that a client may send back but cannot change.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.object.shift_remove(*name);
        }
    }

    /// Everything that nobody has asked for is an error.
    pub(super) fn finish(self) -> FieldErrors {
        self.finish_as("is not a field of this request")
    }

    /// Everything that nobody has asked for is an error with this message.
    pub(super) fn finish_as(self, message: &str) -> FieldErrors {
        let mut errors = self.errors;
        for name in self.object.keys() {
            errors.add(super::error::shown(name), message);
        }
        errors
    }

    fn take<T>(&mut self, name: &str, expected: &str, read: impl FnOnce(Value) -> Option<T>) -> Field<T> {
        let found = match self.object.shift_remove(name) {
            None => return Field::Absent,
            Some(Value::Null) => return Field::Null,
            Some(value) => value,
        };
        let kind = kind(&found);
        if let Some(value) = read(found) {
            return Field::Value(value);
        }
        self.errors.add(name, format!("must be {expected}, not {kind}"));
        Field::Absent
    }
}

/// Reads an object of strings. `prefix` leads the paths of its errors.
pub(super) fn texts(object: Object, prefix: &str, errors: &mut FieldErrors) -> ConfigMap {
    let mut texts = ConfigMap::new();
    for (key, value) in object {
        match value {
            Value::String(text) if text.contains('\0') => {
                errors.add(format!("{prefix}{}", super::error::shown(&key)), "must not contain a NUL character");
            }
            Value::String(text) => {
                texts.insert(key, text);
            }
            other => {
                let path = format!("{prefix}{}", super::error::shown(&key));
                errors.add(path, format!("must be a string, not {}", kind(&other)));
            }
        }
    }
    texts
}

/// What kind of value this is. Never the value itself: it may be a secret.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "this number",
        Value::String(_) => "this text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
