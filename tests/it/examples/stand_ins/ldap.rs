//! A directory that speaks LDAP over TLS: a simple bind, a search in pages, and filters.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::ber::{Element, octets, read, small, write};

/// Who may read.
pub(crate) const READER: &str = "cn=justiam,ou=services,dc=example,dc=com";
/// And with which password.
pub(crate) const PASSWORD: &str = "a password of the directory";
/// However many entries a page is asked to have, it has no more.
const PAGE: usize = 2;
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// An entry: its name, and attributes with their values.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    dn: String,
    attributes: Vec<(String, Vec<String>)>,
}

impl Entry {
    /// An entry below `dc=example,dc=com`. An attribute may have several values.
    pub(crate) fn new(name: &str, attributes: &[(&str, &[&str])]) -> Self {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let attributes = attributes.iter().map(|(name, values)| ((*name).to_owned(), owned(values))).collect();
        Self { dn: format!("cn={name},ou=people,dc=example,dc=com"), attributes }
    }

    /// Gives an attribute one value.
    pub(crate) fn set(&mut self, attribute: &str, value: &str) {
        self.attributes.retain(|(name, _)| name != attribute);
        self.attributes.push((attribute.to_owned(), vec![value.to_owned()]));
    }

    fn values(&self, attribute: &str) -> &[String] {
        let found = self.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
        found.map_or(&[], |(_, values)| values)
    }

    fn matches(&self, filter: &Element) -> bool {
        let parts = || filter.children();
        match filter.tag {
            0xa0 => parts().iter().all(|part| self.matches(part)),
            0xa1 => parts().iter().any(|part| self.matches(part)),
            0xa2 => !self.matches(&parts()[0]),
            0xa3 => {
                let (name, value) = (parts()[0].text(), parts()[1].text());
                self.values(&name).iter().any(|one| one.eq_ignore_ascii_case(&value))
            }
            0x87 => !self.values(&filter.text()).is_empty(),
            other => panic!("a filter with tag {other:#x}"),
        }
    }
}

/// The directory.
pub(crate) struct Directory {
    /// Its address.
    pub(crate) url: String,
    /// The certificate that signed its own, in PEM.
    pub(crate) certificate: String,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Directory {
    /// A directory with these entries.
    pub(crate) async fn start(entries: Vec<Entry>) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let entries = Arc::new(Mutex::new(entries));
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let url = format!("ldaps://localhost:{}", listener.local_addr().unwrap().port());
        let shared = Arc::clone(&entries);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, entries) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    // Whoever does not trust the certificate goes away here.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(stream, &entries).await;
                    }
                });
            }
        });
        Self { url, certificate: made.cert.pem(), entries }
    }

    /// Has these entries from now on.
    pub(crate) fn replace(&self, entries: Vec<Entry>) {
        *self.entries.lock().unwrap() = entries;
    }
}

/// Answers until the other side has said goodbye or is gone.
async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, entries: &Mutex<Vec<Entry>>) {
    let (mut bytes, mut bound) = (Vec::new(), false);
    loop {
        while let Some((message, size)) = read(&bytes) {
            bytes.drain(..size);
            let parts = message.children();
            let replies = match parts[1].tag {
                0x60 => {
                    let code = bind(&parts[1]);
                    bound = code == 0;
                    vec![vec![result(0x61, code)]]
                }
                0x63 if bound => search(&parts[1], parts.get(2), &entries.lock().unwrap()),
                0x63 => vec![vec![result(0x65, 50)]],
                0x42 => return,
                other => panic!("a request with tag {other:#x}"),
            };
            let id = write(parts[0].tag, &[parts[0].value.clone()]);
            for reply in replies {
                let message = write(0x30, &[vec![id.clone()], reply].concat());
                stream.write_all(&message).await.unwrap();
            }
        }
        stream.flush().await.unwrap();
        // An error means that the script was killed.
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
    }
}

/// The result of a bind: 0, or what is wrong.
fn bind(request: &Element) -> u8 {
    let parts = request.children();
    assert_eq!(parts[0].number(), 3, "the version of LDAP");
    let right = parts[1].text() == READER && parts[2].tag == 0x80 && parts[2].text() == PASSWORD;
    if right { 0 } else { 49 }
}

/// The messages of an answer: entries, and the end with the cookie of the next page.
fn search(request: &Element, controls: Option<&Element>, entries: &[Entry]) -> Vec<Vec<Vec<u8>>> {
    let parts = request.children();
    let base = format!(",{}", parts[0].text());
    let wanted: Vec<_> = parts[7].children().iter().map(Element::text).collect();
    let control = controls.unwrap().children()[0].children();
    assert_eq!(control[0].text(), PAGED_RESULTS);
    let (page, _) = read(&control.last().unwrap().value).unwrap();
    let (size, cookie) = (page.children()[0].number().min(PAGE), page.children()[1].text());
    let from: usize = if cookie.is_empty() { 0 } else { cookie.parse().unwrap() };

    let found: Vec<_> = entries.iter().filter(|entry| entry.dn.ends_with(&base) && entry.matches(&parts[6])).collect();
    let mut replies: Vec<_> =
        found.iter().skip(from).take(size).map(|entry| vec![entry_message(entry, &wanted)]).collect();
    let next = if from + size < found.len() { (from + size).to_string() } else { String::new() };
    let value = write(0x30, &[small(0x02, 0), octets(&next)]);
    let control = write(0x30, &[octets(PAGED_RESULTS), write(0x04, &[value])]);
    replies.push(vec![result(0x65, 0), write(0xa0, &[control])]);
    replies
}

fn entry_message(entry: &Entry, wanted: &[String]) -> Vec<u8> {
    let shown = entry.attributes.iter().filter(|(name, _)| wanted.iter().any(|one| one.eq_ignore_ascii_case(name)));
    let attributes: Vec<_> = shown
        .map(|(name, values)| {
            let values: Vec<_> = values.iter().map(|value| octets(value)).collect();
            write(0x30, &[octets(name), write(0x31, &values)])
        })
        .collect();
    write(0x64, &[octets(&entry.dn), write(0x30, &attributes)])
}

/// A result without a name and with no more words than its code.
fn result(tag: u8, code: u8) -> Vec<u8> {
    write(tag, &[small(0x0a, code), octets(""), octets("")])
}
