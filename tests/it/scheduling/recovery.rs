//! Servers that die, meet each other, lose their key, or wait for somebody else's lock.

use std::process::Stdio;
use std::sync::Arc;

use justiam_sdk::api::tasks::{NewTask, TaskPatch, TaskQuery};
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, ScheduleType, TaskType};
use justiam_server::config::Config;
use justiam_server::{ServeError, Server};
use justiam_tests::process::ServerProcess;
use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};
use tokio::process::Command;

use super::support::{Gate, cheap, create, dispatched, history, statuses, ticks};

#[tokio::test]
async fn what_a_killed_server_left_is_ended_or_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::new().await;
    let server = ServerProcess::start(folder.path()).await;
    let token = server.token.clone();
    let client = server.client(&token);
    let task = client.tasks().create(&gate.task("T", OverlapPolicy::Queue)).await.unwrap();
    let lost = client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let waiting = client.tasks().run(task.id).await.unwrap();
    let unwanted = client.tasks().run(task.id).await.unwrap();
    client.runs().cancel(unwanted.id).await.unwrap();
    server.kill().await;
    visitor.gone().await;
    let server = ServerProcess::start(folder.path()).await;
    let client = server.client(&token);
    gate.visitor().await.release("second").await;
    let waiting = client.runs().wait(waiting.id).await.unwrap();
    assert_eq!((waiting.status, waiting.output.as_deref()), (RunStatus::Success, Some("second")));
    let lost = client.runs().get(lost.id).await.unwrap();
    let text = "the server stopped while this run was active; the script may have done a part of its work";
    assert_eq!((lost.status, lost.error.as_deref(), lost.attempt), (RunStatus::Error, Some(text), 1));
    assert!(lost.finished_at.is_some());
    let runs = history(&client, task.id).await;
    assert_eq!(statuses(&runs), [&RunStatus::Error, &RunStatus::Success, &RunStatus::Cancelled]);
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let server = TestServer::start().await;
    let folder = server.data_dir().join("server");
    let second = Server::open(Config::new(&folder), Arc::new(server.clock.clone())).await;
    let Err(ServeError::DataDir(error)) = second else { panic!("two servers on one folder") };
    let expected = format!("the data folder {} is in use by another server", folder.canonicalize().unwrap().display());
    assert_eq!(error.to_string(), expected);
    for command in ["serve", "migrate"] {
        let mut program = Command::new(program("justiam-server"));
        program.arg(command).arg("--data-dir").arg(&folder).env_remove("JWT_SECRET").stdin(Stdio::null());
        let output = program.output().await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(&expected), "{output:?}");
    }
    // The first one is none the worse for it.
    create(&server, &cheap("T", "0 * * * *")).await;
    let server = server.restart().await;
    assert!(server.client.tasks().find("T").await.unwrap().is_some());
}

#[tokio::test]
async fn a_secret_that_another_key_sealed_is_named_and_can_be_written_again() {
    let server =
        TestServer::start_with(|config| config.jwt_secret = Some("the first server secret, long enough".into())).await;
    let source = "package task\nimport \"secrets\"\nfunc Run() (string, error) { return secrets.Get(\"K\")[:3], nil }";
    let mut new = NewTask::triggered_script("T", source);
    new.secrets = Some([("K".to_owned(), "old value".into()), ("L".to_owned(), "other".into())].into());
    let task = create(&server, &new).await;
    let readable = server.client.secrets(task.id).keys().await.unwrap();
    let server =
        server.restart_with(|config| config.jwt_secret = Some("the other server secret, long enough".into())).await;
    // Names and tokens do not depend on the key. Revisions do: whoever remembers them sees that the values must be written again.
    let before = server.client.secrets(task.id).keys().await.unwrap();
    assert_eq!(before.keys, ["K", "L"]);
    assert_eq!(before.revisions["K"], format!("{}-unreadable", readable.revisions["K"]));
    let shown = server.client.tasks().get(task.id).await.unwrap();
    assert_eq!(shown.secret_revisions.as_ref(), Some(&before.revisions));
    assert_eq!(shown.revision, task.revision);
    let mut query = TaskQuery::new();
    (query.name, query.include) = (Some("T".into()), Some("secrets".into()));
    let listed = server.client.tasks().page(&query).await.unwrap();
    assert_eq!(listed.data[0].secret_revisions.as_ref(), Some(&before.revisions));
    let run = server.client.tasks().run(task.id).await.unwrap();
    let run = server.ended(run.id).await;
    let expected = format!(
        "the secret `K` of task {} cannot be decrypted: it was sealed with another key than this server has; write it again",
        task.id
    );
    assert_eq!((run.status, run.error), (RunStatus::Error, Some(expected)));
    let after = server
        .client
        .secrets(task.id)
        .replace(&[("K".to_owned(), "old value".into()), ("L".to_owned(), "other".into())].into())
        .await
        .unwrap();
    assert!(![&before, &readable].iter().any(|old| old.revisions["K"] == after.revisions["K"]));
    assert!(!after.revisions["K"].ends_with("-unreadable"), "{after:?}");
    let run = server.client.tasks().run(task.id).await.unwrap();
    assert_eq!(server.ended(run.id).await.output.as_deref(), Some("old"));
    // Back with the first key, nothing opens what the second one sealed.
    let server =
        server.restart_with(|config| config.jwt_secret = Some("the first server secret, long enough".into())).await;
    let run = server.client.tasks().run(task.id).await.unwrap();
    assert_eq!(server.ended(run.id).await.status, RunStatus::Error);
}

