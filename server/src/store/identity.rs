//! Users and what belongs to them.
//!
//! A function called `put` writes a row over the one with the same id. Where the new row does not say when it was made,
//! the old row's word stays; a row that was not there was made now.

pub mod access_requests;
pub mod agent_tokens;
pub mod applications;
pub mod federated_identities;
pub mod federated_providers;
pub mod groups;
pub mod presets;
pub mod saml_sessions;
pub mod trusted_devices;
pub mod user_messages;
pub mod users;

use super::{Error, Result, Tx, contains, folded, given, json, locked, maybe_time, on, parsed, rows, text, time};
