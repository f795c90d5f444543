//! Executions of schedules: their history and their ends.

use justiam_sdk::api::executions::{Execution, ExecutionStatus, InitiatorType};
use justiam_sdk::api::ids::ExecutionId;
use justiam_sdk::api::values::Trigger;
use justiam_server::store::Db;
use justiam_server::store::active_steps::{self, ClaimedStep};
use justiam_server::store::activities::{self as steps, NewStep};
use justiam_server::store::executions::{self, Filter, Initiator, NewExecution, Order};
use justiam_tests::backend::{Backend, execute};
use justiam_tests::both_databases;

use super::support::{TEXTS, at, id, write};

both_databases!(
    an_execution_comes_back_as_it_was_recorded,
    a_tick_is_recorded_once,
    the_oldest_active_execution_is_found,
    executions_are_listed_by_what_they_are_and_in_any_order,
    an_end_counts_once_and_never_lies_before_the_beginning,
    old_executions_are_removed_and_the_newest_of_a_schedule_stays,
);

/// A manual execution of schedule 7.
pub(super) fn execution(number: u64) -> NewExecution {
    NewExecution {
        id: id(number),
        schedule_id: id(7),
        schedule_name: "S".into(),
        trigger: Trigger::Manual,
        scheduled_for: at(0),
        missed_ticks: 0,
        first_index: 0,
        total_steps: 0,
        queued_at: at(0),
        initiator: Initiator { kind: InitiatorType::System, id: None, name: Some("Scheduler".into()) },
        ended: None,
    }
}

/// Stores a schedule with steps of these indexes, and an execution of it whose first group may begin. The steps have numbers from
/// a hundred times the execution's on.
pub(super) async fn execution_of(db: &Db, number: u64, indexes: &[i64]) -> Vec<NewStep> {
    let mut new = execution(number);
    new.schedule_id = id(900 + number);
    new.first_index = *indexes.iter().min().unwrap();
    new.total_steps = indexes.len().try_into().unwrap();
    let steps: Vec<NewStep> = (number * 100..)
        .zip(indexes)
        .map(|(step, _)| NewStep {
            activity: id(step),
            step: format!("step {step}"),
            name: format!("n{step}"),
            target_name: format!("t{step}"),
            target_context: "c".into(),
        })
        .collect();
    write(db, async |tx| {
        let mut sql = vec![format!(
            "INSERT INTO schedules (id, name, folded, trigger_type, pattern_type, timezone, is_enabled, revision, created_at) \
             VALUES ('{0}', '{0}', '', 'Manual', 'Custom', 'UTC', FALSE, 'r', 0);",
            new.schedule_id
        )];
        for (place, (step, index)) in steps.iter().zip(indexes).enumerate() {
            sql.push(format!(
                "INSERT INTO schedule_steps (id, schedule_id, position, step_index, execution_mode, step_type, \
                 continue_on_failure, timeout_seconds, executable_path, sql_sealed_by, sql_sealed) \
                 VALUES ('{}', '{}', {place}, {index}, 'Sequential', 'Executable', TRUE, 9, '/x', 'k', 'sealed');",
                step.step, new.schedule_id
            ));
        }
        execute(tx, &sql.concat()).await;
        assert!(executions::insert(tx, &new).await.unwrap());
        assert_eq!(steps::insert_steps(tx, &new, &steps).await.unwrap(), indexes.len() as u64);
        active_steps::insert_group(tx, new.id, new.first_index).await.unwrap();
    })
    .await;
    steps
}

/// Starts up to `limit` steps for half a minute.
pub(super) async fn claim_steps(db: &Db, worker: &str, limit: i64) -> Vec<ClaimedStep> {
    write(db, async |tx| active_steps::claim(tx, worker, at(30), at(1), limit).await.unwrap().0).await
}

async fn add(db: &Db, new: &NewExecution) -> bool {
    write(db, async |tx| executions::insert(tx, new).await.unwrap()).await
}

pub(super) async fn stored(db: &Db, number: u64) -> Execution {
    executions::get(&mut db.read().await.unwrap(), id(number)).await.unwrap().unwrap()
}

