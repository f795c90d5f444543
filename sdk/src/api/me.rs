//! Who a caller is, and what callers have of their own: tokens.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::TokenId;
use super::permissions::Permission;
use super::schema;
use super::secrets::Secret;
use super::service_accounts::ServiceAccount;

/// How long a short token lives unless it is renewed, and how long a renewal adds from the moment that it is made, in seconds.
pub const TTL_SECONDS: std::ops::RangeInclusive<i64> = 60..=3600;
/// However often it is renewed, a short token ends so many seconds after it was made.
pub const LONGEST_LIFE_SECONDS: i64 = 24 * 3600;

/// Who a caller is, and what it may do at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Me {
    /// The account that the caller's token belongs to.
    pub account: ServiceAccount,
    /// The token with which the caller comes.
    pub token: OwnToken,
    /// What the caller may do, sorted: what both the account and the token allow.
    #[schemars(with = "Vec<Permission>")]
    pub permissions: Vec<String>,
    /// Whether the caller may do everything, also what has no permission yet.
    pub is_admin: bool,
    /// When the token ends, unless it is renewed.
    pub expires_at: Timestamp,
}

impl Me {
    /// Somebody who may do nothing.
    pub fn new(account: ServiceAccount, token: OwnToken, expires_at: Timestamp) -> Self {
        Self { account, token, permissions: Vec::new(), is_admin: false, expires_at }
    }
}

/// The token with which a caller comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct OwnToken {
    /// The token.
    pub id: TokenId,
    /// What its owner calls it. A short token has the name of the one that made it.
    pub name: String,
    /// Whether it is a short token.
    pub is_short: bool,
}

impl OwnToken {
    /// Puts the parts together.
    pub fn new(id: TokenId, name: String, is_short: bool) -> Self {
        Self { id, name, is_short }
    }
}

/// Makes a short token: one that ends soon, may do no more than the token that makes it, and dies with that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::strict)]
pub struct NewShortToken {
    /// From 60 to 3600.
    #[schemars(range(min = *TTL_SECONDS.start(), max = *TTL_SECONDS.end()))]
    pub ttl_seconds: i64,
    /// What it may do, such as `tasks.view`: one permission at least, and none that its maker has not. All that its maker may do
    /// where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Permission>>", length(min = 1))]
    pub permissions: Option<Vec<String>>,
}

impl NewShortToken {
    /// A token that may do what its maker may.
    pub fn new(ttl_seconds: i64) -> Self {
        Self { ttl_seconds, permissions: None }
    }

    /// A token that may do these things alone.
    #[must_use]
    pub fn with_permissions(self, permissions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { permissions: Some(permissions.into_iter().map(Into::into).collect()), ..self }
    }
}

/// A short token that was just made. No other answer tells its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ShortToken {
    /// To renew and to revoke it by.
    pub id: TokenId,
    /// A JWT, to send as `Authorization: Bearer …`. It stays the same when the token is renewed.
    pub token: Secret,
    /// What it may do, sorted.
    #[schemars(with = "Vec<Permission>")]
    pub permissions: Vec<String>,
    /// When it ends unless it is renewed. Earlier than asked for where its maker ends earlier.
    pub expires_at: Timestamp,
}

impl ShortToken {
    /// Puts the parts together.
    pub fn new(id: TokenId, token: Secret, permissions: Vec<String>, expires_at: Timestamp) -> Self {
        Self { id, token, permissions, expires_at }
    }
}

/// Lets a short token live longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = schema::strict)]
pub struct RenewShortToken {
    /// From 60 to 3600, counted from now.
    #[schemars(range(min = *TTL_SECONDS.start(), max = *TTL_SECONDS.end()))]
    pub ttl_seconds: i64,
}

/// A short token that was renewed. Its text is the one that it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct RenewedShortToken {
    /// The token.
    pub id: TokenId,
    /// What it may do, sorted.
    #[schemars(with = "Vec<Permission>")]
    pub permissions: Vec<String>,
    /// When it ends unless it is renewed again: at the latest 24 hours after it was made, or when its maker ends.
    pub expires_at: Timestamp,
}

impl RenewedShortToken {
    /// Puts the parts together.
    pub fn new(id: TokenId, permissions: Vec<String>, expires_at: Timestamp) -> Self {
        Self { id, permissions, expires_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_token() {
        let text = r#"{"id":"0199f2a6-0000-7000-8000-000000000001","token":"canary","permissions":[],"expires_at":"2026-01-01T00:00:00Z"}"#;
        let token: ShortToken = serde_json::from_str(text).unwrap();
        assert!(!format!("{token:?} {token:#?}").contains("canary"));
        assert_eq!(serde_json::to_string(&token).unwrap(), text);
    }

    #[test]
    fn permissions_that_are_not_named_are_left_out() {
        assert_eq!(serde_json::to_string(&NewShortToken::new(60)).unwrap(), r#"{"ttl_seconds":60}"#);
        let some = NewShortToken::new(60).with_permissions(["tasks.view"]);
        assert_eq!(serde_json::to_string(&some).unwrap(), r#"{"ttl_seconds":60,"permissions":["tasks.view"]}"#);
    }
}
