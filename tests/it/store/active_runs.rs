//! Claims, leases, cancels and ends of active runs.

use std::collections::BTreeSet;

use futures::future::join_all;
use justiam_sdk::api::values::RunStatus;
use justiam_server::store::active_runs::{self, Claimed, Ended};
use justiam_server::store::runs::{self, Ending, Fate};
use justiam_server::store::{Db, tasks};
use justiam_tests::backend::Backend;
use justiam_tests::{both_databases, until};

use super::support::{NONE, add_runs, add_tasks, at, claim, id, number, numbers, run, standing, stored, task, write};

both_databases!(
    runs_are_claimed_in_the_order_in_which_they_were_recorded,
    of_many_workers_each_run_is_claimed_by_one,
    a_claim_that_is_not_committed_is_nobodys,
    a_run_that_is_given_back_is_claimed_again_under_the_next_attempt,
    only_the_worker_of_the_latest_attempt_ends_a_run,
    of_many_ends_of_one_run_one_counts,
    leases_are_renewed_by_their_worker_alone,
    runs_whose_lease_has_ended_are_lost,
    a_run_is_wanted_in_its_attempt_until_it_ends_or_somebody_asks_to_cancel_it,
    a_lease_that_was_renewed_in_time_is_not_lost,
    a_queued_run_is_cancelled_at_once_and_a_running_one_when_it_ends,
    all_runs_of_tasks_are_cancelled_each_for_its_reason,
    a_cancel_and_an_end_at_once_leave_one_end,
);

fn success() -> Ending {
    Ending { status: RunStatus::Success, output: Some("done".into()), error: None, isolation: None }
}

fn lost() -> Ending {
    Ending { status: RunStatus::Error, output: None, error: Some("lost".into()), isolation: None }
}

/// Records the ends of runs that a worker says it has executed, and returns the numbers of those that counted.
async fn finish(db: &Db, worker: &str, attempts: &[(u64, i32)]) -> BTreeSet<u64> {
    let attempts: Vec<_> = attempts.iter().map(|(run, attempt)| (id(*run), *attempt)).collect();
    let ended = write(db, async |tx| {
        let ended = active_runs::take_ended(tx, worker, &attempts).await.unwrap();
        let ends: Vec<_> = ended.iter().cloned().map(|ended| ended.into_end(success())).collect();
        runs::end(tx, &ends, at(10)).await.unwrap();
        ended
    })
    .await;
    ended.iter().map(|ended| number(ended.id)).collect()
}

/// Runs of one task that may all start at once.
async fn ready(db: &Db, numbers: impl IntoIterator<Item = u64>) {
    let runs: Vec<_> = numbers.into_iter().map(|number| run(number, id(7), Fate::Ready)).collect();
    add_runs(db, &runs).await;
}

async fn active(db: &Db) -> (u64, u64) {
    let found = active_runs::of_tasks(&mut db.read().await.unwrap(), &[id(7)]).await.unwrap();
    found.get(&id(7)).map_or((0, 0), |active| (active.active, active.queued))
}

async fn runs_are_claimed_in_the_order_in_which_they_were_recorded(backend: Backend) {
    let db = backend.store().await;
    // A server whose clock is behind makes smaller ids later.
    ready(&db, [5]).await;
    ready(&db, [3]).await;
    add_runs(&db, &[run(1, id(7), Fate::Waiting), run(2, id(7), Fate::Cancelled("skipped".into()))]).await;
    ready(&db, [4]).await;
    let first = claim(&db, "w", 2).await;
    assert_eq!(numbers(&first), [5, 3]);
    assert_eq!((first[0].task_id, first[0].attempt, first[0].started_at), (id(7), 1, at(0)));
    assert_eq!(numbers(&claim(&db, "w", 9).await), [4]);
    assert_eq!(numbers(&claim(&db, "w", 9).await), NONE);
    assert_eq!(numbers(&claim(&db, "w", 0).await), NONE);
    assert_eq!(active(&db).await, (4, 1));
}

async fn of_many_workers_each_run_is_claimed_by_one(backend: Backend) {
    let db = backend.store().await;
    ready(&db, 1..=200).await;
    let claimed = join_all((0..8).map(|worker| {
        let db = db.clone();
        async move {
            let mut claimed = Vec::new();
            while active(&db).await.1 > 0 {
                claimed.extend(numbers(&claim(&db, &format!("w{worker}"), 7).await));
            }
            claimed
        }
    }))
    .await;
    let mut all = claimed.concat();
    all.sort_unstable();
    assert_eq!(all, (1..=200).collect::<Vec<_>>(), "{claimed:?}");
}

