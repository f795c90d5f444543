//! What always holds, broken on purpose and found; and `justiam-server check`.

use std::path::Path;
use std::process::{Output, Stdio};

use jiff::Timestamp;
use justiam_server::app::invariants::{Reach, check};
use justiam_server::store::Db;
use justiam_tests::process::ServerProcess;
use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;
use tokio::process::Command;

use super::support::{cheap, create};

/// When the tests look, in microseconds. `@` in their statements is this number.
const NOW: i64 = 1_767_225_600_000_000;

/// A database that the test writes to without any rule.
struct Bare {
    db: Db,
    connection: SqliteConnection,
    _folder: TempDir,
}

impl Bare {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("test.db");
        let db = Db::open_sqlite(&file).await.unwrap();
        let connection = connect(&file).await;
        Self { db, connection, _folder: folder }
    }

    async fn write(&mut self, statements: &str) {
        let now = NOW.to_string();
        self.connection.execute(AssertSqlSafe(statements.replace('@', &now))).await.unwrap();
    }

    async fn violated(&self, reach: Reach) -> Vec<(&'static str, u64, Vec<String>)> {
        let checked = check(&self.db, Timestamp::from_microsecond(NOW).unwrap(), reach).await.unwrap();
        let violated = checked.into_iter().filter(|checked| checked.violations > 0);
        violated.map(|checked| (checked.name, checked.violations, checked.examples)).collect()
    }
}

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap()
}

fn task(id: &str, policy: &str, schedule_type: &str, enabled: bool, next_run_at: &str) -> String {
    format!(
        "INSERT INTO tasks (id, name, name_folded, task_type, schedule_type, timezone, overlap_policy, enabled, \
         timeout_seconds, config, task_config, is_system, next_run_at, revision, created_at, updated_at) \
         VALUES ('{id}', '{id}', '{id}', 'script', '{schedule_type}', 'UTC', '{policy}', {enabled}, 30, '{{}}', '{{}}', \
         FALSE, {next_run_at}, 'r', @, @);"
    )
}

/// A task that only a trigger runs.
fn idle(id: &str, policy: &str) -> String {
    task(id, policy, "once", true, "NULL")
}

fn run(id: &str, task: &str, status: &str, trigger: &str, started_at: &str, finished_at: &str) -> String {
    format!(
        "INSERT INTO runs (id, task_id, task_name, status, trigger, scheduled_for, queued_at, started_at, finished_at) \
         VALUES ('{id}', '{task}', 'n', {status}, '{trigger}', @, @, {started_at}, {finished_at});"
    )
}

/// A run that has not ended, in the history and among the active ones.
fn active(id: &str, task: &str, status: &str, ready: bool, started_at: &str, lease_until: &str) -> String {
    let history = run(id, task, "NULL", "manual", "NULL", "NULL");
    let worker = if status == "running" { "'w'" } else { "NULL" };
    format!(
        "{history} INSERT INTO active_runs (id, task_id, status, ready, started_at, worker, lease_until) \
         VALUES ('{id}', '{task}', '{status}', {ready}, {started_at}, {worker}, {lease_until});"
    )
}

fn running(id: &str, task: &str, started_at: &str) -> String {
    active(id, task, "running", false, started_at, "@")
}

fn queued(id: &str, task: &str, ready: bool) -> String {
    active(id, task, "queued", ready, "NULL", "NULL")
}

