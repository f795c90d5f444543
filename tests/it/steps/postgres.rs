//! SQL against PostgreSQL.

use justiam_server::driver::execute::step::programs::{Job, Outcome, ProgramEnd};
use justiam_server::store::Db;
use justiam_tests::postgres::{TestDatabase, database};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};

use super::support::{Lab, why};

async fn run(lab: &Lab, url: &str, script: &str) -> ProgramEnd {
    let script_path = lab.write("script.sql", script);
    lab.run(Job::Sql { connection_string: url.into(), script_path }).await
}

/// A schema, and a way to it for programs. A process that has no special rights does not get into the folder of the database's own
/// socket, which belongs to another user where the tests are root's.
struct Reachable {
    url: String,
    _database: TestDatabase,
    _folder: TempDir,
}

async fn reachable() -> Reachable {
    let database = database().await;
    let folder = TempDir::new().unwrap();
    let options: PgConnectOptions = database.url.parse().unwrap();
    let Some(socket) = options.get_socket().map(|folder| folder.join(".s.PGSQL.5432")) else {
        return Reachable { url: database.url.clone(), _database: database, _folder: folder };
    };
    let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let (head, rest) = database.url.split_once('@').unwrap();
    let encoded = folder.path().to_str().unwrap().replace('/', "%2F");
    let url = format!("{head}@{encoded}/{}", rest.split_once('/').unwrap().1);
    Reachable { url, _database: database, _folder: folder }
}

/// A lab beside a schema in which there is a table `t`.
async fn lab() -> (Lab, Reachable) {
    let database = reachable().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    connection.execute("CREATE TABLE t (n INT PRIMARY KEY)").await.unwrap();
    (Lab::new().await, database)
}

async fn numbers(database: &Reachable) -> Vec<i32> {
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    sqlx::query_scalar("SELECT n FROM t ORDER BY n").fetch_all(&mut connection).await.unwrap()
}

#[tokio::test]
async fn all_statements_count_and_are_told() {
    let (lab, database) = lab().await;
    let script = "INSERT INTO t VALUES (1), (2), (3);\nDO $$ BEGIN INSERT INTO t VALUES (4); END $$;\nCREATE FUNCTION f() RETURNS int \
                  BEGIN ATOMIC SELECT 1; SELECT 2; END;\nUPDATE t SET n = n + 10 WHERE n > 2;\nSELECT * FROM t;";
    let end = run(&lab, &database.url, script).await;
    assert_eq!(end.outcome, Outcome::Success, "{end:?}");
    assert_eq!(end.output.unwrap(), "5 statements, 5 rows changed, 4 rows returned (they are not shown)");
    assert_eq!(numbers(&database).await, [1, 2, 13, 14]);
}

#[tokio::test]
async fn of_a_script_that_fails_nothing_counts_and_the_place_is_told() {
    let (lab, database) = lab().await;
    let end = run(&lab, &database.url, "INSERT INTO t VALUES (1);\nSELECT 'ü',\n  none;").await;
    assert_eq!(why(&end), "statement 2 (line 3): column \"none\" does not exist; nothing of the script counts");
    let end = run(&lab, &database.url, "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (1)").await;
    assert_eq!(
        why(&end),
        "statement 2 (line 2): duplicate key value violates unique constraint \"t_pkey\"; nothing of the script counts"
    );
    let script = "CREATE TABLE p (n INT REFERENCES t DEFERRABLE INITIALLY DEFERRED); INSERT INTO p VALUES (9)";
    let end = run(&lab, &database.url, script).await;
    assert!(why(&end).starts_with("at the end of the script: insert or update on table \"p\" violates"), "{end:?}");
    assert_eq!(numbers(&database).await, Vec::<i32>::new());
}

#[tokio::test]
async fn a_script_does_not_end_the_transaction() {
    let (lab, database) = lab().await;
    let expected =
        "a script is one transaction, which the server begins and ends; remove BEGIN, COMMIT and ROLLBACK from it";
    let end = run(&lab, &database.url, "INSERT INTO t VALUES (1);\nCOMMIT;\nINSERT INTO t VALUES (2)").await;
    assert_eq!(why(&end), format!("statement 2 (line 2): {expected}; nothing of it was executed"));
    let end = run(&lab, &database.url, "INSERT INTO t VALUES (1); DO $$ BEGIN COMMIT; END $$").await;
    assert_eq!(why(&end), "statement 2 (line 1): invalid transaction termination; nothing of the script counts");
    let end = run(&lab, &database.url, "INSERT INTO t VALUES (1); RELEASE justiam_step").await;
    assert!(why(&end).starts_with(expected), "{end:?}");
    assert_eq!(numbers(&database).await, Vec::<i32>::new());
}

#[tokio::test]
async fn the_database_takes_one_statement_at_a_time_whatever_hides_another() {
    let (lab, database) = lab().await;
    let rest = "INSERT INTO t VALUES (1); COMMIT; SAVEPOINT justiam_step";
    for script in [
        format!("CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'; {rest}; SELECT 1"),
        format!("SELECT 1 -- \r; {rest}"),
        format!("SET standard_conforming_strings = off; SELECT '\\'; {rest}; --'"),
    ] {
        let end = run(&lab, &database.url, &script).await;
        assert!(matches!(end.outcome, Outcome::Failed(_)), "{script}: {end:?}");
        assert_eq!(numbers(&database).await, Vec::<i32>::new(), "{script}");
    }
}

