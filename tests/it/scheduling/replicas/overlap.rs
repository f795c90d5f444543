//! Overlap policies and cancels, where trigger, tick and script are at different servers.

use std::cmp::Ordering;
use std::time::Duration;

use futures::future::join_all;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use sqlx::Executor as _;
use tokio::time::timeout;

use super::super::support::{Gate, create, history, statuses};
use super::{ALL, Servers};

/// How long a cancel may take to reach a script, in real time.
const REACH: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_queue_keeps_its_order_whoever_was_asked() {
    let (servers, gate) = (Servers::start(&[ALL; 3]).await, Gate::new().await);
    let task = create(servers.any(0), &gate.task("T", OverlapPolicy::Queue)).await;
    let mut runs = Vec::new();
    for n in 0..6 {
        runs.push(servers.any(n).client.tasks().run(task.id).await.unwrap());
    }
    for (n, run) in runs.iter().enumerate() {
        let visitor = gate.visitor().await;
        for (other, run) in runs.iter().enumerate() {
            let expected = match other.cmp(&n) {
                Ordering::Less => RunStatus::Success,
                Ordering::Equal => RunStatus::Running,
                Ordering::Greater => RunStatus::Queued,
            };
            assert_eq!(servers.any(n + 1).client.runs().get(run.id).await.unwrap().status, expected);
        }
        gate.assert_nobody().await;
        visitor.release(&run.id.to_string()).await;
        assert_eq!(servers.any(n + 2).ended(run.id).await.output, Some(run.id.to_string()));
    }
}

/// Records runs that wait, as if somebody had triggered the task.
const WAITING: &str = "INSERT INTO runs (id, task_id, task_name, trigger, scheduled_for, queued_at) \
    SELECT CAST(gen_random_uuid() AS TEXT), id, name, 'manual', created_at, created_at \
    FROM tasks, generate_series(1, 980) WHERE name = 'T'; \
    INSERT INTO active_runs (id, task_id, status, ready) SELECT id, task_id, 'queued', FALSE \
    FROM runs WHERE status IS NULL AND id NOT IN (SELECT id FROM active_runs)";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_queue_has_room_for_a_thousand_however_many_ask_at_once() {
    let (mut servers, gate) = (Servers::start(&[ALL; 3]).await, Gate::new().await);
    let task = create(servers.any(0), &gate.task("T", OverlapPolicy::Queue)).await;
    servers.any(1).client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    servers.watch.execute(WAITING).await.unwrap();
    let runs = join_all((0..40).map(async |n| servers.any(n).client.tasks().run(task.id).await.unwrap())).await;
    let full: Vec<_> = runs.iter().filter(|run| run.status == RunStatus::Cancelled).collect();
    assert_eq!((full.len(), runs.iter().filter(|run| run.status == RunStatus::Queued).count()), (20, 20));
    for run in full {
        assert_eq!(run.reason.as_deref(), Some("not queued: 1000 runs of this task are waiting already"));
        assert_eq!((run.started_at, run.finished_at, run.attempt), (None, Some(run.queued_at), 0));
    }
    servers.any(2).client.tasks().delete(task.id).await.unwrap();
    visitor.gone().await;
    servers.at_rest().await;
    let cancelled = "SELECT count(*) FROM runs WHERE task_name = 'T' AND status = 'cancelled'";
    assert_eq!(servers.number(cancelled).await, 1021);
    gate.assert_nobody().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replace_ends_the_old_script_wherever_it_runs() {
    let (servers, gate) = (Servers::start(&["api", "api,dispatch", "work", "work"]).await, Gate::new().await);
    servers.clock.set("2026-01-01T00:00:50Z");
    let task = create(servers.any(0), &gate.every_minute("T", OverlapPolicy::Replace)).await;
    let client = &servers.all[1].client;
    let mut run = client.tasks().run(task.id).await.unwrap();
    let mut visitor = gate.visitor().await;
    for n in 0..4 {
        let next = servers.all[n % 2].client.tasks().run(task.id).await.unwrap();
        let newer = gate.visitor().await;
        assert!(visitor.is_gone().await, "both were at work");
        let old = client.runs().get(run.id).await.unwrap();
        assert_eq!((old.status, old.reason), (RunStatus::Cancelled, Some(format!("replaced by run {}", next.id))));
        (run, visitor) = (next, newer);
    }
    // A tick does the same.
    servers.clock.set("2026-01-01T00:01:00Z");
    let newer = gate.visitor().await;
    assert!(visitor.is_gone().await, "both were at work");
    let runs = history(client, task.id).await;
    assert_eq!(statuses(&runs)[..5], [&RunStatus::Cancelled; 5]);
    newer.release("last").await;
    assert_eq!(servers.any(0).ended(runs[5].id).await.output.as_deref(), Some("last"));
    assert_eq!(history(client, task.id).await.len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn skip_names_the_run_that_is_at_work_elsewhere() {
    let (servers, gate) = (Servers::start(&["api", "api,dispatch", "work"]).await, Gate::new().await);
    let task = create(servers.any(0), &gate.task("T", OverlapPolicy::Skip)).await;
    let first = servers.any(0).client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    // All of them at once: a look and a record that are not one step would let one through.
    let asking = join_all((0..10).map(async |n| servers.any(n % 2).client.tasks().run(task.id).await.unwrap()));
    for run in asking.await {
        let reason = format!("skipped: run {} of this task is still active", first.id);
        assert_eq!((run.status, run.reason), (RunStatus::Cancelled, Some(reason)));
    }
    visitor.release("first").await;
    assert_eq!(servers.any(1).ended(first.id).await.status, RunStatus::Success);
    gate.assert_nobody().await;
    // With nobody at work, one of ten gets through.
    let runs = join_all((0..10).map(async |n| servers.any(n % 2).client.tasks().run(task.id).await.unwrap())).await;
    let waiting: Vec<_> = runs.iter().filter(|run| !run.status.is_terminal()).collect();
    assert_eq!(waiting.len(), 1);
    gate.visitor().await.release("second").await;
    assert_eq!(servers.any(0).ended(waiting[0].id).await.output.as_deref(), Some("second"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancel_reaches_a_script_at_another_server() {
    let (mut servers, gate) = (Servers::start(&["api", "work", "api,dispatch"]).await, Gate::new().await);
    let task = create(servers.any(0), &gate.task("T", OverlapPolicy::Queue)).await;
    let run = servers.any(0).client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let waiting = servers.any(0).client.tasks().run(task.id).await.unwrap();
    let waiting = servers.any(2).client.runs().cancel(waiting.id).await.unwrap();
    assert_eq!((waiting.status, waiting.started_at), (RunStatus::Cancelled, None));
    servers.any(2).client.runs().cancel(run.id).await.unwrap();
    timeout(REACH, visitor.gone()).await.expect("a cancel that takes long");
    let ended = servers.any(0).ended(run.id).await;
    assert_eq!((ended.status, ended.reason.unwrap()), (RunStatus::Cancelled, waiting.reason.unwrap()));
    // Where the word of it is lost, the worker looks by itself.
    let run = servers.any(0).client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let unsaid = "UPDATE active_runs SET cancel_requested = TRUE, reason = 'unsaid'";
    servers.watch.execute(unsaid).await.unwrap();
    servers.live(2).await;
    timeout(REACH, visitor.gone()).await.expect("a cancel that takes long");
    assert_eq!(servers.any(2).ended(run.id).await.reason.as_deref(), Some("unsaid"));
    servers.at_rest().await;
}
