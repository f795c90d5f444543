//! Seals secrets, connection strings, and what is kept of requests that may be repeated: AES-256-GCM under a key that HKDF derives
//! from the server's secret. Signs JWTs, with a key of their own from the same secret.
//!
//! A vault may know several server secrets, so that one can follow another. The newest seals and signs; what any of them has
//! sealed opens, and what any of them has signed counts.

mod keys;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use justiam_sdk::api::ids::{StepId, TaskId};
use justiam_sdk::api::secrets::Secret;
use ring::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use keys::Keys;

/// The shortest server secret that is accepted, in bytes.
pub const MIN_SECRET: usize = 32;

/// Seals and opens the secrets of tasks, and answers that hold a secret.
pub struct Vault {
    newest: Keys,
    older: Vec<Keys>,
    random: SystemRandom,
}

/// Why there is no vault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The server's secret is too short to derive a key from.
    #[error(
        "the server's secret (`JWT_SECRET`, or what `--jwt-secret-file` or `--jwt-secret-command` gives) is {length} bytes long and \
         must be {MIN_SECRET} at least; `openssl rand -base64 48` makes one"
    )]
    ShortSecret {
        /// How long it is, in bytes.
        length: usize,
    },
    /// One of the older secrets is too short, so it was never that of a server.
    #[error(
        "an older secret of the server (a line of `JWT_SECRET_OLD`, or what `--old-jwt-secret-file` names) is {length} bytes long; \
         a server's secret has {MIN_SECRET} at least, so this is none"
    )]
    ShortOldSecret {
        /// How long it is, in bytes.
        length: usize,
    },
    /// The system gives no random numbers, or the library refuses its own key length.
    #[error("the cryptography library failed")]
    Crypto,
}

/// Why something sealed does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// None of the known server secrets sealed it.
    #[error("it was sealed with another key than this server has")]
    ForeignKey,
    /// One of them did, but it is not what was sealed, or not for this place.
    #[error("what is stored is damaged, or was stored for something else")]
    Damaged,
}

impl Vault {
    /// A vault that knows one server secret.
    pub fn new(server_secret: &Secret) -> Result<Self, VaultError> {
        Self::with_older(server_secret, &[])
    }

    /// A vault that seals with the first secret, and opens what the others have sealed as well. One that is named twice counts once.
    pub fn with_older(server_secret: &Secret, older: &[Secret]) -> Result<Self, VaultError> {
        let newest = Keys::new(server_secret)?;
        let mut known = Vec::<Keys>::new();
        for secret in older {
            let keys = Keys::new(secret).map_err(|error| match error {
                VaultError::ShortSecret { length } => VaultError::ShortOldSecret { length },
                other => other,
            })?;
            if keys.id != newest.id && known.iter().all(|other| other.id != keys.id) {
                known.push(keys);
            }
        }
        Ok(Self { newest, older: known, random: SystemRandom::new() })
    }

    /// Names the key that this vault seals with.
    pub fn key_id(&self) -> &str {
        &self.newest.id
    }

    /// Whether this vault can open what the key of this name has sealed.
    pub fn knows(&self, key_id: &str) -> bool {
        self.keys().any(|keys| keys.id == key_id)
    }

    fn keys(&self) -> impl Iterator<Item = &Keys> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    /// Whether two values are the same. How long it takes tells their lengths, and nothing of where they differ.
    pub fn same(&self, one: &Secret, other: &Secret) -> bool {
        let tag = hmac::sign(&self.newest.fingerprints, one.expose().as_bytes());
        hmac::verify(&self.newest.fingerprints, other.expose().as_bytes(), tag.as_ref()).is_ok()
    }

