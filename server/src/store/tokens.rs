//! Access tokens. Only their hashes are stored.

use jiff::Timestamp;
use justiam_sdk::api::ids::TokenId;

use super::{Error, Result, Tx, on, parsed, time};

/// An access token without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// The token's id.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
    /// What it may do, separated by blanks.
    pub permissions: String,
    /// Whether it may do everything.
    pub is_admin: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    hash: Vec<u8>,
    permissions: String,
    is_admin: bool,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for TokenRow {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: parsed("tokens.id", &row.id)?,
            name: row.name,
            hash: row.hash,
            permissions: row.permissions,
            is_admin: row.is_admin,
            created_at: time("tokens.created_at", row.created_at)?,
            expires_at: time("tokens.expires_at", row.expires_at)?,
        })
    }
}

/// Stores a token.
pub async fn insert(tx: &mut Tx, token: &TokenRow) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO tokens (id, name, hash, permissions, is_admin, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(token.id.to_string())
    .bind(&token.name)
    .bind(&token.hash)
    .bind(&token.permissions)
    .bind(token.is_admin)
    .bind(token.created_at.as_microsecond())
    .bind(token.expires_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Waits until nobody else makes a token, and keeps others waiting until the transaction ends.
pub async fn lock(tx: &mut Tx) -> Result<()> {
    match tx {
        // A write transaction is the only one.
        Tx::Sqlite(_) => {}
        Tx::Postgres(tx) => {
            sqlx::query("LOCK TABLE tokens IN SHARE ROW EXCLUSIVE MODE").execute(&mut **tx).await?;
        }
    }
    Ok(())
}

/// Finds a token by its hash.
pub async fn find(tx: &mut Tx, hash: &[u8]) -> Result<Option<TokenRow>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(
        "SELECT id, name, hash, permissions, is_admin, created_at, expires_at FROM tokens WHERE hash = $1",
    ).bind(hash).fetch_optional(conn).await?);
    row.map(TokenRow::try_from).transpose()
}

/// How many tokens there are.
pub async fn count(tx: &mut Tx) -> Result<i64> {
    Ok(on!(tx, conn => sqlx::query_scalar("SELECT count(*) FROM tokens").fetch_one(conn).await?))
}
