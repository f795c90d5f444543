//! Unpacks requests, and answers in the one error form where that fails.

use std::str::FromStr;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use justiam_sdk::api::ids::{
    AccessRequestId, ActivityId, ApplicationId, ExecutionId, GroupId, ProviderId, RunId, ScheduleId, ServiceAccountId,
    TaskId, TokenId, UserId,
};
use justiam_sdk::api::problem::Code;
use justiam_sdk::api::tasks::MAX_BODY;
use serde_json::Value;

use super::problem::Failure;
use crate::app::{App, Error, IdempotencyKey, Object, json};

/// A JSON object without duplicate keys, and the key under which the request may be repeated.
pub(super) struct Body {
    pub(super) object: Object,
    pub(super) idempotency_key: Option<IdempotencyKey>,
}

impl FromRequest<Arc<App>> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let (parts, bytes) = read(request, app).await?;
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
        match json::read(&bytes) {
            Ok(Value::Object(object)) => Ok(Self { object, idempotency_key: idempotency_key(&parts, &bytes)? }),
            Ok(_) => Err(Failure::bad_request("the body must be a JSON object")),
            Err(defect) => Err(Failure::bad_request(format!("the body cannot be read: {defect}"))),
        }
    }
}

/// A request whose body does not matter, and the key under which it may be repeated.
pub(super) struct NoBody {
    pub(super) idempotency_key: Option<IdempotencyKey>,
}

impl FromRequest<Arc<App>> for NoBody {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let (parts, bytes) = read(request, app).await?;
        Ok(Self { idempotency_key: idempotency_key(&parts, &bytes)? })
    }
}

async fn read(request: Request, app: &App) -> Result<(Parts, Bytes), Failure> {
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
    let Ok(read) = tokio::time::timeout(app.body_patience, to_bytes(body, MAX_BODY)).await else {
        let message = format!("the body did not arrive within {:?}", app.body_patience);
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

impl PathId for ServiceAccountId {
    fn missing(text: &str) -> Error {
        Error::no_service_account(text)
    }
}

impl PathId for TokenId {
    fn missing(text: &str) -> Error {
        Error::no_token(text)
    }
}

impl PathId for ScheduleId {
    fn missing(text: &str) -> Error {
        Error::no_schedule(text)
    }
}

impl PathId for ExecutionId {
    fn missing(text: &str) -> Error {
        Error::no_execution(text)
    }
}

impl PathId for ActivityId {
    fn missing(text: &str) -> Error {
        Error::no_activity(text)
    }
}

impl PathId for UserId {
    fn missing(text: &str) -> Error {
        Error::no_user(text)
    }
}

impl PathId for GroupId {
    fn missing(text: &str) -> Error {
        Error::no_group(text)
    }
}

impl PathId for ProviderId {
    fn missing(text: &str) -> Error {
        Error::no_provider(text)
    }
}

impl PathId for ApplicationId {
    fn missing(text: &str) -> Error {
        Error::no_application(text)
    }
}

impl PathId for AccessRequestId {
    fn missing(text: &str) -> Error {
        Error::no_access_request(text)
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

/// The two ids in a path, in their order.
pub(super) struct Ids<A, B>(pub(super) A, pub(super) B);

impl<A: PathId + Send, B: PathId + Send> FromRequestParts<Arc<App>> for Ids<A, B> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let Path((first, second)) = Path::<(String, String)>::from_request_parts(parts, app)
            .await
            .map_err(|_| Failure::from(A::missing("")))?;
        let first = first.parse().map_err(|_| A::missing(&first))?;
        let second = second.parse().map_err(|_| B::missing(&second))?;
        Ok(Self(first, second))
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