async fn a_claim_that_is_not_committed_is_nobodys(backend: Backend) {
    let db = backend.store().await;
    ready(&db, [1]).await;
    let mut tx = db.write().await.unwrap();
    assert_eq!(active_runs::claim(&mut tx, "w1", at(30), at(0), 1).await.unwrap().len(), 1);
    if backend.is_shared() {
        assert_eq!(numbers(&claim(&db, "w2", 1).await), NONE, "somebody has it locked");
    }
    drop(tx);
    // The database hears of the end of a dropped transaction a moment later.
    until("the run to be free", async || claim(&db, "w2", 1).await.iter().any(|run| run.attempt == 1)).await;
}

async fn a_run_that_is_given_back_is_claimed_again_under_the_next_attempt(backend: Backend) {
    let db = backend.store().await;
    ready(&db, 1..=4).await;
    assert_eq!(numbers(&claim(&db, "w1", 3).await), [1, 2, 3]);
    assert_eq!(numbers(&claim(&db, "w2", 1).await), [4]);
    let release = async |worker: &str, known: &[u64]| {
        let known: Vec<_> = known.iter().map(|number| id(*number)).collect();
        write(&db, async |tx| {
            let of_tasks = active_runs::unknown(tx, worker, &known).await.unwrap();
            let released = active_runs::release(tx, worker, &known).await.unwrap();
            for task in of_tasks {
                active_runs::reorder(tx, task, false, at(50)).await.unwrap();
            }
            released
        })
        .await
    };
    assert_eq!(release("w1", &[2, 4]).await, 2);
    assert_eq!(release("w1", &[2]).await, 0);
    assert_eq!(release("w3", &[]).await, 0);
    let run = stored(&db, 1).await;
    assert_eq!((run.status, run.started_at), (RunStatus::Queued, None));
    let again = claim(&db, "w2", 9).await;
    assert_eq!((numbers(&again), again[0].attempt, again[1].attempt), (vec![1, 3], 2, 2));
    // The word of the first attempt counts no more.
    assert_eq!(finish(&db, "w1", &[(1, 1), (2, 1), (3, 1)]).await, [2].into());
    assert_eq!(finish(&db, "w2", &[(1, 1), (3, 2)]).await, [3].into());
    assert_eq!((stored(&db, 3).await.attempt, stored(&db, 2).await.attempt), (2, 1));
    assert_eq!(release("w2", &[]).await, 2);
    assert_eq!(active(&db).await, (2, 2));
}

async fn only_the_worker_of_the_latest_attempt_ends_a_run(backend: Backend) {
    let db = backend.store().await;
    ready(&db, 1..=2).await;
    claim(&db, "w1", 1).await;
    for (worker, attempts) in
        [("w2", [(1, 1)]), ("w1", [(1, 0)]), ("w1", [(1, 2)]), ("w1", [(2, 0)]), ("w1", [(2, 1)]), ("w1", [(9, 1)])]
    {
        assert_eq!(finish(&db, worker, &attempts).await, [].into(), "{worker} {attempts:?}");
    }
    assert_eq!(finish(&db, "w1", &[]).await, [].into());
    assert_eq!(finish(&db, "w1", &[(1, 1), (2, 1), (1, 1)]).await, [1].into());
    assert_eq!(standing(&db, 1).await, "success");
    assert_eq!(finish(&db, "w1", &[(1, 1)]).await, [].into());
    assert_eq!(standing(&db, 2).await, "queued");
}

async fn of_many_ends_of_one_run_one_counts(backend: Backend) {
    let db = backend.store().await;
    ready(&db, 1..=20).await;
    claim(&db, "w", 20).await;
    // A worker that repeats itself, and somebody who takes it for dead.
    let counted = join_all((0..8_u64).map(|who| {
        let db = db.clone();
        async move {
            let mut counted = 0;
            for number in 1..=20 {
                counted += if who % 2 == 0 {
                    finish(&db, "w", &[(number, 1)]).await.len()
                } else {
                    take_lost(&db, 60, &[number]).await.len()
                };
            }
            counted
        }
    }))
    .await;
    assert_eq!(counted.iter().sum::<usize>(), 20, "{counted:?}");
    assert_eq!(active(&db).await, (0, 0));
    let (all, _) = runs::list(&mut db.read().await.unwrap(), None, None, 0, 100).await.unwrap();
    assert!(all.iter().all(|run| run.status.is_terminal() && run.finished_at.is_some()), "{all:?}");
}

