//! What becomes of a run while others of its task are active: every policy, for ticks and for triggers.

use std::sync::Arc;

use justiam_sdk::api::runs::Run;
use justiam_sdk::api::tasks::{Task, TaskPatch};
use justiam_sdk::api::values::{OverlapPolicy, RunStatus, Trigger};
use justiam_server::Server;
use justiam_server::clock::SystemClock;
use justiam_server::config::Config;
use justiam_tests::server::TestServer;

use super::support::{Gate, Visitor, create, dispatched, history, reaches, statuses};

/// A task that fires on every full minute, whose first run waits at the gate ten seconds before the next tick.
struct Busy {
    server: TestServer,
    gate: Gate,
    task: Task,
    first: Run,
    visitor: Visitor,
}

async fn busy(policy: OverlapPolicy) -> Busy {
    let (server, gate) = (TestServer::start().await, Gate::new().await);
    server.clock.set("2026-01-01T00:00:50Z");
    let task = create(&server, &gate.every_minute("Busy", policy)).await;
    let first = server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    Busy { server, gate, task, first, visitor }
}

/// Fires a task once more, by a trigger or by its next tick, and returns the run.
async fn fire(server: &TestServer, task: &Task, by: &Trigger) -> Run {
    if *by == Trigger::Manual {
        return server.client.tasks().run(task.id).await.unwrap();
    }
    let before = history(&server.client, task.id).await.len();
    server.clock.set("2026-01-01T00:01:00Z");
    dispatched(server).await;
    let runs = history(&server.client, task.id).await;
    assert_eq!(runs.len(), before + 1);
    let run = runs.last().unwrap().clone();
    assert_eq!((&run.trigger, run.scheduled_for.to_string()), (by, "2026-01-01T00:01:00Z".to_owned()));
    run
}

const WAYS: [Trigger; 2] = [Trigger::Manual, Trigger::Cron];

#[tokio::test]
async fn allow_lets_runs_be_at_work_side_by_side() {
    for by in WAYS {
        let Busy { server, gate, task, first, visitor } = busy(OverlapPolicy::Allow).await;
        let second = fire(&server, &task, &by).await;
        let other = gate.visitor().await;
        assert_eq!(statuses(&history(&server.client, task.id).await), [&RunStatus::Running; 2]);
        other.release("second").await;
        assert_eq!(server.ended(second.id).await.output.as_deref(), Some("second"));
        visitor.release("first").await;
        assert_eq!(server.ended(first.id).await.output.as_deref(), Some("first"));
    }
}

#[tokio::test]
async fn skip_records_a_cancelled_run_that_names_the_active_one() {
    for by in WAYS {
        let Busy { server, gate, task, first, visitor } = busy(OverlapPolicy::Skip).await;
        let second = fire(&server, &task, &by).await;
        assert_eq!(second.status, RunStatus::Cancelled);
        let reason = format!("skipped: run {} of this task is still active", first.id);
        assert_eq!((second.reason.as_ref(), second.started_at), (Some(&reason), None));
        assert_eq!((second.finished_at, second.attempt), (Some(second.queued_at), 0));
        visitor.release("first").await;
        assert_eq!(server.ended(first.id).await.status, RunStatus::Success);
        gate.assert_nobody().await;
        // With nobody active the next one runs.
        let third = server.client.tasks().run(task.id).await.unwrap();
        gate.visitor().await.release("third").await;
        assert_eq!(server.ended(third.id).await.output.as_deref(), Some("third"));
        let task = server.client.tasks().get(task.id).await.unwrap();
        assert_eq!(task.last_status, Some(RunStatus::Success));
    }
}

#[tokio::test]
async fn queue_runs_one_after_the_other_in_the_order_of_arrival() {
    for by in WAYS {
        let Busy { server, gate, task, first, mut visitor } = busy(OverlapPolicy::Queue).await;
        let second = fire(&server, &task, &Trigger::Manual).await;
        let third = fire(&server, &task, &by).await;
        let fourth = fire(&server, &task, &Trigger::Manual).await;
        for (running, waiting) in [
            (&first, vec![&second, &third, &fourth]),
            (&second, vec![&third, &fourth]),
            (&third, vec![&fourth]),
            (&fourth, vec![]),
        ] {
            assert_eq!(server.client.runs().get(running.id).await.unwrap().status, RunStatus::Running);
            for run in &waiting {
                assert_eq!(server.client.runs().get(run.id).await.unwrap().status, RunStatus::Queued);
            }
            gate.assert_nobody().await;
            visitor.release(&running.id.to_string()).await;
            let ended = server.ended(running.id).await;
            assert_eq!(ended.output, Some(running.id.to_string()));
            if waiting.is_empty() {
                break;
            }
            visitor = gate.visitor().await;
        }
        let runs = history(&server.client, task.id).await;
        assert_eq!(statuses(&runs), [&RunStatus::Success; 4]);
    }
}

#[tokio::test]
async fn replace_ends_the_active_run_before_the_new_one_starts() {
    for by in WAYS {
        let Busy { server, gate, task, first, mut visitor } = busy(OverlapPolicy::Replace).await;
        let second = fire(&server, &task, &by).await;
        let other = gate.visitor().await;
        assert!(visitor.is_gone().await, "both were at work");
        let replaced = server.client.runs().get(first.id).await.unwrap();
        assert_eq!(replaced.status, RunStatus::Cancelled);
        assert_eq!(replaced.reason, Some(format!("replaced by run {}", second.id)));
        assert_eq!((replaced.output, replaced.error), (None, None));
        other.release("second").await;
        assert_eq!(server.ended(second.id).await.output.as_deref(), Some("second"));
        assert_eq!(history(&server.client, task.id).await.len(), 2);
    }
}

