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

/// Takes all that is stored here for this transaction: until it ends, everybody else waits who wants to change something. Readers do
/// not. In the order in which others lock rows, so that nobody waits crosswise.
pub async fn claim(tx: &mut Tx) -> Result<()> {
    // SQLite has one writer anyway.
    if let Tx::Postgres(tx) = tx {
        let sql = "LOCK TABLE federated_providers, users, user_groups, applications, group_members, federated_identities, \
            saml_sessions, trusted_devices, user_messages, access_requests, access_request_approvers, preset_definitions, \
            agent_tokens IN EXCLUSIVE MODE";
        sqlx::query(sql).execute(&mut **tx).await?;
    }
    Ok(())
}
