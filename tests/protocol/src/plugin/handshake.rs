//! The one line that a provider prints: where it listens, and with which certificate.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::CertificateDer;

/// What the line says.
pub(super) struct Handshake {
    pub(super) socket: PathBuf,
    pub(super) certificate: CertificateDer<'static>,
}

impl Handshake {
    /// Reads the line, or says what is wrong with it.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        let Some(content) = line.strip_suffix('\n') else {
            return Err("it has no line break at its end".into());
        };
        let fields: Vec<&str> = content.split('|').collect();
        let [core, protocol, network, address, transport, certificate] = fields[..] else {
            return Err(format!("it has {} fields in place of six", fields.len()));
        };
        for (what, found, expected) in [
            ("version of the handshake", core, "1"),
            ("version of the protocol", protocol, "6"),
            ("kind of address", network, "unix"),
            ("transport", transport, "grpc"),
        ] {
            if found != expected {
                return Err(format!("the {what} is {found:?} in place of {expected:?}"));
            }
        }
        let socket = PathBuf::from(address);
        if !socket.is_absolute() {
            return Err(format!("the address {address:?} is no absolute path"));
        }
        let certificate = STANDARD_NO_PAD
            .decode(certificate)
            .map_err(|error| format!("the certificate is no base64 without padding: {error}"))?;
        // Whatever is shorter, Terraform takes for none at all.
        if certificate.len() <= 50 {
            return Err(format!("the certificate has only {} bytes", certificate.len()));
        }
        Ok(Self { socket, certificate: certificate.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: &str) -> String {
        Handshake::read(line).err().unwrap_or_default()
    }

    #[test]
    fn each_fault_of_the_line_is_named() {
        let certificate = STANDARD_NO_PAD.encode([0xfb; 51]);
        let good = format!("1|6|unix|/tmp/socket|grpc|{certificate}\n");
        let read = Handshake::read(&good).ok().unwrap();
        assert_eq!((read.socket, read.certificate.len()), ("/tmp/socket".into(), 51));
        for (from, to, expected) in [
            ("\n", "", "no line break"),
            ("|grpc", "", "5 fields"),
            ("\n", "|true\n", "7 fields"),
            ("1|6", "2|6", "version of the handshake is \"2\""),
            ("1|6", "1|5", "version of the protocol is \"5\""),
            ("unix", "tcp", "kind of address is \"tcp\""),
            ("/tmp", "tmp", "no absolute path"),
            ("grpc", "netrpc", "transport is \"netrpc\""),
            ("\n", "=\n", "no base64"),
            (certificate.as_str(), "AAAA", "only 3 bytes"),
        ] {
            let problem = problem(&good.replace(from, to));
            assert!(problem.contains(expected), "{expected}: {problem}");
        }
    }
}
