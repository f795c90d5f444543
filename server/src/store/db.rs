//! Connections and transactions.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use jiff::Timestamp;
use justiam_sdk::api::secrets::Secret;
use sqlx::pool::{PoolConnection, PoolConnectionMetadata};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

use super::dialect::Dialect;
use super::{Error, Result, time};

/// How long a writer waits for another process that holds the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How many may read an SQLite database at one time.
const READERS: u32 = 4;
/// How long a request waits for a connection to PostgreSQL.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait for connections to end in good order.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// What each connection to PostgreSQL begins with. A server that is frozen in the middle of a transaction holds its locks for ten
/// seconds and no longer, and one whose machine is gone for less than half a minute.
const SESSION: &str = "SET statement_timeout = '30s'; SET lock_timeout = '15s'; \
     SET idle_in_transaction_session_timeout = '10s'; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; \
     SET tcp_keepalives_count = 3";
/// The parameters that the address of a PostgreSQL database may have.
const URL_PARAMETERS: [&str; 13] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// The newest migration that this version knows.
pub(super) fn newest_migration(dialect: Dialect) -> Option<i64> {
    let migrations = match dialect {
        Dialect::Sqlite => &SQLITE_MIGRATIONS,
        Dialect::Postgres => &POSTGRES_MIGRATIONS,
    };
    migrations.iter().map(|migration| migration.version).max()
}

/// A database with the current schema.
#[derive(Clone)]
pub struct Db(Pools);

#[derive(Clone)]
enum Pools {
    Sqlite {
        /// SQLite has one writer at a time. A pool of one turns waiting for it into an orderly queue.
        writer: SqlitePool,
        readers: SqlitePool,
        /// For single statements of scripts. `None` once the database is closed.
        looker: Arc<Mutex<Option<SqliteConnection>>>,
    },
    Postgres(Arc<RwLock<Connections>>),
}

/// Connections to PostgreSQL, replaced as a whole when they have gone silent.
struct Connections {
    pool: PgPool,
    since: Instant,
}

/// A transaction. Dropped without [`Tx::commit`], it never happened.
pub enum Tx {
    /// On SQLite.
    Sqlite(SqliteTx),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction on SQLite, or a connection on which each statement stands alone.
pub struct SqliteTx(OnSqlite);

enum OnSqlite {
    Begun(Transaction<'static, Sqlite>),
    Alone(OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>),
}

impl Deref for SqliteTx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match &self.0 {
            OnSqlite::Begun(tx) => tx,
            OnSqlite::Alone(connection) => connection,
        }
    }
}

impl DerefMut for SqliteTx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match &mut self.0 {
            OnSqlite::Begun(tx) => tx,
            OnSqlite::Alone(connection) => connection,
        }
    }
}

impl SqliteTx {
    fn begun(tx: Transaction<'static, Sqlite>) -> Tx {
        Tx::Sqlite(Self(OnSqlite::Begun(tx)))
    }
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

