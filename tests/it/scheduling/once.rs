//! Tasks that fire at most one time by themselves.

use jiff::Timestamp;
use justiam_sdk::api::tasks::{NewTask, TaskPatch};
use justiam_sdk::api::values::{ScheduleType, TaskType, Trigger};
use justiam_tests::server::TestServer;

use super::support::{create, dispatched, history, ticks};

fn once(run_at: Option<&str>) -> NewTask {
    let mut new = NewTask::new("Once", TaskType::AuditLogCleanup, ScheduleType::Once);
    new.run_at = run_at.map(at);
    new
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_task_with_an_instant_fires_there_and_never_again() {
    let server = TestServer::start().await;
    let task = create(&server, &once(Some("2026-01-01T08:00:00Z"))).await;
    assert_eq!(task.next_run_at, task.run_at);
    server.clock.set("2026-01-01T07:59:59Z");
    dispatched(&server).await;
    assert_eq!(history(&server.client, task.id).await, []);
    server.clock.set("2026-01-01T08:00:00Z");
    dispatched(&server).await;
    let runs = history(&server.client, task.id).await;
    assert_eq!((ticks(&runs), &runs[0].trigger), (vec![("2026-01-01T08:00:00Z".to_owned(), 0)], &Trigger::Once));
    let task = server.client.tasks().get(task.id).await.unwrap();
    assert_eq!((task.enabled, task.next_run_at, task.run_at), (true, None, Some(at("2026-01-01T08:00:00Z"))));
    server.clock.set("2026-01-03T08:00:00Z");
    let server = server.restart().await;
    dispatched(&server).await;
    assert_eq!(history(&server.client, task.id).await.len(), 1);
}

#[tokio::test]
async fn an_instant_in_the_past_is_at_once() {
    let server = TestServer::start().await;
    let task = create(&server, &once(Some("2020-02-02T02:02:02Z"))).await;
    dispatched(&server).await;
    let runs = history(&server.client, task.id).await;
    // Its nominal time is now, so that the same instant can be armed again.
    assert_eq!((ticks(&runs), &runs[0].trigger), (vec![("2026-01-01T00:00:00Z".to_owned(), 0)], &Trigger::Once));
    assert_eq!(server.client.tasks().get(task.id).await.unwrap().run_at, task.run_at);
}

#[tokio::test]
async fn only_another_instant_arms_a_task_again() {
    let server = TestServer::start().await;
    let task = create(&server, &once(Some("2026-01-01T00:00:00Z"))).await;
    dispatched(&server).await;
    let update = async |change: fn(&mut TaskPatch)| {
        let mut patch = TaskPatch::new();
        change(&mut patch);
        let task = server.client.tasks().update(task.id, &patch).await.unwrap();
        dispatched(&server).await;
        (task.next_run_at, history(&server.client, task.id).await.len())
    };
    assert_eq!(update(|patch| patch.run_at = Some(Some(at("2026-01-01T00:00:00Z")))).await, (None, 1));
    assert_eq!(update(|patch| patch.enabled = Some(false)).await, (None, 1));
    assert_eq!(update(|patch| patch.enabled = Some(true)).await, (None, 1));
    assert_eq!(update(|patch| patch.description = Some(Some("x".into()))).await, (None, 1));
    let next = at("2026-01-01T09:00:00Z");
    assert_eq!(update(|patch| patch.run_at = Some(Some(at("2026-01-01T09:00:00Z")))).await, (Some(next), 1));
    server.clock.set("2026-01-01T09:00:00Z");
    dispatched(&server).await;
    assert_eq!(history(&server.client, task.id).await.len(), 2);
    assert_eq!(update(|patch| patch.run_at = Some(None)).await, (None, 2));
}

#[tokio::test]
async fn a_disabled_task_waits_with_its_instant_until_it_is_enabled() {
    let server = TestServer::start().await;
    let mut new = once(Some("2026-01-01T01:00:00Z"));
    new.enabled = Some(false);
    let task = create(&server, &new).await;
    server.clock.set("2026-01-01T02:00:00Z");
    dispatched(&server).await;
    assert_eq!(history(&server.client, task.id).await, []);
    let mut patch = TaskPatch::new();
    patch.enabled = Some(true);
    server.client.tasks().update(task.id, &patch).await.unwrap();
    dispatched(&server).await;
    assert_eq!(ticks(&history(&server.client, task.id).await), [("2026-01-01T01:00:00Z".to_owned(), 0)]);
}

#[tokio::test]
async fn without_an_instant_only_a_trigger_runs_it() {
    let server = TestServer::start().await;
    let task = create(&server, &once(None)).await;
    assert_eq!(task.next_run_at, None);
    server.clock.set("2026-12-01T00:00:00Z");
    dispatched(&server).await;
    assert_eq!(history(&server.client, task.id).await, []);
    let run = server.client.tasks().run(task.id).await.unwrap();
    server.ended(run.id).await;
    assert_eq!(history(&server.client, task.id).await.len(), 1);
}
