//! A client like Terraform's: mutual TLS with a P-521 certificate, and gRPC over it.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::rt::TokioIo;
use p521::ecdsa::signature::Signer as _;
use p521::ecdsa::{Signature, SigningKey};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureAlgorithm, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

/// The generated messages and clients.
#[expect(clippy::pedantic, unreachable_pub, unused_qualifications, reason = "generated code")]
#[expect(clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated code")]
#[allow(dead_code, reason = "a client of more than the tests call")]
pub(crate) mod tfplugin6 {
    include!(concat!(env!("OUT_DIR"), "/tfplugin6.rs"));
}

/// The generated messages and clients.
#[expect(clippy::pedantic, unreachable_pub, unused_qualifications, reason = "generated code")]
#[expect(clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated code")]
#[allow(dead_code, reason = "a client of more than the tests call")]
pub(crate) mod plugin {
    include!(concat!(env!("OUT_DIR"), "/plugin.rs"));
}

/// The `Debug` of what carries secrets, which the build script leaves out.
#[path = "../../src/wire/opaque.rs"]
mod opaque;

/// A key on P-521 and its self-signed certificate.
#[derive(Clone)]
pub(crate) struct Identity {
    key: SigningKey,
    certificate: CertificateDer<'static>,
}

impl Identity {
    /// The same `seed` makes the same identity.
    pub(crate) fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[&[0; 65][..], &[seed]].concat()).unwrap();
        let certificate = certificate(&key);
        Self { key, certificate }
    }

    pub(crate) fn pem(&self) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(&self.certificate))
    }

    /// The certificate of this identity with the key of another: a thief's.
    pub(crate) fn with_key_of(&self, other: &Self) -> Self {
        Self { key: other.key.clone(), certificate: self.certificate.clone() }
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

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        0..0x80 => vec![tag, length[1]],
        0x80..0x100 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head, content.to_vec()].concat()
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

fn bits(content: &[u8]) -> Vec<u8> {
    der(0x03, &[&[0], content].concat())
}

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

/// Accepts the certificate that the handshake line has announced.
#[derive(Debug)]
struct Announced(CertificateDer<'static>);

impl ServerCertVerifier for Announced {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        assert_eq!(*end_entity, self.0, "another certificate than announced");
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 was spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// A TLS connection to the socket, with `identity` or without any.
pub(crate) async fn connect(
    socket: &Path,
    server: CertificateDer<'static>,
    identity: Option<&Identity>,
) -> std::io::Result<TlsStream<UnixStream>> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Announced(server)));
    let mut config = match identity {
        Some(identity) => {
            let key = CertifiedKey::new(vec![identity.certificate.clone()], Arc::new(P521(identity.key.clone())));
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = UnixStream::connect(socket).await?;
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await
}

/// Whether the server lets such a client in. In TLS 1.3 a client learns it with the first bytes only.
pub(crate) async fn is_let_in(socket: &Path, server: CertificateDer<'static>, identity: Option<&Identity>) -> bool {
    let Ok(mut stream) = connect(socket, server, identity).await else { return false };
    if stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.is_err() {
        return false;
    }
    matches!(stream.read(&mut [0; 64]).await, Ok(1..))
}

/// A gRPC channel over such a connection.
pub(crate) async fn channel(socket: &Path, server: CertificateDer<'static>, identity: &Identity) -> Channel {
    let stream = connect(socket, server, Some(identity)).await.unwrap();
    let mut stream = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_| std::future::ready(stream.take().ok_or("only one connection")));
    Endpoint::from_static("http://localhost").connect_with_connector(connector).await.unwrap()
}
