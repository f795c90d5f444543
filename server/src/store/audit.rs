//! The audit log: who changed what.

use jiff::Timestamp;
use justiam_sdk::api::audit::AuditEntry;
use serde::Serialize;

use super::{Error, Result, Tx, given, json, on, parsed, rows, time};

/// Which entries to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// This action.
    pub action: Option<String>,
    /// About the object with this id.
    pub object_id: Option<String>,
    /// By somebody with this name, or this principal.
    pub actor: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    at: i64,
    actor: String,
    principal: Option<String>,
    token_id: Option<String>,
    request_id: Option<String>,
    action: String,
    object_kind: String,
    object_id: Option<String>,
    object_name: Option<String>,
    details: String,
}

impl TryFrom<Row> for AuditEntry {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let (id, at) = (parsed("audit_log.id", &row.id)?, time("audit_log.at", row.at)?);
        let mut entry = Self::new(id, at, row.actor, row.action, row.object_kind);
        entry.principal = row.principal;
        entry.token_id = row.token_id.map(|id| parsed("audit_log.token_id", &id)).transpose()?;
        entry.request_id = row.request_id;
        entry.object_id = row.object_id;
        entry.object_name = row.object_name;
        entry.details = json("audit_log.details", &row.details)?;
        Ok(entry)
    }
}

/// Writes an entry over the one with the same id.
pub async fn put(tx: &mut Tx, entry: &AuditEntry) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO audit_log \
         (id, at, actor, principal, token_id, request_id, action, object_kind, object_id, object_name, details) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, actor = excluded.actor, principal = excluded.principal, \
         token_id = excluded.token_id, request_id = excluded.request_id, action = excluded.action, object_kind = excluded.object_kind, \
         object_id = excluded.object_id, object_name = excluded.object_name, details = excluded.details",
    )
    .bind(entry.id.to_string())
    .bind(entry.at.as_microsecond())
    .bind(&entry.actor)
    .bind(&entry.principal)
    .bind(entry.token_id.map(|id| id.to_string()))
    .bind(&entry.request_id)
    .bind(&entry.action)
    .bind(&entry.object_kind)
    .bind(&entry.object_id)
    .bind(&entry.object_name)
    .bind(entry.details.to_string())
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

#[derive(Serialize)]
struct Given<'a> {
    id: String,
    at: i64,
    actor: &'a str,
    principal: Option<&'a str>,
    token_id: Option<String>,
    request_id: Option<&'a str>,
    action: &'a str,
    object_kind: &'a str,
    object_id: Option<&'a str>,
    object_name: Option<&'a str>,
    details: String,
}

/// Writes new entries.
pub async fn insert(tx: &mut Tx, entries: &[AuditEntry]) -> Result<()> {
    let sql = given!(
        tx,
        (id text, at bigint, actor text, principal text, token_id text, request_id text, action text, object_kind text,
         object_id text, object_name text, details text),
        "INSERT INTO audit_log \
         (id, at, actor, principal, token_id, request_id, action, object_kind, object_id, object_name, details) \
         SELECT id, at, actor, principal, token_id, request_id, action, object_kind, object_id, object_name, details FROM given"
    );
    let given = rows(entries.iter().map(|entry| Given {
        id: entry.id.to_string(),
        at: entry.at.as_microsecond(),
        actor: &entry.actor,
        principal: entry.principal.as_deref(),
        token_id: entry.token_id.map(|id| id.to_string()),
        request_id: entry.request_id.as_deref(),
        action: &entry.action,
        object_kind: &entry.object_kind,
        object_id: entry.object_id.as_deref(),
        object_name: entry.object_name.as_deref(),
        details: entry.details.to_string(),
    }));
    on!(tx, conn => sqlx::query(sql).bind(given).execute(conn).await?.rows_affected());
    Ok(())
}

macro_rules! page_of {
    ($columns:literal, $object:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM audit_log WHERE ",
            $object,
            " AND (CAST($2 AS TEXT) IS NULL OR action = $2) \
             AND (CAST($3 AS TEXT) IS NULL OR actor = $3 OR principal = $3)",
            $rest
        )
    };
}

macro_rules! both {
    ($object:literal) => {
        (
            page_of!("count(*)", $object, ""),
            page_of!(
                "id, at, actor, principal, token_id, request_id, action, object_kind, object_id, object_name, details",
                $object,
                " ORDER BY at DESC, id DESC LIMIT $4 OFFSET $5"
            ),
        )
    };
}

/// One page of entries, newest first, and how many there are on all pages.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<AuditEntry>, u64)> {
    // Two texts, because only a plain comparison makes the databases use the index.
    let (count, page) = match filter.object_id {
        Some(_) => both!("object_id = $1"),
        None => both!("CAST($1 AS TEXT) IS NULL"),
    };
    let total: i64 = on!(tx, conn => sqlx::query_scalar(count)
        .bind(&filter.object_id).bind(&filter.action).bind(&filter.actor).fetch_one(conn).await?);
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(page)
        .bind(&filter.object_id).bind(&filter.action).bind(&filter.actor).bind(limit).bind(offset)
        .fetch_all(conn).await?);
    let entries = rows.into_iter().map(AuditEntry::try_from).collect::<Result<_>>()?;
    Ok((entries, total.try_into().unwrap_or_default()))
}

/// Deletes up to `limit` entries from before an instant, the oldest first. Returns how many.
pub async fn delete_before(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE at < $1 ORDER BY at, id LIMIT $2)",
    ).bind(before.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}
