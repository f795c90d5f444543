//! What edits do to the next time of a cron task.

use justiam_sdk::api::tasks::{NewTask, TaskPatch};
use justiam_tests::server::TestServer;

use super::support::{cheap, create, dispatched, history, ticks};

async fn patch(
    server: &TestServer,
    task: &justiam_sdk::api::tasks::Task,
    change: impl FnOnce(&mut TaskPatch),
) -> String {
    let mut patch = TaskPatch::new();
    change(&mut patch);
    let task = server.client.tasks().update(task.id, &patch).await.unwrap();
    task.next_run_at.map(|next| next.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn a_disabled_task_keeps_its_next_time_and_does_not_fire() {
    let server = TestServer::start().await;
    let task = create(&server, &cheap("T", "0 * * * *")).await;
    assert_eq!(patch(&server, &task, |patch| patch.enabled = Some(false)).await, "2026-01-01T01:00:00Z");
    server.clock.set("2026-01-01T03:30:00Z");
    dispatched(&server).await;
    let server = server.restart().await;
    dispatched(&server).await;
    assert_eq!(history(&server.client, task.id).await, []);
    // The past stays the past: enabled at 03:30, it fires next at 04:00.
    assert_eq!(patch(&server, &task, |patch| patch.enabled = Some(true)).await, "2026-01-01T04:00:00Z");
    dispatched(&server).await;
    assert_eq!(history(&server.client, task.id).await, []);
    server.clock.set("2026-01-01T04:00:00Z");
    dispatched(&server).await;
    assert_eq!(ticks(&history(&server.client, task.id).await), [("2026-01-01T04:00:00Z".to_owned(), 0)]);
}

#[tokio::test]
async fn another_schedule_counts_from_now_also_while_disabled() {
    let server = TestServer::start().await;
    let task = create(&server, &cheap("T", "0 12 * * *")).await;
    server.clock.set("2026-01-01T06:10:00Z");
    let cron = |expr: &'static str| move |patch: &mut TaskPatch| patch.cron_expr = Some(Some(expr.into()));
    assert_eq!(patch(&server, &task, cron("0 * * * *")).await, "2026-01-01T07:00:00Z");
    patch(&server, &task, |patch| patch.enabled = Some(false)).await;
    assert_eq!(patch(&server, &task, cron("30 7 * * *")).await, "2026-01-01T07:30:00Z");
    assert_eq!(
        patch(&server, &task, |patch| patch.timezone = Some("Europe/Zurich".into())).await,
        "2026-01-01T06:30:00Z"
    );
    patch(&server, &task, |patch| patch.enabled = Some(true)).await;
    server.clock.set("2026-01-01T06:30:00Z");
    dispatched(&server).await;
    assert_eq!(ticks(&history(&server.client, task.id).await), [("2026-01-01T06:30:00Z".to_owned(), 0)]);
}

#[tokio::test]
async fn an_earlier_time_wakes_the_dispatcher() {
    let server = TestServer::start().await;
    let task = create(&server, &cheap("T", "0 12 * * *")).await;
    dispatched(&server).await;
    // One second from now, while the dispatcher sleeps until noon or for half a minute.
    server.clock.set("2026-01-01T00:00:59Z");
    patch(&server, &task, |patch| patch.cron_expr = Some(Some("* * * * *".into()))).await;
    dispatched(&server).await;
    server.clock.set("2026-01-01T00:01:00Z");
    justiam_tests::until("the tick", async || !history(&server.client, task.id).await.is_empty()).await;
}

#[tokio::test]
async fn edits_of_other_fields_leave_the_next_time_alone() {
    let server = TestServer::start().await;
    let task = create(&server, &cheap("T", "0 * * * *")).await;
    server.clock.set("2026-01-01T00:59:59Z");
    let put: NewTask = serde_json::from_value(serde_json::json!({
        "name": "Renamed", "task_type": "audit_log_cleanup", "schedule_type": "cron", "cron_expr": "0 * * * *",
    }))
    .unwrap();
    server.client.tasks().replace(task.id, &put).await.unwrap();
    patch(&server, &task, |patch| patch.timeout_seconds = Some(3)).await;
    patch(&server, &task, |patch| patch.cron_expr = Some(Some("0 * * * *".into()))).await;
    assert_eq!(patch(&server, &task, |patch| patch.enabled = Some(true)).await, "2026-01-01T01:00:00Z");
    server.clock.set("2026-01-01T01:00:00Z");
    dispatched(&server).await;
    let runs = history(&server.client, task.id).await;
    assert_eq!((runs.len(), runs[0].task_name.as_str()), (1, "Renamed"));
}
