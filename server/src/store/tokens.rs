//! Access tokens. Only their hashes are stored.

use jiff::Timestamp;
use justiam_sdk::api::ids::{ServiceAccountId, TokenId};
use justiam_sdk::api::service_accounts::ServiceAccount;
use serde::Serialize;

use super::service_accounts::{self, account_columns};
use super::{Error, Result, Tx, given, locked, maybe_time, on, parsed, rows, time};

/// An access token without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// The token's id.
    pub id: TokenId,
    /// The account that it belongs to. When that goes, this goes.
    pub account: ServiceAccountId,
    /// What its owner calls it.
    pub name: String,
    /// How the token begins.
    pub prefix: String,
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
    /// Narrows what the account may do, separated by blanks.
    pub permissions: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When somebody last came with it.
    pub last_used_at: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
}

/// A token and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The token.
    pub token: TokenRow,
    /// Its account.
    pub account: ServiceAccount,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    prefix: String,
    hash: Vec<u8>,
    permissions: Option<String>,
    created_at: i64,
    expires_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
    #[sqlx(flatten)]
    account: service_accounts::Row,
}

impl TryFrom<Row> for Owned {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let account = ServiceAccount::try_from(row.account)?;
        let token = TokenRow {
            id: parsed("tokens.id", &row.id)?,
            account: account.id,
            name: row.name,
            prefix: row.prefix,
            hash: row.hash,
            permissions: row.permissions,
            created_at: time("tokens.created_at", row.created_at)?,
            expires_at: time("tokens.expires_at", row.expires_at)?,
            last_used_at: maybe_time("tokens.last_used_at", row.last_used_at)?,
            revoked_at: maybe_time("tokens.revoked_at", row.revoked_at)?,
        };
        Ok(Self { token, account })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT t.id, t.name, t.prefix, t.hash, t.permissions, t.created_at, t.expires_at, t.last_used_at, t.revoked_at, ",
            account_columns!(),
            " FROM tokens t JOIN service_accounts a ON a.id = t.account_id ",
            $rest
        )
    };
}

/// Stores a token.
pub async fn insert(tx: &mut Tx, token: &TokenRow) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO tokens \
         (id, account_id, name, prefix, hash, permissions, created_at, expires_at, last_used_at, revoked_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(token.id.to_string())
    .bind(token.account.to_string())
    .bind(&token.name)
    .bind(&token.prefix)
    .bind(&token.hash)
    .bind(&token.permissions)
    .bind(token.created_at.as_microsecond())
    .bind(token.expires_at.as_microsecond())
    .bind(token.last_used_at.map(Timestamp::as_microsecond))
    .bind(token.revoked_at.map(Timestamp::as_microsecond))
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Finds a token by its hash.
pub async fn find(tx: &mut Tx, hash: &[u8]) -> Result<Option<Owned>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select!("WHERE t.hash = $1"))
        .bind(hash).fetch_optional(conn).await?);
    row.map(Owned::try_from).transpose()
}

/// Reads a token.
pub async fn get(tx: &mut Tx, id: TokenId) -> Result<Option<Owned>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select!("WHERE t.id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Owned::try_from).transpose()
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn lock(tx: &mut Tx, id: TokenId) -> Result<Option<Owned>> {
    let sql = locked!(tx, [select!("WHERE t.id = $1")], "FOR UPDATE OF t");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Owned::try_from).transpose()
}

/// One page of the tokens of an account, or of all accounts, the newest first, and how many there are on all pages.
pub async fn list(
    tx: &mut Tx,
    account: Option<ServiceAccountId>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Owned>, u64)> {
    let account = account.map(|id| id.to_string());
    let total: i64 = on!(tx, conn => sqlx::query_scalar(
        "SELECT count(*) FROM tokens WHERE CAST($1 AS TEXT) IS NULL OR account_id = $1",
    ).bind(&account).fetch_one(conn).await?);
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(select!(
        "WHERE CAST($1 AS TEXT) IS NULL OR t.account_id = $1 ORDER BY t.created_at DESC, t.id DESC LIMIT $2 OFFSET $3"
    )).bind(&account).bind(limit).bind(offset).fetch_all(conn).await?);
    let tokens = rows.into_iter().map(Owned::try_from).collect::<Result<_>>()?;
    Ok((tokens, total.try_into().unwrap_or_default()))
}

/// How many tokens of an account can be used at an instant.
pub async fn living(tx: &mut Tx, account: ServiceAccountId, now: Timestamp) -> Result<i64> {
    Ok(on!(tx, conn => sqlx::query_scalar(
        "SELECT count(*) FROM tokens WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > $2",
    ).bind(account.to_string()).bind(now.as_microsecond()).fetch_one(conn).await?))
}

/// Writes that somebody ended a token.
pub async fn revoke(tx: &mut Tx, id: TokenId, at: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query("UPDATE tokens SET revoked_at = $2 WHERE id = $1")
        .bind(id.to_string()).bind(at.as_microsecond()).execute(conn).await?.rows_affected());
    Ok(())
}

#[derive(Serialize)]
struct Use {
    id: String,
    at: i64,
}

/// Writes when tokens were last used. An earlier use than the stored one changes nothing.
pub async fn used(tx: &mut Tx, uses: &[(TokenId, Timestamp)]) -> Result<()> {
    let sql = given!(
        tx,
        (id text, at bigint),
        "UPDATE tokens SET last_used_at = (SELECT at FROM given WHERE given.id = tokens.id) \
         WHERE id IN (SELECT given.id FROM given) AND (last_used_at IS NULL OR \
         last_used_at < (SELECT at FROM given WHERE given.id = tokens.id))"
    );
    let uses = rows(uses.iter().map(|(id, at)| Use { id: id.to_string(), at: at.as_microsecond() }));
    on!(tx, conn => sqlx::query(sql).bind(uses).execute(conn).await?.rows_affected());
    Ok(())
}

/// Removes up to `limit` tokens that ended before an instant, and tells how many.
pub async fn forget(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE expires_at < $1 OR revoked_at < $1 LIMIT $2)",
    ).bind(before.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}
