//! PostgreSQL for tests: one temporary server for the test process, and a schema of its own for each test.
//!
//! Where `DATABASE_URL` names a PostgreSQL server, that one is used instead. A schema is made and dropped in a few milliseconds,
//! several times faster than a database.

mod cluster;

use std::env;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

pub use cluster::{Cluster, Settings, Stop};

/// Where the databases of all tests are.
static SERVER: OnceLock<Server> = OnceLock::new();

enum Server {
    /// Somebody else's.
    Given(String),
    /// Ours. It ends with the process.
    Own(Cluster),
}

impl Server {
    fn get() -> &'static Self {
        SERVER.get_or_init(|| match env::var("DATABASE_URL") {
            Ok(url) if url.starts_with("postgres") => Self::Given(url),
            _ => Self::Own(Cluster::start(&Settings::default())),
        })
    }

    fn url(&self) -> String {
        match self {
            Self::Given(url) => url.clone(),
            Self::Own(cluster) => cluster.url(),
        }
    }
}

/// An empty schema. It is dropped with this value, also when the test fails.
#[derive(Debug)]
pub struct TestDatabase {
    /// Leads to the schema: what a connection makes is made there, and it sees nothing else.
    pub url: String,
    server: String,
    schema: String,
}

/// An empty schema on the server for tests.
pub async fn database() -> TestDatabase {
    database_on(&Server::get().url()).await
}

/// A cluster of our own that all tests may use: the server for tests, unless that is somebody else's. Nobody stops it.
pub fn own_cluster() -> &'static Cluster {
    static OWN: OnceLock<Cluster> = OnceLock::new();
    match Server::get() {
        Server::Own(cluster) => cluster,
        Server::Given(_) => OWN.get_or_init(|| Cluster::start(&Settings::default())),
    }
}

/// An empty schema on a server that the test chose.
pub async fn database_on(server: &str) -> TestDatabase {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Random, because on a server that is given, other tests may be at work.
    let random = RandomState::new().hash_one(NEXT.fetch_add(1, Ordering::Relaxed));
    let schema = format!("justiam_test_{random:016x}");
    run(server, &format!("CREATE SCHEMA {schema}")).await.unwrap();
    let and = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{and}options=-c%20search_path%3D{schema}");
    TestDatabase { url, server: server.to_owned(), schema }
}

impl TestDatabase {
    /// A connection for what a test does behind the server's back.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// The name of the schema.
    pub fn schema(&self) -> &str {
        &self.schema
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, schema) = (self.server.clone(), self.schema.clone());
        // A thread of its own, because the test's runtime may be at its end.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(drop_schema(&server, &schema))
        });
        let dropped = dropping.join();
        // The test's own failure is what counts, and a server that the test has stopped for good has nothing to drop.
        let fine = matches!(dropped, Ok(Ok(()) | Err(sqlx::Error::Io(_)))) || thread::panicking();
        assert!(fine, "the schema {} could not be dropped: {dropped:?}", self.schema);
    }
}

/// Drops a schema, and ends the sessions of whoever stands in the way: a server that a failed test left running.
async fn drop_schema(server: &str, schema: &str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(server).await?;
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
    let sql = format!("SET client_min_messages = error; DROP SCHEMA {schema} CASCADE");
    let clear_the_way = async {
        let mut remover = PgConnection::connect(server).await?;
        let mut look = tokio::time::interval(Duration::from_millis(20));
        loop {
            sqlx::query("SELECT pg_terminate_backend(blocker) FROM unnest(pg_blocking_pids($1)) blocker")
                .bind(pid)
                .execute(&mut remover)
                .await?;
            look.tick().await;
        }
    };
    tokio::select! {
        biased;
        dropped = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))) => dropped.map(drop),
        failed = clear_the_way => failed,
    }
}

async fn run(server: &str, sql: &str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(server).await?;
    // Made of names that this module chose.
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    connection.close().await
}
