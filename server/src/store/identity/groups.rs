//! Groups of users, and who is a member.

pub mod batch;

use jiff::Timestamp;
use justiam_sdk::api::groups::Group;
use justiam_sdk::api::ids::{GroupId, UserId};
use serde::Serialize;

use super::{Error, Result, Tx, contains, folded, given, locked, on, parsed, rows, time};

/// A group to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// The group.
    pub id: GroupId,
    /// Unique among groups.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// Who is a member.
    pub members: Vec<UserId>,
    /// When the group was created.
    pub created_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Given {
    id: String,
}

/// Which groups to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exactly this name.
    pub name: Option<String>,
    /// A part of the name, in any letter case.
    pub search: Option<String>,
    /// This user is a member.
    pub user: Option<UserId>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    description: String,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Group {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let created_at = time("user_groups.created_at", row.created_at)?;
        let mut group = Self::new(parsed("user_groups.id", &row.id)?, row.name, created_at);
        group.description = row.description;
        group.updated_at = time("user_groups.updated_at", row.updated_at)?;
        Ok(group)
    }
}

macro_rules! select_groups {
    ($($rest:expr),+) => {
        concat!("SELECT g.id, g.name, g.description, g.created_at, g.updated_at FROM user_groups g ", $($rest),+)
    };
}

use select_groups;

/// Writes a group and who its members are. A name that another group has is a conflict.
pub async fn put(tx: &mut Tx, group: &NewGroup, now: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO user_groups (id, name, name_folded, description, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, COALESCE($5, $6), $6) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_folded = excluded.name_folded, \
         description = excluded.description, created_at = COALESCE($5, user_groups.created_at), \
         updated_at = excluded.updated_at",
    )
    .bind(group.id.to_string())
    .bind(&group.name)
    .bind(folded(&group.name))
    .bind(&group.description)
    .bind(group.created_at.map(Timestamp::as_microsecond))
    .bind(now.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    // Those who are members already stay that, with the time since when.
    let others = given!(
        tx,
        (id text),
        "DELETE FROM group_members WHERE group_id = $2 AND user_id NOT IN (SELECT id FROM given)"
    );
    let members = rows(group.members.iter().map(|member| Given { id: member.to_string() }));
    on!(tx, conn => sqlx::query(others).bind(members).bind(group.id.to_string()).execute(conn).await?.rows_affected());
    for member in &group.members {
        add_member(tx, group.id, *member, now).await?;
    }
    Ok(())
}

/// Takes a group's name away, so that another group can have it within the same transaction. A [`put`] must follow.
pub async fn release_name(tx: &mut Tx, id: GroupId) -> Result<()> {
    // No name has a line end, so this one is in nobody's way.
    on!(tx, conn => sqlx::query("UPDATE user_groups SET name = $2 WHERE id = $1")
        .bind(id.to_string()).bind(format!("\n{id}")).execute(conn).await?.rows_affected());
    Ok(())
}

/// Stores a new group. `false` when its name is taken.
pub async fn insert(tx: &mut Tx, group: &Group) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO user_groups (id, name, name_folded, description, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
    )
    .bind(group.id.to_string())
    .bind(&group.name)
    .bind(folded(&group.name))
    .bind(&group.description)
    .bind(group.created_at.as_microsecond())
    .bind(group.updated_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Overwrites a group. `false` when there is none. A name that another group has is an [`Error::Conflict`].
pub async fn update(tx: &mut Tx, group: &Group) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "UPDATE user_groups SET name = $2, name_folded = $3, description = $4, updated_at = $5 WHERE id = $1",
    )
    .bind(group.id.to_string())
    .bind(&group.name)
    .bind(folded(&group.name))
    .bind(&group.description)
    .bind(group.updated_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Deletes a group; its members stay users. `false` when there is none.
pub async fn delete(tx: &mut Tx, id: GroupId) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query("DELETE FROM user_groups WHERE id = $1")
        .bind(id.to_string()).execute(conn).await?.rows_affected());
    Ok(done == 1)
}

