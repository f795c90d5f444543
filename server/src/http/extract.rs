//! Unpacks requests, and answers in the one error form where that fails.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use justiam_sdk::api::ids::{RunId, TaskId};
use justiam_sdk::api::problem::Code;
use justiam_sdk::api::tasks::MAX_BODY;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::problem::Failure;
use crate::app::{App, Error, IdempotencyKey, Object};

/// How long a client may take to send a body.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// A JSON object without duplicate keys, and the key under which the request may be repeated.
pub(super) struct Body {
    pub(super) object: Object,
    pub(super) idempotency_key: Option<IdempotencyKey>,
}

impl FromRequest<Arc<App>> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Failure> {
        let (parts, bytes) = read(request).await?;
        let json = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !json {
            return Err(Failure::bad_request(
                "the body must be JSON, with the header `Content-Type: application/json`",
            ));
        }
        match strict_json(&bytes) {
            Ok(Value::Object(object)) => Ok(Self { object, idempotency_key: idempotency_key(&parts, &bytes)? }),
            Ok(_) => Err(Failure::bad_request("the body must be a JSON object")),
            Err(error) => {
                // The library's text may quote the body, which may hold a secret.
                let (line, column) = (error.line(), error.column());
                let text = error.to_string();
                let known = [DUPLICATE, RESERVED].into_iter().find(|cause| text.starts_with(cause));
                let cause = known.unwrap_or("it is not valid JSON");
                Err(Failure::bad_request(format!("the body cannot be read: {cause}, at line {line} column {column}")))
            }
        }
    }
}

/// A request whose body does not matter, and the key under which it may be repeated.
pub(super) struct NoBody {
    pub(super) idempotency_key: Option<IdempotencyKey>,
}

impl FromRequest<Arc<App>> for NoBody {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Failure> {
        let (parts, bytes) = read(request).await?;
        Ok(Self { idempotency_key: idempotency_key(&parts, &bytes)? })
    }
}

async fn read(request: Request) -> Result<(Parts, Bytes), Failure> {
    let (parts, body) = request.into_parts();
    let too_large = || {
        let message = format!("the body is over the limit of {MAX_BODY} bytes");
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, Code::PayloadTooLarge, message)
    };
    let declared =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BODY) {
        return Err(too_large());
    }
    // A body that breaks off cannot be answered anyway, so what is left is its length.
    let Ok(read) = tokio::time::timeout(BODY_PATIENCE, to_bytes(body, MAX_BODY)).await else {
        let message = format!("the body did not arrive within {} s", BODY_PATIENCE.as_secs());
        return Err(Failure::new(StatusCode::REQUEST_TIMEOUT, Code::ValidationError, message));
    };
    let bytes = read.map_err(|_| too_large())?;
    Ok((parts, bytes))
}

fn idempotency_key(parts: &Parts, body: &[u8]) -> Result<Option<IdempotencyKey>, Failure> {
    let Some(key) = parts.headers.get("idempotency-key") else { return Ok(None) };
    let request = [parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), body];
    // A header that is no text is as wrong as an empty one.
    Ok(Some(IdempotencyKey::new(key.to_str().unwrap_or_default(), &request)?))
}

/// The id in a path. One that is none belongs to nothing.
pub(super) struct Id<T>(pub(super) T);

/// Ids that paths hold.
pub(super) trait PathId: FromStr {
    fn missing(text: &str) -> Error;
}

impl PathId for TaskId {
    fn missing(text: &str) -> Error {
        Error::no_task(text)
    }
}

impl PathId for RunId {
    fn missing(text: &str) -> Error {
        Error::no_run(text)
    }
}

impl<T: PathId + Send> FromRequestParts<Arc<App>> for Id<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, app).await.map_err(|_| Failure::from(T::missing("")))?;
        text.parse().map(Id).map_err(|_| T::missing(&text).into())
    }
}

/// The revision that a change must find, from `If-Match`.
pub(super) struct IfMatch(pub(super) Option<String>);

impl FromRequestParts<Arc<App>> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Failure> {
        Ok(Self(if_match(&parts.headers)))
    }
}

fn if_match(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::IF_MATCH)?.to_str().unwrap_or("not text").trim();
    (text != "*").then(|| text.trim_matches('"').to_owned())
}

const DUPLICATE: &str = "a key stands twice in the same object";

const RESERVED: &str = "a key begins with `$serde_json::private::`, which is reserved";

/// Keys with which the JSON library speaks to itself. In a body they would turn into numbers or into text that nobody has checked.
const PRIVATE: &str = "$serde_json::private::";

/// Reads a JSON value that means one thing only.
fn strict_json(bytes: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice::<UniqueKeys>(bytes)?;
    if has_private_key(bytes) {
        return Err(serde_json::Error::custom(RESERVED));
    }
    serde_json::from_slice(bytes)
}

/// Looks through the keys of a text that is known to be JSON.
fn has_private_key(mut json: &[u8]) -> bool {
    while let Some(start) = json.iter().position(|byte| *byte == b'"') {
        let mut end = start + 1;
        while json[end] != b'"' {
            end += if json[end] == b'\\' { 2 } else { 1 };
        }
        let (literal, rest) = (&json[start..=end], &json[end + 1..]);
        let is_key = rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
        if is_key && serde_json::from_slice::<String>(literal).is_ok_and(|key| key.starts_with(PRIVATE)) {
            return true;
        }
        json = rest;
    }
    false
}

/// Reads any JSON value, keeps nothing, and refuses a key that stands twice: which one counts would be a guess.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some((key, _)) = map.next_entry::<String, Self>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_librarys_own_keys_are_refused_and_texts_like_them_are_not() {
        for wrong in
            [r#"{"$serde_json::private::RawValue":"{}"}"#, r#"{"a":[{"\u0024serde_json::private::Number" : "12"}]}"#]
        {
            let error = strict_json(wrong.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(RESERVED), "{wrong}: {error}");
        }
        let text = r#"{"a":"$serde_json::private::Number","b\"":1.50}"#;
        assert_eq!(strict_json(text.as_bytes()).unwrap().to_string(), text);
    }

    #[test]
    fn keys_are_unique_on_every_level() {
        for good in ["{}", r#"{"a":{"b":1.5,"c":[1,-2,null,true,"x"]},"b":12345678901234567890123}"#] {
            assert!(serde_json::from_str::<UniqueKeys>(good).is_ok(), "{good}");
        }
        for wrong in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":{},"b":2,"a":{}}]}"#, r#"{"a":1,"\u0061":2}"#] {
            let error = serde_json::from_str::<UniqueKeys>(wrong).map(|_| ()).unwrap_err().to_string();
            assert!(error.starts_with(DUPLICATE), "{wrong}: {error}");
        }
    }
}
