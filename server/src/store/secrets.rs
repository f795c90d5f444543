//! Sealed secrets. This module never sees a value.

use futures::TryStreamExt as _;
use justiam_sdk::api::ids::TaskId;

use super::{Result, Tx, on, parsed};

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

/// Shows all secrets of the tasks whose ids lie between two ids to somebody, one at a time: together they may be large.
pub async fn between(
    tx: &mut Tx,
    first: TaskId,
    last: TaskId,
    mut each: impl FnMut(TaskId, SealedSecret),
) -> Result<()> {
    #[derive(sqlx::FromRow)]
    struct Row {
        task_id: String,
        #[sqlx(flatten)]
        secret: SealedSecret,
    }
    on!(tx, conn => {
        let mut rows = sqlx::query_as::<_, Row>(
            "SELECT task_id, key, sealed_by, sealed, revision FROM task_secrets WHERE task_id BETWEEN $1 AND $2 \
             ORDER BY task_id, key",
        ).bind(first.to_string()).bind(last.to_string()).fetch(conn);
        while let Some(row) = rows.try_next().await? {
            each(parsed("task_secrets.task_id", &row.task_id)?, row.secret);
        }
    });
    Ok(())
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
