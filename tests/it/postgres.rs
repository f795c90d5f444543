//! The tests' own PostgreSQL: that tests do not meet on it, and that nothing of it stays.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use justiam_tests::postgres::{Cluster, Settings, Stop, TestDatabase, database, database_on};
use justiam_tests::programs::program;
use justiam_tests::{soon, until};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

async fn schemas_like(database: &TestDatabase, name: &str) -> i64 {
    let sql = "SELECT count(*) FROM pg_namespace WHERE nspname = $1";
    sqlx::query_scalar(sql).bind(name).fetch_one(&mut database.connect().await).await.unwrap()
}

#[tokio::test]
async fn tests_do_not_see_each_other() {
    let (one, two) = (database().await, database().await);
    for (database, number) in [(&one, 1), (&two, 2)] {
        let mut connection = database.connect().await;
        let sql = format!("CREATE TABLE t (n INT); INSERT INTO t VALUES ({number})");
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap();
    }
    let read = async |database: &TestDatabase| -> Vec<i32> {
        sqlx::query_scalar("SELECT n FROM t").fetch_all(&mut database.connect().await).await.unwrap()
    };
    assert_eq!((read(&one).await, read(&two).await), (vec![1], vec![2]));
}

#[tokio::test]
async fn a_schema_goes_with_its_test_also_when_somebody_holds_it() {
    let (watcher, database) = (database().await, database().await);
    let schema = database.schema().to_owned();
    let mut holder = database.connect().await;
    holder.execute("CREATE TABLE t (n INT); BEGIN; LOCK TABLE t").await.unwrap();
    assert_eq!(schemas_like(&watcher, &schema).await, 1);
    let failed = tokio::spawn(async move {
        let _held = database;
        panic!("a test that fails");
    });
    assert!(failed.await.unwrap_err().is_panic());
    assert_eq!(schemas_like(&watcher, &schema).await, 0);
    assert!(holder.execute("SELECT 1").await.is_err());
}

#[tokio::test]
async fn a_cluster_keeps_what_was_committed_however_it_is_stopped() {
    let cluster = Cluster::start(&Settings::default());
    let database = database_on(&cluster.url()).await;
    database.connect().await.execute("CREATE TABLE t (n INT)").await.unwrap();
    for (n, how) in [(1, Stop::Fast), (2, Stop::Immediate), (3, Stop::Kill)] {
        let mut connection = database.connect().await;
        sqlx::query("INSERT INTO t VALUES ($1)").bind(n).execute(&mut connection).await.unwrap();
        cluster.stop(how);
        // A backend may outlive a server that was killed for a moment.
        until(&format!("the connection to end after {how:?}"), async || connection.execute("SELECT 1").await.is_err())
            .await;
        assert!(PgConnection::connect(&database.url).await.is_err(), "{how:?}");
        cluster.start_again();
        let sql = "SELECT count(*) FROM t";
        let rows: i64 = sqlx::query_scalar(sql).fetch_one(&mut database.connect().await).await.unwrap();
        assert_eq!(rows, i64::from(n), "{how:?}\n{}", cluster.log());
    }
    let folder = cluster.folder().to_owned();
    drop((database, cluster));
    gone(&folder).await;
}

#[tokio::test]
async fn nothing_is_left_of_a_cluster_when_its_process_is_killed() {
    let mut child = Command::new(program("temporary-postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = soon("a temporary server", lines.next_line()).await.unwrap().unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let data: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut connection).await.unwrap();
    let folder = PathBuf::from(data).parent().unwrap().to_owned();
    assert!(folder.exists());
    child.kill().await.unwrap();
    gone(&folder).await;
    assert!(connection.ping().await.is_err());
}

async fn gone(folder: &Path) {
    until("the cluster's folder to be removed", async || !folder.exists()).await;
}