#[tokio::test]
async fn each_is_found_where_it_is_broken() {
    let mut bare = Bare::new().await;
    // Otherwise the database itself would refuse the second one.
    bare.write("DROP INDEX runs_tick").await;
    let cases: [(&str, Vec<String>, u64, &[&str]); 19] = [
        (
            "cron_task_without_next_time",
            vec![task("a", "allow", "cron", true, "NULL"), task("b", "allow", "cron", true, "NULL")],
            2,
            &["a", "b"],
        ),
        ("overdue_task", vec![task("a", "allow", "cron", true, "@ - 60000001")], 1, &["a"]),
        ("overdue_task", vec![task("a", "allow", "once", true, "0")], 1, &["a"]),
        ("lease_ended", vec![idle("a", "skip"), active("r", "a", "running", false, "@", "@ - 40000001")], 1, &["r"]),
        ("queue_at_rest", vec![idle("a", "queue"), queued("r", "a", false), queued("s", "a", false)], 1, &["a"]),
        (
            "concurrent_runs",
            vec![
                idle("a", "queue"),
                running("r", "a", "@ + 60000001"),
                running("s", "a", "@ + 60000001"),
                idle("b", "skip"),
                queued("t", "b", true),
                running("u", "b", "@"),
                idle("c", "replace"),
                queued("v", "c", true),
                queued("w", "c", true),
            ],
            3,
            &["a", "b", "c"],
        ),
        ("held_back_under_allow", vec![idle("a", "allow"), running("r", "a", "@"), queued("s", "a", false)], 1, &["s"]),
        ("queued_without_task", vec![queued("r", "a", true)], 1, &["r"]),
        ("impossible_active_run", vec![idle("a", "allow"), active("r", "a", "paused", true, "@", "@")], 1, &["r"]),
        ("impossible_active_run", vec![idle("a", "allow"), active("r", "a", "running", true, "@", "@")], 1, &["r"]),
        ("impossible_active_run", vec![idle("a", "allow"), running("r", "a", "NULL")], 1, &["r"]),
        ("impossible_active_run", vec![idle("a", "allow"), active("r", "a", "running", false, "@", "NULL")], 1, &["r"]),
        (
            "active_without_history",
            vec![idle("a", "allow"), queued("r", "a", true), "DELETE FROM runs".into()],
            1,
            &["r"],
        ),
        (
            "active_after_end",
            vec![
                idle("a", "allow"),
                running("r", "a", "@"),
                "UPDATE runs SET status = 'success', finished_at = @".into(),
            ],
            1,
            &["r"],
        ),
        ("lost_run", vec![run("r", "gone", "NULL", "manual", "NULL", "NULL")], 1, &["r"]),
        (
            "tick_recorded_twice",
            vec![
                run("r", "a", "'success'", "cron", "@", "@"),
                run("s", "a", "'cancelled'", "once", "NULL", "@"),
                run("t", "a", "'success'", "manual", "@", "@"),
            ],
            1,
            &["s"],
        ),
        ("impossible_end", vec![run("r", "a", "'success'", "manual", "@", "NULL")], 1, &["r"]),
        ("impossible_end", vec![run("r", "a", "'error'", "manual", "@", "@ - 1")], 1, &["r"]),
        ("impossible_end", vec![run("r", "a", "'running'", "manual", "@", "@")], 1, &["r"]),
    ];
    let mut broken: Vec<&str> = Vec::new();
    for (name, statements, count, examples) in cases {
        bare.write("DELETE FROM tasks; DELETE FROM runs; DELETE FROM active_runs").await;
        assert_eq!(bare.violated(Reach::Whole).await, []);
        bare.write(&statements.join("\n")).await;
        for reach in [Reach::Whole, Reach::Recent] {
            let examples: Vec<String> = examples.iter().map(ToString::to_string).collect();
            assert_eq!(bare.violated(reach).await, [(name, count, examples)], "{statements:#?}");
        }
        broken.push(name);
    }
    broken.dedup();
    let all = check(&bare.db, Timestamp::from_microsecond(NOW).unwrap(), Reach::Whole).await.unwrap();
    assert_eq!(broken, all.iter().map(|checked| checked.name).collect::<Vec<_>>(), "not all of them were broken");
}

#[tokio::test]
async fn what_only_looks_like_it_is_no_violation() {
    let mut bare = Bare::new().await;
    for statements in [
        // Disabled, or without a schedule, or due for no more than a minute.
        vec![
            task("a", "allow", "cron", false, "NULL"),
            task("b", "allow", "cron", false, "0"),
            idle("c", "allow"),
            task("d", "allow", "cron", true, "@ - 60000000"),
        ],
        // A lease that ended as long ago as a sweep may take.
        vec![idle("a", "skip"), active("r", "a", "running", false, "@", "@ - 40000000")],
        // One works and one waits; and in another task one's turn has come.
        vec![
            idle("a", "queue"),
            running("r", "a", "@"),
            queued("s", "a", false),
            idle("b", "replace"),
            queued("t", "b", true),
            queued("u", "b", false),
        ],
        // Both began under `allow`.
        vec![idle("a", "queue"), running("r", "a", "@"), running("s", "a", "@ - 1"), queued("t", "a", false)],
        vec![idle("a", "allow"), running("r", "a", "@"), running("s", "a", "@"), queued("t", "a", true)],
        // A deleted task's run that is being stopped.
        vec![running("r", "gone", "@")],
        // Triggers have no tick, and tasks have ticks of their own.
        vec![
            run("r", "a", "'success'", "manual", "@", "@"),
            run("s", "a", "'cancelled'", "manual", "NULL", "@"),
            run("t", "a", "'success'", "cron", "@", "@"),
            run("u", "b", "'error'", "cron", "@ - 1", "@"),
        ],
    ] {
        bare.write("DELETE FROM tasks; DELETE FROM runs; DELETE FROM active_runs").await;
        bare.write(&statements.join("\n")).await;
        assert_eq!(bare.violated(Reach::Whole).await, [], "{statements:#?}");
    }
}

