//! What makes executions: patterns and people.

use jiff::{SignedDuration, Timestamp};
use justiam_sdk::api::executions::{Execution, ExecutionStatus, InitiatorType};
use justiam_server::app::Error;
use justiam_server::store::schedules;
use justiam_tests::backend::{Backend, execute};
use justiam_tests::clock::ManualClock;
use justiam_tests::{both_databases, until};

use super::support::{Engine, admin, steps};

both_databases!(
    a_pattern_fires_and_says_so,
    a_mark_while_an_execution_is_active_is_recorded_as_skipped,
    marks_that_nobody_saw_are_one_execution,
    a_schedule_without_steps_fails_at_its_mark_and_is_refused_by_hand,
    anybody_may_run_a_disabled_schedule_also_twice_at_once,
    a_pattern_that_cannot_be_read_holds_up_nobody,
    a_schedule_that_lost_its_next_time_gets_one_at_the_start,
    old_executions_go_and_the_newest_stays,
);

fn times(history: &[Execution]) -> Vec<(String, i64, &ExecutionStatus)> {
    let time = |execution: &Execution| execution.scheduled_for.unwrap().to_string();
    history.iter().map(|execution| (time(execution), execution.missed_ticks, &execution.status)).collect()
}

async fn a_pattern_fires_and_says_so(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.hourly(&[("a", 0)]).await;
    engine.clock.advance(SignedDuration::from_mins(59));
    engine.assert_nobody().await;
    engine.clock.advance(SignedDuration::from_secs(61));
    engine.step().await.succeed();
    let [execution] = engine.executions(schedule, 1).await.try_into().unwrap();
    let execution = engine.settled(execution.id, ExecutionStatus::Completed).await;
    let expected: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
    assert_eq!((execution.scheduled_for, execution.missed_ticks), (Some(expected), 0));
    assert_eq!(execution.queued_at, "2026-01-01T01:00:01Z".parse().unwrap());
    assert_eq!((&execution.initiated_by_type, &execution.initiated_by_id), (&InitiatorType::System, &None));
    assert_eq!(execution.initiated_by_name.as_deref(), Some("Scheduler"));
    let row = engine.write(async |tx| schedules::get(tx, schedule).await.unwrap().unwrap()).await;
    assert_eq!(row.next_run_at, "2026-01-01T02:00:00Z".parse().ok());
    assert_eq!((row.last_run_at, row.revision.as_str()), (Some(execution.queued_at), "r1"));
    engine.stop().await;
}

async fn a_mark_while_an_execution_is_active_is_recorded_as_skipped(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.hourly(&[("a", 0)]).await;
    // Of SQLite alone would a step live on over an hour in one go.
    let by_hand = if backend.is_shared() {
        engine.clock.advance(SignedDuration::from_secs(3595));
        Some(engine.run(schedule).await)
    } else {
        None
    };
    engine.clock.advance(SignedDuration::from_secs(if by_hand.is_some() { 5 } else { 3600 }));
    let step = engine.step().await;
    let active = if let Some(by_hand) = by_hand {
        by_hand
    } else {
        let active = engine.executions(schedule, 1).await.remove(0).id;
        engine.clock.advance(SignedDuration::from_secs(3600));
        active
    };
    let history = engine.executions(schedule, 2).await;
    assert_eq!(history[0].id, active);
    let skipped = engine.execution(history[1].id).await;
    assert_eq!(skipped.status, ExecutionStatus::Cancelled);
    let expected = format!("skipped: execution {active} of this schedule is still active");
    assert_eq!(skipped.error_message, Some(expected));
    assert_eq!((skipped.completed_at, skipped.started_at), (Some(skipped.queued_at), None));
    // It never began, so there is nothing to tell of its steps.
    assert_eq!((skipped.total_steps, steps(&skipped)), (1, &[][..]));
    step.succeed();
    engine.settled(active, ExecutionStatus::Completed).await;
    engine.assert_nobody().await;
    engine.stop().await;
}

async fn marks_that_nobody_saw_are_one_execution(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.hourly(&[("a", 0)]).await;
    let clock = engine.clock.clone();
    engine.stop().await;
    clock.set("2026-01-01T05:30:00Z");
    let engine = Engine::start_with(&backend, clock, |_| {}).await;
    engine.step().await.succeed();
    let [execution] = engine.executions(schedule, 1).await.try_into().unwrap();
    engine.settled(execution.id, ExecutionStatus::Completed).await;
    let history = engine.executions(schedule, 1).await;
    assert_eq!(times(&history), [("2026-01-01T05:00:00Z".to_owned(), 4, &ExecutionStatus::Completed)]);
    engine.clock.advance(SignedDuration::from_mins(30));
    engine.step().await.succeed();
    let history = engine.executions(schedule, 2).await;
    assert_eq!(times(&history[1..])[0].0, "2026-01-01T06:00:00Z");
    engine.settled(history[1].id, ExecutionStatus::Completed).await;
    engine.stop().await;
}

