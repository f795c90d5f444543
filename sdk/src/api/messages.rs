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
