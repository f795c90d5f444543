//! TLS with a certificate that may be renewed while the server runs.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ring::digest::{SHA256, digest};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// TLS 1.2 and 1.3 with the certificate and the key of two files, which are read again when they change. Clones share them.
#[derive(Debug, Clone)]
pub struct Tls {
    pair: Arc<Pair>,
    config: Arc<ServerConfig>,
}

/// Why a certificate and a key cannot be used. It tells nothing of what is in the files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file holds no certificate.
    #[error("{} holds no certificate in PEM form", .0.display())]
    NoCertificate(PathBuf),
    /// The file holds no private key.
    #[error("{} holds no private key in PEM form (PKCS #8, PKCS #1 or SEC 1, without a password)", .0.display())]
    NoKey(PathBuf),
    /// They do not belong together, or are of a kind that is not known.
    #[error("the certificate in {} cannot be used with the key in {}", certificate.display(), key.display())]
    Unusable {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The library cannot be set up.
    #[error("could not prepare TLS: {0}")]
    Setup(rustls::Error),
}

/// The two files, and what was in them.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
    /// A hash of what the files held when they were read last, whether it could be used or not.
    seen: Mutex<Vec<u8>>,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("certificate", &self.certificate).field("key", &self.key).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Reads a certificate, followed by those that connect it with one that clients trust, and its private key, both in PEM form.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files::read(certificate, key)?;
        let pair = Arc::new(Pair {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: RwLock::new(Arc::new(files.parse(certificate, key)?)),
            seen: Mutex::new(files.hash()),
        });
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let mut config = config
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Pair>::clone(&pair));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { pair, config: Arc::new(config) })
    }

    /// Reads the files again. Says whether new connections get something new; after an error they get what they got before, and
    /// the same error is not told again.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let Pair { certificate, key, current, seen } = &*self.pair;
        let files = Files::read(certificate, key)?;
        let hash = files.hash();
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == hash {
            return Ok(false);
        }
        *seen = hash;
        let new = Arc::new(files.parse(certificate, key)?);
        *current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(true)
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&self.config)).accept(stream).await
    }

    /// Looks after the files, every few seconds and whenever the process gets SIGHUP.
    pub(crate) async fn follow_files(self) {
        let mut hangups = match signal(SignalKind::hangup()) {
            Ok(hangups) => Some(hangups),
            Err(error) => {
                tracing::error!(%error, "SIGHUP cannot be heard; certificates are looked at all the same");
                None
            }
        };
        let mut is_lost = false;
        loop {
            let hangup = async {
                match &mut hangups {
                    Some(hangups) => hangups.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = hangup => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let tls = self.clone();
            let Ok(reloaded) = tokio::task::spawn_blocking(move || tls.reload()).await else { continue };
            match reloaded {
                Ok(true) => tracing::info!("new connections get a new certificate"),
                // One time for each loss of a file.
                Err(TlsError::Read { .. }) if is_lost => continue,
                Err(error) => {
                    is_lost = matches!(error, TlsError::Read { .. });
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the new certificate cannot be used; the old one stays");
                    continue;
                }
                Ok(false) => {}
            }
            is_lost = false;
        }
    }
}

/// What is in the two files.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source });
        Ok(Self { certificate: read(certificate)?, key: read(key)? })
    }

    fn hash(&self) -> Vec<u8> {
        let hashes = [&self.certificate, &self.key].map(|bytes| digest(&SHA256, bytes));
        hashes.iter().flat_map(AsRef::as_ref).copied().collect()
    }

    fn parse(&self, certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::NoCertificate(certificate.to_owned()))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(certificate.to_owned()));
        }
        let private = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::NoKey(key.to_owned()))?;
        CertifiedKey::from_der(chain, private, &default_provider()).map_err(|source| TlsError::Unusable {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            source,
        })
    }
}