#[tokio::test]
async fn an_error_without_end_is_cut() {
    let (lab, database) = lab().await;
    let script = "DO $$ BEGIN RAISE EXCEPTION '%', repeat('x', 5000000); END $$";
    let end = run(&lab, &database.url, script).await;
    assert!(why(&end).starts_with("statement 1 (line 1): xxx") && why(&end).len() <= 8 << 10, "{}", why(&end).len());
    assert!(why(&end).ends_with("of which the rest is left out)"), "{end:?}");
}

#[tokio::test]
async fn the_servers_own_database_is_refused_whatever_it_is_called() {
    let (_, database) = lab().await;
    let own = reachable().await;
    let db = Db::open_postgres(&own.url.as_str().into(), 2).await.unwrap();
    let lab = Lab::beside(db);
    let refused = "sqlConnectionString: this is the server's own database, which no step may use";
    // Another schema, another user or another way to the same database.
    let plain = database.url.split('?').next().unwrap();
    for url in [database.url.clone(), own.url.clone(), plain.replacen("postgres://", "postgresql://", 1)] {
        let end = run(&lab, &url, "CREATE TABLE x (n INT)").await;
        assert_eq!(why(&end), refused, "{url}");
    }
    // Names that a script's author could give to things of his own do not help.
    let hiding = "CREATE FUNCTION pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'; \
                  CREATE FUNCTION pg_control_system(OUT system_identifier int8) LANGUAGE sql AS 'SELECT 1::int8'; \
                  CREATE FUNCTION current_database() RETURNS name LANGUAGE sql AS 'SELECT ''x''::name'";
    PgConnection::connect(&database.url).await.unwrap().execute(AssertSqlSafe(hiding)).await.unwrap();
    let schema = database.url.rsplit("search_path%3D").next().unwrap();
    let first = format!(
        "{plain}?{}",
        database.url.split('?').nth(1).unwrap().replace(schema, &format!("{schema}%2Cpg_catalog"))
    );
    assert_eq!(why(&run(&lab, &first, "SELECT 1").await), refused);
}

#[tokio::test]
async fn another_database_of_the_same_server_may_be_used() {
    let (lab, database) = lab().await;
    drop(lab);
    let lab = Lab::beside(Db::open_postgres(&database.url.as_str().into(), 2).await.unwrap());
    let mut admin = PgConnection::connect(&database.url).await.unwrap();
    let name = format!("other_{}", std::process::id());
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (head, parameters) = database.url.split_once('?').unwrap_or((&database.url, ""));
    let parameters: Vec<&str> =
        parameters.split('&').filter(|one| !one.starts_with("options") && !one.starts_with("dbname")).collect();
    let base = head.rsplit_once('/').unwrap().0;
    let url = format!("{base}/{name}?{}", parameters.join("&"));
    let end = run(&lab, &url, "CREATE TABLE x (n INT)").await;
    admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
    assert_eq!(end.outcome, Outcome::Success, "{end:?}");
}

#[tokio::test]
async fn hosts_that_are_not_listed_are_refused_before_anything_is_sent() {
    let lab = Lab::with(|settings| settings.sql_hosts = vec!["db.example.com".parse().unwrap()]).await;
    let end = run(&lab, "postgres://u:hidden-word@127.0.0.1:1/d", "SELECT 1").await;
    assert_eq!(
        why(&end),
        "sqlConnectionString: the host `127.0.0.1` is not one that this server allows; its operator can allow more with --sql-hosts \
         (JUSTIAM_SQL_HOSTS)"
    );
    let end = run(&lab, "postgres://u@%2Frun%2Fpostgresql/d", "SELECT 1").await;
    assert!(why(&end).contains("is a socket of this machine"), "{end:?}");
}

#[tokio::test]
async fn what_cannot_be_reached_says_why_and_keeps_the_password() {
    let lab = Lab::new().await;
    let end = run(&lab, "postgres://u:hidden-word@127.0.0.1:1/d", "SELECT 1").await;
    assert_eq!(why(&end), "could not connect to the database: Connection refused (os error 111)");
    let end = run(&lab, "postgres://u:hidden-word@[nonsense/d", "SELECT 1").await;
    assert_eq!(
        why(&end),
        "sqlConnectionString: it cannot be read; write `postgres://user:password@host:port/database`"
    );
    // A database may repeat what it was told.
    let database = reachable().await;
    let joint = if database.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{joint}password=hidden-word", database.url);
    let end = run(&lab, &url, "SELECT 'hidden-word'::int").await;
    assert_eq!(
        why(&end),
        "statement 1 (line 1): invalid input syntax for type integer: \"****\"; nothing of the script counts"
    );
}

#[tokio::test]
async fn a_script_that_is_stopped_leaves_nothing_and_its_statement_ends() {
    let (lab, database) = lab().await;
    let script_path =
        lab.write("script.sql", "INSERT INTO t VALUES (1); SELECT pg_sleep(1000), 'a sleeper of this test'");
    let job = Job::Sql { connection_string: database.url.as_str().into(), script_path };
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    let sleepers =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%a sleeper of this test%' AND pid <> pg_backend_pid()";
    let stop = async {
        let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
        while sqlx::query_scalar::<_, i64>(sleepers).fetch_one(&mut other).await.unwrap() == 0 {
            look.tick().await;
        }
    };
    let end = lab.run_until(job, stop).await;
    assert_eq!(end.outcome, Outcome::Stopped, "{end:?}");
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    let begun = std::time::Instant::now();
    while sqlx::query_scalar::<_, i64>(sleepers).fetch_one(&mut other).await.unwrap() > 0 {
        assert!(begun.elapsed() < super::support::DEADLINE, "the statement goes on");
        look.tick().await;
    }
    assert_eq!(numbers(&database).await, Vec::<i32>::new());
}
