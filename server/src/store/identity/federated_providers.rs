//! Federated providers.

use justiam_sdk::api::federated_providers::{FederatedProvider, ProviderType};
use justiam_sdk::api::ids::ProviderId;
use justiam_sdk::api::values::Words as _;

use super::{Error, Result, Tx, locked, on, parsed, time};

/// Which providers to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exactly this name.
    pub name: Option<String>,
    /// This type.
    pub provider_type: Option<ProviderType>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    provider_type: String,
    enabled: bool,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for FederatedProvider {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = parsed("federated_providers.id", &row.id)?;
        let created_at = time("federated_providers.created_at", row.created_at)?;
        let mut provider = Self::new(id, row.name, row.provider_type.as_str().into(), created_at);
        provider.enabled = row.enabled;
        provider.updated_at = time("federated_providers.updated_at", row.updated_at)?;
        Ok(provider)
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, name, provider_type, enabled, created_at, updated_at FROM federated_providers ", $rest)
    };
}

macro_rules! where_filter {
    () => {
        "WHERE (CAST($1 AS TEXT) IS NULL OR name = $1) AND (CAST($2 AS TEXT) IS NULL OR provider_type = $2)"
    };
}

/// Stores a new provider. `false` when its name is taken.
pub async fn insert(tx: &mut Tx, provider: &FederatedProvider) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO federated_providers (id, name, provider_type, enabled, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
    )
    .bind(provider.id.to_string())
    .bind(&provider.name)
    .bind(provider.provider_type.as_str())
    .bind(provider.enabled)
    .bind(provider.created_at.as_microsecond())
    .bind(provider.updated_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Writes a provider over the one with the same id. A name that another provider has is a conflict.
pub async fn update(tx: &mut Tx, provider: &FederatedProvider) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "UPDATE federated_providers SET name = $2, provider_type = $3, enabled = $4, created_at = $5, updated_at = $6 \
         WHERE id = $1",
    )
    .bind(provider.id.to_string())
    .bind(&provider.name)
    .bind(provider.provider_type.as_str())
    .bind(provider.enabled)
    .bind(provider.created_at.as_microsecond())
    .bind(provider.updated_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Takes the name of a provider away, so that another one can have it within the same transaction. An [`update`] must follow.
pub async fn release_name(tx: &mut Tx, id: ProviderId) -> Result<()> {
    // No name has a line end, so this one is in nobody's way.
    on!(tx, conn => sqlx::query("UPDATE federated_providers SET name = $2 WHERE id = $1")
        .bind(id.to_string()).bind(format!("\n{id}")).execute(conn).await?.rows_affected());
    Ok(())
}

/// Reads a provider.
pub async fn get(tx: &mut Tx, id: ProviderId) -> Result<Option<FederatedProvider>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select!("WHERE id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(FederatedProvider::try_from).transpose()
}

/// Reads a provider that nobody else changes or deletes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ProviderId) -> Result<Option<FederatedProvider>> {
    let sql = locked!(tx, [select!("WHERE id = $1")], "FOR UPDATE");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(FederatedProvider::try_from).transpose()
}

/// Reads a provider that nobody deletes until the transaction ends.
pub async fn hold(tx: &mut Tx, id: ProviderId) -> Result<Option<FederatedProvider>> {
    let sql = locked!(tx, [select!("WHERE id = $1")], "FOR KEY SHARE");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(FederatedProvider::try_from).transpose()
}

/// The provider with this name.
pub async fn id_of(tx: &mut Tx, name: &str) -> Result<Option<ProviderId>> {
    let id: Option<String> = on!(tx, conn => sqlx::query_scalar("SELECT id FROM federated_providers WHERE name = $1")
        .bind(name).fetch_optional(conn).await?);
    id.map(|id| parsed("federated_providers.id", &id)).transpose()
}

/// One page of providers by name, and how many there are on all pages.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<FederatedProvider>, u64)> {
    let provider_type = filter.provider_type.as_ref().map(ProviderType::as_str);
    let count = concat!("SELECT count(*) FROM federated_providers ", where_filter!());
    let total: i64 = on!(tx, conn => sqlx::query_scalar(count)
        .bind(&filter.name).bind(provider_type).fetch_one(conn).await?);
    let page = concat!(select!(""), where_filter!(), " ORDER BY name LIMIT $3 OFFSET $4");
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(page)
        .bind(&filter.name).bind(provider_type).bind(limit).bind(offset).fetch_all(conn).await?);
    let providers = rows.into_iter().map(FederatedProvider::try_from).collect::<Result<_>>()?;
    Ok((providers, total.try_into().unwrap_or_default()))
}

/// Deletes a provider and all identities there.
pub async fn delete(tx: &mut Tx, id: ProviderId) -> Result<()> {
    on!(tx, conn => sqlx::query("DELETE FROM federated_providers WHERE id = $1")
        .bind(id.to_string()).execute(conn).await?.rows_affected());
    Ok(())
}
