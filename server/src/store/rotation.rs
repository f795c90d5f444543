//! All that is sealed, wherever it is: found by the key that sealed it, and written again under another one. What it is worth to
//! others (a revision, a time) does not change by that.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Result, Tx, given, on, rows};

/// What is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Secrets of tasks.
    TaskSecrets,
    /// Connection strings of the steps of schedules.
    ConnectionStrings,
    /// Their copies for steps that are at work or wait for it.
    PendingConnectionStrings,
    /// Requests that may be repeated, and some of the answers to them.
    KeptRequests,
}

impl Kind {
    /// All of them. What is copied from one to another is copied to a later one.
    pub const ALL: [Self; 4] =
        [Self::TaskSecrets, Self::ConnectionStrings, Self::PendingConnectionStrings, Self::KeptRequests];
}

/// Something sealed, and what it is sealed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// A task, a schedule, an activity, or a principal.
    pub owner: String,
    /// The key of a secret, a step, or an idempotency key.
    pub name: String,
    /// Which key sealed it.
    pub sealed_by: String,
    /// What is stored.
    pub sealed: Sealed,
}

/// What is stored of something sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealed {
    /// A secret: nonce, ciphertext, tag.
    Secret(Vec<u8>),
    /// A connection string: the same in base64.
    ConnectionString(String),
    /// What tells a request from others, and the answer to it in base64 where that is sealed.
    Request(Vec<u8>, Option<String>),
}

/// A page of what is sealed, behind an owner and a name and in their order. Where a key is named, what that one sealed is left out.
pub async fn page(tx: &mut Tx, kind: Kind, except: Option<&str>, after: (&str, &str), limit: i64) -> Result<Vec<Item>> {
    let (owner, name) = after;
    match kind {
        Kind::TaskSecrets => {
            let rows: Vec<(String, String, String, Vec<u8>)> = on!(tx, conn => sqlx::query_as(
                "SELECT task_id, key, sealed_by, sealed FROM task_secrets \
                 WHERE (task_id, key) > ($1, $2) AND (CAST($3 AS TEXT) IS NULL OR sealed_by <> $3) ORDER BY task_id, key LIMIT $4",
            ).bind(owner).bind(name).bind(except).bind(limit).fetch_all(conn).await?);
            let item =
                |(owner, name, sealed_by, sealed)| Item { owner, name, sealed_by, sealed: Sealed::Secret(sealed) };
            Ok(rows.into_iter().map(item).collect())
        }
        Kind::ConnectionStrings | Kind::PendingConnectionStrings => {
            let sql = if kind == Kind::ConnectionStrings {
                "SELECT schedule_id, id, sql_sealed_by, sql_sealed FROM schedule_steps \
                 WHERE sql_sealed IS NOT NULL AND sql_sealed_by IS NOT NULL \
                 AND (schedule_id, id) > ($1, $2) AND (CAST($3 AS TEXT) IS NULL OR sql_sealed_by <> $3) \
                 ORDER BY schedule_id, id LIMIT $4"
            } else {
                "SELECT id, step_id, sql_sealed_by, sql_sealed FROM activities \
                 WHERE completed_at IS NULL AND sql_sealed IS NOT NULL AND sql_sealed_by IS NOT NULL AND step_id IS NOT NULL \
                 AND (id, step_id) > ($1, $2) AND (CAST($3 AS TEXT) IS NULL OR sql_sealed_by <> $3) \
                 ORDER BY id, step_id LIMIT $4"
            };
            let rows: Vec<(String, String, String, String)> = on!(tx, conn => sqlx::query_as(sql)
                .bind(owner).bind(name).bind(except).bind(limit).fetch_all(conn).await?);
            let item = |(owner, name, sealed_by, sealed)| Item {
                owner,
                name,
                sealed_by,
                sealed: Sealed::ConnectionString(sealed),
            };
            Ok(rows.into_iter().map(item).collect())
        }
        Kind::KeptRequests => {
            // An answer that is not sealed may be long, and is nobody's business here.
            let rows: Vec<KeptRequest> = on!(tx, conn => sqlx::query_as(
                "SELECT principal, key, sealed_by, request, CASE WHEN is_sealed THEN answer END FROM idempotency_keys \
                 WHERE (principal, key) > ($1, $2) AND (CAST($3 AS TEXT) IS NULL OR sealed_by <> $3) ORDER BY principal, key LIMIT $4",
            ).bind(owner).bind(name).bind(except).bind(limit).fetch_all(conn).await?);
            let item = |(owner, name, sealed_by, request, answer)| Item {
                owner,
                name,
                sealed_by,
                sealed: Sealed::Request(request, answer),
            };
            Ok(rows.into_iter().map(item).collect())
        }
    }
}

