//! Who users are at federated providers.

use justiam_sdk::api::federated_providers::FederatedIdentity;
use justiam_sdk::api::ids::{ProviderId, UserId};

use super::{Error, Result, Tx, on, parsed, time};

#[derive(sqlx::FromRow)]
struct Row {
    provider_id: String,
    subject: String,
    user_id: String,
    linked_at: i64,
}

impl TryFrom<Row> for FederatedIdentity {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let provider = parsed("federated_identities.provider_id", &row.provider_id)?;
        let user = parsed("federated_identities.user_id", &row.user_id)?;
        let linked_at = time("federated_identities.linked_at", row.linked_at)?;
        Ok(Self::new(provider, row.subject, user, linked_at))
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT provider_id, subject, user_id, linked_at FROM federated_identities ", $rest)
    };
}

/// Stores an identity. `false` when the subject is linked already, or the user has an identity at the provider.
pub async fn insert(tx: &mut Tx, identity: &FederatedIdentity) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO federated_identities (provider_id, subject, user_id, linked_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT DO NOTHING",
    )
    .bind(identity.provider_id.to_string())
    .bind(&identity.subject)
    .bind(identity.user_id.to_string())
    .bind(identity.linked_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// The identity with this subject.
pub async fn find(tx: &mut Tx, provider: ProviderId, subject: &str) -> Result<Option<FederatedIdentity>> {
    let sql = select!("WHERE provider_id = $1 AND subject = $2");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(provider.to_string()).bind(subject).fetch_optional(conn).await?);
    row.map(FederatedIdentity::try_from).transpose()
}

/// The identity that a user has at a provider.
pub async fn of_user(tx: &mut Tx, provider: ProviderId, user: UserId) -> Result<Option<FederatedIdentity>> {
    let sql = select!("WHERE provider_id = $1 AND user_id = $2");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(provider.to_string()).bind(user.to_string()).fetch_optional(conn).await?);
    row.map(FederatedIdentity::try_from).transpose()
}

/// One page of a user's identities in the order in which they were linked, and how many there are on all pages.
pub async fn list(tx: &mut Tx, user: UserId, offset: i64, limit: i64) -> Result<(Vec<FederatedIdentity>, u64)> {
    let count = "SELECT count(*) FROM federated_identities WHERE user_id = $1";
    let total: i64 = on!(tx, conn => sqlx::query_scalar(count).bind(user.to_string()).fetch_one(conn).await?);
    let sql = select!("WHERE user_id = $1 ORDER BY linked_at, provider_id LIMIT $2 OFFSET $3");
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(user.to_string()).bind(limit).bind(offset).fetch_all(conn).await?);
    let identities = rows.into_iter().map(FederatedIdentity::try_from).collect::<Result<_>>()?;
    Ok((identities, total.try_into().unwrap_or_default()))
}

/// Removes the identity that a user has at a provider. `false` when there is none.
pub async fn delete(tx: &mut Tx, provider: ProviderId, user: UserId) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "DELETE FROM federated_identities WHERE provider_id = $1 AND user_id = $2",
    ).bind(provider.to_string()).bind(user.to_string()).execute(conn).await?.rows_affected());
    Ok(done == 1)
}
