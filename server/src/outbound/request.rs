//! A request as a script asks for it.

use axum::body::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

/// Headers that belong to the connection, or that say where a message ends: with them a script could hide a second request in
/// the first one.
const OURS: [HeaderName; 7] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The longest URL, in the form in which it is sent.
pub(super) const MAX_URL: usize = 8 << 10;
/// The longest method.
const MAX_METHOD: usize = 32;
/// The most headers, and the most bytes of their names and values.
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 64 << 10;

/// A request that can be sent.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    /// Reads what a script gave. The error is a text for the script, which shows neither the URL nor the value of a header: both may
    /// hold secrets.
    pub fn new<'a>(
        method: &str,
        url: &str,
        headers: impl Iterator<Item = (&'a String, &'a String)>,
        body: impl Into<Bytes>,
    ) -> Result<Self, String> {
        let method = match method {
            "" => Method::GET,
            "CONNECT" => return Err("the method CONNECT is not supported".to_owned()),
            method if method.len() > MAX_METHOD => {
                return Err(format!("the method has {} bytes; the limit is {MAX_METHOD}", method.len()));
            }
            method => Method::from_bytes(method.as_bytes())
                .map_err(|_| format!("{} is not an HTTP method", quoted(method)))?,
        };
        let too_long = |length| format!("the URL has {length} bytes; the limit is {MAX_URL}");
        if url.len() > MAX_URL {
            return Err(too_long(url.len()));
        }
        let url = Url::parse(url).map_err(|error| format!("the URL cannot be read: {error}"))?;
        if url.as_str().len() > MAX_URL {
            return Err(too_long(url.as_str().len()) + ", with what is escaped in it");
        }
        if !is_http(&url) {
            return Err(format!("the URL's scheme must be http or https, not {}", url.scheme()));
        }
        let mut all = HeaderMap::new();
        let mut bytes = 0;
        for (count, (name, value)) in (1..).zip(headers) {
            bytes += name.len() + value.len();
            if count > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
                return Err(format!("a request has up to {MAX_HEADERS} headers, of up to 64 KiB in all"));
            }
            let known = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("{} is not the name of a header", quoted(name)))?;
            if OURS.contains(&known) {
                return Err(format!(
                    "the header {name} cannot be set: the server itself sets what belongs to the connection"
                ));
            }
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| format!("the value of the header {name} has a line break or another control character"))?;
            all.try_append(known, value).map_err(|_| "the headers are too many".to_owned())?;
        }
        Ok(Self { method, url, headers: all, body: body.into() })
    }
}

/// Whether requests can be sent to this URL at all.
pub(super) fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// The name of a header as Go writes it: `Content-Type`.
pub fn canonical_name(name: &str) -> String {
    let part = |part: &str| match part.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + &rest.to_ascii_lowercase(),
        None => String::new(),
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

/// A text of a script in a message: short, on one line.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(100).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> Result<Request, String> {
        let headers: BTreeMap<String, String> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request::new(method, url, headers.iter(), Vec::new())
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_showing_secrets() {
        type Headers = &'static [(&'static str, &'static str)];
        let cases: [(&str, &str, Headers, &str); 13] = [
            ("G T", "http://a", &[], "\"G T\" is not an HTTP method"),
            ("GET\r\nX: y", "http://a", &[], "\"GET\\r\\nX: y\" is not an HTTP method"),
            ("CONNECT", "http://a", &[], "the method CONNECT is not supported"),
            ("GET", "/hook?key=hunter2", &[], "the URL cannot be read: relative URL without a base"),
            ("GET", "https://", &[], "the URL cannot be read: empty host"),
            ("GET", "http://a:99999/hunter2", &[], "the URL cannot be read: invalid port number"),
            ("GET", "file:///etc/passwd", &[], "the URL's scheme must be http or https, not file"),
            ("GET", "ftp://a/hunter2", &[], "the URL's scheme must be http or https, not ftp"),
            ("GET", "http://a", &[("a b", "x")], "\"a b\" is not the name of a header"),
            ("GET", "http://a", &[("a\r\nb", "x")], "\"a\\r\\nb\" is not the name of a header"),
            ("GET", "http://a", &[("", "x")], "\"\" is not the name of a header"),
            (
                "GET",
                "http://a",
                &[("X-Key", "hunter2\r\nX: y")],
                "the value of the header X-Key has a line break or another control character",
            ),
            (
                "GET",
                "http://a",
                &[("hOsT", "b")],
                "the header hOsT cannot be set: the server itself sets what belongs to the connection",
            ),
        ];
        for (method, url, headers, expected) in cases {
            assert_eq!(request(method, url, headers).err().as_deref(), Some(expected), "{method} {url}");
        }
        for name in ["Content-Length", "transfer-encoding", "Connection", "TE", "Trailer", "Upgrade"] {
            assert!(request("POST", "http://a", &[(name, "x")]).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_too_long_or_too_much_is_refused() {
        let url = |length: usize| format!("http://a/{}", "x".repeat(length - 9));
        assert!(request("GET", &url(8192), &[]).is_ok());
        let refused = |method: &str, url: &str| request(method, url, &[]).err().unwrap();
        assert_eq!(refused("GET", &url(8193)), "the URL has 8193 bytes; the limit is 8192");
        let escaped = format!("http://a/{}", "ü".repeat(4000));
        assert_eq!(refused("GET", &escaped), "the URL has 24009 bytes; the limit is 8192, with what is escaped in it");
        assert_eq!(refused(&"M".repeat(33), "http://a/"), "the method has 33 bytes; the limit is 32");

        let with = |count: usize, length: usize| {
            let headers: BTreeMap<String, String> = (0..count).map(|n| (format!("x{n}"), "v".repeat(length))).collect();
            Request::new("GET", "http://a", headers.iter(), Vec::new())
        };
        assert!(with(100, 1).is_ok() && with(1, (64 << 10) - 2).is_ok());
        let expected = "a request has up to 100 headers, of up to 64 KiB in all";
        for (count, length) in [(101, 1), (40_000, 1), (1, (64 << 10) - 1)] {
            assert_eq!(with(count, length).err().as_deref(), Some(expected), "{count} {length}");
        }
    }

    #[test]
    fn methods_and_values_of_every_kind_can_be_sent() {
        let sent = request("", "http://a", &[("x-name", "Jürgen"), ("X-Empty", "")]).unwrap();
        assert_eq!((sent.method, sent.headers["x-name"].as_bytes()), (Method::GET, "Jürgen".as_bytes()));
        assert_eq!(request("PROPFIND", "https://a", &[]).unwrap().method.as_str(), "PROPFIND");
    }

    #[test]
    fn names_of_headers_are_written_as_go_does() {
        let cases = [
            ("content-type", "Content-Type"),
            ("etag", "Etag"),
            ("x--a", "X--A"),
            ("WWW-authenticate", "Www-Authenticate"),
        ];
        for (name, expected) in cases {
            assert_eq!(canonical_name(name), expected);
        }
    }
}
