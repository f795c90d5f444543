//! Messages that the server has delivered to its users.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{MessageId, UserId};

/// A message that a user has got. A pending one is not visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct UserMessage {
    /// The message.
    pub id: MessageId,
    /// To whom it went.
    pub user_id: UserId,
    /// What it is about.
    pub subject: String,
    /// What it says; may be empty.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was delivered.
    pub delivered_at: Timestamp,
}

impl UserMessage {
    /// A delivered message.
    pub fn new(
        id: MessageId,
        user_id: UserId,
        subject: String,
        body: String,
        created_at: Timestamp,
        delivered_at: Timestamp,
    ) -> Self {
        Self { id, user_id, subject, body, created_at, delivered_at }
    }
}

/// Which messages of a user to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MessageQuery {
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Messages on a page: from 1 to 1000, 20 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl MessageQuery {
    /// All messages, the last delivered first.
    pub fn new() -> Self {
        Self::default()
    }
}
