//! Messages to users. One without a time of delivery is pending: nobody sees it.

use jiff::Timestamp;
use justiam_sdk::api::ids::{MessageId, UserId};
use justiam_sdk::api::messages::UserMessage;

use super::{Error, Result, Tx, on, parsed, time};

/// A message to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The message.
    pub id: MessageId,
    /// To whom.
    pub user: UserId,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub body: String,
    /// When it was written.
    pub created_at: Option<Timestamp>,
    /// Not to be delivered earlier than this; when it was written, where absent.
    pub deliver_after: Option<Timestamp>,
    /// When it was delivered; pending where absent.
    pub delivered_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    user_id: String,
    subject: String,
    body: String,
    created_at: i64,
    delivered_at: i64,
}

impl TryFrom<Row> for UserMessage {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self::new(
            parsed("user_messages.id", &row.id)?,
            parsed("user_messages.user_id", &row.user_id)?,
            row.subject,
            row.body,
            time("user_messages.created_at", row.created_at)?,
            time("user_messages.delivered_at", row.delivered_at)?,
        ))
    }
}

/// Writes a message.
pub async fn put(tx: &mut Tx, message: &NewMessage, now: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "INSERT INTO user_messages (id, user_id, subject, body, created_at, deliver_after, delivered_at) \
         VALUES ($1, $2, $3, $4, COALESCE($5, $8), COALESCE($6, $5, $8), $7) \
         ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, subject = excluded.subject, body = excluded.body, \
         created_at = COALESCE($5, user_messages.created_at), \
         deliver_after = COALESCE($6, $5, user_messages.created_at), delivered_at = excluded.delivered_at",
    )
    .bind(message.id.to_string())
    .bind(message.user.to_string())
    .bind(&message.subject)
    .bind(&message.body)
    .bind(message.created_at.map(Timestamp::as_microsecond))
    .bind(message.deliver_after.map(Timestamp::as_microsecond))
    .bind(message.delivered_at.map(Timestamp::as_microsecond))
    .bind(now.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Delivers up to `limit` pending messages whose time has come, the longest due first. Returns how many.
pub async fn deliver(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    Ok(on!(tx, conn => sqlx::query(
        "UPDATE user_messages SET delivered_at = $1 WHERE delivered_at IS NULL AND id IN \
         (SELECT id FROM user_messages WHERE delivered_at IS NULL AND deliver_after <= $1 \
          ORDER BY deliver_after LIMIT $2)",
    ).bind(now.as_microsecond()).bind(limit).execute(conn).await?.rows_affected()))
}

/// One page of the messages that a user has got, the last delivered first, and how many there are on all pages.
pub async fn list(tx: &mut Tx, user: UserId, offset: i64, limit: i64) -> Result<(Vec<UserMessage>, u64)> {
    let total: i64 = on!(tx, conn => sqlx::query_scalar(
        "SELECT count(*) FROM user_messages WHERE user_id = $1 AND delivered_at IS NOT NULL",
    ).bind(user.to_string()).fetch_one(conn).await?);
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(
        "SELECT id, user_id, subject, body, created_at, delivered_at FROM user_messages \
         WHERE user_id = $1 AND delivered_at IS NOT NULL \
         ORDER BY delivered_at DESC, created_at DESC, id DESC LIMIT $2 OFFSET $3",
    ).bind(user.to_string()).bind(limit).bind(offset).fetch_all(conn).await?);
    let messages = rows.into_iter().map(UserMessage::try_from).collect::<Result<_>>()?;
    Ok((messages, total.try_into().unwrap_or_default()))
}
