//! Seals secrets, connection strings, and answers that hold secrets: AES-256-GCM under a key that HKDF derives from the server's secret.
//! Signs JWTs, with a key of their own from the same secret.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use justiam_sdk::api::ids::{StepId, TaskId};
use justiam_sdk::api::secrets::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// The shortest server secret that is accepted, in bytes.
pub const MIN_SECRET: usize = 32;

/// Seals and opens the secrets of tasks, and answers that hold a secret.
pub struct Vault {
    key: LessSafeKey,
    key_id: String,
    fingerprints: hmac::Key,
    signatures: hmac::Key,
    random: SystemRandom,
}

/// Why there is no vault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The server's secret is too short to derive a key from.
    #[error(
        "the server's secret (`JWT_SECRET`, or the file that `--jwt-secret-file` names) is {length} bytes long and must be \
         {MIN_SECRET} at least; `openssl rand -base64 48` makes one"
    )]
    ShortSecret {
        /// How long it is, in bytes.
        length: usize,
    },
    /// The system gives no random numbers, or the library refuses its own key length.
    #[error("the cryptography library failed")]
    Crypto,
}

/// Which bytes to derive: HKDF wants a type that knows the length.
struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

impl Vault {
    /// Derives the key. The same secret always gives the same key, also on another replica.
    pub fn new(server_secret: &Secret) -> Result<Self, VaultError> {
        let length = server_secret.expose().len();
        if length < MIN_SECRET {
            return Err(VaultError::ShortSecret { length });
        }
        let root = Salt::new(HKDF_SHA256, b"justiam").extract(server_secret.expose().as_bytes());
        let derive = |purpose: &[u8], out: &mut [u8]| {
            root.expand(&[purpose], Bytes(out.len())).and_then(|okm| okm.fill(out)).map_err(|_| VaultError::Crypto)
        };
        let mut key = [0; 32];
        derive(b"task secrets: AES-256-GCM key 1", &mut key)?;
        // Tells which key sealed a row and says nothing about the key.
        let mut id = [0; 8];
        derive(b"task secrets: key id 1", &mut id)?;
        let mut fingerprints = [0; 32];
        derive(b"fingerprints: HMAC-SHA256 key 1", &mut fingerprints)?;
        let fingerprints = hmac::Key::new(hmac::HMAC_SHA256, &fingerprints);
        let mut signatures = [0; 32];
        derive(b"JWTs: HMAC-SHA256 key 1", &mut signatures)?;
        let signatures = hmac::Key::new(hmac::HMAC_SHA256, &signatures);
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| VaultError::Crypto)?;
        let key_id = super::hex(&id);
        Ok(Self { key: LessSafeKey::new(key), key_id, fingerprints, signatures, random: SystemRandom::new() })
    }

    /// Names the key that this vault seals with.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Tells two byte strings apart without keeping either. Keyed, because one that holds a short secret could be guessed from
    /// a plain hash.
    pub fn fingerprint(&self, bytes: &[u8]) -> Vec<u8> {
        hmac::sign(&self.fingerprints, bytes).as_ref().to_vec()
    }

    /// Whether two values are the same. How long it takes tells their lengths, and nothing of where they differ.
    pub fn same(&self, one: &Secret, other: &Secret) -> bool {
        let tag = self.fingerprint(one.expose().as_bytes());
        hmac::verify(&self.fingerprints, other.expose().as_bytes(), &tag).is_ok()
    }

    /// A signature of HS256 over a part of a JWT.
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        hmac::sign(&self.signatures, text).as_ref().to_vec()
    }

    /// Whether a signature is one of [`Vault::sign`] over the same text.
    pub fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.signatures, text, signature).is_ok()
    }

    /// Seals a value for one key of one task: moved to another place, it does not open.
    pub fn seal(&self, task: TaskId, key: &str, value: &Secret) -> Result<Vec<u8>, VaultError> {
        self.seal_at(place(task, key), value)
    }

    /// Seals an answer that a principal may ask for again under an idempotency key.
    pub fn seal_answer(&self, principal: &str, key: &str, answer: &Secret) -> Result<Vec<u8>, VaultError> {
        self.seal_at(answer_place(principal, key), answer)
    }

    /// Seals the connection string of one step, in base64.
    pub fn seal_connection_string(&self, step: StepId, value: &Secret) -> Result<String, VaultError> {
        Ok(STANDARD.encode(self.seal_at(step_place(step), value)?))
    }

    fn seal_at(&self, place: Aad<String>, value: &Secret) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| VaultError::Crypto)?;
        let mut sealed = value.expose().as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), place, &mut sealed)
            .map_err(|_| VaultError::Crypto)?;
        sealed.splice(0..0, nonce);
        Ok(sealed)
    }

    /// How long the value is that was sealed.
    pub fn length(sealed: &[u8]) -> usize {
        sealed.len().saturating_sub(NONCE_LEN + AES_256_GCM.tag_len())
    }

    /// Opens a value. `None` when it was sealed with another key, for another place, or was tampered with.
    pub fn open(&self, task: TaskId, key: &str, sealed_by: &str, sealed: &[u8]) -> Option<Secret> {
        if sealed_by == self.key_id { self.open_at(place(task, key), sealed) } else { None }
    }

    /// Opens an answer. `None` when it was sealed with another key, for another principal or key, or was tampered with.
    pub fn open_answer(&self, principal: &str, key: &str, sealed: &[u8]) -> Option<Secret> {
        self.open_at(answer_place(principal, key), sealed)
    }

    /// Opens a connection string. `None` when it was sealed with another key, for another step, or was tampered with.
    pub fn open_connection_string(&self, step: StepId, sealed_by: &str, sealed: &str) -> Option<Secret> {
        let sealed = STANDARD.decode(sealed).ok().filter(|_| sealed_by == self.key_id)?;
        self.open_at(step_place(step), &sealed)
    }

    fn open_at(&self, place: Aad<String>, sealed: &[u8]) -> Option<Secret> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut value = sealed.to_vec();
        let opened = self.key.open_in_place(Nonce::assume_unique_for_key(*nonce), place, &mut value).ok()?;
        Some(Secret::new(std::str::from_utf8(opened).ok()?))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The place of a secret. The task's id has a fixed length, so no two places have the same text.
