//! Figures for monitoring: `GET /metrics`.

use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use justiam_server::app::caller::Permission;
use justiam_tests::until;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};

use super::support::{Api, answer, hourly};

async fn scrape(api: &Api) -> String {
    api.get("/metrics").await.expect(200).text
}

/// The value of a line.
#[track_caller]
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("there is no {name} in:\n{text}"))
}

#[tokio::test]
async fn a_fresh_server_has_nothing_to_tell() {
    let api = Api::start().await;
    let answer = api.get("/metrics").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.text.ends_with("# EOF\n"), "{}", answer.text);
    for (name, expected) in [
        (r#"justiam_runs{status="queued"}"#, "0"),
        (r#"justiam_runs{status="running"}"#, "0"),
        (r#"justiam_steps{status="queued"}"#, "0"),
        (r#"justiam_steps{status="processing"}"#, "0"),
        ("justiam_due_lag_seconds", "0.0"),
    ] {
        assert_eq!(value(&answer.text, name), expected);
    }
    for checked in api.server.invariants().await {
        let name = format!("justiam_invariant_violations{{invariant=\"{}\"}}", checked.name);
        assert_eq!(value(&answer.text, &name), "0");
    }
}

#[tokio::test]
async fn active_runs_are_counted_and_the_database_is_asked_once_a_second() {
    let api = Api::start().await;
    let client = &api.server.client;
    let before = scrape(&api).await;
    let mut new = NewTask::triggered_script("T", "package task\nfunc Run() (string, error) { select {} }");
    new.overlap_policy = Some(OverlapPolicy::Queue);
    let task = client.tasks().create(&new).await.unwrap();
    let first = client.tasks().run(task.id).await.unwrap();
    client.tasks().run(task.id).await.unwrap();
    client.tasks().run(task.id).await.unwrap();
    until("a run to start", async || client.runs().get(first.id).await.unwrap().status == RunStatus::Running).await;
    assert_eq!(scrape(&api).await, before);
    api.server.advance(1);
    let text = scrape(&api).await;
    assert_eq!(value(&text, r#"justiam_runs{status="queued"}"#), "2");
    assert_eq!(value(&text, r#"justiam_runs{status="running"}"#), "1");
    client.tasks().delete(task.id).await.unwrap();
    until("the run to end", async || client.runs().get(first.id).await.unwrap().status.is_terminal()).await;
    // A clock that is set back makes nothing old look new.
    api.server.clock.set("2025-12-31T00:00:00Z");
    assert_eq!(scrape(&api).await, before);
}

#[tokio::test]
async fn an_overdue_task_and_a_violation_show() {
    let api = Api::start().await;
    api.task("T").await;
    let mut new = hourly("U");
    new.enabled = Some(false);
    api.server.client.tasks().create(&new).await.unwrap();
    // The dispatcher rests until the time that it knows of.
    let file = api.server.data_dir().join("server/justiam.db");
    let mut database = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    let mut text = String::new();
    // A dispatcher that was woken by the creation may look just now, and catch up.
    until("the dispatcher to rest", async || {
        let sql = "UPDATE tasks SET next_run_at = 1767225600000000 - 90500000 WHERE name IN ('T', 'U')";
        database.execute(sql).await.unwrap();
        text = scrape(&api).await;
        value(&text, "justiam_due_lag_seconds") == "90.5"
    })
    .await;
    assert_eq!(value(&text, r#"justiam_invariant_violations{invariant="overdue_task"}"#), "1");
    assert_eq!(value(&text, r#"justiam_invariant_violations{invariant="lease_ended"}"#), "0");
}

#[tokio::test]
async fn figures_are_for_who_may_see_tasks() {
    let api = Api::start().await;
    answer(api.anonymous("GET", "/metrics")).await.refused(401, "UNAUTHORISED");
    let other = [Permission::TasksManage, Permission::TasksRun, Permission::SecretsWrite];
    // Asked before, so that the figures are at hand.
    scrape(&api).await;
    let token = api.server.token_with(&other).await;
    answer(api.anonymous("GET", "/metrics").bearer_auth(token)).await.refused(403, "FORBIDDEN");
    let token = api.server.token_with(&[Permission::TasksView]).await;
    answer(api.anonymous("GET", "/metrics").bearer_auth(&token)).await.expect(200);
    answer(api.anonymous("GET", "/metrics").header("X-API-Key", &token)).await.expect(200);
    answer(api.request("POST", "/metrics")).await.expect(405);
}
