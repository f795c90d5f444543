//! All SQL: no permission, no clock, and of the rules of scheduling only whose turn it is to start ([`runs::claim`]).
//!
//! A function takes a [`Tx`], so that its caller decides what is atomic. Each statement is one text, written in what SQLite
//! and PostgreSQL share; `on!` binds the function's body to the database behind the transaction.

pub mod idempotency;
pub mod runs;
pub mod secrets;
pub mod tasks;
pub mod tokens;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

/// How long a writer waits for another process that holds the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// A database with the current schema.
#[derive(Clone)]
pub struct Db {
    /// SQLite has one writer at a time. A pool of one turns waiting for it into an orderly queue.
    writer: SqlitePool,
    readers: SqlitePool,
}

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A unique constraint refused the row.
    #[error("the row conflicts with another one")]
    Conflict(#[source] sqlx::Error),
    /// The database cannot be used at the moment.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// A stored value is not what the schema promises.
    #[error("column `{column}` holds a value that cannot be read")]
    Corrupt {
        /// The column.
        column: &'static str,
    },
    /// The schema cannot be brought up to date.
    #[error("the database schema cannot be used")]
    Schema(#[source] sqlx::migrate::MigrateError),
    /// Anything else.
    #[error("the database refused a statement")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) if cause.is_unique_violation() => Self::Conflict(error),
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Unavailable(error)
            }
            // SQLite: 5 busy, 6 locked, 10 input/output, 13 disk full, 14 cannot open; the rest of a code is detail.
            sqlx::Error::Database(cause)
                if cause
                    .code()
                    .and_then(|code| code.parse::<u32>().ok())
                    .is_some_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13 | 14)) =>
            {
                Self::Unavailable(error)
            }
            _ => Self::Database(error),
        }
    }
}

/// The result of a store function.
pub type Result<T> = std::result::Result<T, Error>;

/// A transaction. Dropped without [`Tx::commit`], it never happened.
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
}

/// Expands the body once per database; every expansion is type-checked.
macro_rules! on {
    ($tx:expr, $conn:ident => $body:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}
use on;

impl Tx {
    /// Makes everything that was done visible and durable.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl Db {
    /// Opens the SQLite database in `file`, makes it where it is missing, and brings its schema up to date.
    pub async fn open_sqlite(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that was answered survives a power cut: no tick is lost and none fires twice.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            // Deleted secrets are overwritten, not merely unlinked.
            .pragma("secure_delete", "ON");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.clone())
            .await?;
        SQLITE_MIGRATIONS.run(&writer).await.map_err(Error::Schema)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self { writer, readers })
    }

    /// Begins a transaction that may write. On SQLite it takes the write lock at once, so that it never has to give up halfway.
    pub async fn write(&self) -> Result<Tx> {
        Ok(Tx::Sqlite(self.writer.begin_with("BEGIN IMMEDIATE").await?))
    }

    /// Begins a transaction that only reads, and sees one state of the database throughout.
    pub async fn read(&self) -> Result<Tx> {
        Ok(Tx::Sqlite(self.readers.begin().await?))
    }

    /// Closes all connections; on SQLite this also folds the write-ahead log into the database file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A stored time.
fn time(column: &'static str, micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| Error::Corrupt { column })
}

/// A stored time that may be absent.
fn maybe_time(column: &'static str, micros: Option<i64>) -> Result<Option<Timestamp>> {
    micros.map(|micros| time(column, micros)).transpose()
}

/// A stored value in its text form.
fn parsed<T: std::str::FromStr>(column: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::Corrupt { column })
}

/// A stored JSON value.
fn json<T: serde::de::DeserializeOwned>(column: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| Error::Corrupt { column })
}
