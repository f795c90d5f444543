//! Fields that bodies of several kinds have, and names that are taken.

use std::str::FromStr;

use justiam_sdk::api::values::Words;
use serde_json::json;

use super::super::Error;
use super::super::error::shown;
use super::super::fields::{Field, Fields};
use super::rules;
use crate::store;

/// What a client may send back and cannot change, of everything that has an id and a name.
pub(in crate::app) const READ_ONLY: [&str; 3] = ["id", "created_at", "updated_at"];

/// A name or the like of at most `max` characters. It must be there, unless a patch leaves the stored one alone.
pub(super) fn line(fields: &mut Fields, name: &str, max: usize, stored: Option<&str>) -> String {
    let field = fields.text(name);
    let text = kept(fields, name, field, stored.map(str::to_owned)).unwrap_or_default();
    if !fields.errors.has(name)
        && let Some(defect) = rules::line_defect(&text, max)
    {
        fields.errors.add(name, defect);
    }
    text
}

/// A word of a vocabulary. It must be there, unless a patch leaves the stored one alone.
pub(super) fn word<W: Words + Clone>(fields: &mut Fields, name: &str, stored: Option<&W>) -> W {
    let field = match fields.text(name) {
        Field::Value(text) => Field::Value(W::from(text.as_str())),
        Field::Null => Field::Null,
        Field::Absent => Field::Absent,
    };
    let word = kept(fields, name, field, stored.cloned()).unwrap_or_else(|| W::from(""));
    if !fields.errors.has(name) && !word.is_known() {
        fields.errors.add(name, format!("{}, not `{}`", W::expected(), shown(word.as_str())));
    }
    word
}

/// An id that must be there; where it is wrong, there is an error. `what` is what it is the id of.
pub(super) fn id<T: FromStr>(fields: &mut Fields, name: &str, what: &str) -> Option<T> {
    let field = fields.text(name);
    let text = kept(fields, name, field, None)?;
    let id = text.parse().ok();
    if id.is_none() {
        fields.errors.add(name, format!("must be the id of {what}, a UUID, not `{}`", shown(&text)));
    }
    id
}

fn kept<T>(fields: &mut Fields, name: &str, field: Field<T>, stored: Option<T>) -> Option<T> {
    match field {
        Field::Value(value) => Some(value),
        Field::Absent if stored.is_some() => stored,
        Field::Null if stored.is_some() => {
            fields.errors.add(name, "has no default, so it cannot be null");
            None
        }
        Field::Absent | Field::Null => {
            if !fields.errors.has(name) {
                fields.errors.add(name, "is required");
            }
            None
        }
    }
}

/// Another one has the name. `kind` comes with its article.
pub(in crate::app) fn taken(kind: &str, name: &str, other: impl std::fmt::Display) -> Error {
    Error::Conflict {
        message: format!("{kind} with the name `{}` exists already: {other}", shown(name)),
        details: Some(json!({ "id": other.to_string(), "field": "name" })),
    }
}

/// What a write says that lost a race for a name after the name was looked up.
pub(in crate::app) fn taken_meanwhile(error: store::Error, kind: &str, name: &str) -> Error {
    match error {
        store::Error::Conflict(_) => Error::Conflict {
            message: format!("{kind} with the name `{}` has just been stored", shown(name)),
            details: Some(json!({ "field": "name" })),
        },
        other => other.into(),
    }
}

/// What a create says that met a name which is free again.
pub(in crate::app) fn just_deleted(kind: &str, name: &str) -> Error {
    Error::Conflict {
        message: format!("{kind} with the name `{}` has just been deleted; try again", shown(name)),
        details: Some(json!({ "field": "name" })),
    }
}
