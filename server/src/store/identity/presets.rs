//! Preset definitions, and the cache that is made of them.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Result, Tx, on};

/// One version of a preset.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDefinition {
    /// The preset.
    pub name: String,
    /// From 1; a higher one is newer.
    pub version: i64,
    /// What the preset is.
    pub definition: Map<String, Value>,
    /// When this version was made.
    pub created_at: Option<Timestamp>,
}

/// Writes a version of a preset over the same version of the same preset.
pub async fn put(tx: &mut Tx, preset: &NewDefinition, now: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO preset_definitions (name, version, definition, created_at) VALUES ($1, $2, $3, COALESCE($4, $5)) \
         ON CONFLICT (name, version) DO UPDATE SET definition = excluded.definition, \
         created_at = COALESCE($4, preset_definitions.created_at)",
    )
    .bind(&preset.name)
    .bind(preset.version)
    .bind(Value::Object(preset.definition.clone()).to_string())
    .bind(preset.created_at.map(Timestamp::as_microsecond))
    .bind(now.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Makes the cache anew: the newest version of each preset. Returns how many there are.
pub async fn rebuild_cache(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    on!(tx, conn => sqlx::query("DELETE FROM preset_cache").execute(conn).await?.rows_affected());
    // Two rebuilds at once must not trip over each other.
    Ok(on!(tx, conn => sqlx::query(
        "INSERT INTO preset_cache (name, version, definition, refreshed_at) \
         SELECT d.name, d.version, d.definition, $1 FROM preset_definitions d WHERE NOT EXISTS \
         (SELECT 1 FROM preset_definitions n WHERE n.name = d.name AND n.version > d.version) \
         ON CONFLICT (name) DO UPDATE SET version = excluded.version, definition = excluded.definition, \
         refreshed_at = excluded.refreshed_at",
    ).bind(now.as_microsecond()).execute(conn).await?.rows_affected()))
}
