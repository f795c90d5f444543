//! Requests for access, and who is asked to approve them.

use jiff::Timestamp;
use justiam_sdk::api::ids::UserId;
use uuid::Uuid;

use super::{Result, Tx, on};

/// A request that nobody has decided.
pub const PENDING: &str = "pending";
/// Where a request can be in its life.
pub const STATUSES: [&str; 5] = [PENDING, "approved", "denied", "expired", "revoked"];

/// A request to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// The request.
    pub id: Uuid,
    /// Who asks.
    pub requester: UserId,
    /// For what.
    pub template_name: String,
    /// One of [`STATUSES`].
    pub status: &'static str,
    /// Who is asked to approve it.
    pub approvers: Vec<UserId>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it is overdue, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it ceased to be pending.
    pub closed_at: Option<Timestamp>,
}

/// Writes a request and its approvers.
pub async fn put(tx: &mut Tx, request: &NewRequest, now: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO access_requests (id, requester_id, template_name, status, created_at, expires_at, closed_at) \
         VALUES ($1, $2, $3, $4, COALESCE($5, $8), $6, $7) \
         ON CONFLICT (id) DO UPDATE SET requester_id = excluded.requester_id, template_name = excluded.template_name, \
         status = excluded.status, created_at = COALESCE($5, access_requests.created_at), \
         expires_at = excluded.expires_at, closed_at = excluded.closed_at",
    )
    .bind(request.id.to_string())
    .bind(request.requester.to_string())
    .bind(&request.template_name)
    .bind(request.status)
    .bind(request.created_at.map(Timestamp::as_microsecond))
    .bind(request.expires_at.map(Timestamp::as_microsecond))
    .bind(request.closed_at.map(Timestamp::as_microsecond))
    .bind(now.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    on!(tx, conn => sqlx::query("DELETE FROM access_request_approvers WHERE request_id = $1")
        .bind(request.id.to_string()).execute(conn).await?.rows_affected());
    for approver in &request.approvers {
        on!(tx, conn => sqlx::query(
            "INSERT INTO access_request_approvers (request_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        ).bind(request.id.to_string()).bind(approver.to_string()).execute(conn).await?.rows_affected());
    }
    Ok(())
}

/// Expires up to `limit` pending requests that are overdue by now, the longest overdue first. Returns how many.
pub async fn expire(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "UPDATE access_requests SET status = 'expired', closed_at = $1 WHERE status = 'pending' AND id IN \
         (SELECT id FROM access_requests WHERE status = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    ).bind(now.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}
