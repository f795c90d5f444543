//! What is derived from one server secret.

use justiam_sdk::api::secrets::Secret;
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;

use super::{MIN_SECRET, VaultError};

/// The keys of one server secret.
pub(super) struct Keys {
    /// Tells which key sealed a row and says nothing about the key.
    pub(super) id: String,
    pub(super) sealing: LessSafeKey,
    pub(super) fingerprints: hmac::Key,
    pub(super) signatures: hmac::Key,
}

/// Which bytes to derive: HKDF wants a type that knows the length.
struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

impl Keys {
    /// The same secret always gives the same keys, also on another replica.
    pub(super) fn new(server_secret: &Secret) -> Result<Self, VaultError> {
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
        let mut id = [0; 8];
        derive(b"task secrets: key id 1", &mut id)?;
        let mut fingerprints = [0; 32];
        derive(b"fingerprints: HMAC-SHA256 key 1", &mut fingerprints)?;
        let mut signatures = [0; 32];
        derive(b"JWTs: HMAC-SHA256 key 1", &mut signatures)?;
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| VaultError::Crypto)?;
        Ok(Self {
            id: crate::app::hex(&id),
            sealing: LessSafeKey::new(key),
            fingerprints: hmac::Key::new(hmac::HMAC_SHA256, &fingerprints),
            signatures: hmac::Key::new(hmac::HMAC_SHA256, &signatures),
        })
    }
}
