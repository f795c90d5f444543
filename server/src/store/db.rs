//! Connections and transactions.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use jiff::Timestamp;
use justiam_sdk::api::secrets::Secret;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use super::dialect::Dialect;
use super::{Error, Result, time};

/// How long a writer waits for another process that holds the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a request waits for a connection to PostgreSQL.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long PostgreSQL may work on a statement, and wait for a lock, in milliseconds.
const STATEMENT_TIMEOUT: &str = "30000";
const LOCK_TIMEOUT: &str = "15000";

static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// A database with the current schema.
#[derive(Clone)]
pub struct Db(Pools);

#[derive(Clone)]
enum Pools {
    Sqlite {
        /// SQLite has one writer at a time. A pool of one turns waiting for it into an orderly queue.
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// A transaction. Dropped without [`Tx::commit`], it never happened.
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

/// Expands the body once per database; every expansion is type-checked.
macro_rules! on {
    ($tx:expr, $conn:ident => $body:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::store::Tx::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}
pub(super) use on;

impl Tx {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Makes everything that was done visible and durable.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
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
        Ok(Self(Pools::Sqlite { writer, readers }))
    }

    /// Opens a PostgreSQL database with up to `connections` connections, and brings its schema up to date. The tables are in
    /// the first schema of the search path.
    pub async fn open_postgres(url: &Secret, connections: u32) -> Result<Self> {
        let options = PgConnectOptions::from_str(url.expose())
            .map_err(|_| {
                Error::Address(
                    "DATABASE_URL is not the address of a PostgreSQL database, such as postgres://user@host/name",
                )
            })?
            .application_name("justiam-server")
            .options([("statement_timeout", STATEMENT_TIMEOUT), ("lock_timeout", LOCK_TIMEOUT)]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(CONNECT_TIMEOUT)
            .connect_with(options)
            .await?;
        POSTGRES_MIGRATIONS.run(&pool).await.map_err(Error::Schema)?;
        Ok(Self(Pools::Postgres(pool)))
    }

    /// Another pool of connections to the same database, so that two parts of a server cannot starve each other. SQLite has one
    /// writer whatever one does.
    #[must_use]
    pub fn separate(&self, connections: u32) -> Self {
        Self(match &self.0 {
            sqlite @ Pools::Sqlite { .. } => sqlite.clone(),
            Pools::Postgres(pool) => {
                let options = PgConnectOptions::clone(&pool.connect_options());
                let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(CONNECT_TIMEOUT);
                Pools::Postgres(pool.connect_lazy_with(options))
            }
        })
    }

    /// Whether other servers may use this database at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self.0, Pools::Postgres(_))
    }

    /// Begins a transaction that may write. On SQLite it takes the write lock at once, so that it never has to give up halfway.
    pub async fn write(&self) -> Result<Tx> {
        Ok(match &self.0 {
            Pools::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Begins a transaction that only reads, and sees one state of the database throughout.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match &self.0 {
            Pools::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Pools::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?)
            }
        })
    }

    /// What the clock of a shared database shows; `None` where the database has no clock of its own.
    pub async fn time(&self) -> Result<Option<Timestamp>> {
        let Pools::Postgres(pool) = &self.0 else { return Ok(None) };
        let micros: i64 = sqlx::query_scalar("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)")
            .fetch_one(pool)
            .await?;
        time("clock_timestamp", micros).map(Some)
    }

    /// Tells the other servers of a shared database something. Best effort: a lost word costs them a pause, nothing else.
    pub async fn tell(&self, word: &str) -> Result<()> {
        let Pools::Postgres(pool) = &self.0 else { return Ok(()) };
        sqlx::query("SELECT pg_notify('justiam.' || current_schema(), $1)").bind(word).execute(pool).await?;
        Ok(())
    }

    /// Begins to listen to what the servers of a shared database tell; `None` on a database of our own.
    pub async fn listen(&self) -> Result<Option<Listener>> {
        let Pools::Postgres(pool) = &self.0 else { return Ok(None) };
        let schema: String = sqlx::query_scalar("SELECT CAST(current_schema() AS TEXT)").fetch_one(pool).await?;
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(&format!("justiam.{schema}")).await?;
        Ok(Some(Listener(listener)))
    }

    /// Closes all connections; on SQLite this also folds the write-ahead log into the database file.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// Hears what the servers of a database tell.
pub struct Listener(PgListener);

impl Listener {
    /// The next word. `None` when the connection was lost and made anew: words may have been missed.
    pub async fn next(&mut self) -> Result<Option<String>> {
        Ok(self.0.try_recv().await?.map(|heard| heard.payload().to_owned()))
    }
}
