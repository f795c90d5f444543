//! What must hold of any body about secrets.

use justiam_sdk::api::secrets::{Secret, SecretMap};
use serde_json::Value;

use super::{check, read_patch};
use crate::app::FieldErrors;
use crate::app::fields::{Fields, Object, texts};
use crate::fuzzing::{refused, sent_back};

/// What stands in all values, so that one that gets out is seen.
const CANARY: &str = "canary-5f2c";

/// The body that replaces all secrets.
pub(crate) fn replaced(mut body: Object) {
    if !is_unmarked(&body) {
        return;
    }
    mark(&mut body);
    let Some(secrets) = read(body) else { return };
    assert_eq!(read(sent_back(&secrets)), Some(secrets), "what was accepted is accepted again");
}

/// The body that changes some secrets.
pub(crate) fn patched(mut body: Object) {
    if !is_unmarked(&body) {
        return;
    }
    mark(&mut body);
    let read = |body| {
        let mut fields = Fields::new(body);
        let patch = read_patch(&mut fields, "");
        let errors = fields.finish();
        errors.is_empty().then_some(patch).ok_or(errors)
    };
    match read(body) {
        Ok(patch) => assert_eq!(read(sent_back(&patch)), Ok(patch), "what was accepted is accepted again"),
        Err(errors) => {
            shows_no_value(&errors);
            refused(&errors);
        }
    }
}

fn read(body: Object) -> Option<SecretMap> {
    let mut errors = FieldErrors::default();
    let secrets = texts(body, "", &mut errors).into_iter().map(|(key, value)| (key, Secret::from(value))).collect();
    check(&secrets, "", &mut errors);
    if errors.is_empty() {
        return Some(secrets);
    }
    shows_no_value(&errors);
    refused(&errors);
    None
}

/// Whether a body has no mark before it gets one: a fuzzer reads what it is compared with.
pub(crate) fn is_unmarked(body: &Object) -> bool {
    serde_json::to_string(body).is_ok_and(|text| !text.contains(CANARY))
}

/// Makes all texts known that are values somewhere in an object. Keys stay as they are: errors name them.
pub(crate) fn mark(object: &mut Object) {
    object.values_mut().for_each(mark_value);
}

fn mark_value(value: &mut Value) {
    match value {
        Value::String(text) => text.push_str(CANARY),
        Value::Array(items) => items.iter_mut().for_each(mark_value),
        Value::Object(object) => mark(object),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// No message repeats a value.
pub(crate) fn shows_no_value(errors: &FieldErrors) {
    for (path, messages) in errors.iter() {
        for message in messages {
            assert!(!message.contains(CANARY), "{path}: {message}");
        }
    }
}
