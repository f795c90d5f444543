//! Many users at a time, in one statement each.

use jiff::Timestamp;
use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::users::User;
use serde::Serialize;

use super::super::{given, on, parsed, rows};
use super::{Result, Row, Tx, folded, searched, select_users, text};

#[derive(Serialize)]
struct GivenId {
    id: UserId,
}

#[derive(Serialize)]
struct GivenEmail {
    email: String,
}

#[derive(Serialize)]
struct GivenUser<'a> {
    id: UserId,
    email: &'a str,
    email_folded: String,
    searched: String,
    first_name: &'a str,
    last_name: &'a str,
    is_active: bool,
    auth_source: &'a str,
    attributes: String,
    last_login_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl<'a> From<&'a User> for GivenUser<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id,
            email: &user.email,
            email_folded: folded(&user.email),
            searched: searched(&user.email, &user.first_name, &user.last_name),
            first_name: &user.first_name,
            last_name: &user.last_name,
            is_active: user.is_active,
            auth_source: &user.auth_source,
            attributes: text(&user.attributes),
            last_login_at: user.last_login_at.map(Timestamp::as_microsecond),
            created_at: user.created_at.as_microsecond(),
            updated_at: user.updated_at.as_microsecond(),
        }
    }
}

/// Reads those of these users that exist, in the order of their ids. Until the transaction ends, nobody else changes or deletes them.
pub async fn lock(tx: &mut Tx, ids: &[UserId]) -> Result<Vec<User>> {
    let sql = match tx {
        Tx::Sqlite(_) => given!(tx, (id text), select_users!("WHERE u.id IN (SELECT id FROM given) ORDER BY u.id")),
        Tx::Postgres(_) => {
            given!(tx, (id text), select_users!("WHERE u.id IN (SELECT id FROM given) ORDER BY u.id FOR UPDATE OF u"))
        }
    };
    let given = rows(ids.iter().map(|id| GivenId { id: *id }));
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql).bind(given).fetch_all(conn).await?);
    rows.into_iter().map(User::try_from).collect()
}

/// Who has these addresses, in any letter case: the address as it is compared, and the user.
pub async fn with_emails<'a>(tx: &mut Tx, emails: impl IntoIterator<Item = &'a str>) -> Result<Vec<(String, UserId)>> {
    let sql = given!(
        tx,
        (email text),
        "SELECT email_folded, id FROM users WHERE email_folded IN (SELECT email FROM given) ORDER BY email_folded"
    );
    let given = rows(emails.into_iter().map(|email| GivenEmail { email: folded(email) }));
    let found: Vec<(String, String)> = on!(tx, conn => sqlx::query_as(sql).bind(given).fetch_all(conn).await?);
    found.into_iter().map(|(email, id)| Ok((email, parsed("users.id", &id)?))).collect()
}

/// Stores new users. An address that another user has is a conflict.
pub async fn insert(tx: &mut Tx, users: &[User]) -> Result<()> {
    let sql = given!(
        tx,
        (id text, email text, email_folded text, searched text, first_name text, last_name text, is_active boolean,
         auth_source text, attributes text, last_login_at bigint, created_at bigint, updated_at bigint),
        "INSERT INTO users (id, email, email_folded, searched, first_name, last_name, is_active, auth_source, attributes, \
         last_login_at, created_at, updated_at) SELECT id, email, email_folded, searched, first_name, last_name, is_active, \
         auth_source, attributes, last_login_at, created_at, updated_at FROM given"
    );
    let given = rows(users.iter().map(GivenUser::from));
    on!(tx, conn => sqlx::query(sql).bind(given).execute(conn).await?.rows_affected());
    Ok(())
}

/// Overwrites users. An address that another user has is a conflict.
pub async fn update(tx: &mut Tx, users: &[User]) -> Result<()> {
    let sql = given!(
        tx,
        (id text, email text, email_folded text, searched text, first_name text, last_name text, is_active boolean,
         auth_source text, attributes text, last_login_at bigint, updated_at bigint),
        "UPDATE users SET email = g.email, email_folded = g.email_folded, searched = g.searched, \
         first_name = g.first_name, last_name = g.last_name, is_active = g.is_active, auth_source = g.auth_source, \
         attributes = g.attributes, last_login_at = g.last_login_at, updated_at = g.updated_at \
         FROM given g WHERE users.id = g.id"
    );
    let given = rows(users.iter().map(GivenUser::from));
    on!(tx, conn => sqlx::query(sql).bind(given).execute(conn).await?.rows_affected());
    Ok(())
}
