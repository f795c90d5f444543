//! Servers that die, stand still, or live on while others look for the dead.

use std::process::Stdio;

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use justiam_tests::clock::ManualClock;
use justiam_tests::postgres;
use justiam_tests::process::ServerProcess;
use justiam_tests::server::{START, TestServer};
use justiam_tests::until;
use tempfile::TempDir;

use super::super::support::{Gate, create, history, reaches, statuses};
use super::{ALL, Servers, replica};

const LOST: &str = "the server stopped while this run was active; the script may have done a part of its work";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_killed_server_left_is_ended_and_its_successor_starts_elsewhere() {
    let (database, gate, folder) = (postgres::database().await, Gate::new().await, TempDir::new().unwrap());
    // The process goes by the database's clock, so the others begin there.
    let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)";
    let now: i64 = sqlx::query_scalar(sql).fetch_one(&mut database.connect().await).await.unwrap();
    let clock = ManualClock::at(&Timestamp::from_microsecond(now).unwrap().to_string());
    let watcher = replica(&database, &clock, "api,dispatch").await;
    let task = create(&watcher, &gate.task("T", OverlapPolicy::Queue)).await;
    let doomed = ServerProcess::start_on_postgres(folder.path(), &database.url, Stdio::inherit()).await;
    let lost = watcher.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let unwanted = doomed.client(&watcher.token).tasks().run(task.id).await.unwrap();
    let waiting = doomed.client(&watcher.token).tasks().run(task.id).await.unwrap();
    let successor = replica(&database, &clock, ALL).await;
    doomed.kill().await;
    visitor.gone().await;
    // Its lease is still good, so nobody takes its run.
    clock.advance(SignedDuration::from_secs(20));
    assert_eq!(watcher.client.runs().cancel(unwanted.id).await.unwrap().status, RunStatus::Cancelled);
    assert_eq!(watcher.client.runs().get(lost.id).await.unwrap().status, RunStatus::Running);
    gate.assert_nobody().await;
    // Lease and sweep, and the second or two that the process was ahead of the clock that stood still.
    clock.advance(SignedDuration::from_secs(30));
    let visitor = gate.visitor().await;
    let runs = history(&watcher.client, task.id).await;
    assert_eq!(statuses(&runs), [&RunStatus::Error, &RunStatus::Cancelled, &RunStatus::Running]);
    assert_eq!((runs[0].error.as_deref(), runs[0].attempt), (Some(LOST), 1));
    visitor.release("second").await;
    assert_eq!(successor.ended(waiting.id).await.output.as_deref(), Some("second"));
    watcher.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_a_lost_server_was_to_cancel_is_cancelled() {
    let (database, gate) = (postgres::database().await, Gate::new().await);
    let (still, clock) = (ManualClock::at(START), ManualClock::at(START));
    let stale = replica(&database, &still, "work").await;
    let watcher = replica(&database, &clock, "api,dispatch").await;
    let task = create(&watcher, &gate.task("T", OverlapPolicy::Allow)).await;
    let run = watcher.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let asked = "UPDATE active_runs SET cancel_requested = TRUE, reason = 'nobody hears'";
    sqlx::query(asked).execute(&mut database.connect().await).await.unwrap();
    clock.advance(SignedDuration::from_secs(45));
    let ended = watcher.ended(run.id).await;
    assert_eq!((&ended.status, ended.reason.as_deref()), (&RunStatus::Cancelled, Some("nobody hears")));
    visitor.release("too late").await;
    stale.stop().await;
    assert_eq!(watcher.client.runs().get(run.id).await.unwrap(), ended);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_counts_as_lost_cannot_write() {
    let (database, gate) = (postgres::database().await, Gate::new().await);
    // The worker's own clock stands still, as if it had been stopped: it sees no reason to renew anything.
    let (still, clock) = (ManualClock::at(START), ManualClock::at(START));
    let stale = TestServer::start_on_postgres(&database.url, still, |config| {
        config.roles = "work".parse().unwrap();
        config.workers = 1;
    })
    .await;
    let watcher = replica(&database, &clock, "api,dispatch").await;
    let task = create(&watcher, &gate.task("T", OverlapPolicy::Queue)).await;
    let first = watcher.client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let second = watcher.client.tasks().run(task.id).await.unwrap();
    clock.advance(SignedDuration::from_secs(45));
    let swept = reaches(&watcher, &first, RunStatus::Error).await;
    assert_eq!(swept.error.as_deref(), Some(LOST));
    // It has one slot, so when the second run starts there, it has tried to record the end of the first.
    gate.assert_nobody().await;
    visitor.release("too late").await;
    gate.visitor().await.release("in time").await;
    assert_eq!(watcher.ended(second.id).await.output.as_deref(), Some("in time"));
    assert_eq!(watcher.client.runs().get(first.id).await.unwrap(), swept);
    stale.stop().await;
    assert_eq!(statuses(&history(&watcher.client, task.id).await), [&RunStatus::Error, &RunStatus::Success]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_living_server_keeps_its_runs() {
    let (mut servers, gate) = (Servers::start(&["work", "api,dispatch", "dispatch"]).await, Gate::new().await);
    let task = create(&servers.all[1], &gate.task("T", OverlapPolicy::Allow)).await;
    let run = servers.all[1].client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let before = servers.number("SELECT lease_until FROM active_runs").await;
    // Longer than a worker goes on without a renewal, and shorter than a script may run.
    servers.live(22).await;
    let now = servers.all[1].client.runs().get(run.id).await.unwrap();
    assert_eq!(now.status, RunStatus::Running, "{now:?}");
    assert!(servers.number("SELECT lease_until FROM active_runs").await > before);
    visitor.release("alive").await;
    assert_eq!(servers.all[1].ended(run.id).await.output.as_deref(), Some("alive"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_ends_gently_leaves_its_work_to_the_others() {
    let (mut servers, gate) = (Servers::start(&["api,dispatch", "work"]).await, Gate::new().await);
    let task = create(&servers.all[0], &gate.task("T", OverlapPolicy::Queue)).await;
    let first = servers.all[0].client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let second = servers.all[0].client.tasks().run(task.id).await.unwrap();
    let ending = servers.all.pop().unwrap();
    servers.all.push(replica(&servers.database, &servers.clock, "work").await);
    ending.shutdown.soft.cancel();
    visitor.release("first").await;
    assert_eq!(servers.all[0].ended(first.id).await.output.as_deref(), Some("first"));
    // The other one looks by itself before long.
    let mut looks = 0;
    until("the second run to start", async || {
        looks += 1;
        if looks % 40 == 0 {
            servers.all[0].advance(10);
        }
        servers.all[0].client.runs().get(second.id).await.unwrap().status == RunStatus::Running
    })
    .await;
    gate.visitor().await.release("second").await;
    assert_eq!(servers.all[0].ended(second.id).await.output.as_deref(), Some("second"));
    ending.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_ending_tells_the_others_whose_turn_it_is() {
    let (mut servers, gate) = (Servers::start(&["api,dispatch", "work"]).await, Gate::new().await);
    let task = create(&servers.all[0], &gate.task("T", OverlapPolicy::Queue)).await;
    servers.all[0].client.tasks().run(task.id).await.unwrap();
    let visitor = gate.visitor().await;
    let second = servers.all[0].client.tasks().run(task.id).await.unwrap();
    let ending = servers.all.pop().unwrap();
    servers.all.push(replica(&servers.database, &servers.clock, "work").await);
    ending.shutdown.soft.cancel();
    visitor.release("first").await;
    // The clock stands still, so nobody looks who has not been told.
    gate.visitor().await.release("second").await;
    assert_eq!(servers.all[0].ended(second.id).await.output.as_deref(), Some("second"));
    ending.stop().await;
}
