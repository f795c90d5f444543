//! Applications. Of client secrets, only hashes are stored.

use jiff::Timestamp;
use justiam_sdk::api::applications::{Application, ApplicationType};
use justiam_sdk::api::ids::ApplicationId;
use justiam_sdk::api::values::Words as _;

use super::{Error, Result, Tx, locked, maybe_time, on, parsed, time};

/// Which applications to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exactly this name.
    pub name: Option<String>,
    /// This type.
    pub application_type: Option<ApplicationType>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    application_type: String,
    client_id: Option<String>,
    secret_rotated_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Application {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = parsed("applications.id", &row.id)?;
        let created_at = time("applications.created_at", row.created_at)?;
        let mut application = Self::new(id, row.name, row.application_type.as_str().into(), created_at);
        application.client_id = row.client_id;
        application.secret_rotated_at = maybe_time("applications.secret_rotated_at", row.secret_rotated_at)?;
        application.updated_at = time("applications.updated_at", row.updated_at)?;
        Ok(application)
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, application_type, client_id, secret_rotated_at, created_at, updated_at FROM applications ",
            $rest
        )
    };
}

macro_rules! where_filter {
    () => {
        "WHERE (CAST($1 AS TEXT) IS NULL OR name = $1) AND (CAST($2 AS TEXT) IS NULL OR application_type = $2)"
    };
}

/// Stores a new application and the hash of its client secret. `false` when its name is taken.
pub async fn insert(tx: &mut Tx, application: &Application, secret_hash: Option<&[u8]>) -> Result<bool> {
    let done = on!(tx, conn => sqlx::query(
        "INSERT INTO applications \
         (id, name, application_type, client_id, secret_hash, secret_rotated_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING",
    )
    .bind(application.id.to_string())
    .bind(&application.name)
    .bind(application.application_type.as_str())
    .bind(&application.client_id)
    .bind(secret_hash)
    .bind(application.secret_rotated_at.map(Timestamp::as_microsecond))
    .bind(application.created_at.as_microsecond())
    .bind(application.updated_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(done == 1)
}

/// Writes names and times over those of the application with the same id; type, client id and secret stay. A name that
/// another application has is a conflict.
pub async fn update(tx: &mut Tx, application: &Application) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "UPDATE applications SET name = $2, secret_rotated_at = $3, created_at = $4, updated_at = $5 WHERE id = $1",
    )
    .bind(application.id.to_string())
    .bind(&application.name)
    .bind(application.secret_rotated_at.map(Timestamp::as_microsecond))
    .bind(application.created_at.as_microsecond())
    .bind(application.updated_at.as_microsecond())
    .execute(conn)
    .await?.rows_affected());
    Ok(())
}

/// Replaces the hash of an application's client secret.
pub async fn set_secret(tx: &mut Tx, id: ApplicationId, secret_hash: &[u8], now: Timestamp) -> Result<()> {
    on!(tx, conn => sqlx::query(
        "UPDATE applications SET secret_hash = $2, secret_rotated_at = $3, updated_at = $3 WHERE id = $1",
    ).bind(id.to_string()).bind(secret_hash).bind(now.as_microsecond()).execute(conn).await?.rows_affected());
    Ok(())
}

/// Takes the name of an application away, so that another one can have it within the same transaction. An [`update`] must follow.
pub async fn release_name(tx: &mut Tx, id: ApplicationId) -> Result<()> {
    // No name has a line end, so this one is in nobody's way.
    on!(tx, conn => sqlx::query("UPDATE applications SET name = $2 WHERE id = $1")
        .bind(id.to_string()).bind(format!("\n{id}")).execute(conn).await?.rows_affected());
    Ok(())
}

/// Reads an application.
pub async fn get(tx: &mut Tx, id: ApplicationId) -> Result<Option<Application>> {
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(select!("WHERE id = $1"))
        .bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Application::try_from).transpose()
}

/// Reads an application that nobody else changes or deletes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ApplicationId) -> Result<Option<Application>> {
    let sql = locked!(tx, [select!("WHERE id = $1")], "FOR UPDATE");
    let row: Option<Row> = on!(tx, conn => sqlx::query_as(sql).bind(id.to_string()).fetch_optional(conn).await?);
    row.map(Application::try_from).transpose()
}

/// The application with this name.
pub async fn id_of(tx: &mut Tx, name: &str) -> Result<Option<ApplicationId>> {
    let id: Option<String> = on!(tx, conn => sqlx::query_scalar("SELECT id FROM applications WHERE name = $1")
        .bind(name).fetch_optional(conn).await?);
    id.map(|id| parsed("applications.id", &id)).transpose()
}

/// One page of applications by name, and how many there are on all pages.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<Application>, u64)> {
    let application_type = filter.application_type.as_ref().map(ApplicationType::as_str);
    let count = concat!("SELECT count(*) FROM applications ", where_filter!());
    let total: i64 = on!(tx, conn => sqlx::query_scalar(count)
        .bind(&filter.name).bind(application_type).fetch_one(conn).await?);
    let page = concat!(select!(""), where_filter!(), " ORDER BY name LIMIT $3 OFFSET $4");
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(page)
        .bind(&filter.name).bind(application_type).bind(limit).bind(offset).fetch_all(conn).await?);
    let applications = rows.into_iter().map(Application::try_from).collect::<Result<_>>()?;
    Ok((applications, total.try_into().unwrap_or_default()))
}

/// Up to `limit` applications by name: those behind a name, or the first ones.
pub async fn after(tx: &mut Tx, name: Option<&str>, limit: i64) -> Result<Vec<Application>> {
    // No name is empty, so all are behind the empty one.
    let sql = select!("WHERE name > $1 ORDER BY name LIMIT $2");
    let rows: Vec<Row> = on!(tx, conn => sqlx::query_as(sql)
        .bind(name.unwrap_or_default()).bind(limit).fetch_all(conn).await?);
    rows.into_iter().map(Application::try_from).collect()
}

/// Deletes an application.
pub async fn delete(tx: &mut Tx, id: ApplicationId) -> Result<()> {
    on!(tx, conn => sqlx::query("DELETE FROM applications WHERE id = $1")
        .bind(id.to_string()).execute(conn).await?.rows_affected());
    Ok(())
}
