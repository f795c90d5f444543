//! Users.

pub mod batch;

use jiff::Timestamp;
use justiam_sdk::api::ids::{GroupId, UserId};
use justiam_sdk::api::users::{Attributes, User};

use super::{Error, Result, Tx, contains, folded, json, locked, maybe_time, on, parsed, text, time};

/// A user to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The user.
    pub id: UserId,
    /// The address, as it was written. No two users have the same one, whatever the letter case.
    pub email: String,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// Whether the user may sign in.
    pub is_active: bool,
    /// `internal`, or the name of a federated provider, which need not exist.
    pub auth_source: String,
    /// Further facts.
    pub attributes: Attributes,
    /// When the user last signed in.
    pub last_login_at: Option<Timestamp>,
    /// When the user was created.
    pub created_at: Option<Timestamp>,
}

/// Which users to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The address, in any letter case.
    pub email: Option<String>,
    /// A part of the address or the name, in any letter case.
    pub search: Option<String>,
    /// Whether the user may sign in.
    pub is_active: Option<bool>,
    /// The user is a member of this group.
    pub group: Option<GroupId>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    email: String,
    first_name: String,
    last_name: String,
    is_active: bool,
    auth_source: String,
    attributes: String,
    last_login_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for User {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let created_at = time("users.created_at", row.created_at)?;
        let mut user = Self::new(parsed("users.id", &row.id)?, row.email, created_at);
        user.first_name = row.first_name;
        user.last_name = row.last_name;
        user.is_active = row.is_active;
        user.auth_source = row.auth_source;
        user.attributes = json("users.attributes", &row.attributes)?;
        user.last_login_at = maybe_time("users.last_login_at", row.last_login_at)?;
        user.updated_at = time("users.updated_at", row.updated_at)?;
        Ok(user)
    }
}

macro_rules! select_users {
    ($($rest:expr),+) => {
        concat!(
            "SELECT u.id, u.email, u.first_name, u.last_name, u.is_active, u.auth_source, u.attributes, u.last_login_at, \
             u.created_at, u.updated_at FROM users u ",
            $($rest),+
        )
    };
}

use select_users;

/// What lists are searched in.
fn searched(email: &str, first_name: &str, last_name: &str) -> String {
    folded(&format!("{email} {first_name} {last_name}"))
}

/// Writes a user. An address that another user has is a conflict.
pub async fn put(tx: &mut Tx, user: &NewUser, now: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO users (id, email, email_folded, first_name, last_name, is_active, auth_source, attributes, \
         last_login_at, created_at, updated_at, searched) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, COALESCE($10, $11), $11, $12) \
         ON CONFLICT (id) DO UPDATE SET email = excluded.email, email_folded = excluded.email_folded, \
         first_name = excluded.first_name, last_name = excluded.last_name, is_active = excluded.is_active, \
         auth_source = excluded.auth_source, attributes = excluded.attributes, \
         last_login_at = excluded.last_login_at, created_at = COALESCE($10, users.created_at), \
         updated_at = excluded.updated_at, searched = excluded.searched",
    )
    .bind(user.id.to_string())
    .bind(&user.email)
    .bind(folded(&user.email))
    .bind(&user.first_name)
    .bind(&user.last_name)
    .bind(user.is_active)
    .bind(&user.auth_source)
    .bind(text(&user.attributes))
    .bind(user.last_login_at.map(Timestamp::as_microsecond))
    .bind(user.created_at.map(Timestamp::as_microsecond))
    .bind(now.as_microsecond())
    .bind(searched(&user.email, &user.first_name, &user.last_name))
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Stores a new user. `false` when the address is taken.
pub async fn insert(tx: &mut Tx, user: &User) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO users (id, email, email_folded, searched, first_name, last_name, is_active, auth_source, \
         attributes, last_login_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (email_folded) DO NOTHING",
    )
    .bind(user.id.to_string())
    .bind(&user.email)
    .bind(folded(&user.email))
    .bind(searched(&user.email, &user.first_name, &user.last_name))
    .bind(&user.first_name)
    .bind(&user.last_name)
    .bind(user.is_active)
    .bind(&user.auth_source)
    .bind(text(&user.attributes))
    .bind(user.last_login_at.map(Timestamp::as_microsecond))
    .bind(user.created_at.as_microsecond())
    .bind(user.updated_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Overwrites a user. `false` when there is none. An address that another user has is an [`Error::Conflict`].
pub async fn update(tx: &mut Tx, user: &User) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "UPDATE users SET email = $2, email_folded = $3, searched = $4, first_name = $5, last_name = $6, is_active = $7, \
         auth_source = $8, attributes = $9, last_login_at = $10, updated_at = $11 WHERE id = $1",
    )
    .bind(user.id.to_string())
    .bind(&user.email)
    .bind(folded(&user.email))
    .bind(searched(&user.email, &user.first_name, &user.last_name))
    .bind(&user.first_name)
    .bind(&user.last_name)
    .bind(user.is_active)
    .bind(&user.auth_source)
    .bind(text(&user.attributes))
    .bind(user.last_login_at.map(Timestamp::as_microsecond))
    .bind(user.updated_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Deletes a user with everything that belongs to one. `false` when there is none.
pub async fn delete(tx: &mut Tx, id: UserId) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query("DELETE FROM users WHERE id = $1")
        .bind(id.to_string()).execute(conn).await?.rows_affected());
    Ok(done == 1)
}

