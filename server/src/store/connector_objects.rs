//! The connector space: what the server knows of the objects of connected systems.
//!
//! One run profile of a connected system is at work at a time, so nobody else writes its objects meanwhile, but for users who are
//! deleted: their objects belong to nobody then.

use std::collections::BTreeSet;

use justiam_sdk::api::ids::{GroupId, UserId};
use serde::Serialize;

use super::{Error, Result, Tx, given, json, on, parsed, rows, text};

/// What an import finds of an object that was there before.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Seen {
    /// The object's id in the connected system.
    pub external_id: String,
    /// The object as the last import read it.
    pub imported: Option<String>,
    /// The connected system does not have it any more.
    pub is_gone: bool,
    /// The last import that saw it.
    pub generation: i64,
}

/// An object in the connector space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The object's id in the connected system.
    pub external_id: String,
    /// The object as the last import read it: a JSON object of texts.
    pub imported: Option<String>,
    /// What the next export does to it: a JSON object of texts, or `null` to remove it.
    pub pending_export: Option<String>,
    /// Whose object it is.
    pub user: Option<UserId>,
    /// What an import changed and no synchronisation has looked at yet.
    pub is_changed: bool,
    /// The connected system does not have it any more.
    pub is_gone: bool,
    /// The groups in which the user is a member because the object says so.
    pub given_groups: BTreeSet<GroupId>,
}

/// An object that belongs to a user, of any connected system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whose object it is.
    pub user: UserId,
    /// The connected system.
    pub system: i64,
    /// The object's id there.
    pub external_id: String,
    /// The connected system does not have it any more.
    pub is_gone: bool,
    /// The groups in which the user is a member because the object says so.
    pub given_groups: BTreeSet<GroupId>,
}

/// What a synchronisation found out about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synchronised {
    /// The object's id in the connected system.
    pub external_id: String,
    /// Whose object it is.
    pub user: Option<UserId>,
    /// The groups in which the user is a member because the object says so.
    pub given_groups: BTreeSet<GroupId>,
    /// The next synchronisation shall look at it again.
    pub is_changed: bool,
}

/// What the next export shall do to an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// The object's id in the connected system.
    pub external_id: String,
    /// A JSON object of texts; `None` where nothing needs to be done.
    pub pending_export: Option<String>,
    /// Whose object it is.
    #[serde(rename = "user_id")]
    pub user: Option<UserId>,
}

/// How many changes an export has to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::FromRow)]
pub struct PendingCounts {
    /// Objects that are not there yet.
    pub added: i64,
    /// Objects that are different.
    pub updated: i64,
    /// Objects that have to go.
    pub removed: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    external_id: String,
    imported: Option<String>,
    pending_export: Option<String>,
    user_id: Option<String>,
    is_changed: bool,
    is_gone: bool,
    given_groups: String,
}

impl TryFrom<Row> for Object {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            external_id: row.external_id,
            imported: row.imported,
            pending_export: row.pending_export,
            user: row.user_id.map(|id| parsed("connector_objects.user_id", &id)).transpose()?,
            is_changed: row.is_changed,
            is_gone: row.is_gone,
            given_groups: json("connector_objects.given_groups", &row.given_groups)?,
        })
    }
}

#[derive(Serialize)]
struct GivenId<'a> {
    external_id: &'a str,
}

#[derive(Serialize)]
struct GivenObject<'a> {
    external_id: &'a str,
    imported: &'a str,
}

#[derive(Serialize)]
struct GivenUser {
    id: UserId,
}

#[derive(Serialize)]
struct GivenSynchronised<'a> {
    external_id: &'a str,
    user_id: Option<UserId>,
    given_groups: String,
    is_changed: bool,
}

fn given_ids<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    rows(ids.into_iter().map(|external_id| GivenId { external_id }))
}

macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "SELECT o.external_id, o.imported, o.pending_export, o.user_id, o.is_changed, o.is_gone, o.given_groups \
             FROM connector_objects o ",
            $($rest),+
        )
    };
}

