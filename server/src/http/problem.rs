//! The one place that decides what a client may read about an error.

use std::any::Any;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::problem::{Code, Problem};
use serde_json::json;

use crate::app::Error;
use crate::app::metrics::counts::DatabaseError;
use crate::app::refusals::Denial;
use crate::store;

/// An answer that is not a success.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    // Boxed, because every extractor and handler returns one of these where it fails.
    problem: Box<Problem>,
    header: Option<(HeaderName, HeaderValue)>,
    /// Where the database is the cause.
    failed: Option<DatabaseFailed>,
    /// Of a caller who may not do what was asked: for the audit log.
    denial: Option<Box<Denial>>,
}

/// An extension of an answer that came to be because the database failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct DatabaseFailed(pub(super) DatabaseError);

impl Failure {
    pub(super) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { status, problem: Box::new(Problem::new(code, message)), header: None, failed: None, denial: None }
    }

    /// Names the parts that keep this server from its work, and nothing else about them.
    pub(super) fn unready(parts: &[&str]) -> Self {
        let message = format!("this server is not ready: {}", parts.join(", "));
        let mut failure = Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::ServiceUnavailable, message);
        failure.problem.details = Some(json!({ "unready": parts }));
        failure.header = Some((header::RETRY_AFTER, HeaderValue::from_static("1")));
        failure
    }

    fn denied(message: String, denial: Denial) -> Self {
        Self { denial: Some(Box::new(denial)), ..Self::new(StatusCode::FORBIDDEN, Code::Forbidden, message) }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::ValidationError, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let failed = error.database().map(DatabaseFailed);
        let mut failure = Self::of(error, message);
        failure.failed = failed;
        failure
    }
}

impl Failure {
    fn of(error: Error, message: String) -> Self {
        match error {
            Error::Invalid(errors) => {
                let mut failure = Self::bad_request(message);
                failure.problem.validation_errors = errors.into_map();
                failure
            }
            Error::Refused(_) => Self::bad_request(message),
            Error::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, Code::NotFound, message),
            Error::Unauthorised(_) => Self {
                header: Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
                ..Self::new(StatusCode::UNAUTHORIZED, Code::Unauthorised, message)
            },
            Error::Lacking { permission, .. } => Self::denied(message, Denial::Lacks(permission)),
            Error::Forbidden(reason) => Self::denied(message, Denial::Because(reason)),
            Error::Conflict { details, .. } => {
                let mut failure = Self::new(StatusCode::CONFLICT, Code::Conflict, message);
                failure.problem.details = details;
                failure
            }
            Error::Stale { .. } => Self::new(StatusCode::PRECONDITION_FAILED, Code::PreconditionFailed, message),
            Error::TooMany { retry_after, .. } => Self {
                header: Some((header::RETRY_AFTER, whole_seconds(retry_after))),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, Code::TooManyRequests, message)
            },
            Error::Store(ref cause @ (store::Error::Unavailable(_) | store::Error::Silent)) => {
                log(&error);
                let message = match cause.stores_nothing() {
                    Some(why) => format!("the database stores nothing at the moment: {why}"),
                    None => "the database is not available at the moment".to_owned(),
                };
                Self {
                    header: Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
                    ..Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::ServiceUnavailable, message)
                }
            }
            // Two requests raced for the same name; the check before the write lost.
            Error::Store(store::Error::Conflict(_)) => {
                Self::new(StatusCode::CONFLICT, Code::Conflict, "another request has just stored the same thing")
            }
            Error::Store(_) | Error::Crypto | Error::NotShown(_) | Error::Sealed { .. } => {
                log(&error);
                internal()
            }
        }
    }
}

impl IntoResponse for Failure {
    /// The body comes later, from [`write_body`]: this place has no clock.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self.problem);
        self.failed.and_then(|failed| response.extensions_mut().insert(failed));
        if let Some(denial) = self.denial {
            response.extensions_mut().insert(*denial);
        }
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Puts the error body into an answer that is a [`Failure`], with the time.
pub(super) fn write_body(response: Response, now: Timestamp) -> Response {
    let (mut parts, body) = response.into_parts();
    let Some(mut problem) = parts.extensions.remove::<Box<Problem>>() else { return Response::from_parts(parts, body) };
    problem.timestamp = Some(now);
    let mut response = (parts.status, Json(problem)).into_response();
    response.headers_mut().extend(parts.headers);
    *response.extensions_mut() = parts.extensions;
    response
}

/// A path that is none of ours. It carries no code: it says nothing about any object, and a client that mistook it for
/// `NOT_FOUND` would believe that its task is gone when its endpoint is wrong.
pub(super) async fn no_such_path() -> Response {
    let mut failure =
        Failure::new(StatusCode::NOT_FOUND, Code::NotFound, "there is no such path; is the endpoint right?");
    failure.problem.code = None;
    failure.into_response()
}

pub(super) async fn no_such_method() -> Response {
    let mut failure =
        Failure::new(StatusCode::METHOD_NOT_ALLOWED, Code::ValidationError, "this path does not support the method");
    failure.problem.code = None;
    failure.into_response()
}

/// A panic is a defect; its text stays in the log, where the panic hook has put it.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    internal().into_response()
}

pub(super) fn too_slow() -> Failure {
    let message = "the request took too long; it may or may not have been carried out";
    Failure {
        header: Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
        ..Failure::new(StatusCode::SERVICE_UNAVAILABLE, Code::ServiceUnavailable, message)
    }
}

pub(super) fn crowded() -> Failure {
    let message = "the server has as many requests at work as it takes at one time; nothing was done";
    Failure {
        header: Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
        ..Failure::new(StatusCode::SERVICE_UNAVAILABLE, Code::ServiceUnavailable, message)
    }
}

pub(super) fn internal() -> Failure {
    let message = "the server failed; its log has the cause under this answer's X-Request-Id";
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, Code::InternalError, message)
}

/// Not less than was asked for.
fn whole_seconds(pause: SignedDuration) -> HeaderValue {
    HeaderValue::from(pause.as_secs() + i64::from(pause.subsec_nanos() > 0))
}

fn log(error: &Error) {
    tracing::error!(error = error as &dyn std::error::Error, "request failed");
}