#[tokio::test]
async fn the_generated_secret_is_kept_and_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = TestServer::start().await;
    let file = server.data_dir().join("server/jwt-secret");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    for name in ["justiam.db", "justiam.db-wal", "lock"] {
        assert_eq!(mode(&file.with_file_name(name)), 0o600, "{name}");
    }
    let secret = std::fs::read_to_string(&file).unwrap();
    let server = server.restart().await;
    assert_eq!(std::fs::read_to_string(server.data_dir().join("server/jwt-secret")).unwrap(), secret);
}

/// Changes the database behind the server's back.
async fn tamper(server: &TestServer, sql: &'static str) {
    let file = server.data_dir().join("server/justiam.db");
    let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    database.execute(sql).await.unwrap();
}

#[tokio::test]
async fn a_task_that_lost_its_next_time_gets_one_at_the_next_start() {
    let server = TestServer::start().await;
    let task = create(&server, &cheap("T", "0 * * * *")).await;
    let mut once = NewTask::default();
    once.task_type = Some(TaskType::AuditLogCleanup);
    once.schedule_type = Some(ScheduleType::Once);
    let once = create(&server, &once).await;
    tamper(&server, "UPDATE tasks SET next_run_at = NULL").await;
    server.leave_unchecked();
    server.clock.set("2026-01-01T02:30:00Z");
    let server = server.restart().await;
    dispatched(&server).await;
    let next = async |id| server.client.tasks().get(id).await.unwrap().next_run_at;
    assert_eq!(next(task.id).await, Some("2026-01-01T03:00:00Z".parse().unwrap()));
    assert_eq!(next(once.id).await, None);
    server.clock.set("2026-01-01T03:00:00Z");
    dispatched(&server).await;
    assert_eq!(ticks(&history(&server.client, task.id).await), [("2026-01-01T03:00:00Z".to_owned(), 0)]);
}

#[tokio::test]
async fn a_tick_that_comes_twice_is_one_run_and_replaces_nothing() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let task = create(&server, &gate.every_minute("T", OverlapPolicy::Replace)).await;
    server.clock.set("2026-01-01T00:01:00Z");
    let mut visitor = gate.visitor().await;
    tamper(&server, "UPDATE tasks SET next_run_at = 1767225660000000 WHERE name = 'T'").await;
    server.advance(10);
    dispatched(&server).await;
    assert!(!visitor.is_gone().await);
    visitor.release("first").await;
    let runs = history(&server.client, task.id).await;
    assert_eq!(ticks(&runs), [("2026-01-01T00:01:00Z".to_owned(), 0)]);
    assert_eq!(server.ended(runs[0].id).await.output.as_deref(), Some("first"));
    let task = server.client.tasks().get(task.id).await.unwrap();
    assert_eq!(task.next_run_at, Some("2026-01-01T00:02:00Z".parse().unwrap()));
}

#[tokio::test]
async fn a_task_that_this_version_cannot_read_does_not_hold_up_the_others() {
    let server = TestServer::start().await;
    let strange = create(&server, &cheap("Strange", "0 * * * *")).await;
    let task = create(&server, &cheap("T", "0 * * * *")).await;
    tamper(&server, "UPDATE tasks SET cron_expr = 'whenever' WHERE name = 'Strange'").await;
    server.clock.set("2026-01-01T01:00:00Z");
    dispatched(&server).await;
    assert_eq!(history(&server.client, task.id).await.len(), 1);
    assert_eq!(history(&server.client, strange.id).await, []);
    let mut patch = TaskPatch::new();
    patch.cron_expr = Some(Some("30 * * * *".into()));
    let mended = server.client.tasks().update(strange.id, &patch).await.unwrap();
    assert_eq!(mended.next_run_at, Some("2026-01-01T01:30:00Z".parse().unwrap()));
}

#[tokio::test]
async fn somebody_elses_lock_delays_writes_and_loses_none() {
    let server = TestServer::start().await;
    let task = create(&server, &cheap("Hourly", "0 * * * *")).await;
    let file = server.data_dir().join("server/justiam.db");
    let mut other = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    server.clock.set("2026-01-01T01:00:00Z");
    let client = server.client.clone();
    let creating = tokio::spawn(async move { client.tasks().create(&cheap("Delayed", "0 * * * *")).await });
    // Readers do not wait, and see the world from before.
    for _ in 0..20 {
        assert_eq!(server.client.tasks().find("Delayed").await.unwrap(), None);
        assert_eq!(history(&server.client, task.id).await, []);
    }
    assert!(!creating.is_finished());
    other.execute("COMMIT").await.unwrap();
    let delayed = creating.await.unwrap().unwrap();
    assert_eq!(delayed.created_at, "2026-01-01T01:00:00Z".parse().unwrap());
    dispatched(&server).await;
    assert_eq!(ticks(&history(&server.client, task.id).await), [("2026-01-01T01:00:00Z".to_owned(), 0)]);
}

#[tokio::test]
async fn the_end_of_a_run_waits_for_the_database_too() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let task = create(&server, &gate.task("T", OverlapPolicy::Allow)).await;
    let run = server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let file = server.data_dir().join("server/justiam.db");
    let mut other = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    visitor.release("kept").await;
    assert_eq!(server.client.runs().get(run.id).await.unwrap().status, RunStatus::Running);
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(server.ended(run.id).await.output.as_deref(), Some("kept"));
}
