//! Cron ticks: each fires at its time, and once.

use justiam_sdk::api::values::{RunStatus, Trigger};
use justiam_tests::server::TestServer;
use justiam_tests::until;

use super::support::{SCRIPT, cheap, create, dispatched, history, ticks};

#[tokio::test]
async fn a_tick_fires_exactly_at_its_time_and_once() {
    let server = TestServer::start().await;
    let task = create(&server, &justiam_sdk::api::tasks::NewTask::cron_script("Hourly", "0 * * * *", SCRIPT)).await;
    assert_eq!(task.next_run_at, Some("2026-01-01T01:00:00Z".parse().unwrap()));
    server.clock.set("2026-01-01T00:59:59.999999Z");
    dispatched(&server).await;
    assert_eq!(history(&server.client, task.id).await, []);
    server.clock.set("2026-01-01T01:00:00Z");
    until("the tick", async || !history(&server.client, task.id).await.is_empty()).await;
    dispatched(&server).await;
    let runs = history(&server.client, task.id).await;
    let run = server.ended(runs[0].id).await;
    assert_eq!((runs.len(), &run.status, &run.trigger), (1, &RunStatus::Success, &Trigger::Cron));
    let due = "2026-01-01T01:00:00Z".parse().unwrap();
    assert_eq!((run.scheduled_for, run.queued_at, run.started_at), (due, due, Some(due)));
    assert_eq!((run.missed_ticks, run.triggered_by, run.output.as_deref()), (0, None, Some("done")));
    let task = server.client.tasks().get(task.id).await.unwrap();
    assert_eq!(task.next_run_at, Some("2026-01-01T02:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn ticks_keep_their_nominal_times_when_the_dispatcher_is_late() {
    let server = TestServer::start().await;
    let task = create(&server, &cheap("T", "*/10 * * * *")).await;
    for now in ["2026-01-01T00:10:07Z", "2026-01-01T00:20:59.5Z", "2026-01-01T00:30:00Z"] {
        server.clock.set(now);
        dispatched(&server).await;
    }
    let expected = ["2026-01-01T00:10:00Z", "2026-01-01T00:20:00Z", "2026-01-01T00:30:00Z"];
    let runs = history(&server.client, task.id).await;
    assert_eq!(ticks(&runs), expected.map(|tick| (tick.to_owned(), 0)));
    assert_eq!(runs[0].queued_at, "2026-01-01T00:10:07Z".parse().unwrap());
}

#[tokio::test]
async fn downtime_is_one_run_that_knows_what_it_stands_for() {
    let server = TestServer::start().await;
    let hourly = create(&server, &cheap("hourly", "0 * * * *")).await;
    let daily = create(&server, &cheap("daily", "0 3 * * *")).await;
    let later = create(&server, &cheap("later", "0 6 * * *")).await;
    let clock = server.clock.clone();
    // The server is down from before 01:00 until 05:30.
    let data = server.stop().await;
    clock.set("2026-01-01T05:30:00Z");
    let server = TestServer::start_on(data, clock).await;
    dispatched(&server).await;
    assert_eq!(ticks(&history(&server.client, hourly.id).await), [("2026-01-01T05:00:00Z".to_owned(), 4)]);
    assert_eq!(ticks(&history(&server.client, daily.id).await), [("2026-01-01T03:00:00Z".to_owned(), 0)]);
    assert_eq!(history(&server.client, later.id).await, []);
    server.clock.set("2026-01-01T06:00:00Z");
    dispatched(&server).await;
    let runs = history(&server.client, hourly.id).await;
    assert_eq!(ticks(&runs)[1], ("2026-01-01T06:00:00Z".to_owned(), 0));
    assert_eq!(runs.len(), 2);
}

#[tokio::test]
async fn a_restart_between_two_ticks_changes_nothing() {
    let server = TestServer::start().await;
    let task = create(&server, &cheap("T", "0 * * * *")).await;
    server.clock.set("2026-01-01T01:00:00Z");
    dispatched(&server).await;
    // At the very moment of the tick: it has been recorded, so it is not recorded again.
    let server = server.restart().await;
    dispatched(&server).await;
    server.clock.set("2026-01-01T01:30:00Z");
    let server = server.restart().await;
    dispatched(&server).await;
    server.clock.set("2026-01-01T02:00:00Z");
    dispatched(&server).await;
    let expected = ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"];
    assert_eq!(ticks(&history(&server.client, task.id).await), expected.map(|tick| (tick.to_owned(), 0)));
}

#[tokio::test]
async fn a_clock_that_is_set_back_repeats_nothing() {
    let server = TestServer::start().await;
    let task = create(&server, &cheap("T", "0 * * * *")).await;
    server.clock.set("2026-01-01T01:00:00Z");
    dispatched(&server).await;
    for now in ["2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z", "2026-01-01T01:59:59Z"] {
        server.clock.set(now);
        dispatched(&server).await;
    }
    assert_eq!(history(&server.client, task.id).await.len(), 1);
}

#[tokio::test]
async fn tasks_that_are_due_together_all_fire() {
    let server = TestServer::start().await;
    let mut tasks = Vec::new();
    for index in 0..30 {
        tasks.push(create(&server, &cheap(&format!("task {index}"), "0 * * * *")).await);
    }
    server.clock.set("2026-01-01T01:00:00Z");
    dispatched(&server).await;
    for task in tasks {
        let runs = history(&server.client, task.id).await;
        assert_eq!(ticks(&runs), [("2026-01-01T01:00:00Z".to_owned(), 0)]);
        server.ended(runs[0].id).await;
    }
}

#[tokio::test]
async fn local_times_follow_their_zone_over_a_change_of_the_clocks() {
    let server = TestServer::start().await;
    server.clock.set("2026-03-28T12:00:00Z");
    let mut new = cheap("T", "30 2 * * *");
    new.timezone = Some("Europe/Zurich".into());
    let task = create(&server, &new).await;
    // Clocks go from 02:00 to 03:00 on the 29th, so 02:30 is not there and 03:00 stands for it.
    for now in ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"] {
        server.clock.set(now);
        dispatched(&server).await;
    }
    let expected = ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(ticks(&history(&server.client, task.id).await), expected.map(|tick| (tick.to_owned(), 0)));
}
