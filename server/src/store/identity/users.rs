//! Users.

use jiff::Timestamp;
use justiam_sdk::api::ids::UserId;

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
    /// When the user was created.
    pub created_at: Option<Timestamp>,
}

/// An e-mail address as it is compared.
pub fn folded(email: &str) -> String {
    email.to_lowercase()
}

/// Writes a user. An address that another user has is a conflict.
pub async fn put(tx: &mut Tx, user: &NewUser, now: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO users (id, email, email_folded, first_name, last_name, is_active, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, COALESCE($7, $8)) \
         ON CONFLICT (id) DO UPDATE SET email = excluded.email, email_folded = excluded.email_folded, \
         first_name = excluded.first_name, last_name = excluded.last_name, is_active = excluded.is_active, \
         created_at = COALESCE($7, users.created_at)",
    )
    .bind(user.id.to_string())
    .bind(&user.email)
    .bind(folded(&user.email))
    .bind(&user.first_name)
    .bind(&user.last_name)
    .bind(user.is_active)
    .bind(user.created_at.map(Timestamp::as_microsecond))
    .bind(now.as_microsecond())
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