async fn end(db: &Db, number: u64, status: &ExecutionStatus, seconds: i64) -> bool {
    write(db, async |tx| executions::end(tx, id(number), status, Some("why"), at(seconds)).await.unwrap()).await
}

async fn an_execution_comes_back_as_it_was_recorded(backend: Backend) {
    let db = backend.store().await;
    for (number, text) in (1..).zip(TEXTS) {
        let mut new = execution(number);
        new.schedule_name = text.to_owned();
        new.initiator = Initiator { kind: InitiatorType::ApiKey, id: Some(text.into()), name: Some(text.into()) };
        (new.trigger, new.scheduled_for, new.missed_ticks) =
            (Trigger::Cron, at(-60 - i64::try_from(number).unwrap()), 3);
        (new.first_index, new.total_steps) = (4, 5);
        if number == 2 {
            new.ended = Some((ExecutionStatus::Failed, text.to_owned()));
        }
        assert!(add(&db, &new).await);
        let found = stored(&db, number).await;
        let mut expected = Execution::new(id(number), id(7), text.to_owned(), at(0));
        expected.scheduled_for = Some(new.scheduled_for);
        expected.missed_ticks = 3;
        (expected.current_step_index, expected.total_steps) = (4, 5);
        expected.initiated_by_type = InitiatorType::ApiKey;
        expected.initiated_by_id = Some(text.to_owned());
        expected.initiated_by_name = Some(text.to_owned());
        if number == 2 {
            expected.status = ExecutionStatus::Failed;
            expected.completed_at = Some(at(0));
            expected.error_message = Some(text.to_owned());
        }
        assert_eq!(found, expected);
    }
    let locked = write(&db, async |tx| {
        executions::reach(tx, id(1), 9).await.unwrap();
        executions::lock(tx, id(1)).await.unwrap().unwrap()
    })
    .await;
    assert_eq!((locked.current_step_index, locked.id), (9, id(1)));
    let none = write(&db, async |tx| executions::lock(tx, id(99)).await.unwrap()).await;
    assert_eq!(none, None);
}

async fn a_tick_is_recorded_once(backend: Backend) {
    let db = backend.store().await;
    let mut tick = execution(1);
    tick.trigger = Trigger::Cron;
    assert!(add(&db, &tick).await);
    tick.id = id(2);
    assert!(!add(&db, &tick).await);
    tick.schedule_id = id(8);
    assert!(add(&db, &tick).await);
    // By hand as often as one likes.
    assert!(add(&db, &execution(3)).await && add(&db, &execution(4)).await);
}

async fn the_oldest_active_execution_is_found(backend: Backend) {
    let db = backend.store().await;
    for number in [3, 1, 2] {
        add(&db, &execution(number)).await;
    }
    let oldest = async || executions::oldest_active(&mut db.read().await.unwrap(), id(7)).await.unwrap();
    let active = async || {
        let found = executions::active(&mut db.read().await.unwrap()).await.unwrap();
        found.iter().map(|execution| execution.id).collect::<Vec<ExecutionId>>()
    };
    assert_eq!((oldest().await, active().await), (Some(id(1)), vec![id(1), id(2), id(3)]));
    end(&db, 1, &ExecutionStatus::Completed, 5).await;
    assert_eq!((oldest().await, active().await), (Some(id(2)), vec![id(2), id(3)]));
    assert_eq!(executions::oldest_active(&mut db.read().await.unwrap(), id(8)).await.unwrap(), None);
}