/// Those of these objects that are there.
pub async fn seen<'a>(tx: &mut Tx, system: i64, ids: impl IntoIterator<Item = &'a str>) -> Result<Vec<Seen>> {
    let sql = given!(
        tx,
        (external_id text),
        "SELECT external_id, imported, is_gone, generation FROM connector_objects \
         WHERE connected_system_id = $2 AND external_id IN (SELECT external_id FROM given)"
    );
    let given = given_ids(ids);
    Ok(on!(tx, conn => sqlx::query_as(sql).bind(given).bind(system).fetch_all(conn).await?))
}

/// Writes objects, id and content, as an import has read them.
pub async fn import(tx: &mut Tx, system: i64, generation: i64, objects: &[(String, String)]) -> Result<()> {
    let sql = given!(
        tx,
        (external_id text, imported text),
        "INSERT INTO connector_objects (connected_system_id, external_id, imported, is_changed, is_gone, generation) \
         SELECT $2, external_id, imported, TRUE, FALSE, $3 FROM given WHERE TRUE \
         ON CONFLICT (connected_system_id, external_id) DO UPDATE SET imported = excluded.imported, is_changed = TRUE, \
         is_gone = FALSE, generation = excluded.generation"
    );
    let given = rows(objects.iter().map(|(external_id, imported)| GivenObject { external_id, imported }));
    on!(tx, conn => sqlx::query(sql).bind(given).bind(system).bind(generation).execute(conn).await?.rows_affected());
    Ok(())
}

/// Notes that an import has seen objects.
pub async fn touch<'a>(
    tx: &mut Tx,
    system: i64,
    generation: i64,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    let sql = given!(
        tx,
        (external_id text),
        "UPDATE connector_objects SET generation = $3 WHERE connected_system_id = $2 \
         AND external_id IN (SELECT external_id FROM given)"
    );
    let given = given_ids(ids);
    on!(tx, conn => sqlx::query(sql).bind(given).bind(system).bind(generation).execute(conn).await?.rows_affected());
    Ok(())
}

/// Notes that the connected system does not have objects any more. Returns how many it had.
pub async fn remove<'a>(
    tx: &mut Tx,
    system: i64,
    generation: i64,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<u64> {
    let sql = given!(
        tx,
        (external_id text),
        "UPDATE connector_objects SET is_gone = TRUE, is_changed = TRUE, generation = $3 WHERE connected_system_id = $2 \
         AND NOT is_gone AND imported IS NOT NULL AND external_id IN (SELECT external_id FROM given)"
    );
    let given = given_ids(ids);
    Ok(on!(tx, conn => sqlx::query(sql)
        .bind(given).bind(system).bind(generation).execute(conn).await?.rows_affected()))
}

/// Notes that the connected system does not have those objects any more that the import with this number has not seen. Returns
/// how many.
pub async fn remove_unseen(tx: &mut Tx, system: i64, generation: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "UPDATE connector_objects SET is_gone = TRUE, is_changed = TRUE \
         WHERE connected_system_id = $1 AND generation < $2 AND NOT is_gone AND imported IS NOT NULL",
    ).bind(system).bind(generation).execute(conn).await?.rows_affected()))
}

/// How many objects there are for a synchronisation to look at.
pub async fn count(tx: &mut Tx, system: i64, only_changed: bool) -> Result<i64> {
    let sql = if only_changed {
        "SELECT count(*) FROM connector_objects WHERE connected_system_id = $1 AND is_changed"
    } else {
        "SELECT count(*) FROM connector_objects WHERE connected_system_id = $1"
    };
    Ok(on!(tx, conn => sqlx::query_scalar(sql).bind(system).fetch_one(conn).await?))
}

/// How many objects the connected system has, as far as the last import knows.
pub async fn count_there(tx: &mut Tx, system: i64) -> Result<i64> {
    Ok(on!(tx, conn => sqlx::query_scalar(
        "SELECT count(*) FROM connector_objects WHERE connected_system_id = $1 AND NOT is_gone AND imported IS NOT NULL",
    ).bind(system).fetch_one(conn).await?))
}

/// Which objects to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Those that the connected system does not have any more, or those that it has.
    pub is_gone: bool,
    /// Only those that an import changed and no synchronisation has looked at yet.
    pub only_changed: bool,
}