#[tokio::test]
async fn many_are_counted_and_five_are_named() {
    let mut bare = Bare::new().await;
    let statements: Vec<String> =
        (0..12).map(|number| task(&format!("t{number:02}"), "allow", "cron", true, "NULL")).collect();
    bare.write(&statements.join("\n")).await;
    let examples = ["t00", "t01", "t02", "t03", "t04"].map(String::from).to_vec();
    assert_eq!(bare.violated(Reach::Whole).await, [("cron_task_without_next_time", 12, examples)]);
}

#[tokio::test]
async fn a_look_at_what_is_recent_takes_in_ten_thousand_runs() {
    let mut bare = Bare::new().await;
    bare.write(&run("0", "a", "NULL", "manual", "NULL", "NULL")).await;
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) \
                INSERT INTO runs (id, task_id, task_name, status, trigger, scheduled_for, queued_at, finished_at) \
                SELECT 'r' || i, 'a', 'n', 'cancelled', 'manual', @, @, @ FROM n;";
    bare.write(fill).await;
    let lost = [("lost_run", 1, vec!["0".to_owned()])];
    assert_eq!(bare.violated(Reach::Recent).await, lost);
    bare.write(&run("s", "a", "'success'", "manual", "@", "@")).await;
    assert_eq!(bare.violated(Reach::Recent).await, []);
    assert_eq!(bare.violated(Reach::Whole).await, lost);
}

#[tokio::test]
async fn a_server_that_keeps_up_violates_nothing() {
    let server = TestServer::start().await;
    create(&server, &cheap("T", "*/5 * * * *")).await;
    server.advance(90);
    server.check_invariants().await;
    server.advance(86_400);
    server.check_invariants().await;
    let checked = server.invariants().await;
    let timely: Vec<&str> = checked.iter().filter(|one| one.needs_servers).map(|one| one.name).collect();
    assert_eq!(timely, ["overdue_task", "lease_ended"]);
}

#[tokio::test]
#[should_panic(expected = "cron_task_without_next_time")]
async fn a_story_that_leaves_a_violation_behind_fails() {
    let server = TestServer::start().await;
    create(&server, &cheap("T", "0 * * * *")).await;
    connect(&server.data_dir().join("server/justiam.db"))
        .await
        .execute("UPDATE tasks SET next_run_at = NULL")
        .await
        .unwrap();
}

#[tokio::test]
#[should_panic(expected = "cron_task_without_next_time")]
async fn so_does_one_that_stops_its_server() {
    let server = TestServer::start().await;
    create(&server, &cheap("T", "0 * * * *")).await;
    connect(&server.data_dir().join("server/justiam.db"))
        .await
        .execute("UPDATE tasks SET next_run_at = NULL")
        .await
        .unwrap();
    server.stop().await;
}

async fn check_command(data: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(program("justiam-server"));
    command.arg("check").arg("--data-dir").arg(data).args(more);
    command.env_remove("DATABASE_URL").env_remove("JWT_SECRET").stdin(Stdio::null()).output().await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn the_command_looks_beside_a_running_server() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let output = check_command(&data, &[]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(text(&output.stderr), format!("error: {} holds no server's data\n", data.display()));
    assert!(!data.exists());
    let server = ServerProcess::start(folder.path()).await;
    let task = server.client(&server.token).tasks().create(&cheap("T", "0 0 1 1 *")).await.unwrap();
    let output = check_command(&data, &[]).await;
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{output:?}");
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(lines.len() == 13 && lines.iter().all(|line| line.ends_with(": ok")), "{lines:#?}");
    connect(&data.join("justiam.db"))
        .await
        .execute("UPDATE tasks SET next_run_at = NULL WHERE name = 'T'")
        .await
        .unwrap();
    let output = check_command(&data, &[]).await;
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), "error: 1 invariant is violated\n"));
    let first = text(&output.stdout).lines().next().unwrap();
    assert!(first.starts_with(&format!("cron_task_without_next_time: violated 1: {} (", task.id)), "{first}");
    let output = check_command(&data, &["--json"]).await;
    assert_eq!(output.status.code(), Some(1));
    let checked: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(checked.len(), 13);
    assert_eq!(
        (&checked[0]["name"], &checked[0]["violations"], &checked[0]["examples"][0]),
        (&"cron_task_without_next_time".into(), &1.into(), &task.id.to_string().into())
    );
    assert!(checked[1..].iter().all(|one| one["violations"] == 0 && one["meaning"].is_string()), "{checked:#?}");
}