/// Reads one group.
pub async fn get(tx: &mut Tx, id: GroupId) -> Result<Option<Group>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select_groups!("WHERE g.id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Group::try_from).transpose()
}

/// Reads the group with exactly this name.
pub async fn by_name(tx: &mut Tx, name: &str) -> Result<Option<Group>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select_groups!("WHERE g.name = $1"))
        .bind(name).fetch_optional(conn).await?);
    row.map(Group::try_from).transpose()
}

/// Reads one group and locks it: until the transaction ends, nobody else changes or deletes it.
pub async fn lock(tx: &mut Tx, id: GroupId) -> Result<Option<Group>> {
    let sql = locked!(tx, [select_groups!("WHERE g.id = $1")], "FOR UPDATE");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Group::try_from).transpose()
}

/// Reads one group, and nobody deletes it until the transaction ends.
pub async fn hold(tx: &mut Tx, id: GroupId) -> Result<Option<Group>> {
    let sql = locked!(tx, [select_groups!("WHERE g.id = $1")], "FOR KEY SHARE");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Group::try_from).transpose()
}

macro_rules! both {
    ($member:literal) => {
        (
            both!(@where "SELECT count(*) FROM user_groups g ", $member, ""),
            both!(@where select_groups!(""), $member, " ORDER BY g.name LIMIT $4 OFFSET $5"),
        )
    };
    (@where $select:expr, $member:literal, $rest:literal) => {
        concat!(
            $select,
            "WHERE ",
            $member,
            " AND (CAST($2 AS TEXT) IS NULL OR g.name = $2) \
             AND (CAST($3 AS TEXT) IS NULL OR g.name_folded LIKE $3 ESCAPE '\\')",
            $rest
        )
    };
}

/// One page of groups, ordered by name, and how many there are on all pages.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<Group>, u64)> {
    // Two texts, because a user is a member of few groups: those are found by their index.
    let (count, page) = match filter.user {
        Some(_) => both!("g.id IN (SELECT group_id FROM group_members WHERE user_id = $1)"),
        None => both!("CAST($1 AS TEXT) IS NULL"),
    };
    let user = filter.user.map(|user| user.to_string());
    let search = filter.search.as_deref().map(contains);
    let total: i64 = on!(tx, conn => sqlx::query_scalar(count)
        .bind(&user).bind(&filter.name).bind(&search).fetch_one(conn).await?);
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(page)
        .bind(&user).bind(&filter.name).bind(&search).bind(limit).bind(offset).fetch_all(conn).await?);
    let groups = rows.into_iter().map(Group::try_from).collect::<Result<_>>()?;
    Ok((groups, total.try_into().unwrap_or_default()))
}

/// Up to `limit` groups, ordered by name, from the first one behind a name on; all, or those of a user.
pub async fn after(tx: &mut Tx, user: Option<UserId>, name: &str, limit: i64) -> Result<Vec<Group>> {
    let sql = match user {
        Some(_) => select_groups!(
            "JOIN group_members m ON m.group_id = g.id WHERE m.user_id = $1 AND g.name > $2 ORDER BY g.name LIMIT $3"
        ),
        None => select_groups!("WHERE CAST($1 AS TEXT) IS NULL AND g.name > $2 ORDER BY g.name LIMIT $3"),
    };
    let user = user.map(|user| user.to_string());
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql).bind(&user).bind(name).bind(limit).fetch_all(conn).await?);
    rows.into_iter().map(Group::try_from).collect()
}

/// Makes a user a member. `false` for one who was. Both must exist.
pub async fn add_member(tx: &mut Tx, group: GroupId, user: UserId, now: Timestamp) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO group_members (group_id, user_id, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(group.to_string())
    .bind(user.to_string())
    .bind(now.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Ends a membership. `false` for a user who was no member.
pub async fn remove_member(tx: &mut Tx, group: GroupId, user: UserId) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query("DELETE FROM group_members WHERE group_id = $1 AND user_id = $2")
        .bind(group.to_string()).bind(user.to_string()).execute(conn).await?.rows_affected());
    Ok(done == 1)
}
