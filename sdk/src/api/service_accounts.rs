//! Service accounts: who the programs are that come with tokens, and what they may do.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::ServiceAccountId;
use super::page::{MAX_DEPTH, MAX_LIMIT};
use super::permissions::Permission;
use super::schema;

/// The longest name, in characters.
pub const MAX_NAME: usize = 100;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 4000;

/// A service account as the server tells it. Each token belongs to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ServiceAccount {
    /// The account.
    pub id: ServiceAccountId,
    /// Unique among service accounts, in exactly this spelling. Runs and the audit log tell it.
    pub name: String,
    /// Free text; may be empty.
    pub description: String,
    /// What its tokens may do, sorted, such as `tasks.view`. A token can narrow it and not widen it.
    #[schemars(with = "Vec<Permission>")]
    pub permissions: Vec<String>,
    /// Whether it may do everything, also what has no permission yet.
    pub is_admin: bool,
    /// The tokens of an account that is not enabled are refused.
    pub is_enabled: bool,
    /// When the account was created.
    pub created_at: Timestamp,
    /// When it last changed. Its tokens are no part of it.
    pub updated_at: Timestamp,
}

impl ServiceAccount {
    /// An enabled account that may do nothing yet.
    pub fn new(id: ServiceAccountId, name: String, created_at: Timestamp) -> Self {
        Self {
            id,
            name,
            description: String::new(),
            permissions: Vec::new(),
            is_admin: false,
            is_enabled: true,
            created_at,
            updated_at: created_at,
        }
    }
}

/// Creates a service account, or replaces what can be changed of one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&schema::MADE))]
pub struct NewServiceAccount {
    /// Unique among service accounts; up to 100 characters.
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: String,
    /// Empty where absent; up to 4000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_DESCRIPTION), regex(pattern = schema::TEXT))]
    pub description: Option<String>,
    /// What its tokens may do; nothing where absent. Nobody gives what they do not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Permission>>")]
    pub permissions: Option<Vec<String>>,
    /// Whether it may do everything; only an admin can give this. `false` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_admin: Option<bool>,
    /// Whether its tokens are accepted; `true` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
}

impl NewServiceAccount {
    /// An enabled account that may do nothing yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// An enabled account that may do these things.
    pub fn with_permissions(name: impl Into<String>, permissions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let permissions = permissions.into_iter().map(Into::into).collect();
        Self { permissions: Some(permissions), ..Self::new(name) }
    }
}

/// Changes the fields that it names, all at once or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::ignoring(&schema::MADE))]
pub struct ServiceAccountPatch {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_DESCRIPTION), regex(pattern = schema::TEXT))]
    pub description: Option<String>,
    /// What its tokens may do, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Permission>>")]
    pub permissions: Option<Vec<String>>,
    /// Whether it may do everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_admin: Option<bool>,
    /// Whether its tokens are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
}

impl ServiceAccountPatch {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses or accepts the tokens of the account.
    pub fn enabled(is_enabled: bool) -> Self {
        Self { is_enabled: Some(is_enabled), ..Self::default() }
    }
}

/// Which service accounts to list, ordered by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ServiceAccountQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_DEPTH))]
    pub page: Option<u32>,
    /// Accounts on a page: from 1 to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// The account with exactly this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::TEXT))]
    pub name: Option<String>,
}

impl ServiceAccountQuery {
    /// All accounts.
    pub fn new() -> Self {
        Self::default()
    }

    /// The account with this name: one or none.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }
}