/// A row of `idempotency_keys`: principal, key, what sealed it, the sealed request, and the answer where that is sealed.
type KeptRequest = (String, String, String, Vec<u8>, Option<String>);

/// Keeps the owners of secrets and of steps as they are until the transaction ends, in the order in which everybody locks them. Who
/// copies what is sealed, or changes several, holds them as well.
pub async fn hold(tx: &mut Tx, kind: Kind, items: &[Item]) -> Result<()> {
    #[derive(Serialize)]
    struct Given<'a> {
        id: &'a str,
    }
    // SQLite has one writer.
    if let Tx::Sqlite(_) = tx {
        return Ok(());
    }
    let sql = match kind {
        Kind::TaskSecrets => {
            given!(tx, (id text), "SELECT id FROM tasks WHERE id IN (SELECT id FROM given) ORDER BY id FOR UPDATE")
        }
        Kind::ConnectionStrings => {
            given!(tx, (id text), "SELECT id FROM schedules WHERE id IN (SELECT id FROM given) ORDER BY id FOR UPDATE")
        }
        Kind::PendingConnectionStrings | Kind::KeptRequests => return Ok(()),
    };
    let given = rows(items.iter().map(|item| Given { id: &item.owner }));
    let _: Vec<String> = on!(tx, conn => sqlx::query_scalar(sql).bind(given).fetch_all(conn).await?);
    Ok(())
}

/// Writes something again under another key, if it is still what it was, and tells whether it is.
pub async fn reseal(tx: &mut Tx, kind: Kind, old: &Item, key_id: &str, sealed: &Sealed) -> Result<bool> {
    let (owner, name) = (&old.owner, &old.name);
    let changed = match (&old.sealed, sealed) {
        (Sealed::Secret(old), Sealed::Secret(new)) => on!(tx, conn => sqlx::query(
            "UPDATE task_secrets SET sealed_by = $4, sealed = $5 WHERE task_id = $1 AND key = $2 AND sealed = $3",
        ).bind(owner).bind(name).bind(old).bind(key_id).bind(new).execute(conn).await?.rows_affected()),
        (Sealed::ConnectionString(old), Sealed::ConnectionString(new)) => {
            let sql = if kind == Kind::ConnectionStrings {
                "UPDATE schedule_steps SET sql_sealed_by = $4, sql_sealed = $5 \
                 WHERE schedule_id = $1 AND id = $2 AND sql_sealed = $3"
            } else {
                "UPDATE activities SET sql_sealed_by = $4, sql_sealed = $5 WHERE id = $1 AND step_id = $2 AND sql_sealed = $3"
            };
            on!(tx, conn => sqlx::query(sql).bind(owner).bind(name).bind(old).bind(key_id).bind(new)
                .execute(conn).await?.rows_affected())
        }
        (Sealed::Request(old, _), Sealed::Request(new, answer)) => on!(tx, conn => sqlx::query(
            "UPDATE idempotency_keys SET sealed_by = $4, request = $5, answer = COALESCE($6, answer) \
             WHERE principal = $1 AND key = $2 AND request = $3",
        ).bind(owner).bind(name).bind(old).bind(key_id).bind(new).bind(answer).execute(conn).await?.rows_affected()),
        // Nothing becomes something else.
        _ => 0,
    };
    Ok(changed == 1)
}

/// The names of all keys that have sealed something.
pub async fn keys(tx: &mut Tx) -> Result<BTreeSet<String>> {
    let mut keys = BTreeSet::new();
    for kind in Kind::ALL {
        keys.extend(counts(tx, kind).await?.into_iter().map(|(key, _)| key));
    }
    Ok(keys)
}

/// How much of a kind was sealed by which key, in the order of their names.
pub async fn counts(tx: &mut Tx, kind: Kind) -> Result<Vec<(String, i64)>> {
    let sql = match kind {
        Kind::TaskSecrets => "SELECT sealed_by, count(*) FROM task_secrets GROUP BY sealed_by ORDER BY sealed_by",
        Kind::ConnectionStrings => {
            "SELECT sql_sealed_by, count(*) FROM schedule_steps WHERE sql_sealed IS NOT NULL AND sql_sealed_by IS NOT NULL \
             GROUP BY sql_sealed_by ORDER BY sql_sealed_by"
        }
        Kind::PendingConnectionStrings => {
            "SELECT sql_sealed_by, count(*) FROM activities WHERE completed_at IS NULL AND sql_sealed IS NOT NULL \
             AND sql_sealed_by IS NOT NULL GROUP BY sql_sealed_by ORDER BY sql_sealed_by"
        }
        Kind::KeptRequests => "SELECT sealed_by, count(*) FROM idempotency_keys GROUP BY sealed_by ORDER BY sealed_by",
    };
    Ok(on!(tx, conn => sqlx::query_as(sql).fetch_all(conn).await?))
}