async fn leases_are_renewed_by_their_worker_alone(backend: Backend) {
    let db = backend.store().await;
    ready(&db, 1..=3).await;
    claim(&db, "w1", 2).await;
    let all = [id(1), id(2), id(3), id(9)];
    let renew = async |worker: &str| {
        let renewed = write(&db, async |tx| active_runs::renew(tx, worker, &all, at(90)).await.unwrap()).await;
        renewed.into_iter().collect::<BTreeSet<_>>()
    };
    if !backend.is_shared() {
        // On SQLite nobody else could take a run for lost: there is nothing to renew.
        assert_eq!(renew("w1").await, all.into());
        return;
    }
    assert_eq!(renew("w2").await, [].into());
    assert_eq!(renew("w1").await, [id(1), id(2)].into());
    assert_eq!(find_lost(&db, 89, &[], 9).await, NONE);
    assert_eq!(find_lost(&db, 90, &[], 9).await, [1, 2]);
    // One that somebody is just writing is left out, and nobody waits.
    let mut other = db.write().await.unwrap();
    active_runs::cancel(&mut other, id(1), "enough", at(1)).await.unwrap();
    assert_eq!(renew("w1").await, [id(2)].into());
}

async fn find_lost(db: &Db, now: i64, known: &[u64], limit: i64) -> Vec<u64> {
    let known: Vec<_> = known.iter().map(|number| id(*number)).collect();
    let found = active_runs::lost(&mut db.read().await.unwrap(), at(now), &known, limit).await.unwrap();
    assert!(found.iter().all(|(_, task)| *task == id(7)));
    found.iter().map(|(run, _)| number(*run)).collect()
}

async fn take_lost(db: &Db, now: i64, numbers: &[u64]) -> Vec<Ended> {
    let ids: Vec<_> = numbers.iter().map(|number| id(*number)).collect();
    write(db, async |tx| {
        let ended = active_runs::take_lost(tx, at(now), &ids).await.unwrap();
        let ends: Vec<_> = ended.iter().cloned().map(|ended| ended.into_end(lost())).collect();
        runs::end(tx, &ends, at(now)).await.unwrap();
        ended
    })
    .await
}

async fn runs_whose_lease_has_ended_are_lost(backend: Backend) {
    let db = backend.store().await;
    ready(&db, 1..=5).await;
    claim(&db, "w", 4).await;
    write(&db, async |tx| active_runs::cancel(tx, id(2), "enough", at(1)).await.unwrap()).await;
    assert_eq!(find_lost(&db, 29, &[], 9).await, NONE);
    assert_eq!(find_lost(&db, 30, &[], 9).await, [1, 2, 3, 4]);
    assert_eq!(find_lost(&db, 30, &[], 2).await, [1, 2]);
    assert_eq!(find_lost(&db, 30, &[1, 3, 9], 9).await, [2, 4]);
    assert_eq!(take_lost(&db, 29, &[1, 2, 5, 9]).await, []);
    let mut ended = take_lost(&db, 30, &[1, 2, 5, 9]).await;
    ended.sort_unstable_by_key(|ended| ended.id);
    let expected = |number: u64, cancelled: Option<&str>| Ended {
        id: id(number),
        task_id: id(7),
        attempt: 1,
        started_at: Some(at(0)),
        cancelled: cancelled.map(str::to_owned),
    };
    assert_eq!(ended, [expected(1, None), expected(2, Some("enough"))]);
    assert_eq!(standing(&db, 1).await, "error: lost");
    assert_eq!(standing(&db, 2).await, "cancelled: enough: lost");
    assert_eq!(stored(&db, 1).await.finished_at, Some(at(30)));
    assert_eq!(take_lost(&db, 30, &[1, 2]).await, []);
    assert_eq!(finish(&db, "w", &[(1, 1), (2, 1), (3, 1)]).await, [3].into());
}

async fn a_run_is_wanted_in_its_attempt_until_it_ends_or_somebody_asks_to_cancel_it(backend: Backend) {
    let db = backend.store().await;
    ready(&db, 1..=2).await;
    let any_ready = async || active_runs::any_ready(&mut db.read().await.unwrap()).await.unwrap();
    assert!(any_ready().await);
    let claimed = claim(&db, "w", 9).await;
    assert!(!any_ready().await);
    let wanted = async |run: &Claimed| active_runs::is_wanted(&mut db.read().await.unwrap(), run).await.unwrap();
    let [first, second] = claimed.as_slice() else { panic!("{claimed:?}") };
    assert!(wanted(first).await && wanted(second).await);
    assert!(!wanted(&Claimed { attempt: 2, ..first.clone() }).await);
    write(&db, async |tx| active_runs::cancel(tx, first.id, "enough", at(5)).await.unwrap()).await;
    assert!(!wanted(first).await && wanted(second).await);
    // Others took it for lost.
    take_lost(&db, 30, &[2]).await;
    assert!(!wanted(second).await);
}