/// Reads one user.
pub async fn get(tx: &mut Tx, id: UserId) -> Result<Option<User>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select_users!("WHERE u.id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(User::try_from).transpose()
}

/// Reads the user with this address, in any letter case.
pub async fn by_email(tx: &mut Tx, email: &str) -> Result<Option<User>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select_users!("WHERE u.email_folded = $1"))
        .bind(folded(email)).fetch_optional(conn).await?);
    row.map(User::try_from).transpose()
}

/// Reads one user and locks it: until the transaction ends, nobody else changes or deletes it.
pub async fn lock(tx: &mut Tx, id: UserId) -> Result<Option<User>> {
    let sql = locked!(tx, [select_users!("WHERE u.id = $1")], "FOR UPDATE");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(User::try_from).transpose()
}

/// Whether there is a user with this id. If so, nobody deletes it until the transaction ends.
pub async fn hold(tx: &mut Tx, id: UserId) -> Result<bool> {
    let sql = locked!(tx, ["SELECT id FROM users WHERE id = $1"], "FOR KEY SHARE");
    let found: Option<String> =
        on!(tx, conn => sqlx::query_scalar(sql).bind(id.to_string()).fetch_optional(conn).await?);
    Ok(found.is_some())
}

macro_rules! both {
    ($from:literal) => {
        (
            both!(@where "SELECT count(*) FROM users u ", $from, ""),
            both!(@where select_users!(""), $from, " ORDER BY u.email_folded LIMIT $5 OFFSET $6"),
        )
    };
    (@where $select:expr, $from:literal, $rest:literal) => {
        concat!(
            $select,
            $from,
            " AND (CAST($2 AS TEXT) IS NULL OR u.searched LIKE $2 ESCAPE '\\') \
             AND (CAST($3 AS BOOLEAN) IS NULL OR u.is_active = $3)",
            $rest
        )
    };
}

/// One page of users, ordered by address, and how many there are on all pages.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<User>, u64)> {
    // Texts of their own, because only plain comparisons make the databases use their indexes.
    let (count, page) = match (&filter.email, filter.group) {
        (None, None) => both!("WHERE CAST($1 AS TEXT) IS NULL AND CAST($4 AS TEXT) IS NULL"),
        (Some(_), None) => both!("WHERE u.email_folded = $1 AND CAST($4 AS TEXT) IS NULL"),
        (None, Some(_)) => {
            both!("JOIN group_members m ON m.user_id = u.id WHERE m.group_id = $4 AND CAST($1 AS TEXT) IS NULL")
        }
        (Some(_), Some(_)) => {
            both!("JOIN group_members m ON m.user_id = u.id WHERE m.group_id = $4 AND u.email_folded = $1")
        }
    };
    let email = filter.email.as_deref().map(folded);
    let search = filter.search.as_deref().map(contains);
    let group = filter.group.map(|group| group.to_string());
    let total: i64 = on!(tx, conn => sqlx::query_scalar(count)
        .bind(&email).bind(&search).bind(filter.is_active).bind(&group).fetch_one(conn).await?);
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(page)
        .bind(&email).bind(&search).bind(filter.is_active).bind(&group).bind(limit).bind(offset)
        .fetch_all(conn).await?);
    let users = rows.into_iter().map(User::try_from).collect::<Result<_>>()?;
    Ok((users, total.try_into().unwrap_or_default()))
}

/// Up to `limit` users, ordered by address, from the first one behind an address on; of all, or of a group's members.
pub async fn after(tx: &mut Tx, group: Option<GroupId>, email: &str, limit: i64) -> Result<Vec<User>> {
    let sql = match group {
        Some(_) => select_users!(
            "JOIN group_members m ON m.user_id = u.id \
             WHERE m.group_id = $1 AND u.email_folded > $2 ORDER BY u.email_folded LIMIT $3"
        ),
        None => {
            select_users!("WHERE CAST($1 AS TEXT) IS NULL AND u.email_folded > $2 ORDER BY u.email_folded LIMIT $3")
        }
    };
    let group = group.map(|group| group.to_string());
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(&group).bind(folded(email)).bind(limit).fetch_all(conn).await?);
    rows.into_iter().map(User::try_from).collect()
}

/// Takes a user's address away, so that another user can have it within the same transaction. A [`put`] must follow.
pub async fn release_email(tx: &mut Tx, id: UserId) -> Result<()> {
    // An id is no address, so it is in nobody's way.
    on!(tx, conn => sqlx::query("UPDATE users SET email_folded = id WHERE id = $1")
        .bind(id.to_string()).execute(conn).await?.rows_affected());
    Ok(())
}

/// Whether there is a user with this id.
pub async fn exists(tx: &mut Tx, id: UserId) -> Result<bool> {
    let found: Option<String> = on!(tx, conn => sqlx::query_scalar("SELECT id FROM users WHERE id = $1")
        .bind(id.to_string()).fetch_optional(conn).await?);
    Ok(found.is_some())
}

/// The user with this address, in any letter case.
pub async fn id_of(tx: &mut Tx, email: &str) -> Result<Option<UserId>> {
    let id: Option<String> = on!(tx, conn => sqlx::query_scalar("SELECT id FROM users WHERE email_folded = $1")
        .bind(folded(email)).fetch_optional(conn).await?);
    id.map(|id| parsed("users.id", &id)).transpose()
}
