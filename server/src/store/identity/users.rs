//! Users.

use jiff::Timestamp;
use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::users::Attributes;

use super::{Result, Tx, on, parsed};

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

/// An e-mail address as it is compared.
pub fn folded(email: &str) -> String {
    email.to_lowercase()
}

/// A JSON object. Maps of texts always have one.
fn text(attributes: &Attributes) -> String {
    serde_json::to_string(attributes).unwrap_or_else(|_| "{}".to_owned())
}

/// What lists are searched in.
fn searched(email: &str, first_name: &str, last_name: &str) -> String {
    format!("{email} {first_name} {last_name}").to_lowercase()
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
