//! SQL against SQLite files.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use justiam_server::driver::execute::step::programs::{Job, Outcome, ProgramEnd};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::support::{Lab, why};

/// Opens a database beside the steps, and makes it where it is missing.
async fn open(path: &str) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn numbers(path: &str) -> Vec<i64> {
    sqlx::query_scalar("SELECT n FROM t ORDER BY n").fetch_all(&mut open(path).await).await.unwrap()
}

/// A lab with a database in which there is a table `t`.
async fn lab() -> (Lab, String) {
    let lab = Lab::new().await;
    let path = lab.job("data.db");
    open(&path).await.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)").await.unwrap();
    (lab, path)
}

async fn run(lab: &Lab, url: &str, script: &str) -> ProgramEnd {
    let script_path = lab.write("script.sql", script);
    lab.run(Job::Sql { connection_string: url.into(), script_path }).await
}

#[tokio::test]
async fn all_statements_count_and_are_told() {
    let (lab, path) = lab().await;
    let script = "-- two rows\nINSERT INTO t VALUES (1), (2);\nCREATE TRIGGER g AFTER INSERT ON t WHEN new.n < 10 BEGIN\n  INSERT \
                  INTO t VALUES (new.n + 10); SELECT CASE WHEN 1 THEN 2 END;\nEND;\nINSERT INTO t VALUES (3);\nSELECT n FROM t;\n";
    let end = run(&lab, &format!("sqlite:{path}"), script).await;
    assert_eq!(end.outcome, Outcome::Success, "{end:?}");
    assert_eq!(end.output.unwrap(), "4 statements, 4 rows changed, 4 rows returned (they are not shown)");
    assert_eq!(end.exit_code, None);
    let isolation = end.isolation.unwrap();
    assert!(isolation.starts_with("sandbox: ") && isolation.ends_with("allowed folders, one database"), "{isolation}");
    assert_eq!(numbers(&path).await, [1, 2, 3, 13]);
}

#[tokio::test]
async fn of_a_script_that_fails_nothing_counts() {
    let (lab, path) = lab().await;
    let url = format!("sqlite://{path}?mode=rw");
    let end = run(&lab, &url, "INSERT INTO t VALUES (1);\n\nINSERT INTO\n  none VALUES (2);").await;
    assert_eq!(why(&end), "statement 2 (line 3): no such table: none; nothing of the script counts");
    let end = run(&lab, &url, "INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)").await;
    assert_eq!(why(&end), "statement 2 (line 1): UNIQUE constraint failed: t.n; nothing of the script counts");
    let end =
        run(&lab, &url, "CREATE TABLE p (n REFERENCES t DEFERRABLE INITIALLY DEFERRED); INSERT INTO p VALUES (9)")
            .await;
    assert_eq!(why(&end), "at the end of the script: FOREIGN KEY constraint failed");
    assert_eq!(numbers(&path).await, Vec::<i64>::new());
    assert_eq!(why(&run(&lab, &url, " -- nothing\n;").await), "the script has no statements");
}

#[tokio::test]
async fn a_script_does_not_end_the_transaction() {
    let (lab, path) = lab().await;
    let url = format!("sqlite:{path}");
    let expected =
        "a script is one transaction, which the server begins and ends; remove BEGIN, COMMIT and ROLLBACK from it";
    for (script, place) in [
        ("INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2)", "statement 2 (line 1)"),
        ("BEGIN; INSERT INTO t VALUES (1); END", "statement 1 (line 1)"),
        ("INSERT INTO t VALUES (1);\n/* x */ rollback;", "statement 2 (line 2)"),
    ] {
        let end = run(&lab, &url, script).await;
        assert_eq!(why(&end), format!("{place}: {expected}; nothing of it was executed"));
    }
    // Nor in a way that looks like something else.
    let end = run(&lab, &url, "INSERT INTO t VALUES (1); RELEASE justiam_step; INSERT INTO t VALUES (2)").await;
    assert_eq!(why(&end), format!("{expected}; nothing of it counts"));
    assert_eq!(numbers(&path).await, Vec::<i64>::new());
    // Points within it are fine.
    let script = "SAVEPOINT a; INSERT INTO t VALUES (1); ROLLBACK TO a; INSERT INTO t VALUES (2); RELEASE a";
    assert_eq!(run(&lab, &url, script).await.outcome, Outcome::Success);
    assert_eq!(numbers(&path).await, [2]);
}

