//! Both databases for one test: `both_databases!` makes two tests of it.

use justiam_server::config::Config;
use justiam_server::store::{Db, Tx};
use sqlx::{AssertSqlSafe, Executor as _};
use tempfile::TempDir;

use crate::clock::ManualClock;
use crate::postgres::{self, TestDatabase};
use crate::server::{START, TestServer};

/// Makes the tests `sqlite::NAME` and `postgres::NAME` of each function that is named, which takes a `Backend`. Once in a module.
#[macro_export]
macro_rules! both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::backend::Backend::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::backend::Backend::postgres().await).await;
            })+
        }
    };
}

/// A database of one test's own, still empty.
#[derive(Debug)]
pub enum Backend {
    /// SQLite, in a folder of its own.
    Sqlite(TempDir),
    /// A schema on the PostgreSQL server for tests.
    Postgres(TestDatabase),
}

impl Backend {
    /// An SQLite database.
    pub fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().unwrap())
    }

    /// A PostgreSQL database.
    pub async fn postgres() -> Self {
        Self::Postgres(postgres::database().await)
    }

    /// Whether other servers may use the database at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Opens the database itself, with no server around it. May be called again, as another server would.
    pub async fn store(&self) -> Db {
        match self {
            Self::Sqlite(folder) => Db::open_sqlite(&folder.path().join("justiam.db")).await.unwrap(),
            Self::Postgres(database) => Db::open_postgres(&database.url.as_str().into(), 12).await.unwrap(),
        }
    }

    /// Starts a server on the database at [`START`].
    pub async fn server(&self) -> TestServer {
        self.server_with(|_| {}).await
    }

    /// Starts a server with other settings than usual.
    pub async fn server_with(&self, change: impl FnOnce(&mut Config)) -> TestServer {
        match self {
            Self::Sqlite(_) => TestServer::start_with(change).await,
            Self::Postgres(database) => {
                TestServer::start_on_postgres(&database.url, ManualClock::at(START), change).await
            }
        }
    }
}

/// Does something behind the store's back. Panics where the database refuses it.
pub async fn execute(tx: &mut Tx, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql));
    match tx {
        Tx::Sqlite(tx) => drop((**tx).execute(sql).await.unwrap()),
        Tx::Postgres(tx) => drop((**tx).execute(sql).await.unwrap()),
    }
}

/// Waits until somebody else on the same PostgreSQL server waits for what this transaction has locked.
pub async fn somebody_waits_for(tx: &mut Tx) {
    // Not pg_stat_activity: a transaction always sees it as at the first look.
    let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
    crate::until("somebody to wait", async || number(tx, sql).await > 0).await;
}

/// Asks for one number behind the store's back.
pub async fn number(tx: &mut Tx, sql: &str) -> i64 {
    let sql = AssertSqlSafe(sql);
    match tx {
        Tx::Sqlite(tx) => sqlx::query_scalar(sql).fetch_one(&mut **tx).await.unwrap(),
        Tx::Postgres(tx) => sqlx::query_scalar(sql).fetch_one(&mut **tx).await.unwrap(),
    }
}
