//! Service accounts.

use justiam_sdk::api::ids::ServiceAccountId;
use justiam_sdk::api::service_accounts::ServiceAccount;

use super::{Error, Result, Tx, locked, on, parsed, time};

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    account_id: String,
    account_name: String,
    description: String,
    account_permissions: String,
    is_admin: bool,
    is_enabled: bool,
    account_created_at: i64,
    account_updated_at: i64,
}

impl TryFrom<Row> for ServiceAccount {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let created_at = time("service_accounts.created_at", row.account_created_at)?;
        let mut account = Self::new(parsed("service_accounts.id", &row.account_id)?, row.account_name, created_at);
        account.description = row.description;
        account.permissions = row.account_permissions.split_whitespace().map(str::to_owned).collect();
        (account.is_admin, account.is_enabled) = (row.is_admin, row.is_enabled);
        account.updated_at = time("service_accounts.updated_at", row.account_updated_at)?;
        Ok(account)
    }
}

/// The columns of [`Row`], from a table `a`. Tokens are read together with their account.
macro_rules! account_columns {
    () => {
        "a.id AS account_id, a.name AS account_name, a.description, a.permissions AS account_permissions, a.is_admin, \
         a.is_enabled, a.created_at AS account_created_at, a.updated_at AS account_updated_at"
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", account_columns!(), " FROM service_accounts a ", $rest)
    };
}

pub(super) use account_columns;

/// Stores a new account. `false` when its name is taken.
pub async fn insert(tx: &mut Tx, account: &ServiceAccount) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO service_accounts (id, name, description, permissions, is_admin, is_enabled, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING",
    )
    .bind(account.id.to_string())
    .bind(&account.name)
    .bind(&account.description)
    .bind(account.permissions.join(" "))
    .bind(account.is_admin)
    .bind(account.is_enabled)
    .bind(account.created_at.as_microsecond())
    .bind(account.updated_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Overwrites an account. `false` when there is none. A name that another account has is an [`Error::Conflict`].
pub async fn update(tx: &mut Tx, account: &ServiceAccount) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "UPDATE service_accounts SET name = $2, description = $3, permissions = $4, is_admin = $5, is_enabled = $6, \
         updated_at = $7 WHERE id = $1",
    )
    .bind(account.id.to_string())
    .bind(&account.name)
    .bind(&account.description)
    .bind(account.permissions.join(" "))
    .bind(account.is_admin)
    .bind(account.is_enabled)
    .bind(account.updated_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Deletes an account with its tokens, and the short ones that these have made. `false` when there is none.
pub async fn delete(tx: &mut Tx, id: ServiceAccountId) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query("DELETE FROM service_accounts WHERE id = $1")
        .bind(id.to_string()).execute(conn).await?.rows_affected());
    Ok(done == 1)
}

/// Reads one account.
pub async fn get(tx: &mut Tx, id: ServiceAccountId) -> Result<Option<ServiceAccount>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select!("WHERE a.id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(ServiceAccount::try_from).transpose()
}

/// Reads the account with exactly this name.
pub async fn by_name(tx: &mut Tx, name: &str) -> Result<Option<ServiceAccount>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select!("WHERE a.name = $1"))
        .bind(name).fetch_optional(conn).await?);
    row.map(ServiceAccount::try_from).transpose()
}

/// Reads one account and locks it: until the transaction ends, nobody else changes or deletes it, or makes a token of it.
pub async fn lock(tx: &mut Tx, id: ServiceAccountId) -> Result<Option<ServiceAccount>> {
    let sql = locked!(tx, [select!("WHERE a.id = $1")], "FOR UPDATE");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(ServiceAccount::try_from).transpose()
}

/// One page of accounts, ordered by name, and how many there are on all pages. With a name: the account that has it.
pub async fn list(tx: &mut Tx, name: Option<&str>, offset: i64, limit: i64) -> Result<(Vec<ServiceAccount>, u64)> {
    let total: i64 = on!(tx, conn => sqlx::query_scalar(
        "SELECT count(*) FROM service_accounts WHERE CAST($1 AS TEXT) IS NULL OR name = $1",
    ).bind(name).fetch_one(conn).await?);
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(select!(
        "WHERE CAST($1 AS TEXT) IS NULL OR a.name = $1 ORDER BY a.name LIMIT $2 OFFSET $3"
    )).bind(name).bind(limit).bind(offset).fetch_all(conn).await?);
    let accounts = rows.into_iter().map(ServiceAccount::try_from).collect::<Result<_>>()?;
    Ok((accounts, total.try_into().unwrap_or_default()))
}

/// Waits until nobody else makes an account, and keeps others waiting until the transaction ends.
pub async fn lock_all(tx: &mut Tx) -> Result<()> {
    match tx {
        // A write transaction is the only one.
        Tx::Sqlite(_) => {}
        Tx::Postgres(tx) => {
            sqlx::query("LOCK TABLE service_accounts IN SHARE ROW EXCLUSIVE MODE").execute(&mut **tx).await?;
        }
    }
    Ok(())
}

/// Whether there is any account.
pub async fn any(tx: &mut Tx) -> Result<bool> {
    let count: i64 = on!(tx, conn => sqlx::query_scalar("SELECT count(*) FROM (SELECT id FROM service_accounts LIMIT 1) AS one")
        .fetch_one(conn).await?);
    Ok(count > 0)
}
