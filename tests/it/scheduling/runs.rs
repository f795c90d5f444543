//! Runs that are timed out, cancelled, or lose their task.

use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use justiam_tests::server::TestServer;

use super::support::{Gate, create, history, statuses};

#[tokio::test]
async fn a_script_that_sleeps_for_31_seconds_is_timed_out_after_30() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let mut new = gate.task("Sleepy", OverlapPolicy::Allow);
    let sleep = "time.Sleep(31 * time.Second)\n\ttold, err :=";
    new.script =
        Some(new.script.unwrap().replace("told, err :=", sleep).replace("\"strings\"", "\"strings\"\n\t\"time\""));
    let task = create(&server, &new).await;
    let run = server.client.tasks().run(task.id).await.unwrap();
    let mut visitor = gate.visitor().await;
    server.advance(29);
    assert!(!visitor.is_gone().await);
    server.advance(1);
    let run = server.ended(run.id).await;
    assert_eq!((run.status, run.error.as_deref()), (RunStatus::Error, Some("timed out after 30 s")));
    assert_eq!((run.duration_ms, run.output), (Some(30_000), None));
    visitor.gone().await;
}

#[tokio::test]
async fn a_task_can_have_a_shorter_limit() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let mut new = gate.task("Quick", OverlapPolicy::Allow);
    new.timeout_seconds = Some(1);
    let task = create(&server, &new).await;
    let run = server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    server.advance(1);
    assert_eq!(server.ended(run.id).await.error.as_deref(), Some("timed out after 1 s"));
    visitor.gone().await;
}

#[tokio::test]
async fn time_in_the_queue_does_not_count() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let task = create(&server, &gate.task("Patient", OverlapPolicy::Queue)).await;
    server.client.tasks().run(task.id).await.unwrap();
    let first = gate.visitor().await;
    let second = server.client.tasks().run(task.id).await.unwrap();
    server.advance(25);
    first.release("first").await;
    let visitor = gate.visitor().await;
    server.advance(25);
    visitor.release("second").await;
    let run = server.ended(second.id).await;
    assert_eq!((run.status, run.duration_ms), (RunStatus::Success, Some(25_000)));
    assert_eq!(run.started_at.unwrap().duration_since(run.queued_at).as_secs(), 25);
}

#[tokio::test]
async fn a_waiting_run_is_cancelled_at_once_and_gives_its_turn_away() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let task = create(&server, &gate.task("T", OverlapPolicy::Queue)).await;
    let first = server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let second = server.client.tasks().run(task.id).await.unwrap();
    let third = server.client.tasks().run(task.id).await.unwrap();
    server.advance(5);
    let cancelled = server.client.runs().cancel(second.id).await.unwrap();
    assert_eq!((&cancelled.status, cancelled.reason.as_deref()), (&RunStatus::Cancelled, Some("cancelled by admin")));
    assert_eq!(cancelled.finished_at, Some("2026-01-01T00:00:05Z".parse().unwrap()));
    assert_eq!((cancelled.started_at, cancelled.duration_ms), (None, None));
    visitor.release("first").await;
    assert_eq!(server.ended(first.id).await.status, RunStatus::Success);
    gate.visitor().await.release("third").await;
    assert_eq!(server.ended(third.id).await.output.as_deref(), Some("third"));
    assert_eq!(server.client.runs().get(second.id).await.unwrap(), cancelled);
}

#[tokio::test]
async fn a_running_run_is_stopped_and_then_cancelled() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let task = create(&server, &gate.task("T", OverlapPolicy::Skip)).await;
    let run = server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    server.client.runs().cancel(run.id).await.unwrap();
    visitor.gone().await;
    let run = server.ended(run.id).await;
    assert_eq!((run.status, run.reason.as_deref()), (RunStatus::Cancelled, Some("cancelled by admin")));
    assert_eq!((run.output, run.error), (None, None));
    assert_eq!(server.client.tasks().get(task.id).await.unwrap().last_status, Some(RunStatus::Cancelled));
    let error = server.client.runs().cancel(run.id).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
}

#[tokio::test]
async fn a_deleted_task_takes_its_runs_with_it_and_leaves_their_history() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let task = create(&server, &gate.every_minute("Doomed", OverlapPolicy::Queue)).await;
    let done = server.client.tasks().run(task.id).await.unwrap();
    gate.visitor().await.release("done").await;
    server.ended(done.id).await;
    let running = server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let waiting = server.client.tasks().run(task.id).await.unwrap();
    server.client.tasks().delete(task.id).await.unwrap();
    visitor.gone().await;
    server.ended(running.id).await;
    let runs = history(&server.client, task.id).await;
    assert_eq!(statuses(&runs), [&RunStatus::Success, &RunStatus::Cancelled, &RunStatus::Cancelled]);
    assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [done.id, running.id, waiting.id]);
    for run in &runs[1..] {
        assert_eq!((run.reason.as_deref(), run.task_name.as_str()), (Some("the task was deleted"), "Doomed"));
    }
    // Its ticks are gone as well, and its name is free.
    server.clock.set("2026-01-01T02:00:00Z");
    create(&server, &NewTask::triggered_script("Doomed", super::support::SCRIPT)).await;
    super::support::dispatched(&server).await;
    assert_eq!(history(&server.client, task.id).await.len(), 3);
}

#[tokio::test]
async fn a_run_uses_the_definition_of_the_moment_at_which_it_starts() {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    let task = create(&server, &gate.task("Old name", OverlapPolicy::Queue)).await;
    let first = server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let second = server.client.tasks().run(task.id).await.unwrap();
    let put = NewTask::triggered_script("New name", super::support::SCRIPT);
    server.client.tasks().replace(task.id, &put).await.unwrap();
    visitor.release("old").await;
    assert_eq!(server.ended(first.id).await.output.as_deref(), Some("old"));
    let second = server.ended(second.id).await;
    assert_eq!((second.output.as_deref(), second.task_name.as_str()), (Some("done"), "Old name"));
}