/// Up to `limit` objects in the order of their ids, from the first one behind an id on.
pub async fn after(tx: &mut Tx, system: i64, filter: Filter, id: &str, limit: i64) -> Result<Vec<Object>> {
    let sql = if filter.only_changed {
        select!(
            "WHERE o.connected_system_id = $1 AND o.is_gone = $2 AND o.external_id > $3 AND o.is_changed \
             ORDER BY o.external_id LIMIT $4"
        )
    } else {
        select!(
            "WHERE o.connected_system_id = $1 AND o.is_gone = $2 AND o.external_id > $3 \
             ORDER BY o.external_id LIMIT $4"
        )
    };
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(system).bind(filter.is_gone).bind(id).bind(limit).fetch_all(conn).await?);
    rows.into_iter().map(Object::try_from).collect()
}

/// The objects of users in inbound connected systems.
pub async fn links(tx: &mut Tx, users: &[UserId]) -> Result<Vec<Link>> {
    let sql = given!(
        tx,
        (id text),
        "SELECT o.user_id, o.connected_system_id, o.external_id, o.is_gone, o.given_groups FROM given g \
         JOIN connector_objects o ON o.user_id = g.id JOIN connected_systems s ON s.id = o.connected_system_id \
         WHERE s.direction = 'Inbound' ORDER BY o.connected_system_id, o.external_id"
    );
    let given = rows(users.iter().map(|id| GivenUser { id: *id }));
    let found: Vec<(String, i64, String, bool, String)> =
        on!(tx, conn => sqlx::query_as(sql).bind(given).fetch_all(conn).await?);
    let links = found.into_iter().map(|(user, system, external_id, is_gone, given_groups)| {
        Ok(Link {
            user: parsed("connector_objects.user_id", &user)?,
            system,
            external_id,
            is_gone,
            given_groups: json("connector_objects.given_groups", &given_groups)?,
        })
    });
    links.collect()
}

/// Notes what a synchronisation found out about objects, which must be there.
pub async fn synchronise(tx: &mut Tx, system: i64, objects: &[Synchronised]) -> Result<()> {
    let sql = given!(
        tx,
        (external_id text, user_id text, given_groups text, is_changed boolean),
        // Not an update: SQLite would look through all objects of the connected system for each that is given.
        "INSERT INTO connector_objects (connected_system_id, external_id, user_id, given_groups, is_changed) \
         SELECT $2, external_id, user_id, given_groups, is_changed FROM given WHERE TRUE \
         ON CONFLICT (connected_system_id, external_id) DO UPDATE SET user_id = excluded.user_id, \
         given_groups = excluded.given_groups, is_changed = excluded.is_changed"
    );
    let given = rows(objects.iter().map(|object| GivenSynchronised {
        external_id: &object.external_id,
        user_id: object.user,
        given_groups: text(&object.given_groups),
        is_changed: object.is_changed,
    }));
    on!(tx, conn => sqlx::query(sql).bind(given).bind(system).execute(conn).await?.rows_affected());
    Ok(())
}

/// Forgets objects.
pub async fn forget<'a>(tx: &mut Tx, system: i64, ids: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let sql = given!(
        tx,
        (external_id text),
        "DELETE FROM connector_objects WHERE connected_system_id = $2 \
         AND external_id IN (SELECT external_id FROM given)"
    );
    let given = given_ids(ids);
    on!(tx, conn => sqlx::query(sql).bind(given).bind(system).execute(conn).await?.rows_affected());
    Ok(())
}

/// Forgets all objects of a connected system.
pub async fn forget_all(tx: &mut Tx, system: i64) -> Result<()> {
    on!(tx, conn => sqlx::query("DELETE FROM connector_objects WHERE connected_system_id = $1")
        .bind(system).execute(conn).await?.rows_affected());
    Ok(())
}

/// The objects of users in a connected system, and those with these ids, whoever they belong to.
pub async fn of_users(tx: &mut Tx, system: i64, users: &[UserId], ids: &[String]) -> Result<Vec<Object>> {
    let sql = given!(
        tx,
        (id text),
        select!("WHERE o.connected_system_id = $2 AND o.user_id IN (SELECT id FROM given) ORDER BY o.external_id")
    );
    let given = rows(users.iter().map(|id| GivenUser { id: *id }));
    let mut found: Vec<Row> = on!(tx, conn => sqlx::query_as(sql).bind(given).bind(system).fetch_all(conn).await?);
    let sql = given!(
        tx,
        (external_id text),
        select!("WHERE o.connected_system_id = $2 AND o.external_id IN (SELECT external_id FROM given)")
    );
    let given = given_ids(ids.iter().map(String::as_str));
    let named: Vec<Row> = on!(tx, conn => sqlx::query_as(sql).bind(given).bind(system).fetch_all(conn).await?);
    let known: BTreeSet<String> = found.iter().map(|row| row.external_id.clone()).collect();
    found.extend(named.into_iter().filter(|row| !known.contains(&row.external_id)));
    found.into_iter().map(Object::try_from).collect()
}

