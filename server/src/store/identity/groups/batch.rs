//! Many groups and memberships at a time, in one statement each.

use jiff::Timestamp;
use justiam_sdk::api::groups::Group;
use justiam_sdk::api::ids::{GroupId, UserId};
use serde::Serialize;

use super::{Result, Row, Tx, given, on, parsed, rows, select_groups};

#[derive(Serialize)]
struct GivenText<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct GivenUser {
    id: UserId,
}

#[derive(Serialize)]
struct GivenMember {
    group_id: GroupId,
    user_id: UserId,
}

fn members(pairs: &[(GroupId, UserId)]) -> String {
    rows(pairs.iter().map(|(group_id, user_id)| GivenMember { group_id: *group_id, user_id: *user_id }))
}

fn pairs(found: &[(String, String)]) -> Result<Vec<(GroupId, UserId)>> {
    let pairs = found
        .iter()
        .map(|(group, user)| Ok((parsed("group_members.group_id", group)?, parsed("group_members.user_id", user)?)));
    pairs.collect()
}

/// The groups with these names or ids, in the order of their ids. Nobody deletes them until the transaction ends.
pub async fn hold<'a>(tx: &mut Tx, names_or_ids: impl IntoIterator<Item = &'a str>) -> Result<Vec<Group>> {
    let sql = match tx {
        Tx::Sqlite(_) => given!(
            tx,
            (text text),
            select_groups!(
                "WHERE g.name IN (SELECT text FROM given) OR g.id IN (SELECT text FROM given) ORDER BY g.id"
            )
        ),
        Tx::Postgres(_) => given!(
            tx,
            (text text),
            select_groups!(
                "WHERE g.name IN (SELECT text FROM given) OR g.id IN (SELECT text FROM given) ORDER BY g.id \
                 FOR KEY SHARE OF g"
            )
        ),
    };
    let given = rows(names_or_ids.into_iter().map(|text| GivenText { text }));
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql).bind(given).fetch_all(conn).await?);
    rows.into_iter().map(Group::try_from).collect()
}

/// Makes users members, and returns the memberships that are new. All must exist.
pub async fn add_members(tx: &mut Tx, new: &[(GroupId, UserId)], now: Timestamp) -> Result<Vec<(GroupId, UserId)>> {
    let sql = given!(
        tx,
        (group_id text, user_id text),
        "INSERT INTO group_members (group_id, user_id, added_at) SELECT group_id, user_id, $2 FROM given WHERE TRUE \
         ON CONFLICT DO NOTHING RETURNING group_id, user_id"
    );
    let found: Vec<(String, String)> = on!(tx, conn => sqlx::query_as(sql)
        .bind(members(new)).bind(now.as_microsecond()).fetch_all(conn).await?);
    pairs(&found)
}

/// Ends memberships, and returns those that there were.
pub async fn remove_members(tx: &mut Tx, old: &[(GroupId, UserId)]) -> Result<Vec<(GroupId, UserId)>> {
    let sql = given!(
        tx,
        (group_id text, user_id text),
        "DELETE FROM group_members WHERE (group_id, user_id) IN (SELECT group_id, user_id FROM given) \
         RETURNING group_id, user_id"
    );
    let found: Vec<(String, String)> = on!(tx, conn => sqlx::query_as(sql).bind(members(old)).fetch_all(conn).await?);
    pairs(&found)
}

/// The names of users' groups, in their order.
pub async fn names_of(tx: &mut Tx, users: &[UserId]) -> Result<Vec<(UserId, String)>> {
    let sql = given!(
        tx,
        (id text),
        "SELECT m.user_id, g.name FROM group_members m JOIN user_groups g ON g.id = m.group_id \
         WHERE m.user_id IN (SELECT id FROM given) ORDER BY m.user_id, g.name"
    );
    let given = rows(users.iter().map(|id| GivenUser { id: *id }));
    let found: Vec<(String, String)> = on!(tx, conn => sqlx::query_as(sql).bind(given).fetch_all(conn).await?);
    found.into_iter().map(|(user, name)| Ok((parsed("group_members.user_id", &user)?, name))).collect()
}
