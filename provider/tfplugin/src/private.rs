//! What a provider remembers about an object, out of the user's sight.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

/// Small values under names, stored beside the state of a resource. They are not encrypted: no place for secrets.
///
/// Those of an ephemeral resource live as long as it is open, in memory alone.
#[derive(Clone, Default, PartialEq)]
pub struct Private(Map<String, Json>);

/// The names only: an ephemeral resource may keep what it needs to close a session.
impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Private").field(&self.0.keys().collect::<Vec<_>>()).finish()
    }
}

/// No name of an author's is likely to be the same.
const IMPORTED: &str = "$tfplugin.imported";

impl Private {
    /// Nothing remembered.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value under that name. What cannot be read as a `T` counts as not there: an older version of the
    /// provider may have meant something else by it.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.0.get(name)?).ok()
    }

    /// Remembers a value.
    ///
    /// # Errors
    /// The value has no JSON form.
    pub fn set<T: Serialize>(&mut self, name: impl Into<String>, value: &T) -> Result<(), serde_json::Error> {
        self.0.insert(name.into(), serde_json::to_value(value)?);
        Ok(())
    }

    /// Marks an object that has just been imported.
    pub(crate) fn mark_imported(&mut self) {
        self.0.insert(IMPORTED.to_owned(), Json::Bool(true));
    }

    /// Whether the object has just been imported; it is asked once.
    pub(crate) fn take_imported(&mut self) -> bool {
        self.0.remove(IMPORTED).is_some()
    }

    /// Forgets a value.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The stored form: JSON text, as other tools expect it, or nothing at all.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        // A map of JSON values always has a JSON form.
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// Reads the stored form. What is no JSON object was not written here; it is dropped, because it must never
    /// stand in the way of an operation.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        match serde_json::from_slice(bytes) {
            Ok(values) => Self(values),
            Err(error) => {
                // The error itself repeats what it has found.
                tracing::warn!(problem = ?error.classify(), "private state is no JSON object and is ignored");
                Self::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_json_text_or_nothing() {
        let mut private = Private::new();
        assert_eq!(private.to_bytes(), b"");
        private.set("revision", &7).unwrap();
        assert_eq!(private.to_bytes(), br#"{"revision":7}"#);
        let read = Private::from_bytes(&private.to_bytes());
        assert_eq!((read.get::<u8>("revision"), read.get::<String>("revision")), (Some(7), None));
        assert_eq!(format!("{private:?}"), r#"Private(["revision"])"#);
        private.remove("revision");
        assert_eq!(private, Private::new());
    }

    #[test]
    fn what_others_wrote_is_no_obstacle() {
        for bytes in [&b""[..], b"null", b"[1]", b"\xff\x00"] {
            assert_eq!(Private::from_bytes(bytes), Private::new());
        }
    }
}