async fn a_lease_that_was_renewed_in_time_is_not_lost(backend: Backend) {
    let db = backend.store().await;
    ready(&db, [1]).await;
    claim(&db, "w", 1).await;
    assert_eq!(find_lost(&db, 30, &[], 9).await, [1]);
    if backend.is_shared() {
        write(&db, async |tx| active_runs::renew(tx, "w", &[id(1)], at(60)).await.unwrap()).await;
        assert_eq!(take_lost(&db, 30, &[1]).await, []);
    }
    assert_eq!(finish(&db, "w", &[(1, 1)]).await, [1].into());
}

async fn a_queued_run_is_cancelled_at_once_and_a_running_one_when_it_ends(backend: Backend) {
    let db = backend.store().await;
    ready(&db, 1..=3).await;
    claim(&db, "w", 2).await;
    let cancel = async |number: u64, reason: &str| {
        write(&db, async |tx| active_runs::cancel(tx, id(number), reason, at(5)).await.unwrap()).await
    };
    assert!(cancel(3, "not wanted").await);
    assert_eq!(standing(&db, 3).await, "cancelled: not wanted");
    assert_eq!(stored(&db, 3).await.finished_at, Some(at(5)));
    for (number, reason, active) in [(1, "first", true), (1, "second", true), (3, "again", false), (9, "nobody", false)]
    {
        assert_eq!(cancel(number, reason).await, active, "{number} {reason}");
    }
    assert_eq!(standing(&db, 1).await, "running: first");
    assert_eq!(standing(&db, 3).await, "cancelled: not wanted");
    let mut tx = db.read().await.unwrap();
    for (number, requested) in [(1, true), (2, false), (3, false), (9, false)] {
        assert_eq!(active_runs::is_cancel_requested(&mut tx, id(number)).await.unwrap(), requested, "{number}");
    }
    assert_eq!(active_runs::cancel_requests(&mut tx, "w").await.unwrap(), [id(1)]);
    assert_eq!(active_runs::cancel_requests(&mut tx, "other").await.unwrap(), []);
    drop(tx);
    assert_eq!(finish(&db, "w", &[(1, 1), (2, 1)]).await, [1, 2].into());
    assert_eq!(standing(&db, 1).await, "cancelled: first");
    assert_eq!(standing(&db, 2).await, "success");
    assert_eq!(active_runs::cancel_requests(&mut db.read().await.unwrap(), "w").await.unwrap(), []);
}

async fn all_runs_of_tasks_are_cancelled_each_for_its_reason(backend: Backend) {
    let db = backend.store().await;
    for (number, task) in [(1, 7), (2, 8), (3, 9), (4, 7), (5, 8)] {
        add_runs(&db, &[run(number, id(task), Fate::Ready)]).await;
    }
    claim(&db, "w", 3).await;
    write(&db, async |tx| active_runs::cancel(tx, id(1), "before", at(1)).await.unwrap()).await;
    add_runs(&db, &[run(6, id(7), Fate::Waiting)]).await;
    let wanted = [(id(7), "seven".to_owned()), (id(8), "eight".to_owned()), (id(6), "six".to_owned())];
    let running = write(&db, async |tx| active_runs::cancel_all(tx, &wanted, at(5)).await.unwrap()).await;
    assert_eq!(running, [id(2)], "the first one had been asked before");
    for (number, expected) in [
        (1, "running: before"),
        (2, "running: eight"),
        (3, "running"),
        (4, "cancelled: seven"),
        (5, "cancelled: eight"),
        (6, "cancelled: seven"),
    ] {
        assert_eq!(standing(&db, number).await, expected, "{number}");
    }
    let again = write(&db, async |tx| active_runs::cancel_all(tx, &wanted, at(6)).await.unwrap()).await;
    assert_eq!(again, []);
    assert_eq!(write(&db, async |tx| active_runs::cancel_all(tx, &[], at(6)).await.unwrap()).await, []);
}

async fn a_cancel_and_an_end_at_once_leave_one_end(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(7, "T")]).await;
    ready(&db, 1..=40).await;
    claim(&db, "w", 20).await;
    let all: Vec<_> = (1..=20).map(|number| (number, 1)).collect();
    tokio::join!(
        async { finish(&db, "w", &all[..10]).await },
        async { finish(&db, "w", &all[10..]).await },
        async { claim(&db, "w", 20).await },
        async {
            write(&db, async |tx| {
                tasks::lock(tx, id(7)).await.unwrap();
                active_runs::cancel_all(tx, &[(id(7), "gone".into())], at(5)).await.unwrap()
            })
            .await
        },
    );
    let rest: Vec<_> = (1..=40).map(|number| (number, 1)).collect();
    finish(&db, "w", &rest).await;
    // A claim that came last left runs that nobody has cancelled.
    assert_eq!(active(&db).await, (0, 0));
    for number in 1..=40 {
        let standing = standing(&db, number).await;
        assert!(["success", "cancelled: gone"].contains(&standing.as_str()), "{number}: {standing}");
    }
}
