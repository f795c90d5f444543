//! Run profiles of connected systems.

use jiff::Timestamp;
use justiam_sdk::api::connected_systems::RunProfile;
use serde::Serialize;

use super::{Result, Tx, given, locked, on, rows};

/// A run profile, and the name of its connected system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedProfile {
    /// The run profile.
    pub profile: RunProfile,
    /// The name of its connected system.
    pub system: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    connected_system_id: i64,
    name: String,
    run_type: String,
    page_size: i64,
    file_path: Option<String>,
    system: String,
}

impl From<Row> for NamedProfile {
    fn from(row: Row) -> Self {
        let mut profile = RunProfile::new(row.id, row.name, row.connected_system_id, row.run_type.as_str().into());
        profile.page_size = row.page_size;
        profile.file_path = row.file_path;
        Self { profile, system: row.system }
    }
}

#[derive(Serialize)]
struct Given {
    id: i64,
}

macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "SELECT p.id, p.connected_system_id, p.name, p.run_type, p.page_size, p.file_path, s.name AS system \
             FROM run_profiles p JOIN connected_systems s ON s.id = p.connected_system_id ",
            $($rest),+
        )
    };
}

/// Stores a new run profile, and returns its id; the one that it comes with does not count. `None` when the connected system has
/// a run profile with this name. The connected system must exist.
pub async fn insert(tx: &mut Tx, profile: &RunProfile, now: Timestamp) -> Result<Option<i64>> {
    Ok(on!(tx, conn => sqlx::query_scalar(
        "INSERT INTO run_profiles (connected_system_id, name, run_type, page_size, file_path, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (connected_system_id, name) DO NOTHING RETURNING id",
    )
    .bind(profile.connected_system_id)
    .bind(&profile.name)
    .bind(profile.run_type.to_string())
    .bind(profile.page_size)
    .bind(&profile.file_path)
    .bind(now.as_microsecond())
    .fetch_optional(conn)
    .await?))
}

/// Overwrites a run profile. A name that another one of the connected system has is an conflict.
pub async fn update(tx: &mut Tx, profile: &RunProfile) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "UPDATE run_profiles SET name = $2, run_type = $3, page_size = $4, file_path = $5 WHERE id = $1",
    )
    .bind(profile.id)
    .bind(&profile.name)
    .bind(profile.run_type.to_string())
    .bind(profile.page_size)
    .bind(&profile.file_path)
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Reads a run profile of a connected system.
pub async fn get(tx: &mut Tx, system: i64, id: i64) -> Result<Option<NamedProfile>> {
    let sql = select!("WHERE p.connected_system_id = $1 AND p.id = $2");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(system).bind(id).fetch_optional(conn).await?);
    Ok(row.map(NamedProfile::from))
}

/// Reads a run profile of a connected system. Nobody else changes or deletes it until the transaction ends.
pub async fn lock(tx: &mut Tx, system: i64, id: i64) -> Result<Option<NamedProfile>> {
    let sql = locked!(tx, [select!("WHERE p.connected_system_id = $1 AND p.id = $2")], "FOR UPDATE OF p");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(system).bind(id).fetch_optional(conn).await?);
    Ok(row.map(NamedProfile::from))
}

/// Those of these run profiles that exist, in the order of their ids.
pub async fn named(tx: &mut Tx, ids: &[i64]) -> Result<Vec<NamedProfile>> {
    let sql = given!(tx, (id bigint), select!("WHERE p.id IN (SELECT id FROM given) ORDER BY p.id"));
    many(tx, sql, ids).await
}

async fn many(tx: &mut Tx, sql: &'static str, ids: &[i64]) -> Result<Vec<NamedProfile>> {
    let given = rows(ids.iter().map(|id| Given { id: *id }));
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql).bind(given).fetch_all(conn).await?);
    Ok(rows.into_iter().map(NamedProfile::from).collect())
}

/// All run profiles of a connected system, in the order of their ids.
pub async fn list(tx: &mut Tx, system: i64) -> Result<Vec<NamedProfile>> {
    let sql = select!("WHERE p.connected_system_id = $1 ORDER BY p.id");
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql).bind(system).fetch_all(conn).await?);
    Ok(rows.into_iter().map(NamedProfile::from).collect())
}

/// Keeps all run profiles of a connected system as they are until the transaction ends.
pub async fn lock_of(tx: &mut Tx, system: i64) -> Result<()> {
    let sql = locked!(tx, ["SELECT id FROM run_profiles WHERE connected_system_id = $1 ORDER BY id"], "FOR UPDATE");
    let _: Vec<i64> = on!(tx, conn => sqlx::query_scalar(sql).bind(system).fetch_all(conn).await?);
    Ok(())
}

/// The run profile of a connected system with this name.
pub async fn id_of(tx: &mut Tx, system: i64, name: &str) -> Result<Option<i64>> {
    Ok(on!(tx, conn => sqlx::query_scalar("SELECT id FROM run_profiles WHERE connected_system_id = $1 AND name = $2")
        .bind(system).bind(name).fetch_optional(conn).await?))
}

/// Deletes a run profile.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<()> {
    on!(tx, conn => sqlx::query("DELETE FROM run_profiles WHERE id = $1").bind(id).execute(conn).await?.rows_affected());
    Ok(())
}