    /// Lets the statements of this transaction take as long as they need.
    pub async fn without_limits(&mut self) -> Result<()> {
        if let Self::Postgres(tx) = self {
            sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Makes everything that was done visible and durable.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(SqliteTx(OnSqlite::Begun(tx))) => tx.commit().await?,
            Self::Sqlite(SqliteTx(OnSqlite::Alone(_))) => {}
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
            // A connection to a file does not die, and asking it costs as much as a small statement.
            .test_before_acquire(false)
            .before_acquire(between_transactions)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.clone())
            .await?;
        SQLITE_MIGRATIONS.run(&writer).await.map_err(Error::Schema)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            // All of them from the start: later there may be no descriptor left for one.
            .min_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .before_acquire(between_transactions)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options.clone().read_only(true).create_if_missing(false))
            .await?;
        let looker = SqliteConnection::connect_with(&options.read_only(true).create_if_missing(false)).await?;
        Ok(Self(Pools::Sqlite { writer, readers, looker: Arc::new(Mutex::new(Some(looker))) }))
    }

    /// Opens a PostgreSQL database with up to `connections` connections, and brings its schema up to date. The tables are in
    /// the first schema of the search path.
    pub async fn open_postgres(url: &Secret, connections: u32) -> Result<Self> {
        let options = postgres_options(url)?;
        // By itself, because a migration may take longer than any other statement.
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options));
        let mut connection = connecting.await.map_err(|_| Error::Silent)??;
        POSTGRES_MIGRATIONS.run(&mut connection).await.map_err(Error::Schema)?;
        connection.close().await?;
        Ok(Self::of_postgres(postgres_pool(options, connections)))
    }

    fn of_postgres(pool: PgPool) -> Self {
        Self(Pools::Postgres(Arc::new(RwLock::new(Connections { pool, since: Instant::now() }))))
    }

    /// Another pool of connections to the same database, so that two parts of a server cannot starve each other. SQLite has one
    /// writer whatever one does.
    #[must_use]
    pub fn separate(&self, connections: u32) -> Self {
        match &self.0 {
            Pools::Sqlite { .. } => self.clone(),
            Pools::Postgres(pool) => {
                let options = PgConnectOptions::clone(&current(pool).connect_options());
                Self::of_postgres(postgres_pool(options, connections))
            }
        }
    }

    /// Leaves connections on which nothing is heard any more to themselves, and begins with new ones. Whoever began before the present ones
    /// were made has most likely waited for those before: of many who give up at a time, the first one replaces them.
    pub fn replace_connections(&self, began: Instant) {
        let Pools::Postgres(connections) = &self.0 else { return };
        let mut connections = connections.write().unwrap_or_else(PoisonError::into_inner);
        if began < connections.since {
            return;
        }
        let old = &connections.pool;
        let options = PgConnectOptions::clone(&old.connect_options());
        let pool = postgres_pool(options, old.options().get_max_connections());
        let old = std::mem::replace(&mut *connections, Connections { pool, since: Instant::now() });
        // Ends in the background, as far as it can: nobody waits for it.
        drop(tokio::spawn(async move { old.pool.close().await }));
    }

    /// Whether other servers may use this database at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self.0, Pools::Postgres(_))
    }

    /// Begins a transaction that may write. On SQLite it takes the write lock at once, so that it never has to give up halfway.
    pub async fn write(&self) -> Result<Tx> {
        Ok(match &self.0 {
            Pools::Sqlite { writer, .. } => SqliteTx::begun(writer.begin_with("BEGIN IMMEDIATE").await?),
            // Whatever the database's default is: after a wait for a lock, what others have done must be seen.
            Pools::Postgres(pool) => {
                Tx::Postgres(self.begin(&current(pool), "BEGIN ISOLATION LEVEL READ COMMITTED").await?)
            }
        })
    }

    /// Begins a transaction that only reads, and sees one state of the database throughout.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match &self.0 {
            Pools::Sqlite { readers, .. } => SqliteTx::begun(readers.begin().await?),
            Pools::Postgres(pool) => {
                let sql = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
                Tx::Postgres(self.begin(&current(pool), sql).await?)
            }
        })
    }

    /// For a single statement that only reads. On SQLite it is much cheaper than a transaction, and one at a time: a caller who asks
    /// without end holds up nobody but callers of his kind.
    pub async fn look(&self) -> Result<Tx> {
        let Pools::Sqlite { looker, .. } = &self.0 else { return self.read().await };
        let connection = OwnedMutexGuard::try_map(Arc::clone(looker).lock_owned().await, Option::as_mut);
        Ok(Tx::Sqlite(SqliteTx(OnSqlite::Alone(connection.map_err(|_| sqlx::Error::PoolClosed)?))))
    }

    async fn begin(&self, pool: &PgPool, sql: &'static str) -> Result<Transaction<'static, Postgres>> {
        let began = Instant::now();
        let tx = pool.begin_with(sql).await;
        if matches!(tx, Err(sqlx::Error::PoolTimedOut)) && pool.num_idle() > 0 {
            // One that was idle did not answer, and the pool would try the others one after the other.
            self.replace_connections(began);
        }
        Ok(tx?)
    }

    /// What the clock of a shared database shows; `None` where the database has no clock of its own.
    pub async fn time(&self) -> Result<Option<Timestamp>> {
        let Pools::Postgres(pool) = &self.0 else { return Ok(None) };
        let micros: i64 = sqlx::query_scalar("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)")
            .fetch_one(&current(pool))
            .await?;
        time("clock_timestamp", micros).map(Some)
    }

    /// The file of an SQLite database.
    pub(super) fn file(&self) -> Option<PathBuf> {
        match &self.0 {
            Pools::Sqlite { readers, .. } => Some(readers.connect_options().get_filename().to_owned()),
            Pools::Postgres(_) => None,
        }
    }

    /// A connection to PostgreSQL, outside of any transaction.
    pub(super) async fn connection(&self) -> Result<PoolConnection<Postgres>> {
        match &self.0 {
            Pools::Sqlite { .. } => Err(sqlx::Error::PoolClosed.into()),
            Pools::Postgres(pool) => Ok(current(pool).acquire().await?),
        }
    }

    /// Tells the other servers of a shared database something. Best effort: a lost word costs them a pause, nothing else.
    pub async fn tell(&self, word: &str) -> Result<()> {
        let Pools::Postgres(pool) = &self.0 else { return Ok(()) };
        sqlx::query("SELECT pg_notify('justiam.' || current_schema(), $1)").bind(word).execute(&current(pool)).await?;
        Ok(())
    }

    /// Begins to listen to what the servers of a shared database tell; `None` on a database of our own.
    pub async fn listen(&self) -> Result<Option<Listener>> {
        let Pools::Postgres(pool) = &self.0 else { return Ok(None) };
        let pool = current(pool);
        let schema: String = sqlx::query_scalar("SELECT CAST(current_schema() AS TEXT)").fetch_one(&pool).await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(&format!("justiam.{schema}")).await?;
        Ok(Some(Listener(listener)))
    }

    /// Closes all connections; on SQLite this also folds the write-ahead log into the database file. A database that does not
    /// answer is not waited for.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { writer, readers, looker } => {
                readers.close().await;
                if let Some(looker) = looker.lock().await.take()
                    && let Err(error) = looker.close().await
                {
                    tracing::warn!(%error, "a connection to the database could not be closed in good order");
                }
                writer.close().await;
            }
            Pools::Postgres(pool) => {
                let pool = current(pool);
                if tokio::time::timeout(CLOSE_TIMEOUT, pool.close()).await.is_err() {
                    tracing::warn!("the database does not answer; its connections were not closed in good order");
                }
            }
        }
    }
}

