//! The first words between Terraform and a plugin: environment variables one way, one line the other.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Only a plugin's host sets this; it tells a launch from somebody's curiosity, and is no secret.
const MAGIC_COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// The version of the protocol between Terraform and a provider.
const PROTOCOL: &str = "6";

/// What Terraform wants from the process.
pub(crate) struct Launch {
    /// The only client to be let in.
    pub(crate) client: CertificateDer<'static>,
    /// Where the socket shall be, if Terraform cares.
    pub(crate) socket_dir: Option<PathBuf>,
}

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "This is a Terraform provider. It is started by Terraform and does nothing by itself: name it in a \
         `required_providers` block and run `terraform init`. To debug it, start it with -debug."
    )]
    StartedByHand,
    #[error(
        "This provider speaks version 6 of the plugin protocol, and Terraform offers {offered}. Use Terraform 1.0 or \
         later."
    )]
    Protocol { offered: String },
    #[error("Terraform sent no certificate (PLUGIN_CLIENT_CERT), without which nobody could be let in.")]
    NoCertificate,
    #[error("Terraform's certificate (PLUGIN_CLIENT_CERT) is malformed.")]
    Certificate(#[source] rustls::pki_types::pem::Error),
}

impl Launch {
    /// Reads the environment.
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        if variable(MAGIC_COOKIE.0).as_deref() != Some(MAGIC_COOKIE.1) {
            return Err(Error::StartedByHand);
        }
        // In no fixed order. None at all is an old host, which speaks something older.
        let offered = variable("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        if !offered.split(',').any(|version| version.trim() == PROTOCOL) {
            let offered = if offered.is_empty() { "no version".to_owned() } else { format!("only {offered}") };
            return Err(Error::Protocol { offered });
        }
        let pem = variable("PLUGIN_CLIENT_CERT").filter(|pem| !pem.is_empty()).ok_or(Error::NoCertificate)?;
        let client = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(Error::Certificate)?;
        let socket_dir = variable("PLUGIN_UNIX_SOCKET_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        Ok(Self { client, socket_dir })
    }
}

/// The line that tells Terraform where to connect, and whom to expect there. Six fields: a seventh would promise
/// several connections over one.
pub(crate) fn line(socket: &Path, certificate: &CertificateDer<'_>) -> String {
    format!("1|{PROTOCOL}|unix|{}|grpc|{}\n", socket.display(), STANDARD_NO_PAD.encode(certificate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitfall_01_the_line_has_six_fields() {
        let line = line(Path::new("/tmp/x/s"), &vec![0xfb; 64].into());
        let (head, certificate) = line.rsplit_once('|').unwrap();
        assert_eq!(head, "1|6|unix|/tmp/x/s|grpc");
        // The standard alphabet, and no padding.
        assert_eq!(certificate, format!("{}+w\n", "+/v7".repeat(21)));
    }

    #[test]
    fn pitfall_02_each_launch_is_checked() {
        let launch = |changed: &str, value: &str| {
            Launch::from_environment(|name| match name {
                name if name == changed => Some(value.to_owned()),
                "TF_PLUGIN_MAGIC_COOKIE" => Some(MAGIC_COOKIE.1.to_owned()),
                "PLUGIN_PROTOCOL_VERSIONS" => Some("6,5".to_owned()),
                "PLUGIN_CLIENT_CERT" => {
                    Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned())
                }
                _ => None,
            })
        };
        assert_eq!(launch("", "").unwrap().client.as_ref(), [0, 0, 0]);
        assert_eq!(launch("PLUGIN_UNIX_SOCKET_DIR", "/x").unwrap().socket_dir, Some("/x".into()));
        assert!(matches!(launch("TF_PLUGIN_MAGIC_COOKIE", "x"), Err(Error::StartedByHand)));
        assert!(matches!(launch("PLUGIN_PROTOCOL_VERSIONS", "5,16"), Err(Error::Protocol { .. })));
        assert!(matches!(launch("PLUGIN_CLIENT_CERT", ""), Err(Error::NoCertificate)));
        assert!(matches!(launch("PLUGIN_CLIENT_CERT", "x"), Err(Error::Certificate(_))));
    }
}
