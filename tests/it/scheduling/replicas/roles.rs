//! Servers that do a part of the work each.

use std::process::{Output, Stdio};

use justiam_sdk::api::values::{OverlapPolicy, RunStatus, Trigger};
use justiam_tests::postgres;
use justiam_tests::programs::program;
use reqwest::StatusCode;
use tempfile::TempDir;
use tokio::process::Command;

use super::super::support::{Gate, create, history};
use super::Servers;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_servers_with_one_role_each_do_a_whole_tasks_life() {
    let (mut servers, gate) = (Servers::start(&["api", "dispatch", "work"]).await, Gate::new().await);
    servers.clock.set("2026-01-01T00:00:50Z");
    let task = create(&servers.all[0], &gate.every_minute("T", OverlapPolicy::Queue)).await;
    servers.clock.set("2026-01-01T00:01:00Z");
    let visitor = gate.visitor().await;
    let client = servers.all[0].client.clone();
    let second = client.tasks().run(task.id).await.unwrap();
    visitor.release("by a tick").await;
    gate.visitor().await.release("by a trigger").await;
    assert_eq!(servers.all[0].ended(second.id).await.output.as_deref(), Some("by a trigger"));
    let runs = history(&client, task.id).await;
    let tick = runs.iter().find(|run| run.trigger == Trigger::Cron).unwrap();
    assert_eq!((runs.len(), tick.output.as_deref()), (2, Some("by a tick")));
    let third = client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    client.tasks().delete(task.id).await.unwrap();
    visitor.gone().await;
    assert_eq!(servers.all[0].ended(third.id).await.status, RunStatus::Cancelled);
    servers.at_rest().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_takes_over_a_part_that_no_server_has() {
    let (mut servers, gate) = (Servers::start(&["api", "api,dispatch"]).await, Gate::new().await);
    let task = create(&servers.all[0], &gate.every_minute("T", OverlapPolicy::Allow)).await;
    servers.clock.set("2026-01-01T00:01:00Z");
    justiam_tests::until("the tick", async || !history(&servers.all[0].client, task.id).await.is_empty()).await;
    let run = &history(&servers.all[0].client, task.id).await[0];
    gate.assert_nobody().await;
    assert_eq!(servers.all[1].client.runs().get(run.id).await.unwrap().status, RunStatus::Queued);
    // The one that was missing takes up what waits.
    servers.all.push(super::replica(&servers.database, &servers.clock, "work").await);
    gate.visitor().await.release("at last").await;
    assert_eq!(servers.all[0].ended(run.id).await.output.as_deref(), Some("at last"));
    servers.at_rest().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_without_the_api_says_only_how_it_is() {
    let servers = Servers::start(&["api", "dispatch,work"]).await;
    let (other, http) = (&servers.all[1], reqwest::Client::new());
    let status = async |method: reqwest::Method, path: &str| {
        let request = http.request(method, format!("{}{path}", other.endpoint)).bearer_auth(&other.token);
        request.send().await.unwrap().status()
    };
    for path in ["/health", "/health/ready", "/metrics"] {
        assert_eq!(status(reqwest::Method::GET, path).await, StatusCode::OK, "{path}");
    }
    for (method, path) in [
        (reqwest::Method::GET, "/api/v1/tasks"),
        (reqwest::Method::POST, "/api/v1/tasks"),
        (reqwest::Method::GET, "/api/v1/task-runs"),
        (reqwest::Method::GET, "/api/v1/audit-log"),
    ] {
        assert_eq!(status(method, path).await, StatusCode::NOT_FOUND, "{path}");
    }
}

async fn serve(args: &[&str], database_url: Option<&str>) -> Output {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(program("justiam-server"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path().join("data")).args(args);
    command.env_remove("DATABASE_URL").env_remove("JWT_SECRET").stdin(Stdio::null()).kill_on_drop(true);
    if let Some(url) = database_url {
        command.env("DATABASE_URL", url);
    }
    justiam_tests::soon("the program to end", command.output()).await.unwrap()
}

#[tokio::test]
async fn a_part_of_the_roles_is_refused_on_sqlite() {
    for roles in ["api", "dispatch,work", "api,dispatch"] {
        let output = serve(&["--roles", roles], None).await;
        let error =
            "error: a server on SQLite is alone, so it has all roles; roles can be split among servers on PostgreSQL\n";
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), error));
    }
    for roles in ["", "api,,work", "leader"] {
        let output = serve(&["--roles", roles], None).await;
        assert_eq!(output.status.code(), Some(2), "{roles}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("is not a role; there are api, dispatch, work"), "{said}");
    }
}

#[tokio::test]
async fn servers_on_postgres_without_a_shared_secret_are_refused() {
    let database = postgres::database().await;
    let output = serve(&[], Some(&database.url)).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.ends_with("set JWT_SECRET or name a file with it, the same for all of them\n"), "{said}");
    // Nothing was begun.
    let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
    let tables: i64 = sqlx::query_scalar(sql).fetch_one(&mut database.connect().await).await.unwrap();
    assert_eq!(tables, 0);
}
