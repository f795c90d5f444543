//! Claims, leases, cancels and ends of active steps.

use futures::future::join_all;
use justiam_sdk::api::ids::ActivityId;
use justiam_server::store::Db;
use justiam_server::store::active_steps::{self, ClaimedStep, EndedStep};
use justiam_tests::backend::{Backend, execute};
use justiam_tests::both_databases;

use super::executions::{claim_steps, execution_of};
use super::support::{at, id, write};

both_databases!(
    steps_of_a_group_are_claimed_in_their_order,
    of_many_workers_each_step_is_claimed_by_one,
    a_connected_system_is_claimed_once_at_a_time,
    a_step_that_is_given_back_is_claimed_again,
    leases_are_renewed_and_steps_without_one_are_lost,
    a_cancel_takes_what_waits_and_asks_for_the_rest,
    only_the_worker_of_the_latest_attempt_ends_a_step,
);

fn numbers(claimed: &[ClaimedStep]) -> Vec<u64> {
    claimed.iter().map(|step| number(step.activity)).collect()
}

fn number(activity: ActivityId) -> u64 {
    (1..10_000).find(|number| id::<ActivityId>(*number) == activity).unwrap()
}

async fn count(db: &Db, execution: u64) -> i64 {
    active_steps::count(&mut db.read().await.unwrap(), id(execution)).await.unwrap()
}

async fn steps_of_a_group_are_claimed_in_their_order(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[3, 0, 0, 0]).await;
    assert_eq!(count(&db, 1).await, 3);
    let claimed = claim_steps(&db, "w", 2).await;
    assert_eq!(numbers(&claimed), [101, 102]);
    let first = ClaimedStep { activity: id(101), execution: Some(id(1)), attempt: 1, started_at: at(1) };
    assert_eq!(claimed[0], first);
    let wanted = async |step: &ClaimedStep| active_steps::is_wanted(&mut db.read().await.unwrap(), step).await.unwrap();
    assert!(wanted(&first).await && !wanted(&ClaimedStep { attempt: 2, ..first }).await);
    assert_eq!(numbers(&claim_steps(&db, "w", 9).await), [103]);
    assert_eq!(numbers(&claim_steps(&db, "w", 9).await), super::support::NONE);
    assert_eq!(write(&db, async |tx| active_steps::insert_group(tx, id(1), 3).await.unwrap()).await, 1);
    assert_eq!(numbers(&claim_steps(&db, "w", 9).await), [100]);
}

async fn of_many_workers_each_step_is_claimed_by_one(backend: Backend) {
    let db = backend.store().await;
    for execution in 1..=8 {
        execution_of(&db, execution, &[0; 20]).await;
    }
    let claimed = join_all((0..6).map(|worker| {
        let db = db.clone();
        async move {
            let mut claimed = Vec::new();
            loop {
                let (more, others) = write(&db, async |tx| {
                    active_steps::claim(tx, &format!("w{worker}"), at(30), at(1), 7).await.unwrap()
                })
                .await;
                if more.is_empty() && !others {
                    return claimed;
                }
                claimed.extend(numbers(&more));
            }
        }
    }))
    .await;
    let mut all = claimed.concat();
    all.sort_unstable();
    let expected: Vec<u64> = (1..=8).flat_map(|execution| (0..20).map(move |n| execution * 100 + n)).collect();
    assert_eq!(all, expected);
}

async fn a_connected_system_is_claimed_once_at_a_time(backend: Backend) {
    let db = backend.store().await;
    write(&db, async |tx| {
        let sql = "INSERT INTO activities (id, target_type, target_name, status, created_at, initiated_by_type, \
                   connected_system_id) VALUES ('@1', 'x', 'x', 'NotSet', 0, 'User', 1), ('@2', 'x', 'x', 'NotSet', 0, \
                   'User', 1), ('@3', 'x', 'x', 'NotSet', 0, 'User', 2)";
        execute(tx, &sql.replace('@', "019b0000-0000-7000-8000-00000000000")).await;
        for step in 1..=3 {
            assert_eq!(active_steps::insert(tx, id(step)).await.unwrap(), 1);
        }
        assert_eq!(active_steps::insert(tx, id(9)).await.unwrap(), 0);
    })
    .await;
    assert_eq!(numbers(&claim_steps(&db, "w", 9).await), [1, 3]);
    assert_eq!(numbers(&claim_steps(&db, "w", 9).await), super::support::NONE);
    write(&db, async |tx| active_steps::take_ended(tx, "w", id(1), 1).await.unwrap().unwrap()).await;
    let claimed = claim_steps(&db, "w", 9).await;
    assert_eq!((numbers(&claimed), claimed[0].execution), (vec![2], None));
}