    /// A signature of HS256 over a part of a JWT.
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        hmac::sign(&self.newest.signatures, text).as_ref().to_vec()
    }

    /// Whether a signature is one of [`Vault::sign`] over the same text, by any of the known secrets.
    pub fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        self.keys().any(|keys| hmac::verify(&keys.signatures, text, signature).is_ok())
    }

    /// Seals a value for one key of one task: moved to another place, it does not open.
    pub fn seal(&self, task: TaskId, key: &str, value: &Secret) -> Result<Vec<u8>, VaultError> {
        self.seal_at(place(task, key), value.expose().as_bytes())
    }

    /// Seals an answer that a principal may ask for again under an idempotency key.
    pub fn seal_answer(&self, principal: &str, key: &str, answer: &Secret) -> Result<String, VaultError> {
        Ok(STANDARD.encode(self.seal_at(answer_place(principal, key), answer.expose().as_bytes())?))
    }

    /// Seals what tells a request of a principal under an idempotency key from others. A plain hash of one that holds a short secret
    /// could be guessed.
    pub fn seal_request(&self, principal: &str, key: &str, request: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.seal_at(request_place(principal, key), request)
    }

    /// Seals the connection string of one step, in base64.
    pub fn seal_connection_string(&self, step: StepId, value: &Secret) -> Result<String, VaultError> {
        Ok(STANDARD.encode(self.seal_at(step_place(step), value.expose().as_bytes())?))
    }

    fn seal_at(&self, place: Aad<String>, value: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| VaultError::Crypto)?;
        let mut sealed = value.to_vec();
        self.newest
            .sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), place, &mut sealed)
            .map_err(|_| VaultError::Crypto)?;
        sealed.splice(0..0, nonce);
        Ok(sealed)
    }

    /// How long the value is that was sealed.
    pub fn length(sealed: &[u8]) -> usize {
        sealed.len().saturating_sub(NONCE_LEN + AES_256_GCM.tag_len())
    }

    /// Opens a value that was sealed for one key of one task.
    pub fn open(&self, task: TaskId, key: &str, sealed_by: &str, sealed: &[u8]) -> Result<Secret, Unopened> {
        text(self.open_at(place(task, key), sealed_by, sealed)?)
    }

    /// Opens an answer that was sealed for one idempotency key of one principal.
    pub fn open_answer(&self, principal: &str, key: &str, sealed_by: &str, sealed: &str) -> Result<Secret, Unopened> {
        text(self.open_at(answer_place(principal, key), sealed_by, &decoded(sealed)?)?)
    }

    /// Opens what tells a request from others.
    pub fn open_request(
        &self,
        principal: &str,
        key: &str,
        sealed_by: &str,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Unopened> {
        self.open_at(request_place(principal, key), sealed_by, sealed)
    }

    /// Opens a connection string that was sealed for one step.
    pub fn open_connection_string(&self, step: StepId, sealed_by: &str, sealed: &str) -> Result<Secret, Unopened> {
        text(self.open_at(step_place(step), sealed_by, &decoded(sealed)?)?)
    }

    fn open_at(&self, place: Aad<String>, sealed_by: &str, sealed: &[u8]) -> Result<Vec<u8>, Unopened> {
        let keys = self.keys().find(|keys| keys.id == sealed_by).ok_or(Unopened::ForeignKey)?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unopened::Damaged)?;
        let mut value = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = keys.sealing.open_in_place(nonce, place, &mut value).map_err(|_| Unopened::Damaged)?.len();
        value.truncate(length);
        Ok(value)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("key_id", &self.newest.id).finish_non_exhaustive()
    }
}

fn text(value: Vec<u8>) -> Result<Secret, Unopened> {
    String::from_utf8(value).map(Secret::from).map_err(|_| Unopened::Damaged)
}

fn decoded(sealed: &str) -> Result<Vec<u8>, Unopened> {
    STANDARD.decode(sealed).map_err(|_| Unopened::Damaged)
}

/// The place of a secret. The task's id has a fixed length, so no two places have the same text.
fn place(task: TaskId, key: &str) -> Aad<String> {
    Aad::from(format!("{task}{key}"))
}

/// The place of an answer. It begins as no place of a secret does, and a principal holds no line end.
fn answer_place(principal: &str, key: &str) -> Aad<String> {
    Aad::from(format!("answer\n{principal}\n{key}"))
}

/// The place of what tells a request from others. It begins as no other place does.
fn request_place(principal: &str, key: &str) -> Aad<String> {
    Aad::from(format!("request\n{principal}\n{key}"))
}

