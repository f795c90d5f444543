//! The client's key and certificate.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p521::ecdsa::signature::Signer as _;
use p521::ecdsa::{Signature, SigningKey};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use super::der::{bits, der, sequence};

/// A key on the curve P-521 and its self-signed certificate, such as Terraform makes for each provider that it starts.
#[derive(Clone)]
pub struct Identity {
    key: SigningKey,
    certificate: CertificateDer<'static>,
}

impl Identity {
    /// The same `seed` makes the same identity: who needs a stranger takes another one.
    ///
    /// # Panics
    /// The seed is zero.
    pub fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[&[0; 65][..], &[seed]].concat()).expect("a seed that is not zero");
        let certificate = certificate(&key);
        Self { key, certificate }
    }

    /// The certificate as it stands in `PLUGIN_CLIENT_CERT`.
    pub fn pem(&self) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(&self.certificate))
    }

    /// The certificate of this identity with the key of another: a thief's.
    #[must_use]
    pub fn with_key_of(&self, other: &Self) -> Self {
        Self { key: other.key.clone(), certificate: self.certificate.clone() }
    }

    pub(super) fn certified(&self) -> CertifiedKey {
        CertifiedKey::new(vec![self.certificate.clone()], Arc::new(P521(self.key.clone())))
    }
}

/// The smallest certificate that counts as one: who has it is checked byte for byte, not what it says.
fn certificate(key: &SigningKey) -> CertificateDer<'static> {
    const ECDSA_WITH_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
    const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    const SECP521R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
    let signature_algorithm = sequence(&[der(0x06, ECDSA_WITH_SHA512)]);
    let point = key.verifying_key().to_sec1_point(false);
    let content = sequence(&[
        der(0xa0, &der(0x02, &[2])),
        der(0x02, &[1]),
        signature_algorithm.clone(),
        sequence(&[]),
        sequence(&[der(0x17, b"200101000000Z"), der(0x17, b"400101000000Z")]),
        sequence(&[]),
        sequence(&[sequence(&[der(0x06, EC_PUBLIC_KEY), der(0x06, SECP521R1)]), bits(point.as_bytes())]),
    ]);
    let signature: Signature = key.sign(&content);
    sequence(&[content, signature_algorithm, bits(signature.to_der().as_bytes())]).into()
}

/// Signs as rustls asks, with a curve that its backend does not know.
#[derive(Debug)]
struct P521(SigningKey);

impl rustls::sign::SigningKey for P521 {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        let offered = offered.contains(&SignatureScheme::ECDSA_NISTP521_SHA512);
        offered.then(|| Box::new(Self(self.0.clone())) as Box<dyn rustls::sign::Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl rustls::sign::Signer for P521 {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature: Signature = self.0.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}