fn place(task: TaskId, key: &str) -> Aad<String> {
    Aad::from(format!("{task}{key}"))
}

/// The place of an answer. It begins as no place of a secret does, and a principal holds no line end.
fn answer_place(principal: &str, key: &str) -> Aad<String> {
    Aad::from(format!("answer\n{principal}\n{key}"))
}

/// The place of a connection string. It begins as no other place does.
fn step_place(step: StepId) -> Aad<String> {
    Aad::from(format!("schedule step: {step}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(n: u8) -> TaskId {
        format!("0199f2a6-0000-7000-8000-0000000000{n:02}").parse().unwrap()
    }

    #[test]
    fn a_secret_opens_in_its_own_place_only() {
        let vault = Vault::new(&"0123456789abcdef0123456789abcdef".into()).unwrap();
        let sealed = vault.seal(task(1), "KEY", &"hunter2".into()).unwrap();
        assert_eq!(vault.open(task(1), "KEY", vault.key_id(), &sealed).unwrap().expose(), "hunter2");
        assert!(vault.open(task(2), "KEY", vault.key_id(), &sealed).is_none());
        assert!(vault.open(task(1), "KEY2", vault.key_id(), &sealed).is_none());
        assert!(vault.open(task(1), "KEY", "other", &sealed).is_none());
        assert!(vault.open(task(1), "KEY", vault.key_id(), &sealed[..NONCE_LEN - 1]).is_none());
        let mut tampered = sealed.clone();
        *tampered.last_mut().unwrap() ^= 1;
        assert!(vault.open(task(1), "KEY", vault.key_id(), &tampered).is_none());
        assert_ne!(sealed, vault.seal(task(1), "KEY", &"hunter2".into()).unwrap(), "nonces are fresh");
    }

    #[test]
    fn an_answer_opens_for_its_own_principal_and_key_only() {
        let vault = Vault::new(&"0123456789abcdef0123456789abcdef".into()).unwrap();
        let sealed = vault.seal_answer("token:1", "key", &"hunter2".into()).unwrap();
        assert_eq!(vault.open_answer("token:1", "key", &sealed).unwrap().expose(), "hunter2");
        for (principal, key) in [("token:2", "key"), ("token:1", "other"), ("token:1\nkey", "")] {
            assert!(vault.open_answer(principal, key, &sealed).is_none(), "{principal} {key}");
        }
        let other = Vault::new(&"0123456789abcdef0123456789abcdeg".into()).unwrap();
        assert!(other.open_answer("token:1", "key", &sealed).is_none());
    }

    #[test]
    fn a_connection_string_opens_for_its_own_step_only() {
        let vault = Vault::new(&"0123456789abcdef0123456789abcdef".into()).unwrap();
        let step = |n| StepId::from_uuid(task(n).as_uuid());
        let sealed = vault.seal_connection_string(step(1), &"postgres://u:hunter2@db/x".into()).unwrap();
        let opened = vault.open_connection_string(step(1), vault.key_id(), &sealed).unwrap();
        assert_eq!(opened.expose(), "postgres://u:hunter2@db/x");
        assert!(vault.open_connection_string(step(2), vault.key_id(), &sealed).is_none());
        assert!(vault.open_connection_string(step(1), "other", &sealed).is_none());
        assert!(vault.open_connection_string(step(1), vault.key_id(), "not base64").is_none());
    }

    #[test]
    fn another_server_secret_is_another_key() {
        let one = Vault::new(&"0123456789abcdef0123456789abcdef".into()).unwrap();
        let two = Vault::new(&"0123456789abcdef0123456789abcdeg".into()).unwrap();
        assert_ne!(one.key_id(), two.key_id());
    }

    #[test]
    fn a_server_secret_has_32_bytes_and_a_short_one_is_not_repeated() {
        let error = Vault::new(&"0123456789abcdef0123456789abcde".into()).unwrap_err().to_string();
        assert!(error.contains("is 31 bytes long and must be 32 at least") && error.contains("JWT_SECRET"), "{error}");
        assert!(!error.contains("0123"), "{error}");
    }

    #[test]
    fn values_are_compared_whole() {
        let vault = Vault::new(&"0123456789abcdef0123456789abcdef".into()).unwrap();
        for (one, other, same) in
            [("a", "a", true), ("", "", true), ("a", "b", false), ("a", "aa", false), ("", "a", false)]
        {
            assert_eq!(vault.same(&one.into(), &other.into()), same, "{one} {other}");
        }
    }
}
