//! Mutual TLS: the plugin and Terraform show each other certificates that they have exchanged by other means.
//!
//! No authority is involved. Terraform hands its certificate over in the environment, the plugin in the handshake
//! line, and each accepts exactly that one.

mod p521;
mod verifier;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::danger::ClientCertVerifier;

use verifier::ExactClient;

/// A problem with certificates or keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the server's certificate could not be made")]
    ServerCertificate(#[source] rcgen::Error),
    #[error("TLS could not be set up")]
    Setup(#[source] rustls::Error),
}

/// The server's side of the connection.
pub(crate) struct Identity {
    /// The certificate that the handshake line announces.
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) config: Arc<ServerConfig>,
}

/// Makes a key and a certificate for this process, and lets in whoever holds the key of `client`.
pub(crate) fn identity(client: CertificateDer<'static>) -> Result<Identity, Error> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(Error::ServerCertificate)?;
    // Terraform asks for this name whatever the transport is.
    let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).map_err(Error::ServerCertificate)?;
    let certificate = parameters.self_signed(&key).map_err(Error::ServerCertificate)?.der().clone();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ClientCertVerifier> = Arc::new(ExactClient::new(client));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(Error::Setup)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .map_err(Error::Setup)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Identity { certificate, config: Arc::new(config) })
}
