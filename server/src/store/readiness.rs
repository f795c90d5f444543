//! Whether the database is of use: its schema is the one that this version knows, and it accepts a write.

use jiff::Timestamp;

use super::{Result, Tx, db, on};

/// Whether the newest migration is the newest one that this version knows. A newer server may have brought the schema further.
pub async fn is_schema_known(tx: &mut Tx) -> Result<bool> {
    let newest: Option<i64> =
        on!(tx, conn => sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(conn).await?);
    Ok(newest == db::newest_migration(tx.dialect()))
}

/// Writes into a row that nobody reads. Where another server is just doing so, its success counts.
pub async fn write(tx: &mut Tx, now: Timestamp) -> Result<()> {
    let sql = match tx {
        Tx::Sqlite(_) => "UPDATE readiness SET checked_at = $1",
        Tx::Postgres(_) => {
            "UPDATE readiness SET checked_at = $1 WHERE id IN (SELECT id FROM readiness FOR UPDATE SKIP LOCKED)"
        }
    };
    on!(tx, conn => sqlx::query(sql).bind(now.as_microsecond()).execute(conn).await?.rows_affected());
    Ok(())
}
