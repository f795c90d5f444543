//! Who asks, and what they may do.

use jiff::Timestamp;
use justiam_sdk::api::ids::{ServiceAccountId, TokenId};
pub use justiam_sdk::api::permissions::Permission;
use justiam_sdk::api::service_accounts::ServiceAccount;

use super::{Error, Result};

/// The permissions that are stored separated by blanks. One that this version does not know allows nothing.
pub(super) fn read_list(names: &str) -> Vec<Permission> {
    names.split_whitespace().filter_map(|name| name.parse().ok()).collect()
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Identifies the caller in stored data: the account of its token.
    pub principal: String,
    /// The name of that account, for people.
    pub name: String,
    /// What the caller may do: what both its account and its token allow at the time of the request.
    pub permissions: Vec<Permission>,
    /// Whether the caller may do everything.
    pub is_admin: bool,
    /// When the caller's token ends, if there is one.
    pub expires_at: Option<Timestamp>,
    /// The token with which the caller comes; nothing for callers that HTTP does not know.
    pub token: Option<CallerToken>,
    /// The request in which the caller asks, as its answer and the log name it.
    pub request_id: Option<String>,
}

/// The token with which a caller comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerToken {
    /// The token.
    pub id: TokenId,
    /// What its owner calls it; of a short token, what the owner of its maker calls that.
    pub name: String,
    /// The account that it belongs to.
    pub account: ServiceAccountId,
    /// The token that made it, if it is a short one.
    pub maker: Option<TokenId>,
    /// Whether it may do less than its account.
    pub is_narrowed: bool,
}

impl Caller {
    /// Who comes with a token of this account.
    pub(super) fn principal_of(account: ServiceAccountId) -> String {
        format!("account:{account}")
    }

    /// Whether the caller may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.is_admin || self.permissions.contains(&permission)
    }

    /// Fails unless the caller may do this.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            return Ok(());
        }
        let who = match &self.token {
            Some(token) => format!("token `{}` of service account `{}`", token.name, self.name),
            None => format!("`{}`", self.name),
        };
        Err(Error::Lacking { permission, who })
    }
}

/// What a token of this account may do that is narrowed to these permissions, separated by blanks. In the order of their names.
pub(super) fn allowed(account: &ServiceAccount, narrowed: Option<&str>) -> Vec<Permission> {
    let of_account = |permission: &Permission| {
        account.is_admin || account.permissions.iter().any(|name| name == permission.as_str())
    };
    let mut permissions = narrowed.map_or_else(|| Permission::ALL.to_vec(), read_list);
    permissions.retain(of_account);
    permissions.sort_unstable_by_key(|permission| permission.as_str());
    permissions.dedup();
    permissions
}

/// Why nobody is let in with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// Why.
    pub why: Why,
    /// Whose token it is or was, if that is known.
    pub holder: Option<Box<Holder>>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// None was sent.
    #[error("a token is required: send the header `Authorization: Bearer <token>` or `X-API-Key: <token>`")]
    Missing,
    /// No such token was ever made here, or it is forgotten, or its account is gone.
    #[error("the token is not known")]
    Unknown,
    /// It looks like a short token and is none of this server's.
    #[error("the token is not valid")]
    Invalid,
    /// A server whose clock is far ahead made it.
    #[error("the token is not valid yet")]
    TooEarly,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Somebody ended it, or the one that made it.
    #[error("the token was revoked")]
    Revoked,
    /// Somebody disabled its account.
    #[error("the service account of the token is disabled")]
    Disabled,
}

impl Why {
    /// A word for the audit log.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Invalid => "invalid",
            Self::TooEarly => "too_early",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
        }
    }
}

/// Whose token was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The account.
    pub account: ServiceAccountId,
    /// Its name.
    pub account_name: String,
    /// The token.
    pub token: TokenId,
    /// What its owner calls it.
    pub token_name: String,
}

impl From<Why> for Error {
    fn from(why: Why) -> Self {
        Self::Unauthorised(Refused { why, holder: None })
    }
}
