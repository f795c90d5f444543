//! Servers that die while steps are at work.

use jiff::SignedDuration;
use justiam_sdk::api::executions::ExecutionStatus;
use justiam_tests::backend::Backend;
use justiam_tests::clock::ManualClock;
use justiam_tests::server::START;

use super::support::{Engine, standing, steps};

const LOST: &str = "the server stopped while this step was at work; it may have done a part of its work";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_next_start_ends_what_an_earlier_one_left() {
    let backend = Backend::sqlite();
    let engine = Engine::start(&backend).await;
    let schedule = engine
        .schedule_with(&[("a", 0), ("b", 0), ("c", 1), ("d", 2)], |_, steps| {
            steps[0].continue_on_failure = true;
            steps[1].continue_on_failure = true;
        })
        .await;
    let (id, cancelled) = (engine.run(schedule).await, engine.run(schedule).await);
    engine.be_deaf();
    let _at_work = engine.steps(4).await;
    engine.cancel(cancelled).await;
    let clock = engine.clock.clone();
    engine.kill();
    let engine = Engine::start_with(&backend, clock, |_| {}).await;
    // It went on past the failures, as its steps want it.
    let third = engine.step().await;
    assert_eq!(third.name, "c");
    let execution = engine.execution(id).await;
    assert_eq!(standing(&execution), ["a Failed", "b Failed", "c Processing", "d Waiting"]);
    assert_eq!(steps(&execution)[1].error_message.as_deref(), Some(LOST));
    let execution = engine.execution(cancelled).await;
    assert_eq!(execution.status, ExecutionStatus::Cancelled);
    assert_eq!(standing(&execution), ["a Cancelled", "b Cancelled", "c Cancelled", "d Cancelled"]);
    let clock = engine.clock.clone();
    engine.kill();
    let engine = Engine::start_with(&backend, clock, |_| {}).await;
    let execution = engine.settled(id, ExecutionStatus::Failed).await;
    assert_eq!(standing(&execution), ["a Failed", "b Failed", "c Failed", "d Cancelled"]);
    engine.assert_nobody().await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_server_ends_what_a_dead_one_left_and_goes_on() {
    let backend = Backend::postgres().await;
    let clock = ManualClock::at(START);
    let doomed = Engine::start_with(&backend, clock.clone(), |settings| settings.roles.dispatch = false).await;
    let schedule =
        doomed.schedule_with(&[("a", 0), ("b", 0), ("c", 1)], |_, steps| steps[0].continue_on_failure = true).await;
    let (id, second) = (doomed.run(schedule).await, doomed.run(schedule).await);
    let mut at_work = doomed.steps(4).await;
    at_work.pop().unwrap().succeed();
    at_work.pop().unwrap().succeed();
    let watcher = Engine::start_with(&backend, clock.clone(), |_| {}).await;
    justiam_tests::until("the ends to be recorded", async || {
        [id, second].len() == 2
            && standing(&watcher.execution(id).await)[1] == "b Completed"
            && standing(&watcher.execution(second).await)[1] == "b Completed"
    })
    .await;
    doomed.kill();
    clock.advance(SignedDuration::from_secs(20));
    assert_eq!(standing(&watcher.execution(id).await)[0], "a Processing", "the lease is still good");
    // Nobody knows when the watcher looks next: it may have begun to wait after the first advance, or not yet.
    justiam_tests::until("the loss to be seen", async || {
        clock.advance(SignedDuration::from_secs(5));
        standing(&watcher.execution(id).await)[0] == "a Failed"
    })
    .await;
    for _ in 0..2 {
        let step = watcher.step().await;
        assert_eq!(step.name, "c");
        step.succeed();
    }
    for id in [id, second] {
        let execution = watcher.settled(id, ExecutionStatus::Completed).await;
        assert_eq!(standing(&execution), ["a Failed", "b Completed", "c Completed"]);
        assert_eq!(steps(&execution)[0].error_message.as_deref(), Some(LOST));
    }
    watcher.stop().await;
}

/// A server that stood still for longer than its lease comes back, and what it says does not count.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_word_of_a_server_that_was_taken_for_dead_does_not_count() {
    let backend = Backend::postgres().await;
    let (still, clock) = (ManualClock::at(START), ManualClock::at(START));
    let stale = Engine::start_with(&backend, still, |settings| settings.roles.dispatch = false).await;
    let schedule = stale.schedule(&[("a", 0), ("b", 1)]).await;
    let id = stale.run(schedule).await;
    let step = stale.step().await;
    let watcher = Engine::start_with(&backend, clock.clone(), |_| {}).await;
    clock.advance(SignedDuration::from_secs(45));
    let execution = watcher.settled(id, ExecutionStatus::Failed).await;
    step.succeed();
    stale.stop().await;
    assert_eq!(watcher.execution(id).await, execution);
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_mark_that_two_servers_see_is_one_execution() {
    let backend = Backend::postgres().await;
    let clock = ManualClock::at(START);
    let one = Engine::start_with(&backend, clock.clone(), |_| {}).await;
    let other = Engine::start_with(&backend, clock.clone(), |settings| settings.roles.work = false).await;
    let schedule = one.hourly(&[("a", 0)]).await;
    for hour in 1..=5 {
        clock.advance(SignedDuration::from_hours(1));
        one.step().await.succeed();
        let id = one.executions(schedule, hour).await.pop().unwrap().id;
        one.settled(id, ExecutionStatus::Completed).await;
    }
    one.assert_nobody().await;
    one.stop().await;
    other.stop().await;
}
