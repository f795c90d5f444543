//! Tokens of agents: programs that carry out tasks elsewhere.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Result, Tx, on};

/// A token to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAgentToken {
    /// The token's id.
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When an agent last came with it.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is not valid any more.
    pub revoked_at: Option<Timestamp>,
}

/// Writes a token.
pub async fn put(tx: &mut Tx, token: &NewAgentToken) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO agent_tokens (id, name, created_at, last_used_at, revoked_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, created_at = excluded.created_at, \
         last_used_at = excluded.last_used_at, revoked_at = excluded.revoked_at",
    )
    .bind(token.id.to_string())
    .bind(&token.name)
    .bind(token.created_at.as_microsecond())
    .bind(token.last_used_at.map(Timestamp::as_microsecond))
    .bind(token.revoked_at.map(Timestamp::as_microsecond))
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Deletes up to `limit` tokens that are not revoked and that nobody has used since `before`, the longest idle first.
/// One that was never used counts from when it was made. Returns how many.
pub async fn delete_unused(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "DELETE FROM agent_tokens WHERE revoked_at IS NULL AND id IN \
         (SELECT id FROM agent_tokens WHERE revoked_at IS NULL AND COALESCE(last_used_at, created_at) < $1 \
          ORDER BY COALESCE(last_used_at, created_at) LIMIT $2)",
    ).bind(before.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}
