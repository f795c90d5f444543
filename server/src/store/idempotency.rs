//! Answers to creates, changes and triggers, kept so that a repeated request is answered again.

use jiff::Timestamp;

use super::{Result, Tx, on};

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptAnswer {
    /// A keyed fingerprint of the request.
    pub request: Vec<u8>,
    /// The body of the answer.
    pub answer: String,
}

/// Takes a key for a request that is about to be carried out. `false` when it was taken after `since`: then [`find`] has the
/// answer. A request with the same key that is being carried out at this moment is waited for.
pub async fn take(
    tx: &mut Tx,
    principal: &str,
    key: &str,
    request: &[u8],
    since: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO idempotency_keys (principal, key, request, answer, created_at) VALUES ($1, $2, $3, '', $5) \
         ON CONFLICT (principal, key) DO UPDATE SET request = excluded.request, answer = '', \
         created_at = excluded.created_at WHERE idempotency_keys.created_at < $4",
    )
    .bind(principal)
    .bind(key)
    .bind(request)
    .bind(since.as_microsecond())
    .bind(now.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// The answer that a principal got for a key.
pub async fn find(tx: &mut Tx, principal: &str, key: &str) -> Result<Option<KeptAnswer>> {
    Ok(on!(tx, conn => sqlx::query_as("SELECT request, answer FROM idempotency_keys WHERE principal = $1 AND key = $2")
        .bind(principal).bind(key).fetch_optional(conn).await?))
}

/// Keeps the answer to a request whose key was taken.
pub async fn keep(tx: &mut Tx, principal: &str, key: &str, answer: &str) -> Result<()> {
    on!(tx, conn => sqlx::query("UPDATE idempotency_keys SET answer = $3 WHERE principal = $1 AND key = $2")
        .bind(principal).bind(key).bind(answer).execute(conn).await?.rows_affected());
    Ok(())
}

/// Forgets up to `limit` answers that were kept before an instant, and tells how many.
pub async fn forget(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "DELETE FROM idempotency_keys WHERE (principal, key) IN (SELECT principal, key FROM idempotency_keys \
         WHERE created_at < $1 ORDER BY created_at LIMIT $2) AND created_at < $1",
    ).bind(before.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}
