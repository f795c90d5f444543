//! Who asks, and what they may do.

use jiff::Timestamp;
use justiam_sdk::api::ids::TokenId;
pub use justiam_sdk::api::permissions::Permission;

use super::{Error, Result};

/// The permissions that are stored separated by blanks. One that this version does not know allows nothing.
pub(super) fn read_list(names: &str) -> Vec<Permission> {
    names.split_whitespace().filter_map(|name| name.parse().ok()).collect()
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Identifies the caller in stored data. Whoever comes with a short token is the token that made it.
    pub principal: String,
    /// The caller's name, for people.
    pub name: String,
    /// What the caller may do.
    pub permissions: Vec<Permission>,
    /// Whether the caller may do everything.
    pub is_admin: bool,
    /// When the caller's token ends, if there is one.
    pub expires_at: Option<Timestamp>,
    /// The short token with which the caller comes, if it is one.
    pub short_token: Option<TokenId>,
    /// The request in which the caller asks, as its answer and the log name it.
    pub request_id: Option<String>,
}

impl Caller {
    /// Who has this token.
    pub(super) fn principal_of(token: TokenId) -> String {
        format!("token:{token}")
    }

    /// The token that identifies the caller.
    pub(super) fn token(&self) -> Option<TokenId> {
        self.principal.strip_prefix("token:")?.parse().ok()
    }

    /// Fails unless the caller may do this.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.is_admin || self.permissions.contains(&permission) {
            return Ok(());
        }
        Err(Error::Forbidden(format!(
            "this needs the permission `{}`, which token `{}` does not have",
            permission.as_str(),
            self.name
        )))
    }
}
