//! Answers to creates, changes and triggers, kept so that a repeated request is answered again.

use jiff::Timestamp;

use super::{Result, Tx, on};

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptAnswer {
    /// Which key sealed the request, and the answer where it is sealed.
    pub sealed_by: String,
    /// What tells the request from others, sealed.
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
    sealed_by: &str,
    request: &[u8],
    since: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO idempotency_keys (principal, key, sealed_by, request, answer, is_sealed, created_at) \
         VALUES ($1, $2, $3, $4, '', FALSE, $6) \
         ON CONFLICT (principal, key) DO UPDATE SET sealed_by = excluded.sealed_by, request = excluded.request, answer = '', \
         is_sealed = FALSE, created_at = excluded.created_at WHERE idempotency_keys.created_at < $5",
    )
    .bind(principal)
    .bind(key)
    .bind(sealed_by)
    .bind(request)
    .bind(since.as_microsecond())
    .bind(now.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// The answer that a principal got for a key.
pub async fn find(tx: &mut Tx, principal: &str, key: &str) -> Result<Option<KeptAnswer>> {
    Ok(on!(tx, conn => sqlx::query_as(
        "SELECT sealed_by, request, answer FROM idempotency_keys WHERE principal = $1 AND key = $2",
    ).bind(principal).bind(key).fetch_optional(conn).await?))
}

/// Keeps the answer to a request whose key was taken. Where it is sealed, it is by the key for which `take` was told.
pub async fn keep(tx: &mut Tx, principal: &str, key: &str, answer: &str, is_sealed: bool) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "UPDATE idempotency_keys SET answer = $3, is_sealed = $4 WHERE principal = $1 AND key = $2",
    ).bind(principal).bind(key).bind(answer).bind(is_sealed).execute(conn).await?.rows_affected());
    Ok(())
}

/// Forgets up to `limit` answers that were kept before an instant, and tells how many.
pub async fn forget(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "DELETE FROM idempotency_keys WHERE (principal, key) IN (SELECT principal, key FROM idempotency_keys \
         WHERE created_at < $1 ORDER BY created_at LIMIT $2) AND created_at < $1",
    ).bind(before.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}
