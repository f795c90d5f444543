//! A task's secrets: written, never read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::schema;

/// The longest value of one secret, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;
/// The most that all values of one task may have together, in bytes.
pub const MAX_VALUES: usize = 1024 * 1024;
/// The longest key, in bytes.
pub const MAX_KEY: usize = 256;
/// The most keys of one task.
pub const MAX_KEYS: usize = 1000;

/// The value of a secret. `Debug` and `Display` do not show it; [`Secret::expose`] does.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself. Whoever calls this must not print it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "string", "format": "password" });
        // The few answers that tell a secret have made it.
        if generator.contract().is_deserialize() {
            schema.insert("writeOnly".into(), true.into());
        }
        schema
    }
}

/// Secrets by key; also the body that replaces all secrets of a task.
pub type SecretMap = BTreeMap<String, Secret>;

/// What a server tells about a task's secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SecretKeys {
    /// The keys, sorted.
    pub keys: Vec<String>,
    /// For each key an opaque text that changes whenever its value does.
    #[serde(default)]
    pub revisions: BTreeMap<String, String>,
}

/// Changes some secrets and leaves the others alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::strict)]
pub struct SecretsPatch {
    /// Keys to write.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "Option<schema::SecretsBody>")]
    pub set: SecretMap,
    /// Keys to remove; a key that is not there is no error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<String>>")]
    pub remove: Vec<String>,
}

impl SecretsPatch {
    /// Writes and removes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the patch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let patch = SecretsPatch { set: [("K".to_owned(), Secret::new("canary"))].into(), remove: vec![] };
        let shown = format!("{patch:?} {patch:#?}");
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(serde_json::to_string(&patch).unwrap(), r#"{"set":{"K":"canary"}}"#);
    }
}
