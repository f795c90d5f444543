//! Short tokens. The tokens themselves are stored nowhere.

use jiff::Timestamp;
use justiam_sdk::api::ids::TokenId;

use super::{Error, Result, Tx, locked, maybe_time, on, parsed, time};

/// A short token without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortTokenRow {
    /// The token's id.
    pub id: TokenId,
    /// The token that made it. When that goes, this goes.
    pub maker: TokenId,
    /// What the maker's owner calls the maker.
    pub name: String,
    /// What it may do, separated by blanks.
    pub permissions: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// However often it is renewed, it ends then.
    pub latest_end: Timestamp,
    /// When it ends as things stand.
    pub expires_at: Timestamp,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    maker_id: String,
    name: String,
    permissions: String,
    created_at: i64,
    latest_end: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
}

impl TryFrom<Row> for ShortTokenRow {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: parsed("short_tokens.id", &row.id)?,
            maker: parsed("short_tokens.maker_id", &row.maker_id)?,
            name: row.name,
            permissions: row.permissions,
            created_at: time("short_tokens.created_at", row.created_at)?,
            latest_end: time("short_tokens.latest_end", row.latest_end)?,
            expires_at: time("short_tokens.expires_at", row.expires_at)?,
            revoked_at: maybe_time("short_tokens.revoked_at", row.revoked_at)?,
        })
    }
}

macro_rules! select {
    () => {
        "SELECT id, maker_id, name, permissions, created_at, latest_end, expires_at, revoked_at \
         FROM short_tokens WHERE id = $1"
    };
}

/// Stores a short token.
pub async fn insert(tx: &mut Tx, token: &ShortTokenRow) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO short_tokens (id, maker_id, name, permissions, created_at, latest_end, expires_at, revoked_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(token.id.to_string())
    .bind(token.maker.to_string())
    .bind(&token.name)
    .bind(&token.permissions)
    .bind(token.created_at.as_microsecond())
    .bind(token.latest_end.as_microsecond())
    .bind(token.expires_at.as_microsecond())
    .bind(token.revoked_at.map(Timestamp::as_microsecond))
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Reads a short token.
pub async fn get(tx: &mut Tx, id: TokenId) -> Result<Option<ShortTokenRow>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select!()).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(ShortTokenRow::try_from).transpose()
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn lock(tx: &mut Tx, id: TokenId) -> Result<Option<ShortTokenRow>> {
    let sql = locked!(tx, [select!()], "FOR UPDATE");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(ShortTokenRow::try_from).transpose()
}

/// Writes when a short token ends, and whether somebody ended it.
pub async fn set_end(tx: &mut Tx, id: TokenId, expires_at: Timestamp, revoked_at: Option<Timestamp>) -> Result<()> {
    on!(tx, conn => sqlx::query("UPDATE short_tokens SET expires_at = $2, revoked_at = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(expires_at.as_microsecond())
        .bind(revoked_at.map(Timestamp::as_microsecond))
        .execute(conn)
        .await?.rows_affected());
    Ok(())
}

/// When each short token of this maker ends that still lives, the soonest first.
pub async fn ends(tx: &mut Tx, maker: TokenId, now: Timestamp) -> Result<Vec<Timestamp>> {
    let ends: Vec<i64> = on!(tx, conn => sqlx::query_scalar(
        "SELECT expires_at FROM short_tokens WHERE maker_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY expires_at",
    ).bind(maker.to_string()).bind(now.as_microsecond()).fetch_all(conn).await?);
    ends.into_iter().map(|end| time("short_tokens.expires_at", end)).collect()
}

/// Removes up to `limit` short tokens that ended at this instant or before, and tells how many.
pub async fn forget(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "DELETE FROM short_tokens WHERE id IN \
         (SELECT id FROM short_tokens WHERE expires_at <= $1 OR revoked_at <= $1 LIMIT $2)",
    ).bind(before.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}
