//! Personal access tokens, which belong to service accounts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::TokenId;
use super::permissions::Permission;
use super::schema;
use super::secrets::Secret;

/// What every personal access token begins with.
pub const PREFIX: &str = "justiam_pat_";
/// The longest name, in characters.
pub const MAX_NAME: usize = 100;
/// How many days a token may be valid.
pub const LIFETIME_DAYS: std::ops::RangeInclusive<u32> = 1..=365;
/// How many days a token is valid, where nobody says otherwise.
pub const DEFAULT_LIFETIME_DAYS: u32 = 90;

/// A token as lists tell it: all but its text, which only the answer that made it has told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Token {
    /// To revoke it by.
    pub id: TokenId,
    /// What its owner calls it. Two tokens may have the same name.
    pub name: String,
    /// How its text begins: `justiam_pat_` and the next 6 characters.
    pub prefix: String,
    /// What it may do of what its account may do, sorted; `null` where that is all of it.
    #[schemars(with = "Option<Vec<Permission>>")]
    pub permissions: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When a request last came with it, told up to a minute late; `null` where none has. A short token counts for the one that made it.
    pub last_used_at: Option<Timestamp>,
    /// When somebody ended it. It is listed for 30 days after that.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// A token that nobody has used yet, and that may do all that its account may do.
    pub fn new(id: TokenId, name: String, prefix: String, created_at: Timestamp, expires_at: Timestamp) -> Self {
        Self { id, name, prefix, permissions: None, created_at, expires_at, last_used_at: None, revoked_at: None }
    }
}

/// Makes a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[schemars(transform = schema::strict)]
pub struct NewToken {
    /// What to call it; 1 to 100 characters.
    #[schemars(length(max = MAX_NAME), regex(pattern = schema::LINE))]
    pub name: String,
    /// What it may do, such as `tasks.view`: one permission at least, and none that its account or its maker has not. Where absent, all
    /// that its account may do; a maker that may do less gives what it has itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Permission>>", length(min = 1))]
    pub permissions: Option<Vec<String>>,
    /// From 1 to 365; 90 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = *LIFETIME_DAYS.start(), max = *LIFETIME_DAYS.end()))]
    pub expires_in_days: Option<u32>,
}

impl NewToken {
    /// A token for 90 days that may do what its account may do.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), permissions: None, expires_in_days: None }
    }

    /// A token that may do these things alone.
    #[must_use]
    pub fn with_permissions(self, permissions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { permissions: Some(permissions.into_iter().map(Into::into).collect()), ..self }
    }

    /// A token that lives for so many days.
    #[must_use]
    pub fn for_days(self, days: u32) -> Self {
        Self { expires_in_days: Some(days), ..self }
    }
}

/// A token that was just made. No other answer tells its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct IssuedToken {
    /// To revoke it by.
    pub id: TokenId,
    /// What to send as `Authorization: Bearer …`.
    pub token: Secret,
    /// What its owner calls it.
    pub name: String,
    /// How its text begins.
    pub prefix: String,
    /// What it may do of what its account may do, sorted; `null` where that is all of it.
    #[schemars(with = "Option<Vec<Permission>>")]
    pub permissions: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl IssuedToken {
    /// The text of a token, and what lists tell of it.
    pub fn new(text: Secret, token: Token) -> Self {
        Self {
            id: token.id,
            token: text,
            name: token.name,
            prefix: token.prefix,
            permissions: token.permissions,
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_token() {
        let text = r#"{"id":"0199f2a6-0000-7000-8000-000000000001","token":"canary","name":"ci","prefix":"justiam_pat_abcdef","permissions":null,"created_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-02T00:00:00Z"}"#;
        let token: IssuedToken = serde_json::from_str(text).unwrap();
        assert!(!format!("{token:?} {token:#?}").contains("canary"));
        assert_eq!(serde_json::to_string(&token).unwrap(), text);
    }

    #[test]
    fn what_is_not_named_is_left_out() {
        assert_eq!(serde_json::to_string(&NewToken::new("ci")).unwrap(), r#"{"name":"ci"}"#);
        let some = NewToken::new("ci").with_permissions(["tasks.view"]).for_days(7);
        assert_eq!(
            serde_json::to_string(&some).unwrap(),
            r#"{"name":"ci","permissions":["tasks.view"],"expires_in_days":7}"#
        );
    }
}