async fn a_step_that_is_given_back_is_claimed_again(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[0; 4]).await;
    claim_steps(&db, "w1", 3).await;
    claim_steps(&db, "w2", 1).await;
    let unknown =
        async |known: &[ActivityId]| write(&db, async |tx| active_steps::unknown(tx, "w1", known).await.unwrap()).await;
    assert_eq!(unknown(&[id(100)]).await, [(id(101), Some(id(1))), (id(102), Some(id(1)))]);
    let sql = format!(
        "UPDATE active_steps SET cancel_requested = TRUE, reason = 'why' WHERE activity_id = '{}'",
        id::<ActivityId>(102)
    );
    write(&db, async |tx| execute(tx, &sql).await).await;
    assert_eq!(write(&db, async |tx| active_steps::release(tx, "w1", &[id(100)]).await.unwrap()).await, 1);
    assert_eq!(unknown(&[id(100)]).await, [(id(102), Some(id(1)))], "nobody wants it to begin again");
    let taken = write(&db, async |tx| active_steps::take(tx, "w1", id(102)).await.unwrap()).await;
    let expected =
        EndedStep { activity: id(102), execution: Some(id(1)), started_at: Some(at(1)), cancelled: Some("why".into()) };
    assert_eq!(taken, Some(expected));
    let again = claim_steps(&db, "w2", 9).await;
    assert_eq!((numbers(&again), again[0].attempt), (vec![101], 2));
}

async fn leases_are_renewed_and_steps_without_one_are_lost(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[0; 3]).await;
    claim_steps(&db, "w", 3).await;
    let lost = async |seconds, known: &[ActivityId]| {
        write(&db, async |tx| active_steps::lost(tx, at(seconds), known, 9).await.unwrap()).await
    };
    assert_eq!(lost(29, &[]).await, []);
    assert_eq!(lost(30, &[id(100)]).await, [(id(101), Some(id(1))), (id(102), Some(id(1)))]);
    if backend.is_shared() {
        let renewed = write(&db, async |tx| active_steps::renew(tx, "w", &[id(102)], at(60)).await.unwrap()).await;
        assert_eq!(renewed, [id(102)]);
        let others = write(&db, async |tx| active_steps::renew(tx, "v", &[id(101)], at(60)).await.unwrap()).await;
        assert_eq!(others, []);
        assert_eq!(lost(30, &[id(100)]).await, [(id(101), Some(id(1)))]);
    }
    let taken = write(&db, async |tx| active_steps::take_lost(tx, at(30), &[id(100), id(101)]).await.unwrap()).await;
    assert_eq!((taken.len(), count(&db, 1).await), (2, 1));
    let again = write(&db, async |tx| active_steps::take_lost(tx, at(30), &[id(100)]).await.unwrap()).await;
    assert_eq!(again, []);
}

async fn a_cancel_takes_what_waits_and_asks_for_the_rest(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[0; 3]).await;
    execution_of(&db, 2, &[0]).await;
    claim_steps(&db, "w", 2).await;
    let cancel = async || write(&db, async |tx| active_steps::cancel(tx, id(1), "why").await.unwrap()).await;
    let mut asked = cancel().await;
    asked.sort_unstable();
    assert_eq!(asked, [id(100), id(101)]);
    assert_eq!(cancel().await, [], "they were asked before");
    assert_eq!((count(&db, 1).await, count(&db, 2).await), (2, 1));
    let mut tx = db.read().await.unwrap();
    let mut heard = active_steps::cancel_requests(&mut tx, "w").await.unwrap();
    heard.sort_unstable();
    assert_eq!(heard, [id(100), id(101)]);
    assert_eq!(active_steps::cancel_requests(&mut tx, "v").await.unwrap(), []);
    drop(tx);
    let ended = write(&db, async |tx| active_steps::take_ended(tx, "w", id(100), 1).await.unwrap()).await;
    assert_eq!(ended.unwrap().cancelled.as_deref(), Some("why"));
}

async fn only_the_worker_of_the_latest_attempt_ends_a_step(backend: Backend) {
    let db = backend.store().await;
    execution_of(&db, 1, &[0]).await;
    claim_steps(&db, "w", 1).await;
    for (worker, attempt, counts) in [("v", 1, false), ("w", 2, false), ("w", 1, true), ("w", 1, false)] {
        let ended = write(&db, async |tx| active_steps::take_ended(tx, worker, id(100), attempt).await.unwrap()).await;
        assert_eq!(ended.is_some(), counts, "{worker} {attempt}");
    }
}
