//! What a measurement asks of its database, and of no other.

use std::str::FromStr as _;

use jiff::Timestamp;
use justiam_sdk::api::secrets::Secret;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use super::{Db, Error, Result, maybe_time, on};

async fn connect(url: &Secret) -> Result<PgConnection> {
    let options = PgConnectOptions::from_str(url.expose())
        .map_err(|_| Error::Address("DATABASE_URL is not the address of a PostgreSQL database"))?;
    Ok(PgConnection::connect_with(&options).await?)
}

/// Makes a schema. Its name is letters, digits and underscores.
pub async fn create_schema(url: &Secret, name: &str) -> Result<()> {
    let mut connection = connect(url).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// Removes a schema with everything in it.
pub async fn drop_schema(url: &Secret, name: &str) -> Result<()> {
    let mut connection = connect(url).await?;
    sqlx::query(AssertSqlSafe(format!("DROP SCHEMA {name} CASCADE"))).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// Lets PostgreSQL look after its tables, as it would by itself after a while. SQLite never does.
pub async fn analyze(db: &Db) -> Result<()> {
    if db.is_shared() {
        let mut connection = db.connection().await?;
        for sql in ["VACUUM (ANALYZE) tasks", "VACUUM (ANALYZE) runs", "VACUUM (ANALYZE) active_runs"] {
            sqlx::query(sql).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Whether any run has not ended.
pub async fn any_active(db: &Db) -> Result<bool> {
    let mut tx = db.read().await?;
    let one: Option<i64> =
        on!(&mut tx, conn => sqlx::query_scalar("SELECT turn FROM active_runs LIMIT 1").fetch_optional(conn).await?);
    Ok(one.is_some())
}

/// How many runs have ended well.
pub async fn ended(db: &Db) -> Result<u64> {
    let mut tx = db.read().await?;
    count(on!(&mut tx, conn => sqlx::query_scalar(
        "SELECT count(*) FROM runs WHERE status = 'success'",
    ).fetch_one(conn).await?))
}

/// How many different tasks have a run of this tick that has ended well.
pub async fn ended_of(db: &Db, tick: Timestamp) -> Result<u64> {
    let mut tx = db.read().await?;
    count(on!(&mut tx, conn => sqlx::query_scalar(
        "SELECT count(DISTINCT task_id) FROM runs WHERE status = 'success' AND scheduled_for = $1",
    ).bind(tick.as_microsecond()).fetch_one(conn).await?))
}

/// When the last run of a tick was recorded, and when the last one ended.
pub async fn last_of(db: &Db, tick: Timestamp) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
    let mut tx = db.read().await?;
    let (recorded, ended): (Option<i64>, Option<i64>) = on!(&mut tx, conn => sqlx::query_as(
        "SELECT max(queued_at), max(finished_at) FROM runs WHERE scheduled_for = $1",
    ).bind(tick.as_microsecond()).fetch_one(conn).await?);
    Ok((maybe_time("runs.queued_at", recorded)?, maybe_time("runs.finished_at", ended)?))
}

/// From due to started of all runs, in microseconds.
pub async fn lags(db: &Db) -> Result<Vec<i64>> {
    let mut tx = db.read().await?;
    Ok(on!(&mut tx, conn => sqlx::query_scalar(
        "SELECT started_at - scheduled_for FROM runs WHERE started_at IS NOT NULL",
    ).fetch_all(conn).await?))
}

/// From due to started of the runs of ticks from `first` on, in microseconds.
pub async fn lags_since(db: &Db, first: Timestamp) -> Result<Vec<i64>> {
    let mut tx = db.read().await?;
    Ok(on!(&mut tx, conn => sqlx::query_scalar(
        "SELECT started_at - scheduled_for FROM runs WHERE started_at IS NOT NULL AND scheduled_for >= $1",
    ).bind(first.as_microsecond()).fetch_all(conn).await?))
}

/// From due to started of the runs of a tick, in microseconds.
pub async fn lags_of(db: &Db, tick: Timestamp) -> Result<Vec<i64>> {
    let mut tx = db.read().await?;
    Ok(on!(&mut tx, conn => sqlx::query_scalar(
        "SELECT started_at - scheduled_for FROM runs WHERE started_at IS NOT NULL AND scheduled_for = $1",
    ).bind(tick.as_microsecond()).fetch_all(conn).await?))
}

fn count(count: i64) -> Result<u64> {
    count.try_into().map_err(|_| Error::Corrupt { column: "count" })
}
