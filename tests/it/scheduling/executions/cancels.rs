//! Cancels: final at once, wherever the steps are.

use jiff::SignedDuration;
use justiam_sdk::api::executions::{ExecutionStatus, StepStatus};
use justiam_server::app::Error;
use justiam_tests::backend::Backend;
use justiam_tests::clock::ManualClock;
use justiam_tests::server::START;
use justiam_tests::{both_databases, until};

use super::support::{Engine, admin, standing, steps};

both_databases!(
    a_cancelled_execution_has_ended_at_once_and_its_steps_are_stopped,
    a_step_that_ends_well_before_it_is_stopped_tells_the_truth,
    steps_that_wait_never_begin,
    what_has_ended_cannot_be_cancelled,
    a_cancel_that_races_with_the_last_end_is_final_or_refused,
);

const REASON: &str = "Cancelled by the admin";

async fn a_cancelled_execution_has_ended_at_once_and_its_steps_are_stopped(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("a", 0), ("b", 1), ("c", 1), ("d", 2)]).await;
    let id = engine.run(schedule).await;
    engine.step().await.succeed();
    let group = engine.steps(2).await;
    engine.clock.advance(SignedDuration::from_secs(3));
    let execution = engine.cancel(id).await;
    assert_eq!((&execution.status, execution.error_message.as_deref()), (&ExecutionStatus::Cancelled, Some(REASON)));
    assert_eq!(execution.completed_at, Some("2026-01-01T00:00:03Z".parse().unwrap()));
    for step in group {
        step.stopped().await;
    }
    let execution = engine.settled(id, ExecutionStatus::Cancelled).await;
    assert_eq!(standing(&execution), ["a Completed", "b Cancelled", "c Cancelled", "d Cancelled"]);
    for step in &steps(&execution)[1..] {
        assert_eq!(step.error_message.as_deref(), Some(REASON), "{}", step.name);
    }
    assert!(engine.app.active_executions(&admin()).await.unwrap().is_empty());
    engine.assert_nobody().await;
    engine.stop().await;
}

async fn a_step_that_ends_well_before_it_is_stopped_tells_the_truth(backend: Backend) {
    let engine = Engine::start(&backend).await;
    engine.be_deaf();
    let schedule = engine.schedule(&[("a", 0), ("b", 1)]).await;
    let id = engine.run(schedule).await;
    let step = engine.step().await;
    engine.cancel(id).await;
    step.stopped().await;
    assert_eq!(standing(&engine.execution(id).await), ["a Cancelling", "b Cancelled"]);
    step.succeed();
    let execution = engine.settled(id, ExecutionStatus::Cancelled).await;
    assert_eq!(standing(&execution), ["a Completed", "b Cancelled"]);
    assert_eq!(execution.error_message.as_deref(), Some(REASON));
    engine.assert_nobody().await;
    engine.stop().await;
}

async fn steps_that_wait_never_begin(backend: Backend) {
    // Nobody executes steps.
    let engine = Engine::start_with(&backend, ManualClock::at(START), |settings| settings.roles.work = false).await;
    let schedule = engine.schedule(&[("a", 0), ("b", 0), ("c", 1)]).await;
    let id = engine.run(schedule).await;
    let execution = engine.execution(id).await;
    assert_eq!(execution.status, ExecutionStatus::Queued);
    assert_eq!(standing(&execution), ["a Queued", "b Queued", "c Waiting"]);
    engine.cancel(id).await;
    let execution = engine.settled(id, ExecutionStatus::Cancelled).await;
    assert!(steps(&execution).iter().all(|step| step.status == StepStatus::Cancelled && step.started_at.is_none()));
    assert_eq!(execution.started_at, None);
    engine.stop().await;
}

async fn what_has_ended_cannot_be_cancelled(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("a", 0)]).await;
    let id = engine.run(schedule).await;
    engine.step().await.succeed();
    engine.settled(id, ExecutionStatus::Completed).await;
    let refused = engine.app.cancel_execution(&admin(), id, None).await.unwrap_err();
    let expected = format!("Cannot cancel execution {id}: it has ended already, as Completed");
    assert!(matches!(&refused, Error::Refused(message) if *message == expected), "{refused:?}");
    let id = engine.run(schedule).await;
    engine.cancel(id).await;
    let again = engine.app.cancel_execution(&admin(), id, None).await.unwrap_err();
    assert!(again.to_string().ends_with("as Cancelled"), "{again}");
    engine.settled(id, ExecutionStatus::Cancelled).await;
    engine.stop().await;
}

async fn a_cancel_that_races_with_the_last_end_is_final_or_refused(backend: Backend) {
    let engine = Engine::start(&backend).await;
    engine.be_deaf();
    let schedule = engine.schedule(&[("a", 0)]).await;
    let mut seen = [0, 0];
    for round in 0..60 {
        let id = engine.run(schedule).await;
        let step = engine.step().await;
        let end = async {
            // A little earlier or later each time.
            for _ in 0..round % 20 {
                tokio::task::yield_now().await;
            }
            step.succeed();
        };
        let caller = admin();
        let (cancelled, ()) = tokio::join!(engine.app.cancel_execution(&caller, id, None), end);
        let status = if cancelled.is_ok() { ExecutionStatus::Cancelled } else { ExecutionStatus::Completed };
        seen[usize::from(cancelled.is_ok())] += 1;
        // Whatever was answered stays true.
        assert_eq!(engine.execution(id).await.status, status);
        let execution = engine.settled(id, status).await;
        assert_eq!(standing(&execution), ["a Completed"]);
    }
    assert_eq!(seen[0] + seen[1], 60);
    engine.stop().await;
}

/// On another server than the one that is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_step_on_another_server_is_stopped() {
    let backend = Backend::postgres().await;
    let clock = ManualClock::at(START);
    let worker = Engine::start_with(&backend, clock.clone(), |settings| settings.roles.dispatch = false).await;
    let asked = Engine::start_with(&backend, clock.clone(), |settings| settings.roles.work = false).await;
    let schedule = asked.schedule(&[("a", 0), ("b", 1)]).await;
    let id = asked.run(schedule).await;
    let step = worker.step().await;
    asked.cancel(id).await;
    // Told by NOTIFY: the clock, which the looks of every second go by, stands still.
    step.stopped().await;
    let execution = asked.settled(id, ExecutionStatus::Cancelled).await;
    assert_eq!(standing(&execution), ["a Cancelled", "b Cancelled"]);
    worker.stop().await;
    asked.stop().await;
}

/// Nobody tells the server that executes the step.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lost_word_costs_a_second() {
    let backend = Backend::postgres().await;
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("a", 0)]).await;
    let id = engine.run(schedule).await;
    let step = engine.step().await;
    engine
        .write(async |tx| {
            let sql = "UPDATE active_steps SET cancel_requested = TRUE, reason = 'nobody hears'; \
                       UPDATE schedule_executions SET status = 'Cancelled', completed_at = queued_at";
            justiam_tests::backend::execute(tx, sql).await;
        })
        .await;
    until("the next look", async || {
        engine.clock.advance(SignedDuration::from_millis(100));
        step.is_stopped()
    })
    .await;
    let execution = engine.settled(id, ExecutionStatus::Cancelled).await;
    assert_eq!(steps(&execution)[0].error_message.as_deref(), Some("nobody hears"));
    engine.stop().await;
}
