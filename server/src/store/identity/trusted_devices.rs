//! Devices on which a user need not prove everything again.

use jiff::Timestamp;
use justiam_sdk::api::ids::UserId;
use uuid::Uuid;

use super::{Result, Tx, on};

/// A device to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// The record of the device.
    pub id: Uuid,
    /// Who trusts it.
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    /// Since when it is trusted.
    pub created_at: Option<Timestamp>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Writes a device.
pub async fn put(tx: &mut Tx, device: &NewDevice, now: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO trusted_devices (id, user_id, name, created_at, expires_at) \
         VALUES ($1, $2, $3, COALESCE($4, $6), $5) \
         ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, name = excluded.name, \
         created_at = COALESCE($4, trusted_devices.created_at), expires_at = excluded.expires_at",
    )
    .bind(device.id.to_string())
    .bind(device.user.to_string())
    .bind(&device.name)
    .bind(device.created_at.map(Timestamp::as_microsecond))
    .bind(device.expires_at.as_microsecond())
    .bind(now.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Removes up to `limit` devices that are trusted no longer, the longest expired first. Returns how many.
pub async fn remove_expired(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "DELETE FROM trusted_devices WHERE id IN \
         (SELECT id FROM trusted_devices WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
    ).bind(now.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}
