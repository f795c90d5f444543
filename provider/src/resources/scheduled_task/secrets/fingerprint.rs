//! Fingerprints of values that no state holds: they tell whether a value is the one that was applied, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

/// How fingerprints are made. Those that were made in another way are forgotten; the server then says what is still the same.
const METHOD: &str = "argon2id m=256 t=2 p=1";
/// Memory for one fingerprint, in KiB. A fingerprint takes a guess of whoever has the state as long as it takes the provider:
/// more would be slower to guess, and to plan.
const MEMORY: u32 = 256;
/// How often it goes over that memory.
const PASSES: u32 = 2;
/// Bytes of the salt, and of a fingerprint.
const SALT: usize = 16;
const LENGTH: usize = 32;

/// The memory of all fingerprints, made one at a time: given back and taken again for each, it would be scattered, and the process
/// would become twice as large.
static BLOCKS: Mutex<Vec<Block>> = Mutex::new(Vec::new());

/// The fingerprints of one task's secrets, by key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprints {
    method: String,
    /// Random, and the same for all secrets of the task. The key is part of each secret's own salt, so equal values of two keys
    /// have different fingerprints.
    salt: String,
    of: BTreeMap<String, String>,
}

impl Fingerprints {
    /// None yet, with a new salt. Nothing comes back where the system has no random numbers.
    pub(super) fn new() -> Option<Self> {
        let mut salt = [0; SALT];
        SystemRandom::new().fill(&mut salt).ok()?;
        Some(Self { method: METHOD.to_owned(), salt: BASE64.encode(salt), of: BTreeMap::new() })
    }

    /// Whether these can be compared with values.
    pub(super) fn are_comparable(&self) -> bool {
        self.method == METHOD
    }

    /// Whether the value is the one that was remembered; `None` where none was.
    pub(super) fn matches(&self, key: &str, value: &str) -> Option<bool> {
        let remembered = self.of.get(key)?;
        Some(*remembered == self.make(key, value)?)
    }

    /// Remembers a value.
    pub(super) fn remember(&mut self, key: &str, value: &str) {
        match self.make(key, value) {
            Some(fingerprint) => self.of.insert(key.to_owned(), fingerprint),
            None => self.of.remove(key),
        };
    }

    /// Whether a value was remembered.
    pub(super) fn has(&self, key: &str) -> bool {
        self.of.contains_key(key)
    }

    /// Forgets all others.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.of.retain(|key, _| keep(key));
    }

    fn make(&self, key: &str, value: &str) -> Option<String> {
        let mut salt = BASE64.decode(&self.salt).ok()?;
        salt.extend_from_slice(key.as_bytes());
        let argon =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY, PASSES, 1, Some(LENGTH)).ok()?);
        let mut fingerprint = [0; LENGTH];
        let mut blocks = BLOCKS.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.resize(argon.params().block_count(), Block::default());
        argon.hash_password_into_with_memory(value.as_bytes(), &salt, &mut fingerprint, blocks.as_mut_slice()).ok()?;
        Some(BASE64.encode(fingerprint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_the_same_value_of_the_same_key_of_the_same_task() {
        let mut one = Fingerprints::new().unwrap();
        let long = "x".repeat(64 * 1024);
        for (key, value) in [("A", "value"), ("B", "value"), ("ключ", "✓"), ("E", ""), ("L", &long)] {
            assert_eq!(one.matches(key, value), None);
            one.remember(key, value);
            assert_eq!(one.matches(key, value), Some(true), "{key}");
            assert_eq!(one.matches(key, &format!("{value} ")), Some(false), "{key}");
        }
        assert_ne!(one.of["A"], one.of["B"]);
        let mut other = Fingerprints::new().unwrap();
        other.remember("A", "value");
        assert_ne!(one.of["A"], other.of["A"]);
        other.of.clone_from(&one.of);
        assert_eq!(other.matches("A", "value"), Some(false));
    }

    #[test]
    fn nothing_of_a_value_can_be_read_from_its_fingerprint() {
        let mut prints = Fingerprints::new().unwrap();
        prints.remember("A", "canary");
        prints.remember("B", &"canary".repeat(1000));
        let text = serde_json::to_string(&prints).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(prints.of["A"].len(), prints.of["B"].len());
    }

    #[test]
    fn fingerprints_of_another_method_are_not_compared() {
        let mut prints = Fingerprints::new().unwrap();
        assert!(prints.are_comparable());
        prints.method = "md5".into();
        assert!(!prints.are_comparable());
    }
}
