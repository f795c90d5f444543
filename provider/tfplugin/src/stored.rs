//! A state or an identity as another version of the provider, or another provider, has stored it.

use serde_json::Value as Json;

use crate::value::{Type, Value, ValueError};

/// A stored state or identity, of a schema that is not today's.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    version: i64,
    json: &'a [u8],
}

impl<'a> Stored<'a> {
    /// What is stored, as a test of an upgrade would make it.
    pub fn new(version: i64, json: &'a [u8]) -> Self {
        Self { version, json }
    }

    /// The schema version that wrote it.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The value, which has that version's type; no number loses a digit.
    ///
    /// # Errors
    /// Names the part that does not fit.
    pub fn decode(&self, ty: &Type) -> Result<Value, ValueError> {
        Value::from_json(self.json, ty)
    }

    /// The value as JSON, for small changes. Numbers keep all digits, as long as they stay JSON: `as_f64` rounds.
    ///
    /// # Errors
    /// The text is no JSON.
    pub fn json(&self) -> Result<Json, serde_json::Error> {
        serde_json::from_slice(self.json)
    }
}

/// States hold secrets: only the size is shown.
impl std::fmt::Debug for Stored<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").field("version", &self.version).field("bytes", &self.json.len()).finish()
    }
}
