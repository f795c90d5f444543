//! What a caller can act on.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use justiam_sdk::api::page::MAX_PAGE_BYTES;
use serde_json::Value;

use super::caller::{Permission, Refused};
use super::vault::Unopened;
use crate::store;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Fields of the request are wrong; all of them are named.
    #[error("the request has invalid fields")]
    Invalid(FieldErrors),
    /// There is no such thing.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// What was looked for.
        kind: &'static str,
        /// Under which id.
        id: String,
    },
    /// No token, or one that is not valid.
    #[error(transparent)]
    Unauthorised(Refused),
    /// The caller does not have a permission.
    #[error("this needs the permission `{permission}`, which {who} does not have", permission = .permission.as_str())]
    Lacking {
        /// What is needed.
        permission: Permission,
        /// Who does not have it.
        who: String,
    },
    /// The caller may not do this, or nobody may.
    #[error("{0}")]
    Forbidden(String),
    /// The name is taken, or the thing is not in the right state.
    #[error("{message}")]
    Conflict {
        /// What is in the way.
        message: String,
        /// Facts for programs, such as the id of the thing that is in the way.
        details: Option<Value>,
    },
    /// What is asked for cannot be done as things stand, and clients of schedules expect it to be a bad request.
    #[error("{0}")]
    Refused(String),
    /// The thing has changed since the caller read it.
    #[error("the {kind} has changed since revision {given}; its revision is now {current}")]
    Stale {
        /// What has changed.
        kind: &'static str,
        /// What the caller holds.
        given: String,
        /// What is stored.
        current: String,
    },
    /// Somebody must wait until others are done.
    #[error("{message}; try again later")]
    TooMany {
        /// What there is too much of.
        message: String,
        /// When it makes sense to try again.
        retry_after: SignedDuration,
    },
    /// The database cannot be used, or something that must not happen did.
    #[error("the request could not be carried out")]
    Store(#[source] store::Error),
    /// The cryptography library failed, or the system gives no random numbers.
    #[error("the cryptography library failed")]
    Crypto,
    /// A token was made that nobody has seen, so it was not kept.
    #[error("the token could not be shown, so it was not kept")]
    NotShown(#[source] std::io::Error),
    /// A stored secret does not open.
    #[error("the secret `{key}` of task {task} cannot be decrypted: {why}; write it again")]
    Sealed {
        /// The secret's key.
        key: String,
        /// Its task.
        task: String,
        /// Why not.
        why: Unopened,
    },
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        let store::Error::LongPage = error else { return Self::Store(error) };
        let mut errors = FieldErrors::default();
        let most = MAX_PAGE_BYTES >> 20;
        errors.add(
            "limit",
            format!("the texts of these items are over {most} MiB; ask for fewer items, or for fewer parts of tasks"),
        );
        Self::Invalid(errors)
    }
}

impl Error {
    /// There is no task with this id.
    pub fn no_task(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "task", id: shown(&id.to_string()) }
    }

    /// There is no service account with this id.
    pub fn no_service_account(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "service account", id: shown(&id.to_string()) }
    }

    /// The account has no token with this id.
    pub fn no_token(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "token", id: shown(&id.to_string()) }
    }

    /// There is no schedule with this id.
    pub fn no_schedule(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "schedule", id: shown(&id.to_string()) }
    }

    /// There is no user with this id.
    pub fn no_user(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "user", id: shown(&id.to_string()) }
    }

    /// There is no group with this id or name.
    pub fn no_group(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "group", id: shown(&id.to_string()) }
    }

    /// There is no federated provider with this id.
    pub fn no_provider(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "federated provider", id: shown(&id.to_string()) }
    }

    /// There is no application with this id.
    pub fn no_application(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "application", id: shown(&id.to_string()) }
    }

    /// There is no access request with this id.
    pub fn no_access_request(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "access request", id: shown(&id.to_string()) }
    }

    /// There is no execution with this id.
    pub fn no_execution(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "schedule execution", id: shown(&id.to_string()) }
    }

    /// There is no connected system with this id.
    pub fn no_connected_system(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "connected system", id: shown(&id.to_string()) }
    }

    /// The connected system has no run profile with this id.
    pub fn no_run_profile(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "run profile", id: shown(&id.to_string()) }
    }

    /// There is no activity with this id.
    pub fn no_activity(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "activity", id: shown(&id.to_string()) }
    }

    /// There is no run with this id.
    pub fn no_run(id: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::NotFound { kind: "run", id: shown(&id.to_string()) }
    }
}

/// What is wrong with the fields of a request, by their path on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(BTreeMap<String, Vec<String>>);

impl FieldErrors {
    /// Adds a message to a field.
    pub fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.entry(path.into()).or_default().push(message.into());
    }

    /// Adds the messages of others.
    pub fn append(&mut self, others: Self) {
        for (path, messages) in others.0 {
            self.0.entry(path).or_default().extend(messages);
        }
    }

    /// Whether a field has a message already.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages, or `Ok` when there are none.
    pub fn check(self) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { Err(Error::Invalid(self)) }
    }

    /// The messages by path, in the order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(path, messages)| (path.as_str(), messages.as_slice()))
    }

    /// The messages by path.
    pub fn into_map(self) -> BTreeMap<String, Vec<String>> {
        self.0
    }
}

/// What a message may repeat of what somebody sent.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
