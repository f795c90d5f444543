//! Reads JSON texts that mean one thing only.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

const DUPLICATE: &str = "a key stands twice in the same object";

const RESERVED: &str = "a key begins with `$serde_json::private::`, which is reserved";

/// Keys with which the JSON library speaks to itself. In a body they would turn into numbers or into text that nobody
/// has checked.
const PRIVATE: &str = "$serde_json::private::";

/// Why a text is not a JSON value that means one thing only. Says nothing of what stands in the text, which may be a
/// secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Defect {
    cause: &'static str,
    line: usize,
    column: usize,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at line {} column {}", self.cause, self.line, self.column)
    }
}

/// Reads a JSON value that means one thing only.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Defect> {
    strict_json(bytes).map_err(|error| {
        // The library's text may quote what it has read.
        let text = error.to_string();
        let known = [DUPLICATE, RESERVED].into_iter().find(|cause| text.starts_with(cause));
        Defect { cause: known.unwrap_or("it is not valid JSON"), line: error.line(), column: error.column() }
    })
}

fn strict_json(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice::<UniqueKeys>(bytes)?;
    if has_private_key(bytes) {
        return Err(serde_json::Error::custom(RESERVED));
    }
    serde_json::from_slice(bytes)
}

/// Looks through the keys of a text that is known to be JSON.
fn has_private_key(mut json: &[u8]) -> bool {
    while let Some(start) = json.iter().position(|byte| *byte == b'"') {
        let mut end = start + 1;
        while json[end] != b'"' {
            end += if json[end] == b'\\' { 2 } else { 1 };
        }
        let (literal, rest) = (&json[start..=end], &json[end + 1..]);
        let is_key = rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
        if is_key && serde_json::from_slice::<String>(literal).is_ok_and(|key| key.starts_with(PRIVATE)) {
            return true;
        }
        json = rest;
    }
    false
}

/// Reads any JSON value, keeps nothing, and refuses a key that stands twice: which one counts would be a guess.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some((key, _)) = map.next_entry::<String, Self>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_librarys_own_keys_are_refused_and_texts_like_them_are_not() {
        for wrong in
            [r#"{"$serde_json::private::RawValue":"{}"}"#, r#"{"a":[{"\u0024serde_json::private::Number" : "12"}]}"#]
        {
            let error = strict_json(wrong.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(RESERVED), "{wrong}: {error}");
        }
        let text = r#"{"a":"$serde_json::private::Number","b\"":1.50}"#;
        assert_eq!(strict_json(text.as_bytes()).unwrap().to_string(), text);
    }

    #[test]
    fn keys_are_unique_on_every_level() {
        for good in ["{}", r#"{"a":{"b":1.5,"c":[1,-2,null,true,"x"]},"b":12345678901234567890123}"#] {
            assert!(serde_json::from_str::<UniqueKeys>(good).is_ok(), "{good}");
        }
        for wrong in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":{},"b":2,"a":{}}]}"#, r#"{"a":1,"\u0061":2}"#] {
            let error = serde_json::from_str::<UniqueKeys>(wrong).map(|_| ()).unwrap_err().to_string();
            assert!(error.starts_with(DUPLICATE), "{wrong}: {error}");
        }
    }
}
