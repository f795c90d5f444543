//! Requests for access, and who is asked to approve them.

use std::collections::HashMap;

use jiff::Timestamp;
use justiam_sdk::api::access_requests::{AccessRequest, AccessRequestStatus};
use justiam_sdk::api::ids::{AccessRequestId, UserId};
use justiam_sdk::api::values::Words as _;
use serde::Serialize;

use super::{Error, Result, Tx, given, locked, maybe_time, on, parsed, rows, time};

/// A request that nobody has decided.
pub const PENDING: &str = "pending";
/// Where a request can be in its life.
pub const STATUSES: [&str; 5] = [PENDING, "approved", "denied", "expired", "revoked"];

/// A request to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// The request.
    pub id: AccessRequestId,
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

/// Which requests to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In this status.
    pub status: Option<AccessRequestStatus>,
    /// Of this user.
    pub requester: Option<UserId>,
}

/// A user who is asked to approve a request, as scripts see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approver {
    /// The user.
    pub id: UserId,
    /// The address, as it was written.
    pub email: String,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    requester_id: String,
    template_name: String,
    status: String,
    created_at: i64,
    expires_at: Option<i64>,
    closed_at: Option<i64>,
}

impl TryFrom<Row> for AccessRequest {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = parsed("access_requests.id", &row.id)?;
        let requester = parsed("access_requests.requester_id", &row.requester_id)?;
        let created_at = time("access_requests.created_at", row.created_at)?;
        let mut request = Self::new(id, requester, row.template_name, created_at);
        request.status = row.status.as_str().into();
        request.expires_at = maybe_time("access_requests.expires_at", row.expires_at)?;
        request.closed_at = maybe_time("access_requests.closed_at", row.closed_at)?;
        Ok(request)
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, requester_id, template_name, status, created_at, expires_at, closed_at FROM access_requests ",
            $rest
        )
    };
}

macro_rules! where_filter {
    () => {
        "WHERE (CAST($1 AS TEXT) IS NULL OR status = $1) AND (CAST($2 AS TEXT) IS NULL OR requester_id = $2)"
    };
}

macro_rules! expire {
    ($open:literal, $lock:literal, $close:literal) => {
        concat!(
            "UPDATE access_requests SET status = 'expired', closed_at = $1 WHERE status = 'pending' AND id ",
            $open,
            "SELECT id FROM access_requests WHERE status = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
            $lock,
            $close
        )
    };
}

/// Reads a request.
pub async fn get(tx: &mut Tx, id: AccessRequestId) -> Result<Option<AccessRequest>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select!("WHERE id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    let mut requests: Vec<_> = row.into_iter().map(AccessRequest::try_from).collect::<Result<_>>()?;
    add_approvers(tx, &mut requests).await?;
    Ok(requests.pop())
}

/// One page of requests, newest first, and how many there are on all pages.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<AccessRequest>, u64)> {
    let status = filter.status.as_ref().map(AccessRequestStatus::as_str);
    let requester = filter.requester.map(|id| id.to_string());
    let count = concat!("SELECT count(*) FROM access_requests ", where_filter!());
    let total: i64 = on!(tx, conn => sqlx::query_scalar(count).bind(status).bind(&requester).fetch_one(conn).await?);
    let page = concat!(select!(""), where_filter!(), " ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4");
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(page)
        .bind(status).bind(&requester).bind(limit).bind(offset).fetch_all(conn).await?);
    let mut requests = rows.into_iter().map(AccessRequest::try_from).collect::<Result<Vec<_>>>()?;
    add_approvers(tx, &mut requests).await?;
    Ok((requests, total.try_into().unwrap_or_default()))
}

#[derive(Serialize)]
struct Given {
    id: String,
}

async fn add_approvers(tx: &mut Tx, requests: &mut [AccessRequest]) -> Result<()> {
    let sql = given!(
        tx,
        (id text),
        "SELECT a.request_id, a.user_id FROM access_request_approvers a JOIN given g ON g.id = a.request_id \
         ORDER BY a.user_id"
    );
    let ids = rows(requests.iter().map(|request| Given { id: request.id.to_string() }));
    let found: Vec<(String, String)> = on!(tx, conn => sqlx::query_as(sql).bind(ids).fetch_all(conn).await?);
    let mut approvers: HashMap<String, Vec<UserId>> = HashMap::new();
    for (request, user) in found {
        approvers.entry(request).or_default().push(parsed("access_request_approvers.user_id", &user)?);
    }
    for request in requests {
        request.approver_ids = approvers.remove(&request.id.to_string()).unwrap_or_default();
    }
    Ok(())
}

/// The users who are asked to approve a request, by e-mail address.
pub async fn approvers(tx: &mut Tx, id: AccessRequestId) -> Result<Vec<Approver>> {
    let rows: Vec<(String, String, String, String)> = on!(tx, conn => sqlx::query_as(
        "SELECT u.id, u.email, u.first_name, u.last_name FROM access_request_approvers a \
         JOIN users u ON u.id = a.user_id WHERE a.request_id = $1 ORDER BY u.email_folded",
    ).bind(id.to_string()).fetch_all(conn).await?);
    rows.into_iter()
        .map(|(id, email, first_name, last_name)| {
            Ok(Approver { id: parsed("users.id", &id)?, email, first_name, last_name })
        })
        .collect()
}

/// Locks the requests that a user made or is asked to approve. Whoever deletes the user calls this first: two deletions of users
/// who approve each other's requests would wait crosswise.
pub async fn lock_of(tx: &mut Tx, user: UserId) -> Result<()> {
    let sql = locked!(
        tx,
        ["SELECT id FROM access_requests WHERE requester_id = $1 \
          OR id IN (SELECT request_id FROM access_request_approvers WHERE user_id = $1) ORDER BY id"],
        "FOR UPDATE"
    );
    let _: Vec<String> = on!(tx, conn => sqlx::query_scalar(sql).bind(user.to_string()).fetch_all(conn).await?);
    Ok(())
}

/// Closes a request with a decision. `false` when it is not pending any more, or overdue.
pub async fn decide(tx: &mut Tx, id: AccessRequestId, decision: &AccessRequestStatus, now: Timestamp) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "UPDATE access_requests SET status = $2, closed_at = $3 \
         WHERE id = $1 AND status = 'pending' AND (expires_at IS NULL OR expires_at > $3)",
    ).bind(id.to_string()).bind(decision.as_str()).bind(now.as_microsecond()).execute(conn).await?.rows_affected());
    Ok(done == 1)
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

/// Expires up to `limit` pending requests that are overdue by now, the longest overdue first. Returns how many. A request that somebody
/// else has locked is left for the next time.
pub async fn expire(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    let sql = match tx {
        Tx::Sqlite(_) => expire!("IN (", "", ")"),
        // As an array the rows are chosen one time, whatever the planner believes about the table.
        Tx::Postgres(_) => expire!("= ANY (ARRAY(", " FOR UPDATE SKIP LOCKED", "))"),
    };
    Ok(on!(tx, conn => sqlx::query(sql).bind(now.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}