/// The place of a connection string. It begins as no other place does.
fn step_place(step: StepId) -> Aad<String> {
    Aad::from(format!("schedule step: {step}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const TWO: &str = "0123456789abcdef0123456789abcdeg";
    const THREE: &str = "0123456789abcdef0123456789abcdeh";

    fn vault(newest: &str, older: &[&str]) -> Vault {
        let older: Vec<Secret> = older.iter().map(|secret| (*secret).into()).collect();
        Vault::with_older(&newest.into(), &older).unwrap()
    }

    fn task(n: u8) -> TaskId {
        format!("0199f2a6-0000-7000-8000-0000000000{n:02}").parse().unwrap()
    }

    #[test]
    fn a_secret_opens_in_its_own_place_only() {
        let vault = vault(ONE, &[]);
        let by = vault.key_id();
        let sealed = vault.seal(task(1), "KEY", &"hunter2".into()).unwrap();
        assert_eq!(vault.open(task(1), "KEY", by, &sealed).unwrap().expose(), "hunter2");
        let damaged = Some(Unopened::Damaged);
        assert_eq!(vault.open(task(2), "KEY", by, &sealed).err(), damaged);
        assert_eq!(vault.open(task(1), "KEY2", by, &sealed).err(), damaged);
        assert_eq!(vault.open(task(1), "KEY", "other", &sealed).err(), Some(Unopened::ForeignKey));
        for length in [0, NONCE_LEN - 1, NONCE_LEN, NONCE_LEN + 15, sealed.len() - 1] {
            assert_eq!(vault.open(task(1), "KEY", by, &sealed[..length]).err(), damaged, "{length}");
        }
        for place in [0, NONCE_LEN, sealed.len() - 1] {
            let mut tampered = sealed.clone();
            tampered[place] ^= 1;
            assert_eq!(vault.open(task(1), "KEY", by, &tampered).err(), damaged, "{place}");
        }
        assert_ne!(sealed, vault.seal(task(1), "KEY", &"hunter2".into()).unwrap(), "nonces are fresh");
    }

    #[test]
    fn an_answer_opens_for_its_own_principal_and_key_only() {
        let vault = vault(ONE, &[]);
        let by = vault.key_id();
        let sealed = vault.seal_answer("token:1", "key", &"hunter2".into()).unwrap();
        assert_eq!(vault.open_answer("token:1", "key", by, &sealed).unwrap().expose(), "hunter2");
        let request = vault.seal_request("token:1", "key", &[0, 255]).unwrap();
        assert_eq!(vault.open_request("token:1", "key", by, &request).unwrap(), [0, 255]);
        for (principal, key) in [("token:2", "key"), ("token:1", "other"), ("token:1\nkey", "")] {
            assert!(vault.open_answer(principal, key, by, &sealed).is_err(), "{principal} {key}");
            assert!(vault.open_request(principal, key, by, &request).is_err(), "{principal} {key}");
        }
        assert!(vault.open_answer("token:1", "key", by, &STANDARD.encode(&request)).is_err());
        assert_eq!(vault.open_answer("token:1", "key", by, "not base64").err(), Some(Unopened::Damaged));
        assert_eq!(vault.open_answer("token:1", "key", "other", &sealed).err(), Some(Unopened::ForeignKey));
    }

    #[test]
    fn a_connection_string_opens_for_its_own_step_only() {
        let vault = vault(ONE, &[]);
        let step = |n| StepId::from_uuid(task(n).as_uuid());
        let sealed = vault.seal_connection_string(step(1), &"postgres://u:hunter2@db/x".into()).unwrap();
        let opened = vault.open_connection_string(step(1), vault.key_id(), &sealed).unwrap();
        assert_eq!(opened.expose(), "postgres://u:hunter2@db/x");
        assert!(vault.open_connection_string(step(2), vault.key_id(), &sealed).is_err());
        assert!(vault.open_connection_string(step(1), "other", &sealed).is_err());
        assert!(vault.open_connection_string(step(1), vault.key_id(), "not base64").is_err());
    }

    #[test]
    fn what_an_older_secret_sealed_opens_and_the_newest_seals() {
        let (old, between, new) = (vault(ONE, &[]), vault(TWO, &[ONE, THREE]), vault(TWO, &[]));
        let sealed = old.seal(task(1), "KEY", &"hunter2".into()).unwrap();
        assert_eq!(between.open(task(1), "KEY", old.key_id(), &sealed).unwrap().expose(), "hunter2");
        // The key that is named is tried, and no other.
        assert_eq!(between.open(task(1), "KEY", new.key_id(), &sealed).err(), Some(Unopened::Damaged));
        assert_eq!(new.open(task(1), "KEY", old.key_id(), &sealed).err(), Some(Unopened::ForeignKey));
        let again = between.seal(task(1), "KEY", &"hunter2".into()).unwrap();
        assert_eq!(new.open(task(1), "KEY", between.key_id(), &again).unwrap().expose(), "hunter2");
        assert_eq!(old.open(task(1), "KEY", between.key_id(), &again).err(), Some(Unopened::ForeignKey));
        assert!(between.knows(old.key_id()) && between.knows(new.key_id()) && !new.knows(old.key_id()));
    }

    #[test]
    fn a_signature_counts_while_its_secret_is_known() {
        let (old, between, new) = (vault(ONE, &[]), vault(TWO, &[ONE]), vault(TWO, &[]));
        let signature = old.sign(b"text");
        assert!(between.has_signed(b"text", &signature) && !between.has_signed(b"Text", &signature));
        assert!(!new.has_signed(b"text", &signature));
        assert!(new.has_signed(b"text", &between.sign(b"text")) && !old.has_signed(b"text", &between.sign(b"text")));
    }

    #[test]
    fn a_secret_that_is_named_twice_counts_once() {
        assert_eq!(vault(ONE, &[ONE, TWO, TWO, ONE]).keys().count(), 2);
    }

    #[test]
    fn another_server_secret_is_another_key() {
        assert_ne!(vault(ONE, &[]).key_id(), vault(TWO, &[]).key_id());
        assert_eq!(vault(ONE, &[]).key_id(), vault(ONE, &[TWO]).key_id());
    }

    #[test]
    fn a_server_secret_has_32_bytes_and_a_short_one_is_not_repeated() {
        let error = Vault::new(&ONE[1..].into()).unwrap_err().to_string();
        assert!(error.contains("is 31 bytes long and must be 32 at least") && error.contains("JWT_SECRET"), "{error}");
        assert!(!error.contains("1234"), "{error}");
        let error = Vault::with_older(&ONE.into(), &[TWO.into(), TWO[1..].into()]).unwrap_err().to_string();
        assert!(error.contains("is 31 bytes long") && error.contains("JWT_SECRET_OLD"), "{error}");
        assert!(!error.contains("1234"), "{error}");
    }

    #[test]
    fn values_are_compared_whole() {
        let vault = vault(ONE, &[]);
        for (one, other, same) in
            [("a", "a", true), ("", "", true), ("a", "b", false), ("a", "aa", false), ("", "a", false)]
        {
            assert_eq!(vault.same(&one.into(), &other.into()), same, "{one} {other}");
        }
    }
}
