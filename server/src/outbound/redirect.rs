//! What becomes of a request that is answered with another address.

use axum::body::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, Method, StatusCode};

use super::failure::Kind;
use super::request::{MAX_URL, Request, is_http};

/// What one host must not learn of what was meant for another one.
const PERSONAL: [HeaderName; 4] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, header::WWW_AUTHENTICATE];

/// What describes a body that is not sent again.
const OF_BODY: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION];

/// The request that follows, if one does.
pub(super) fn follow(request: &Request, status: StatusCode, answer: &HeaderMap) -> Result<Option<Request>, Kind> {
    let same = match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => false,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        _ => return Ok(None),
    };
    let Some(location) = answer.get(header::LOCATION) else { return Ok(None) };
    let url = std::str::from_utf8(location.as_bytes()).ok().and_then(|location| request.url.join(location).ok());
    let Some(url) = url.filter(is_http) else { return Err(Kind::RedirectToNowhere) };
    if url.as_str().len() > MAX_URL {
        return Err(Kind::RedirectTooLong);
    }
    let mut next = request.clone();
    if !same {
        if next.method != Method::HEAD {
            next.method = Method::GET;
        }
        next.body = Bytes::new();
        remove(&mut next.headers, &OF_BODY);
    }
    if url.origin() != request.url.origin() {
        remove(&mut next.headers, &PERSONAL);
    }
    next.url = url;
    Ok(Some(next))
}

fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn post() -> Request {
        let headers = [("Authorization", "a"), ("Cookie", "c"), ("Content-Type", "t"), ("X-Other", "o")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Request::new(
            "POST",
            "https://u:p@a.example/x/y?q",
            headers.iter().map(|(name, value)| (name, value)),
            b"body".to_vec(),
        )
        .unwrap()
    }

    fn follow_to(request: &Request, status: u16, location: &str) -> Option<(String, String, String, usize)> {
        let headers = [(header::LOCATION, HeaderValue::from_str(location).unwrap())].into_iter().collect();
        let next = follow(request, StatusCode::from_u16(status).unwrap(), &headers).unwrap()?;
        let mut names: Vec<&str> = next.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        Some((next.method.to_string(), next.url.to_string(), names.join(" "), next.body.len()))
    }

    #[test]
    fn a_new_request_has_what_is_meant_for_its_host() {
        let cases = [
            (301, "z", "GET", "https://u:p@a.example/x/z", "authorization cookie x-other", 0),
            (302, "/z", "GET", "https://u:p@a.example/z", "authorization cookie x-other", 0),
            (303, "https://a.example/z", "GET", "https://a.example/z", "authorization cookie x-other", 0),
            (307, "?z", "POST", "https://u:p@a.example/x/y?z", "authorization content-type cookie x-other", 4),
            (308, "//b.example/z", "POST", "https://b.example/z", "content-type x-other", 4),
            (302, "http://a.example/z", "GET", "http://a.example/z", "x-other", 0),
            (302, "https://a.example:444/z", "GET", "https://a.example:444/z", "x-other", 0),
        ];
        for (status, location, method, url, headers, body) in cases {
            let expected = (method.to_owned(), url.to_owned(), headers.to_owned(), body);
            assert_eq!(follow_to(&post(), status, location), Some(expected), "{status} {location}");
        }
        let head = Request { method: Method::HEAD, ..post() };
        assert_eq!(follow_to(&head, 302, "z").unwrap().0, "HEAD");
    }

    #[test]
    fn other_answers_are_answers() {
        for status in [200, 300, 304, 305, 401] {
            assert_eq!(follow_to(&post(), status, "z"), None, "{status}");
        }
        assert!(matches!(follow(&post(), StatusCode::FOUND, &HeaderMap::new()), Ok(None)));
    }

    #[test]
    fn a_redirect_leads_to_no_longer_url_than_a_request() {
        let location = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
        assert_eq!(follow_to(&post(), 302, &location(8192)).unwrap().1.len(), 8192);
        let headers = [(header::LOCATION, HeaderValue::from_str(&location(8193)).unwrap())].into_iter().collect();
        assert!(matches!(follow(&post(), StatusCode::FOUND, &headers), Err(Kind::RedirectTooLong)));
    }

    #[test]
    fn a_redirect_leads_to_http_or_to_nothing() {
        for location in ["file:///etc/passwd", "gopher://a/", "http://", "http://a:99999/", "http://[/"] {
            let headers = [(header::LOCATION, HeaderValue::from_str(location).unwrap())].into_iter().collect();
            let followed = follow(&post(), StatusCode::FOUND, &headers);
            assert!(matches!(followed, Err(Kind::RedirectToNowhere)), "{location}");
        }
    }
}
