//! Words for what types alone do not say of JSON: limits of texts, names that are read loosely, fields that are ignored.
//!
//! They stand at the types of the contract, as attributes of their schemas, and cost nothing where nobody asks for a schema.

use std::borrow::Cow;

use schemars::generate::Contract;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::values::Words;
use super::{config, secrets};

/// One line that is not blank.
pub(super) const LINE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
/// One line that is not blank, or nothing at all.
pub(super) const LINE_OR_NOTHING: &str =
    r"^(?:[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*)?$";
/// One line, which may be blank.
pub(super) const MAYBE_LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// Any text without a NUL character, which databases do not store.
pub(super) const TEXT: &str = r"^[^\u0000]*$";
/// An absolute path on the server, in one line.
pub(super) const PATH: &str = r"^/[^\u0000-\u001f\u007f-\u009f]*$";
/// An e-mail address: two parts and no blanks.
pub(super) const EMAIL: &str = r"^[^\s\u0000-\u001f\u007f-\u009f]+@[^\s@\u0000-\u001f\u007f-\u009f]+$";
/// SHA-256 in hexadecimal.
pub(super) const SHA256: &str = "^[0-9a-f]{64}$";

/// What the server makes of everything that has an id and a name.
pub(super) const MADE: [&str; 3] = ["id", "created_at", "updated_at"];

/// Of a body: other fields than those of the type are refused, but for these, which are ignored because answers have them.
pub(super) fn ignoring(names: &'static [&'static str]) -> impl FnMut(&mut Schema) {
    move |schema| {
        schema.insert("additionalProperties".into(), Value::Bool(false));
        let properties = schema.ensure_object().entry("properties").or_insert_with(|| json!({}));
        for name in names {
            properties[*name] = json!({ "description": "Ignored: the server makes it." });
        }
    }
}

/// Of a body: these must be there.
pub(super) fn requiring(names: &'static [&'static str]) -> impl FnMut(&mut Schema) {
    move |schema| {
        let required = schema.ensure_object().entry("required").or_insert_with(|| json!([]));
        if let Some(required) = required.as_array_mut() {
            required.extend(names.iter().map(|name| Value::from(*name)));
        }
    }
}

/// Of a body: other fields than those of the type are refused.
pub(super) fn strict(schema: &mut Schema) {
    schema.insert("additionalProperties".into(), Value::Bool(false));
}

/// Of a body: other fields are ignored, and names are read in any letter case.
pub(super) fn loose(schema: &mut Schema) {
    schema.insert("additionalProperties".into(), Value::Bool(true));
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let description =
        format!("{description} Names of properties are read in any letter case, and unknown properties are ignored.");
    schema.insert("description".into(), description.trim_start().into());
}

/// A word in any letter case, or its number, or nothing.
pub(super) fn any_word<W: Words + JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let last = W::KNOWN.len().saturating_sub(1);
    let numbers: Vec<String> = (0..=last).map(|number| number.to_string()).collect();
    let words = W::KNOWN.iter().map(|word| in_any_case(word));
    let pattern = format!(r"^(?:{}|\+?0*(?:{}))$", words.collect::<Vec<_>>().join("|"), numbers.join("|"));
    let exact = generator.subschema_for::<W>();
    json_schema!({ "anyOf": [
        exact,
        { "description": "The word in any letter case, or its number.", "type": "string", "pattern": pattern },
        { "description": "The number of the word, from 0.", "type": "integer", "minimum": 0, "maximum": last },
        { "type": "null" }
    ] })
}

/// A word in any letter case.
pub(super) fn word_in_any_case<W: Words + JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let words: Vec<String> = W::KNOWN.iter().map(|word| in_any_case(word)).collect();
    let exact = generator.subschema_for::<W>();
    json_schema!({ "anyOf": [
        exact,
        { "description": "The word in any letter case.", "type": "string", "pattern": format!("^(?:{})$", words.join("|")) }
    ] })
}

/// A pattern that matches a word in any letter case.
fn in_any_case(word: &str) -> String {
    word.chars()
        .map(|char| match (char.to_ascii_lowercase(), char.to_ascii_uppercase()) {
            (lower, upper) if lower != upper => format!("[{upper}{lower}]"),
            _ => char.to_string(),
        })
        .collect()
}

/// A vocabulary: closed in requests; in answers open, for later versions have more words.
pub(super) fn vocabulary(generator: &SchemaGenerator, about: &str, words: &[&str], meanings: &[&str]) -> Schema {
    let list: Vec<String> =
        words.iter().zip(meanings).map(|(word, meaning)| format!("- `{word}`: {}", meaning.trim())).collect();
    let (key, more) = match generator.contract() {
        Contract::Serialize => (OPEN_ENUM, " Expect words that are not listed here."),
        _ => ("enum", ""),
    };
    let description = format!("{}{more}\n\n{}", about.trim(), list.join("\n"));
    json_schema!({ "description": description, "type": "string", key: words })
}

/// The keyword with the known words of an answer.
pub const OPEN_ENUM: &str = "x-extensible-enum";

/// A JSON object of any content.
pub(super) type AnyObject = Map<String, Value>;

/// A map of texts, with limits on how many there are, their names and values. Names match a pattern.
pub(super) fn texts(entries: usize, name: usize, value: usize, names: &'static str) -> impl FnMut(&mut Schema) {
    move |schema| {
        schema.insert("maxProperties".into(), entries.into());
        schema.insert("propertyNames".into(), json!({ "minLength": 1, "maxLength": name, "pattern": names }));
        schema.insert("additionalProperties".into(), json!({ "type": "string", "maxLength": value, "pattern": TEXT }));
    }
}

/// What is ignored, whatever it is.
pub(super) struct Anything;

impl JsonSchema for Anything {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Anything".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

/// Secrets by key, as a body has them.
pub(super) struct SecretsBody;

impl JsonSchema for SecretsBody {
    fn schema_name() -> Cow<'static, str> {
        "SecretValues".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "description": "Secrets by key. Lengths are in bytes.", "type": "object" });
        texts(secrets::MAX_KEYS, secrets::MAX_KEY, secrets::MAX_VALUE, MAYBE_LINE)(&mut schema);
        schema
    }
}

/// Config entries by key, as a body has them.
pub(super) struct ConfigBody;

impl JsonSchema for ConfigBody {
    fn schema_name() -> Cow<'static, str> {
        "ConfigValues".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema =
            json_schema!({ "description": "Config entries by key. Lengths are in bytes.", "type": "object" });
        texts(config::MAX_KEYS, config::MAX_KEY, config::MAX_VALUE, MAYBE_LINE)(&mut schema);
        schema
    }
}
