//! Whose turn it is among the runs of a task.

use justiam_sdk::api::ids::TaskId;
use justiam_sdk::api::values::{OverlapPolicy, RunStatus};
use justiam_server::store::runs::{self, Ending, Fate};
use justiam_server::store::{Db, active_runs};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{NONE, add_runs, add_tasks, at, claim, id, number, numbers, run, task_with, write};

both_databases!(
    runs_that_wait_get_their_turn_one_after_the_other,
    each_task_has_turns_of_its_own,
    another_policy_puts_waiting_runs_in_another_order,
    a_task_that_waits_for_nobody_is_stuck,
    the_runs_of_a_task_are_counted,
);

async fn settle(db: &Db, tasks: &[u64]) -> u64 {
    let tasks: Vec<TaskId> = tasks.iter().map(|task| id(*task)).collect();
    write(db, async |tx| active_runs::settle(tx, &tasks, at(60)).await.unwrap()).await
}

async fn end(db: &Db, number: u64) {
    write(db, async |tx| {
        let ended = active_runs::take_ended(tx, "w", &[(id(number), 1)]).await.unwrap().remove(0);
        let ending = Ending { status: RunStatus::Success, output: None, error: None, isolation: None };
        runs::end(tx, &[ended.into_end(ending)], at(1)).await.unwrap();
    })
    .await;
}

async fn waiting(db: &Db, task: u64, numbers: impl IntoIterator<Item = u64>) {
    let runs: Vec<_> = numbers.into_iter().map(|number| run(number, id(task), Fate::Waiting)).collect();
    add_runs(db, &runs).await;
}

async fn runs_that_wait_get_their_turn_one_after_the_other(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task_with(7, OverlapPolicy::Queue)]).await;
    // Recorded in this order, though a server whose clock is behind gave the second one a smaller id.
    waiting(&db, 7, [4]).await;
    waiting(&db, 7, [2]).await;
    waiting(&db, 7, [9]).await;
    assert_eq!(numbers(&claim(&db, "w", 9).await), NONE);
    for expected in [4, 2, 9] {
        assert_eq!(settle(&db, &[7]).await, 1);
        assert_eq!(settle(&db, &[7]).await, 0, "one is ready");
        assert_eq!(numbers(&claim(&db, "w", 9).await), [expected]);
        assert_eq!(settle(&db, &[7]).await, 0, "one is running");
        end(&db, expected).await;
    }
    assert_eq!(settle(&db, &[7]).await, 0);
    assert_eq!(settle(&db, &[]).await, 0);
}

async fn each_task_has_turns_of_its_own(backend: Backend) {
    let db = backend.store().await;
    waiting(&db, 7, [1, 2]).await;
    waiting(&db, 8, [3, 4]).await;
    waiting(&db, 9, [5]).await;
    assert_eq!(settle(&db, &[7]).await, 1);
    assert_eq!(numbers(&claim(&db, "w", 9).await), [1]);
    assert_eq!(settle(&db, &[7, 8, 9, 10]).await, 2);
    assert_eq!(numbers(&claim(&db, "w", 9).await), [3, 5]);
}

async fn another_policy_puts_waiting_runs_in_another_order(backend: Backend) {
    let db = backend.store().await;
    let reorder = async |one_by_one: bool| {
        write(&db, async |tx| active_runs::reorder(tx, id(7), one_by_one, at(70)).await.unwrap()).await
    };
    assert_eq!(reorder(true).await, 0);
    waiting(&db, 7, 1..=4).await;
    waiting(&db, 8, [5]).await;
    settle(&db, &[7]).await;
    // From `queue` to `allow`: all may start.
    assert_eq!(reorder(false).await, 3);
    assert_eq!(numbers(&claim(&db, "w", 1).await), [1]);
    // And back, while one is running: the others wait for it.
    reorder(true).await;
    assert_eq!(numbers(&claim(&db, "w", 9).await), NONE);
    end(&db, 1).await;
    // And again, with nobody running: the oldest may start.
    reorder(false).await;
    reorder(true).await;
    assert_eq!(numbers(&claim(&db, "w", 9).await), [2]);
}

async fn a_task_that_waits_for_nobody_is_stuck(backend: Backend) {
    let db = backend.store().await;
    let stuck = async |limit: i64| {
        let mut tasks = active_runs::stuck(&mut db.read().await.unwrap(), limit).await.unwrap();
        tasks.sort_unstable();
        tasks
    };
    waiting(&db, 7, [1, 2]).await;
    waiting(&db, 8, [3, 4]).await;
    add_runs(&db, &[run(5, id(9), Fate::Ready), run(6, id(9), Fate::Waiting)]).await;
    assert_eq!(stuck(9).await, [id(7), id(8)]);
    assert_eq!(stuck(1).await.len(), 1);
    settle(&db, &[7, 8]).await;
    assert_eq!(stuck(9).await, []);
    claim(&db, "w", 9).await;
    assert_eq!(stuck(9).await, []);
    end(&db, 1).await;
    assert_eq!(stuck(9).await, [id(7)]);
}

async fn the_runs_of_a_task_are_counted(backend: Backend) {
    let db = backend.store().await;
    waiting(&db, 7, [3]).await;
    waiting(&db, 7, [1, 2]).await;
    add_runs(&db, &[run(4, id(8), Fate::Cancelled("skipped".into())), run(5, id(9), Fate::Ready)]).await;
    settle(&db, &[7]).await;
    claim(&db, "w", 1).await;
    let asked = [7, 8, 9, 10].map(id);
    let found = active_runs::of_tasks(&mut db.read().await.unwrap(), &asked).await.unwrap();
    let mut found: Vec<_> =
        found.iter().map(|(task, runs)| (*task, runs.active, runs.queued, number(runs.oldest))).collect();
    found.sort_unstable();
    assert_eq!(found, [(id(7), 3, 2, 3), (id(9), 1, 1, 5)]);
    assert!(active_runs::of_tasks(&mut db.read().await.unwrap(), &[]).await.unwrap().is_empty());
}
