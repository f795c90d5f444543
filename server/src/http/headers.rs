//! Headers of every answer that keep browsers from doing more with it than a program would.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

const ALWAYS: [(HeaderName, &str); 3] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
];

/// Where the server ends TLS itself. A year, as is usual.
const ONLY_TLS: &str = "max-age=31536000";

/// Adds them. There is none that lets pages of other sites read answers, and there never will be.
pub(super) fn protect(headers: &mut HeaderMap, over_tls: bool) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if over_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONLY_TLS));
    }
    // What is told here is about one moment and for one caller.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
