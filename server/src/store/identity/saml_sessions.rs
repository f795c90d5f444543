//! SAML sessions.

use jiff::Timestamp;
use justiam_sdk::api::ids::UserId;
use uuid::Uuid;

use super::{Result, Tx, on};

/// A session to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The session.
    pub id: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// What the user is signed in to.
    pub application: Option<String>,
    /// When it began.
    pub created_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Writes a session.
pub async fn put(tx: &mut Tx, session: &NewSession, now: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO saml_sessions (id, user_id, application, created_at, expires_at) \
         VALUES ($1, $2, $3, COALESCE($4, $6), $5) \
         ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, application = excluded.application, \
         created_at = COALESCE($4, saml_sessions.created_at), expires_at = excluded.expires_at",
    )
    .bind(session.id.to_string())
    .bind(session.user.to_string())
    .bind(&session.application)
    .bind(session.created_at.map(Timestamp::as_microsecond))
    .bind(session.expires_at.as_microsecond())
    .bind(now.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Removes up to `limit` sessions that have expired by now, the longest expired first. Returns how many.
pub async fn remove_expired(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "DELETE FROM saml_sessions WHERE id IN \
         (SELECT id FROM saml_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    ).bind(now.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}
