//! Users, groups, and what else scripts and clients manage about people and programs.
//!
//! Clients come with a token and scripts with their run, so use cases that both have take an [`actor::Actor`]. Scripts name
//! things by texts, and one that is no id names nothing.

mod access_requests;
pub mod actor;
mod applications;
pub(in crate::app) mod bodies;
mod federated_identities;
pub(in crate::app) mod federated_providers;
mod groups;
pub(in crate::app) mod rules;
mod users;

use super::Error;
use crate::store;
pub(in crate::app) use users::check as check_user;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use users::fuzzing;

/// How many users or groups a function returns at once whose name ends with `_after`. Fewer are the last ones.
pub const PAGE: i64 = 1000;

/// An error in words for the author of a script.
pub fn told(error: &Error) -> String {
    match error {
        Error::Invalid(errors) => {
            let texts = errors.iter().map(|(field, messages)| format!("{field} {}", messages.join(", and ")));
            texts.collect::<Vec<_>>().join("; ")
        }
        Error::Store(store::Error::Unavailable(_) | store::Error::Silent) => {
            "the database is not available at the moment".into()
        }
        other => other.to_string(),
    }
}
