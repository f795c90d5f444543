//! The one error body.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::values::words;

words! {
    /// What went wrong, for programs.
    Code {
        /// 400: the request is wrong; `validationErrors` says where.
        ValidationError = "VALIDATION_ERROR",
        /// 404: there is no such thing.
        NotFound = "NOT_FOUND",
        /// 401: no token, or one that is not valid.
        Unauthorised = "UNAUTHORISED",
        /// 403: the token may not do this, or nobody may.
        Forbidden = "FORBIDDEN",
        /// 409: the name is taken, or the thing is not in the right state.
        Conflict = "CONFLICT",
        /// 412: the thing has changed since it was read.
        PreconditionFailed = "PRECONDITION_FAILED",
        /// 413: the body is over the limit.
        PayloadTooLarge = "PAYLOAD_TOO_LARGE",
        /// 429: too many requests; `Retry-After` says when to come back.
        TooManyRequests = "TOO_MANY_REQUESTS",
        /// 503: for the moment the server cannot do this.
        ServiceUnavailable = "SERVICE_UNAVAILABLE",
        /// 500: a defect of the server.
        InternalError = "INTERNAL_ERROR",
    }
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Problem {
    /// What went wrong, for programs. Absent where nothing is said about any object: an unknown path or method, or an answer of
    /// somebody else's server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// What went wrong, for people.
    pub message: String,
    /// Facts beside the message, such as the id of the task that has the name already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// For a field path as on the wire (`cron_expr`, `secrets.API_KEY`): what is wrong with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub validation_errors: BTreeMap<String, Vec<String>>,
    /// When it went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}

impl Problem {
    /// A problem with a code and a message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            message: message.into(),
            details: None,
            validation_errors: BTreeMap::new(),
            timestamp: None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for (field, messages) in &self.validation_errors {
            write!(f, "; {field}: {}", messages.join(", "))?;
        }
        Ok(())
    }
}
