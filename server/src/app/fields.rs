//! Reads the fields of a JSON object and collects what is wrong with all of them.

use std::collections::HashSet;

use jiff::Timestamp;
use justiam_sdk::api::config::ConfigMap;
use justiam_sdk::api::values::Words;
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
    /// Leads the paths of errors.
    prefix: String,
    /// Whether names are read in any letter case. Those of the object are in lower case then.
    loose: bool,
    pub(super) errors: FieldErrors,
}

impl Fields {
    pub(super) fn new(object: Object) -> Self {
        Self { object, prefix: String::new(), loose: false, errors: FieldErrors::default() }
    }

    /// The same where names are read in any letter case, as in bodies of schedules. One that stands twice is an error. `prefix`
    /// leads the paths of errors: `steps[2].`, or nothing.
    pub(super) fn loose(object: Object, prefix: &str) -> Self {
        let mut errors = FieldErrors::default();
        let mut seen = HashSet::new();
        let mut folded = Object::new();
        for (name, value) in object {
            let lower = name.to_ascii_lowercase();
            if seen.insert(lower.clone()) {
                folded.insert(lower, value);
            } else {
                errors.add(format!("{prefix}{}", super::error::shown(&name)), "stands twice, in different letter case");
            }
        }
        Self { object: folded, prefix: prefix.to_owned(), loose: true, errors }
    }

    /// Adds an error about one of the fields.
    pub(super) fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.errors.add(format!("{}{name}", self.prefix), message);
    }

    /// Whether something is wrong with a field already.
    pub(super) fn is_wrong(&self, name: &str) -> bool {
        self.errors.has(&format!("{}{name}", self.prefix))
    }

    /// A word in any letter case, or its number, as existing clients of schedules send it.
    pub(super) fn any_word<W: Words>(&mut self, name: &str) -> Field<W> {
        let text = self.take(name, "a string", |value| match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        match text {
            Field::Value(text) => W::from_any_case(&text).map_or_else(
                || {
                    self.wrong(name, format!("{}, not `{}`", W::expected(), super::error::shown(&text)));
                    Field::Absent
                },
                Field::Value,
            ),
            Field::Null => Field::Null,
            Field::Absent => Field::Absent,
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Field<String> {
        let text = self.take(name, "a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        });
        match text {
            Field::Value(text) if text.contains('\0') => {
                self.wrong(name, "must not contain a NUL character");
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
            Field::Value(object) => Field::Value(texts(object, &format!("{}{name}.", self.prefix), &mut self.errors)),
            Field::Null => Field::Null,
            Field::Absent => Field::Absent,
        }
    }

    /// What stands in a field, before anybody has taken it.
    pub(super) fn peek(&self, name: &str) -> Option<&Value> {
        if self.loose { self.object.get(&name.to_ascii_lowercase()) } else { self.object.get(name) }
    }

    /// What was wrong so far, for whoever ignores fields that nobody has asked for.
    pub(super) fn finish_loosely(self) -> FieldErrors {
        self.errors
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
        let found = if self.loose {
            self.object.swap_remove(&name.to_ascii_lowercase())
        } else {
            self.object.shift_remove(name)
        };
        let found = match found {
            None => return Field::Absent,
            Some(Value::Null) => return Field::Null,
            Some(value) => value,
        };
        let kind = kind(&found);
        if let Some(value) = read(found) {
            return Field::Value(value);
        }
        self.wrong(name, format!("must be {expected}, not {kind}"));
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

#[cfg(test)]
mod tests {
    use justiam_sdk::api::schedules::StepType;
    use serde_json::json;

    use super::*;

    fn loose(value: Value) -> Fields {
        let Value::Object(object) = value else { panic!("{value}") };
        Fields::loose(object, "steps[2].")
    }

    #[test]
    fn loose_names_are_read_in_any_letter_case() {
        let mut fields = loose(json!({ "SCRIPTPATH": "/a", "stepIndex": 3, "other": [1], "StepType": "powershell" }));
        assert_eq!(fields.peek("scriptPath"), Some(&json!("/a")));
        assert_eq!(fields.text("scriptPath"), Field::Value("/a".to_owned()));
        assert_eq!(fields.integer("stepIndex"), Field::Value(3));
        assert_eq!(fields.any_word("stepType"), Field::Value(StepType::PowerShell));
        assert_eq!(fields.text("name"), Field::Absent);
        assert!(fields.finish_loosely().is_empty());
    }

    #[test]
    fn loose_errors_name_the_field_as_it_is_on_the_wire() {
        let mut fields =
            loose(json!({ "name": 1, "Name": "x", "STEPTYPE": 4, "executionMode": "Both", "Arguments": "\0" }));
        assert_eq!(fields.text("name"), Field::Absent);
        assert_eq!(fields.any_word::<StepType>("stepType"), Field::Absent);
        assert_eq!(fields.text("arguments"), Field::Absent);
        let errors = fields.finish_loosely().into_map();
        let paths: Vec<&str> = errors.keys().map(String::as_str).collect();
        assert_eq!(paths, ["steps[2].Name", "steps[2].arguments", "steps[2].name", "steps[2].stepType"]);
        assert_eq!(
            errors["steps[2].stepType"],
            ["must be one of `RunProfile`, `PowerShell`, `Executable`, `SqlScript`, not `4`"]
        );
    }

    #[test]
    fn words_are_read_as_numbers() {
        let mut fields = loose(json!({ "a": 3, "b": "0", "c": null, "d": true }));
        assert_eq!(fields.any_word("a"), Field::Value(StepType::SqlScript));
        assert_eq!(fields.any_word("b"), Field::Value(StepType::RunProfile));
        assert_eq!(fields.any_word::<StepType>("c"), Field::Null);
        assert_eq!(fields.any_word::<StepType>("d"), Field::Absent);
        assert!(fields.is_wrong("d"));
    }
}
