//! What always holds: every story ends with a look, and so does `justiam-server check`.

use std::path::Path;
use std::process::{Output, Stdio};

use justiam_server::store::invariants;
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use justiam_tests::process::ServerProcess;
use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;
use tokio::process::Command;

use super::support::{cheap, create};

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap()
}

both_databases!(a_server_that_keeps_up_violates_nothing);

async fn a_server_that_keeps_up_violates_nothing(backend: Backend) {
    let server = backend.server().await;
    create(&server, &cheap("T", "*/5 * * * *")).await;
    server.advance(90);
    server.check_invariants().await;
    server.advance(86_400);
    server.check_invariants().await;
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
    assert!(lines.len() == invariants::all().count() && lines.iter().all(|line| line.ends_with(": ok")), "{lines:#?}");
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
    assert_eq!(checked.len(), invariants::all().count());
    assert_eq!(
        (&checked[0]["name"], &checked[0]["violations"], &checked[0]["examples"][0]),
        (&"cron_task_without_next_time".into(), &1.into(), &task.id.to_string().into())
    );
    assert!(checked[1..].iter().all(|one| one["violations"] == 0 && one["meaning"].is_string()), "{checked:#?}");
}
