//! Connected systems.

use jiff::Timestamp;
use justiam_sdk::api::connected_systems::ConnectedSystem;

use super::{Error, Result, Tx, json, locked, maybe_time, on, text, time};

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    description: Option<String>,
    connector: String,
    direction: String,
    settings: String,
    created_at: i64,
    updated_at: Option<i64>,
    object_count: i64,
    connectors_count: i64,
    pending_count: i64,
}

impl TryFrom<Row> for ConnectedSystem {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let csv = json("connected_systems.settings", &row.settings)?;
        let created = time("connected_systems.created_at", row.created_at)?;
        let mut system = Self::new(row.id, row.name, row.direction.as_str().into(), csv, created);
        system.description = row.description;
        system.connector_name = row.connector.as_str().into();
        system.last_updated = maybe_time("connected_systems.updated_at", row.updated_at)?;
        system.object_count = row.object_count;
        system.connectors_count = row.connectors_count;
        system.pending_export_objects_count = row.pending_count;
        Ok(system)
    }
}

/// Objects are counted when somebody asks: counters would be one row that all changes of a system wait for.
macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "SELECT s.id, s.name, s.description, s.connector, s.direction, s.settings, s.created_at, s.updated_at, \
             (SELECT count(*) FROM connector_objects o WHERE o.connected_system_id = s.id) AS object_count, \
             (SELECT count(o.user_id) FROM connector_objects o WHERE o.connected_system_id = s.id) AS connectors_count, \
             (SELECT count(*) FROM connector_objects o WHERE o.connected_system_id = s.id \
             AND o.pending_export IS NOT NULL) AS pending_count FROM connected_systems s ",
            $($rest),+
        )
    };
}

/// Stores a new connected system, and returns its id; the one that it comes with does not count. `None` when the name is taken.
pub async fn insert(tx: &mut Tx, system: &ConnectedSystem) -> Result<Option<i64>> {
    Ok(on!(tx, conn => sqlx::query_scalar(
        "INSERT INTO connected_systems (name, description, connector, direction, settings, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING RETURNING id",
    )
    .bind(&system.name)
    .bind(&system.description)
    .bind(system.connector_name.to_string())
    .bind(system.direction.to_string())
    .bind(text(&system.csv))
    .bind(system.created.as_microsecond())
    .bind(system.last_updated.map(Timestamp::as_microsecond))
    .fetch_optional(conn)
    .await?))
}

/// Overwrites the definition of a connected system. A name that another one has is an [`Error::Conflict`].
pub async fn update(tx: &mut Tx, system: &ConnectedSystem) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "UPDATE connected_systems SET name = $2, description = $3, connector = $4, direction = $5, settings = $6, \
         updated_at = $7 WHERE id = $1",
    )
    .bind(system.id)
    .bind(&system.name)
    .bind(&system.description)
    .bind(system.connector_name.to_string())
    .bind(system.direction.to_string())
    .bind(text(&system.csv))
    .bind(system.last_updated.map(Timestamp::as_microsecond))
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Reads a connected system.
pub async fn get(tx: &mut Tx, id: i64) -> Result<Option<ConnectedSystem>> {
    let row: Option<Row> =
        on!(tx, conn => sqlx::query_as(select!("WHERE s.id = $1")).bind(id).fetch_optional(conn).await?);
    row.map(ConnectedSystem::try_from).transpose()
}

/// Reads a connected system that nobody else changes or deletes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: i64) -> Result<Option<ConnectedSystem>> {
    let sql = locked!(tx, [select!("WHERE s.id = $1")], "FOR UPDATE OF s");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id).fetch_optional(conn).await?);
    row.map(ConnectedSystem::try_from).transpose()
}

/// When a connected system was last changed, with its creation. Nobody changes or deletes it until the transaction ends.
pub async fn hold(tx: &mut Tx, id: i64) -> Result<Option<Timestamp>> {
    let sql =
        locked!(tx, ["SELECT COALESCE(updated_at, created_at) FROM connected_systems WHERE id = $1"], "FOR SHARE");
    let changed: Option<i64> = on!(tx, conn => sqlx::query_scalar(sql).bind(id).fetch_optional(conn).await?);
    maybe_time("connected_systems.updated_at", changed)
}

/// The connected system with this name.
pub async fn id_of(tx: &mut Tx, name: &str) -> Result<Option<i64>> {
    Ok(on!(tx, conn => sqlx::query_scalar("SELECT id FROM connected_systems WHERE name = $1")
        .bind(name).fetch_optional(conn).await?))
}

/// One page of connected systems by name, all or the one with a name, and how many there are on all pages.
pub async fn list(tx: &mut Tx, name: Option<&str>, offset: i64, limit: i64) -> Result<(Vec<ConnectedSystem>, i64)> {
    let total: i64 = on!(tx, conn => sqlx::query_scalar(
        "SELECT count(*) FROM connected_systems s WHERE CAST($1 AS TEXT) IS NULL OR s.name = $1",
    ).bind(name).fetch_one(conn).await?);
    let page = select!("WHERE CAST($1 AS TEXT) IS NULL OR s.name = $1 ORDER BY s.name LIMIT $2 OFFSET $3");
    let rows: Vec<Row> =
        on!(tx, conn => sqlx::query_as(page).bind(name).bind(limit).bind(offset).fetch_all(conn).await?);
    let systems = rows.into_iter().map(ConnectedSystem::try_from).collect::<Result<_>>()?;
    Ok((systems, total))
}

/// Deletes a connected system with its run profiles and its objects.
pub async fn delete(tx: &mut Tx, id: i64) -> Result<()> {
    on!(tx, conn => sqlx::query("DELETE FROM connected_systems WHERE id = $1")
        .bind(id).execute(conn).await?.rows_affected());
    Ok(())
}

/// The number of an import that begins. `None` when there is no such connected system.
pub async fn next_generation(tx: &mut Tx, id: i64) -> Result<Option<i64>> {
    Ok(on!(tx, conn => sqlx::query_scalar(
        "UPDATE connected_systems SET generation = generation + 1 WHERE id = $1 RETURNING generation",
    ).bind(id).fetch_optional(conn).await?))
}
