//! A copy of an SQLite database, made while servers go on.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Error, Result};

/// Copies the database in `file` into `copy`, an empty file, as it is at one moment. Waits for nobody, and nobody waits for it; what was
/// deleted is not in the copy. The schema stays as it is.
pub async fn copy(file: &Path, copy: &Path) -> Result<()> {
    let Some(copy) = copy.to_str() else {
        return Err(Error::Address("the name of the copy must be text in UTF-8"));
    };
    let options = SqliteConnectOptions::new().filename(file).read_only(true).disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let copied = sqlx::query("VACUUM INTO $1").bind(copy).execute(&mut connection).await;
    connection.close().await?;
    copied?;
    Ok(())
}