/// Whether a connection can begin a transaction. Where the disk is full, SQLite ends a transaction by itself, and the library, which has
/// not heard of that, holds the connection to be in it for ever: such a one is replaced.
fn between_transactions(
    connection: &mut SqliteConnection,
    _: PoolConnectionMetadata,
) -> BoxFuture<'_, sqlx::Result<bool>> {
    Box::pin(std::future::ready(Ok(!connection.is_in_transaction())))
}

fn current(connections: &RwLock<Connections>) -> PgPool {
    connections.read().unwrap_or_else(PoisonError::into_inner).pool.clone()
}

/// The address may hold a password, and the library would repeat what it does not know in the log: both are looked at before.
fn postgres_options(url: &Secret) -> Result<PgConnectOptions> {
    let text = url.expose();
    if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err(Error::Address(
            "the address of the database must begin with `postgres://`; without one, the data folder has an SQLite database",
        ));
    }
    let parameters = text.split_once('?').map_or("", |(_, parameters)| parameters);
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let name = parameter.split('=').next().unwrap_or_default();
        let known = URL_PARAMETERS.contains(&name) || name.starts_with("options[");
        if !known {
            // Not named: behind a `?` in a password it would be a part of it.
            return Err(Error::Address(
                "the address of the database has a parameter behind `?` that is not known; the documentation of the server lists \
                 those that are, and a `?` in a password is written as `%3F`",
            ));
        }
    }
    let options = PgConnectOptions::from_str(text).map_err(|_| {
        Error::Address("the address of the database cannot be read; it looks like `postgres://user:password@host/name`")
    })?;
    Ok(options.application_name("justiam-server"))
}

fn postgres_pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECT_TIMEOUT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SESSION).execute(connection).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options)
}

/// Hears what the servers of a database tell.
pub struct Listener(PgListener);

impl Listener {
    /// The next word. `None` when the connection was lost and made anew: words may have been missed.
    pub async fn next(&mut self) -> Result<Option<String>> {
        Ok(self.0.try_recv().await?.map(|heard| heard.payload().to_owned()))
    }
}
