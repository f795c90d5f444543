//! Mutual TLS over a Unix socket, as Terraform speaks it: each side knows the other's certificate beforehand.

mod der;
mod identity;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub use identity::Identity;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::PATIENCE;

/// A TLS connection to the socket, with `identity` or without any. The server must have the certificate `server`.
///
/// # Errors
/// There is no connection, or the handshake fails. A server that does nothing for [`PATIENCE`] has timed out.
pub async fn connect(
    socket: &Path,
    server: CertificateDer<'static>,
    identity: Option<&Identity>,
) -> io::Result<TlsStream<UnixStream>> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Announced(server)));
    let mut config = match identity {
        Some(identity) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified()))),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let handshake = async {
        let stream = UnixStream::connect(socket).await?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    };
    tokio::time::timeout(PATIENCE, handshake).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Whether the server lets such a client in. In TLS 1.3 a client learns it with the first bytes only.
///
/// # Panics
/// The server does not say so within [`PATIENCE`].
pub async fn is_let_in(socket: &Path, server: CertificateDer<'static>, identity: Option<&Identity>) -> bool {
    let Ok(mut stream) = connect(socket, server, identity).await else { return false };
    if stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.is_err() {
        return false;
    }
    let mut buffer = [0; 64];
    let answer = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await;
    matches!(answer.expect("the server lets the client in, or does not"), Ok(1..))
}

/// Accepts the certificate that the handshake line has announced, and no other.
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