#[tokio::test]
async fn replace_cancels_what_was_still_waiting() {
    let Busy { server, gate, task, visitor, .. } = busy(OverlapPolicy::Queue).await;
    let waiting = server.client.tasks().run(task.id).await.unwrap();
    edit(&server, &task, OverlapPolicy::Replace).await;
    let last = server.client.tasks().run(task.id).await.unwrap();
    visitor.gone().await;
    gate.visitor().await.release("last").await;
    assert_eq!(server.ended(last.id).await.output.as_deref(), Some("last"));
    let waiting = server.client.runs().get(waiting.id).await.unwrap();
    assert_eq!((waiting.status, waiting.started_at), (RunStatus::Cancelled, None));
    assert_eq!(waiting.reason, Some(format!("replaced by run {}", last.id)));
}

#[tokio::test]
async fn runs_that_wait_keep_their_turn_when_the_policy_becomes_one_without_concurrency() {
    for policy in [OverlapPolicy::Skip, OverlapPolicy::Replace] {
        let Busy { server, gate, task, first, visitor } = busy(OverlapPolicy::Queue).await;
        let second = server.client.tasks().run(task.id).await.unwrap();
        let third = server.client.tasks().run(task.id).await.unwrap();
        edit(&server, &task, policy).await;
        visitor.release("first").await;
        server.ended(first.id).await;
        let visitor = gate.visitor().await;
        assert_eq!(reaches(&server, &second, RunStatus::Running).await.attempt, 1);
        assert_eq!(server.client.runs().get(third.id).await.unwrap().status, RunStatus::Queued);
        visitor.release("second").await;
        gate.visitor().await.release("third").await;
        assert_eq!(server.ended(third.id).await.output.as_deref(), Some("third"));
    }
}

#[tokio::test]
async fn runs_that_wait_start_when_the_policy_becomes_allow() {
    let Busy { server, gate, task, visitor, .. } = busy(OverlapPolicy::Queue).await;
    for _ in 0..2 {
        server.client.tasks().run(task.id).await.unwrap();
    }
    edit(&server, &task, OverlapPolicy::Allow).await;
    let (one, two) = (gate.visitor().await, gate.visitor().await);
    for visitor in [visitor, one, two] {
        visitor.release("x").await;
    }
}

#[tokio::test]
async fn tasks_do_not_wait_for_each_other() {
    let Busy { server, gate, visitor, .. } = busy(OverlapPolicy::Queue).await;
    let other = create(&server, &gate.task("Other", OverlapPolicy::Queue)).await;
    let run = server.client.tasks().run(other.id).await.unwrap();
    gate.visitor().await.release("other").await;
    assert_eq!(server.ended(run.id).await.status, RunStatus::Success);
    visitor.release("first").await;
}

#[tokio::test]
async fn there_are_no_more_runs_at_work_than_workers() {
    let (server, gate) = (TestServer::start_with(|config| config.workers = 2).await, Gate::new().await);
    let task = create(&server, &gate.task("Many", OverlapPolicy::Allow)).await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(server.client.tasks().run(task.id).await.unwrap());
    }
    let (one, two) = (gate.visitor().await, gate.visitor().await);
    let expected = [&RunStatus::Running, &RunStatus::Running, &RunStatus::Queued, &RunStatus::Queued];
    assert_eq!(statuses(&history(&server.client, task.id).await), expected);
    gate.assert_nobody().await;
    one.release("x").await;
    let three = gate.visitor().await;
    two.release("x").await;
    let four = gate.visitor().await;
    three.release("x").await;
    four.release("x").await;
    for run in runs {
        assert_eq!(server.ended(run.id).await.status, RunStatus::Success);
    }
}

async fn edit(server: &TestServer, task: &Task, policy: OverlapPolicy) {
    let mut patch = TaskPatch::new();
    patch.overlap_policy = Some(policy);
    server.client.tasks().update(task.id, &patch).await.unwrap();
}

#[tokio::test]
async fn the_operator_says_how_many_runs_may_wait() {
    let (server, gate) = (TestServer::start_with(|config| config.queue_limit = 2).await, Gate::new().await);
    let task = create(&server, &gate.task("T", OverlapPolicy::Queue)).await;
    server.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    for _ in 0..2 {
        assert_eq!(server.client.tasks().run(task.id).await.unwrap().status, RunStatus::Queued);
    }
    let refused = server.client.tasks().run(task.id).await.unwrap();
    let reason = "not queued: 2 runs of this task are waiting already";
    assert_eq!((refused.status, refused.reason.as_deref()), (RunStatus::Cancelled, Some(reason)));
    visitor.release("first").await;
    for _ in 0..2 {
        gate.visitor().await.release("next").await;
    }
}

#[tokio::test]
async fn a_setting_out_of_its_range_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path().join("server"));
    config.queue_limit = 0;
    let refused = Server::open(config.clone(), Arc::new(SystemClock)).await.err().unwrap();
    assert_eq!(refused.to_string(), "queue_limit must be from 1 to 100000, not 0");
    (config.queue_limit, config.workers) = (1, 10_001);
    let refused = Server::open(config, Arc::new(SystemClock)).await.err().unwrap();
    assert_eq!(refused.to_string(), "workers must be from 1 to 10000, not 10001");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