async fn executions_are_listed_by_what_they_are_and_in_any_order(backend: Backend) {
    let db = backend.store().await;
    for number in 1..=4 {
        let mut new = execution(number);
        new.schedule_id = id(if number == 3 { 8 } else { 7 });
        add(&db, &new).await;
    }
    write(&db, async |tx| {
        execute(tx, "UPDATE schedule_executions SET started_at = 9, status = 'InProgress' WHERE id LIKE '%1'").await;
        execute(tx, "UPDATE schedule_executions SET started_at = 8, status = 'InProgress' WHERE id LIKE '%2'").await;
    })
    .await;
    end(&db, 2, &ExecutionStatus::Failed, 3).await;
    end(&db, 3, &ExecutionStatus::Completed, 4).await;
    let list = async |filter: Filter, offset, limit| {
        let (found, total) = executions::list(&mut db.read().await.unwrap(), &filter, offset, limit).await.unwrap();
        let number = |execution: &Execution| (1..9).find(|number| execution.id == id(*number)).unwrap();
        (found.iter().map(number).collect::<Vec<u64>>(), total)
    };
    let ordered = |order, descending| Filter { order, descending, ..Filter::default() };
    for (order, expected) in [
        (Order::Queued, [1, 2, 3, 4]),
        (Order::Status, [4, 1, 3, 2]),
        (Order::Started, [2, 1, 3, 4]),
        (Order::Completed, [2, 3, 1, 4]),
    ] {
        assert_eq!(list(ordered(order, false), 0, 9).await, (expected.to_vec(), 4), "{order:?}");
        let reversed = expected.into_iter().rev().collect();
        assert_eq!(list(ordered(order, true), 0, 9).await, (reversed, 4), "{order:?}");
    }
    let of = |schedule: Option<u64>, status| Filter { schedule: schedule.map(id), status, ..Filter::default() };
    assert_eq!(list(of(Some(7), None), 0, 2).await, (vec![1, 2], 3));
    assert_eq!(list(of(Some(7), None), 2, 2).await, (vec![4], 3));
    assert_eq!(list(of(None, Some(ExecutionStatus::Completed)), 0, 9).await, (vec![3], 1));
    assert_eq!(list(of(Some(7), Some(ExecutionStatus::Queued)), 0, 9).await, (vec![4], 1));
    assert_eq!(list(of(Some(8), Some(ExecutionStatus::Queued)), 5, 9).await, (vec![], 0));
}

async fn an_end_counts_once_and_never_lies_before_the_beginning(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[0]).await;
    assert_eq!(stored(&db, 1).await.status, ExecutionStatus::Queued);
    claim_steps(&db, "w", 1).await;
    let begun = stored(&db, 1).await;
    assert_eq!((begun.status, begun.started_at), (ExecutionStatus::InProgress, Some(at(1))));
    assert!(end(&db, 1, &ExecutionStatus::Cancelled, -5).await);
    assert!(!end(&db, 1, &ExecutionStatus::Completed, 9).await);
    let ended = stored(&db, 1).await;
    assert_eq!((ended.status, ended.completed_at), (ExecutionStatus::Cancelled, Some(at(1))));
    assert_eq!(ended.error_message.as_deref(), Some("why"));
}

async fn old_executions_are_removed_and_the_newest_of_a_schedule_stays(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[0, 1]).await;
    execution_of(&db, 2, &[0]).await;
    for number in 3..=5 {
        add(&db, &NewExecution { schedule_id: id(901), ..execution(number) }).await;
    }
    for number in [1, 4, 5] {
        end(&db, number, &ExecutionStatus::Cancelled, 1).await;
    }
    let prune = async |after, before| {
        let pruned = write(&db, async |tx| executions::prune(tx, id(after), id(before), 2).await.unwrap()).await;
        (pruned.0, pruned.1)
    };
    // The first has a step that is at work, the second has not ended.
    assert_eq!(prune(0, 90).await, (0, Some(id(2))));
    write(&db, async |tx| execute(tx, "DELETE FROM active_steps").await).await;
    assert_eq!(prune(0, 90).await, (1, Some(id(2))));
    assert_eq!(prune(2, 90).await, (1, Some(id(4))));
    assert_eq!(prune(4, 5).await, (0, None));
    assert_eq!(prune(4, 90).await, (0, Some(id(5))), "the newest of its schedule");
    let left: i64 =
        write(&db, async |tx| justiam_tests::backend::number(tx, "SELECT count(*) FROM activities").await).await;
    assert_eq!(left, 1);
}
