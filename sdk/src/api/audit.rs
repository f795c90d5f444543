//! The audit log: who changed what, and when.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ids::{AuditEntryId, TokenId};
use super::page::{MAX_DEPTH, MAX_LIMIT};
use super::schema;

/// One change, or a request that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The entry.
    pub id: AuditEntryId,
    /// When it happened.
    pub at: Timestamp,
    /// The name of who did it: that of a service account, `task` and the name of a task whose script did it, `run profile` and the names of a
    /// connected system and its run profile, or `command line`.
    pub actor: String,
    /// What identifies the actor: `account:`, `task:` or `run_profile:` and an id; absent for the command line.
    pub principal: Option<String>,
    /// The token with which the actor came, a short one too; absent where there was none. It may be gone.
    #[serde(default)]
    pub token_id: Option<TokenId>,
    /// The `X-Request-Id` of the answer to the request that did it; absent where there was none.
    pub request_id: Option<String>,
    /// What was done, such as `task.update`. Clients must expect words that they do not know.
    pub action: String,
    /// The kind of thing that it was done to: `task`, `run`, `token`, `user`, `group`, …
    pub object_kind: String,
    /// The id of that thing. It may be gone.
    pub object_id: Option<String>,
    /// Its name after the change, or before its end.
    pub object_name: Option<String>,
    /// A JSON object of further facts: what changed and to what, names of secrets, never a value of one.
    #[schemars(with = "schema::AnyObject")]
    pub details: Value,
}

impl AuditEntry {
    /// An entry that says no more than this.
    pub fn new(id: AuditEntryId, at: Timestamp, actor: String, action: String, object_kind: String) -> Self {
        Self {
            id,
            at,
            actor,
            principal: None,
            token_id: None,
            request_id: None,
            action,
            object_kind,
            object_id: None,
            object_name: None,
            details: Value::Object(serde_json::Map::new()),
        }
    }
}

/// Which entries of the audit log to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AuditQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_DEPTH))]
    pub page: Option<u32>,
    /// Entries on a page: from 1 to 1000, 50 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Entries with this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub action: Option<String>,
    /// Entries about the thing with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub object_id: Option<String>,
    /// Entries of whoever has this name, or this principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub actor: Option<String>,
}

impl AuditQuery {
    /// All entries, newest first.
    pub fn new() -> Self {
        Self::default()
    }
}