/// Notes what the next export shall do, and whose objects these are. Objects that are not there are made.
pub async fn prepare(tx: &mut Tx, system: i64, objects: &[Pending]) -> Result<()> {
    let sql = given!(
        tx,
        (external_id text, pending_export text, user_id text),
        "INSERT INTO connector_objects (connected_system_id, external_id, pending_export, user_id, is_changed) \
         SELECT $2, external_id, pending_export, user_id, FALSE FROM given WHERE TRUE \
         ON CONFLICT (connected_system_id, external_id) DO UPDATE SET pending_export = excluded.pending_export, \
         user_id = excluded.user_id, is_changed = FALSE"
    );
    let given = rows(objects);
    on!(tx, conn => sqlx::query(sql).bind(given).bind(system).execute(conn).await?.rows_affected());
    Ok(())
}

/// Lets the next export remove all objects that belong to no user, and forgets those of them that the connected system never had.
/// Returns how many the export will remove.
pub async fn prepare_removals(tx: &mut Tx, system: i64) -> Result<u64> {
    on!(tx, conn => sqlx::query(
        "DELETE FROM connector_objects WHERE connected_system_id = $1 AND user_id IS NULL AND (imported IS NULL OR is_gone)",
    ).bind(system).execute(conn).await?.rows_affected());
    Ok(on!(tx, conn => sqlx::query(
        "UPDATE connector_objects SET pending_export = 'null', is_changed = FALSE \
         WHERE connected_system_id = $1 AND user_id IS NULL",
    ).bind(system).execute(conn).await?.rows_affected()))
}

/// How many changes the next export has to make.
pub async fn pending(tx: &mut Tx, system: i64) -> Result<PendingCounts> {
    Ok(on!(tx, conn => sqlx::query_as(
        "SELECT count(CASE WHEN pending_export <> 'null' AND (imported IS NULL OR is_gone) THEN 1 END) AS added, \
         count(CASE WHEN pending_export <> 'null' AND imported IS NOT NULL AND NOT is_gone THEN 1 END) AS updated, \
         count(CASE WHEN pending_export = 'null' THEN 1 END) AS removed \
         FROM connector_objects WHERE connected_system_id = $1 AND pending_export IS NOT NULL",
    ).bind(system).fetch_one(conn).await?))
}

/// Up to `limit` objects, id and content, as they are after the next export, in the order of their ids, from the first one behind
/// an id on.
pub async fn exported(tx: &mut Tx, system: i64, id: &str, limit: i64) -> Result<Vec<(String, String)>> {
    Ok(on!(tx, conn => sqlx::query_as(
        "SELECT external_id, COALESCE(pending_export, imported) FROM connector_objects \
         WHERE connected_system_id = $1 AND external_id > $2 AND (pending_export <> 'null' \
         OR pending_export IS NULL AND imported IS NOT NULL AND NOT is_gone) ORDER BY external_id LIMIT $3",
    ).bind(system).bind(id).bind(limit).fetch_all(conn).await?))
}

/// Notes that an export has made all changes that waited for it.
pub async fn confirm(tx: &mut Tx, system: i64) -> Result<()> {
    on!(tx, conn => sqlx::query("DELETE FROM connector_objects WHERE connected_system_id = $1 AND pending_export = 'null'")
        .bind(system).execute(conn).await?.rows_affected());
    on!(tx, conn => sqlx::query(
        "UPDATE connector_objects SET imported = pending_export, pending_export = NULL, is_gone = FALSE \
         WHERE connected_system_id = $1 AND pending_export IS NOT NULL",
    ).bind(system).execute(conn).await?.rows_affected());
    Ok(())
}
