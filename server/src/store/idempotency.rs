//! Answers to creates and triggers, kept so that a repeated request is answered again.

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

/// The answer that a principal got for a key.
pub async fn find(tx: &mut Tx, principal: &str, key: &str) -> Result<Option<KeptAnswer>> {
    Ok(on!(tx, conn => sqlx::query_as("SELECT request, answer FROM idempotency_keys WHERE principal = $1 AND key = $2")
        .bind(principal).bind(key).fetch_optional(conn).await?))
}

/// Keeps an answer.
pub async fn keep(tx: &mut Tx, principal: &str, key: &str, kept: &KeptAnswer, now: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO idempotency_keys (principal, key, request, answer, created_at) VALUES ($1, $2, $3, $4, $5)",
    ).bind(principal).bind(key).bind(&kept.request).bind(&kept.answer).bind(now.as_microsecond()).execute(conn).await?);
    Ok(())
}

/// Forgets answers that were kept before an instant.
pub async fn forget(tx: &mut Tx, before: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query("DELETE FROM idempotency_keys WHERE created_at < $1")
        .bind(before.as_microsecond()).execute(conn).await?);
    Ok(())
}