async fn a_schedule_without_steps_fails_at_its_mark_and_is_refused_by_hand(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.hourly(&[]).await;
    let refused = engine.app.run_schedule(&admin(), schedule, None).await.unwrap_err();
    let expected = format!("schedule `S {schedule}` has no steps to run");
    assert!(matches!(&refused, Error::Refused(message) if *message == expected), "{refused:?}");
    engine.clock.advance(SignedDuration::from_hours(1));
    let [execution] = engine.executions(schedule, 1).await.try_into().unwrap();
    assert_eq!((&execution.status, execution.total_steps), (&ExecutionStatus::Failed, 0));
    let expected = "the schedule has no steps, so there was nothing to run";
    assert_eq!(execution.error_message.as_deref(), Some(expected));
    engine.stop().await;
}

async fn anybody_may_run_a_disabled_schedule_also_twice_at_once(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.schedule(&[("a", 0)]).await;
    let caller = admin();
    let (first, second) = tokio::join!(
        engine.app.run_schedule(&caller, schedule, None),
        engine.app.run_schedule(&caller, schedule, None)
    );
    let ids = [first.unwrap().execution_id, second.unwrap().execution_id];
    let [one, other] = engine.steps(2).await.try_into().ok().unwrap();
    let mut active = engine.app.active_executions(&admin()).await.unwrap();
    assert!(active.iter().all(|execution| ids.contains(&execution.id)));
    assert_eq!(active.len(), 2);
    active.sort_by_key(|execution| execution.id);
    assert_eq!(active, engine.app.active_executions(&admin()).await.unwrap(), "the oldest comes first");
    one.succeed();
    other.fail("why not");
    until("both to end", async || engine.app.active_executions(&admin()).await.unwrap().is_empty()).await;
    engine.stop().await;
}

async fn a_pattern_that_cannot_be_read_holds_up_nobody(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let broken = engine.hourly(&[("broken", 0)]).await;
    let sql = format!("UPDATE schedules SET cron_expression = 'later', is_enabled = TRUE WHERE id = '{broken}'");
    engine.write(async |tx| execute(tx, &sql).await).await;
    engine.hourly(&[("a", 0)]).await;
    engine.clock.advance(SignedDuration::from_hours(1));
    let step = engine.step().await;
    assert_eq!(step.name, "a");
    step.succeed();
    let row = engine.write(async |tx| schedules::get(tx, broken).await.unwrap().unwrap()).await;
    assert_eq!(row.next_run_at, None);
    until("the step to end", async || engine.app.active_executions(&admin()).await.unwrap().is_empty()).await;
    // What is left behind here violates what always holds, and the check says so.
    engine.write(async |tx| schedules::delete(tx, broken).await.unwrap()).await;
    engine.stop().await;
}

async fn a_schedule_that_lost_its_next_time_gets_one_at_the_start(backend: Backend) {
    let engine = Engine::start(&backend).await;
    let schedule = engine.hourly(&[("a", 0)]).await;
    let clock = engine.clock.clone();
    engine.stop().await;
    let db = backend.store().await;
    let mut tx = db.write().await.unwrap();
    execute(&mut tx, "UPDATE schedules SET next_run_at = NULL").await;
    tx.commit().await.unwrap();
    db.close().await;
    let engine = Engine::start_with(&backend, clock, |_| {}).await;
    let next = async || engine.write(async |tx| schedules::get(tx, schedule).await.unwrap().unwrap().next_run_at).await;
    until("a next time", async || next().await.is_some()).await;
    assert_eq!(next().await, "2026-01-01T01:00:00Z".parse().ok());
    engine.stop().await;
}

async fn old_executions_go_and_the_newest_stays(backend: Backend) {
    let engine = Engine::start_with(&backend, ManualClock::at("2026-01-01T00:00:00Z"), |settings| {
        settings.history.days = 3;
    })
    .await;
    let schedule = engine.schedule(&[("a", 0)]).await;
    let gone = engine.schedule(&[("b", 0)]).await;
    let mut ids = Vec::new();
    for of in [schedule, gone, schedule] {
        let id = engine.run(of).await;
        engine.step().await.succeed();
        engine.settled(id, ExecutionStatus::Completed).await;
        ids.push(id);
    }
    engine.write(async |tx| schedules::delete(tx, gone).await.unwrap()).await;
    assert_eq!(engine.history(gone).await.len(), 1);
    // Ids are made by the clock, to the millisecond.
    engine.clock.advance(SignedDuration::from_hours(73));
    until("the old ones to go", async || {
        engine.history(gone).await.is_empty() && engine.history(schedule).await.len() == 1
    })
    .await;
    assert_eq!(engine.history(schedule).await[0].id, ids[2]);
    assert_eq!(steps(&engine.execution(ids[2]).await).len(), 1);
    let activities = engine.app.list_activities(&admin(), &justiam_sdk::api::activities::ActivityQuery::new()).await;
    assert_eq!(activities.unwrap().total_count, 1);
    engine.stop().await;
}