#[tokio::test]
async fn files_are_only_those_of_allowed_folders_and_none_is_made() {
    let (lab, path) = lab().await;
    let outside = lab.path().join("outside.db");
    open(outside.to_str().unwrap()).await.execute("CREATE TABLE s (x)").await.unwrap();
    symlink(&outside, lab.jobs().join("link.db")).unwrap();
    let out = "is not in a folder that this server allows; its operator can allow more with --step-folders (JUSTIAM_STEP_FOLDERS)";
    let shown = outside.display().to_string();
    for (url, expected) in [
        (format!("sqlite:{shown}"), format!("sqlConnectionString: `{shown}` {out}")),
        (format!("sqlite:{}", lab.job("link.db")), format!("sqlConnectionString: `{}` {out}", lab.job("link.db"))),
        (
            "sqlite:data.db".into(),
            "sqlConnectionString: `data.db` must be an absolute path, one that begins with `/`".into(),
        ),
        (
            format!("sqlite:{}?mode=rwc", lab.job("new.db")),
            format!(
                "sqlConnectionString: `{}` cannot be used: No such file or directory (os error 2)",
                lab.job("new.db")
            ),
        ),
        (
            "sqlite:/x?mode=none".into(),
            "sqlConnectionString: it cannot be read; write `sqlite:` and the path of a file".into(),
        ),
        (
            "mysql://u:secret@h/d".into(),
            "sqlConnectionString: it must begin with `postgres://`, `postgresql://` or `sqlite:`".into(),
        ),
    ] {
        assert_eq!(why(&run(&lab, &url, "SELECT 1").await), expected);
    }
    assert!(why(&run(&lab, "sqlite::memory:", "SELECT 1").await).starts_with("sqlConnectionString: "));
    let url = format!("sqlite:{path}");
    let copy = lab.job("copy.db");
    for (other, word) in [
        (format!("attach '{shown}' AS a"), "ATTACH"),
        (format!("ATTACH DATABASE '{}' AS a", lab.job("new.db")), "ATTACH"),
        ("DETACH main".to_owned(), "DETACH"),
        (format!("VACUUM INTO '{copy}'"), "VACUUM"),
    ] {
        let end = run(&lab, &url, &format!("INSERT INTO t VALUES (1);\n{other}")).await;
        assert_eq!(
            why(&end),
            format!(
                "statement 2 (line 2): {word} is not possible: a script works on one database, the one of sqlConnectionString; \
                 nothing of it was executed"
            )
        );
    }
    assert!(!lab.jobs().join("new.db").exists() && !lab.jobs().join("copy.db").exists());
    assert_eq!(numbers(&path).await, Vec::<i64>::new());
}

#[tokio::test]
async fn nothing_hides_a_further_statement() {
    let (lab, path) = lab().await;
    let url = format!("sqlite:{path}");
    let copy = lab.job("copy.db");
    let rest = format!("ROLLBACK; ATTACH '{path}' AS own; INSERT INTO own.t VALUES (1); VACUUM own INTO '{copy}'");
    for script in [
        format!("CREATE TRIGGER begin AFTER INSERT ON t BEGIN SELECT 1; END; {rest}; SELECT 1; END"),
        format!("CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1;\u{feff}END; {rest}; END"),
        format!("CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; END; {rest}"),
        format!("CREATE TABLE begin (a); {rest}; END"),
        format!("SELECT $a('); {rest}; SELECT $a(')"),
        format!("SELECT (1; {rest}"),
        format!("CREATE TEMP VIEW pragma_database_list AS SELECT '' AS file; {rest}"),
        format!("SELECT 1; {rest}").replace("ROLLBACK", "/* ; */ -- ;\n ROLLBACK"),
    ] {
        assert!(why(&run(&lab, &url, &script).await).ends_with("nothing of it was executed"), "{script}");
    }
    // What the database would not see at all.
    let end = run(&lab, &url, "SELECT 1;\0 SELECT 2").await;
    assert!(why(&end).ends_with("holds a null character, at which a database would end it"), "{end:?}");
    assert!(!lab.jobs().join("copy.db").exists());
    assert_eq!(numbers(&path).await, Vec::<i64>::new());
}

#[tokio::test]
async fn the_servers_own_database_is_refused_under_all_its_names() {
    let lab = Lab::new().await;
    let own = lab.path().join("data/justiam.db");
    fs::hard_link(&own, lab.jobs().join("hard.db")).unwrap();
    let end = run(&lab, &format!("sqlite:{}", lab.job("hard.db")), "SELECT 1").await;
    assert_eq!(why(&end), "sqlConnectionString: this is the server's own database, which no step may use");
}

#[tokio::test]
async fn a_script_that_is_stopped_leaves_nothing() {
    let (lab, path) = lab().await;
    let endless = "INSERT INTO t VALUES (1); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
    let script_path = lab.write("script.sql", endless);
    let job = Job::Sql { connection_string: format!("sqlite:{path}").as_str().into(), script_path };
    // As long as the script holds it, nobody else can write.
    let stop = async {
        let mut other = open(&path).await;
        other.execute("PRAGMA busy_timeout = 0").await.unwrap();
        let mut look = tokio::time::interval(Duration::from_millis(5));
        while other.execute(AssertSqlSafe("BEGIN IMMEDIATE")).await.is_ok() {
            other.execute("ROLLBACK").await.unwrap();
            look.tick().await;
        }
    };
    let end = tokio::time::timeout(super::support::DEADLINE, lab.run_until(job, stop)).await.unwrap();
    assert_eq!((end.outcome, end.output), (Outcome::Stopped, None));
    assert_eq!(numbers(&path).await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_script_that_cannot_be_read_says_why() {
    let (lab, path) = lab().await;
    fs::write(lab.jobs().join("latin1.sql"), b"SELECT '\xe9'").unwrap();
    fs::write(lab.jobs().join("bom.sql"), b"\xef\xbb\xbfINSERT INTO t VALUES (5)").unwrap();
    let job = |name: &str| Job::Sql {
        connection_string: format!("sqlite:{path}").as_str().into(),
        script_path: lab.job(name),
    };
    assert_eq!(
        why(&lab.run(job("latin1.sql")).await),
        format!("sqlScriptPath: `{}` is not UTF-8", lab.job("latin1.sql"))
    );
    assert_eq!(lab.run(job("bom.sql")).await.outcome, Outcome::Success);
    let end = lab.run(Job::Sql { connection_string: "sqlite:/x".into(), script_path: "/etc/passwd".into() }).await;
    assert!(why(&end).starts_with("sqlScriptPath: `/etc/passwd` is not in a folder"), "{end:?}");
    assert_eq!(numbers(&path).await, [5]);
}
