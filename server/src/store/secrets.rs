//! Sealed secrets. This module never sees a value.

use justiam_sdk::api::ids::TaskId;

use super::{Result, Tx, on};

/// One sealed secret.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SealedSecret {
    /// Its key.
    pub key: String,
    /// Which key sealed it.
    pub sealed_by: String,
    /// Nonce, ciphertext, tag.
    pub sealed: Vec<u8>,
    /// Changes whenever the value does.
    pub revision: String,
}

/// All secrets of a task, by key.
pub async fn list(tx: &mut Tx, task: TaskId) -> Result<Vec<SealedSecret>> {
    Ok(on!(tx, conn => sqlx::query_as(
        "SELECT key, sealed_by, sealed, revision FROM task_secrets WHERE task_id = $1 ORDER BY key",
    ).bind(task.to_string()).fetch_all(conn).await?))
}

/// What a page of tasks needs of a secret.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeyRevision {
    /// Its task.
    pub task_id: String,
    /// Its key.
    pub key: String,
    /// Which key sealed it.
    pub sealed_by: String,
    /// Changes whenever the value does.
    pub revision: String,
}

/// Keys and revisions of all secrets of the tasks whose ids lie between two ids.
pub async fn revisions_between(tx: &mut Tx, first: TaskId, last: TaskId) -> Result<Vec<KeyRevision>> {
    Ok(on!(tx, conn => sqlx::query_as(
        "SELECT task_id, key, sealed_by, revision FROM task_secrets WHERE task_id BETWEEN $1 AND $2 ORDER BY task_id, key",
    ).bind(first.to_string()).bind(last.to_string()).fetch_all(conn).await?))
}

/// How many secrets were sealed by another key than this one.
pub async fn count_sealed_by_others(tx: &mut Tx, key_id: &str) -> Result<i64> {
    Ok(on!(tx, conn => sqlx::query_scalar("SELECT count(*) FROM task_secrets WHERE sealed_by <> $1")
        .bind(key_id).fetch_one(conn).await?))
}

/// Writes one secret.
pub async fn put(tx: &mut Tx, task: TaskId, secret: &SealedSecret) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO task_secrets (task_id, key, sealed_by, sealed, revision) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (task_id, key) DO UPDATE SET sealed_by = excluded.sealed_by, sealed = excluded.sealed, \
         revision = excluded.revision",
    )
    .bind(task.to_string())
    .bind(&secret.key)
    .bind(&secret.sealed_by)
    .bind(&secret.sealed)
    .bind(&secret.revision)
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Removes one secret; one that is not there is no error.
pub async fn remove(tx: &mut Tx, task: TaskId, key: &str) -> Result<()> {
    on!(tx, conn => sqlx::query("DELETE FROM task_secrets WHERE task_id = $1 AND key = $2")
        .bind(task.to_string()).bind(key).execute(conn).await?.rows_affected());
    Ok(())
}
