//! Answers that are kept for a repetition of their request.

use futures::future::join_all;
use justiam_server::store::Db;
use justiam_server::store::idempotency::{self, KeptAnswer};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{TEXTS, at, write};

both_databases!(
    an_answer_is_kept_for_one_principal_and_key,
    a_key_is_taken_once_until_it_is_old,
    of_many_requests_at_once_one_takes_the_key,
    a_request_that_fails_leaves_its_key_free,
    old_answers_are_forgotten_in_batches,
);

async fn take(db: &Db, principal: &str, key: &str, since: i64, now: i64) -> bool {
    write(db, async |tx| idempotency::take(tx, principal, key, "k1", b"request", at(since), at(now)).await.unwrap())
        .await
}

async fn find(db: &Db, principal: &str, key: &str) -> Option<KeptAnswer> {
    idempotency::find(&mut db.read().await.unwrap(), principal, key).await.unwrap()
}

async fn an_answer_is_kept_for_one_principal_and_key(backend: Backend) {
    let db = backend.store().await;
    for text in TEXTS {
        assert!(take(&db, "p", text, 0, 1).await, "{text:?}");
        write(&db, async |tx| idempotency::keep(tx, "p", text, text, false).await.unwrap()).await;
    }
    for text in TEXTS {
        let kept = KeptAnswer { sealed_by: "k1".into(), request: b"request".into(), answer: text.into() };
        assert_eq!(find(&db, "p", text).await, Some(kept), "{text:?}");
        assert_eq!(find(&db, "q", text).await, None);
    }
    assert!(take(&db, "q", "", 0, 1).await);
}

async fn a_key_is_taken_once_until_it_is_old(backend: Backend) {
    let db = backend.store().await;
    assert!(take(&db, "p", "k", 0, 100).await);
    write(&db, async |tx| idempotency::keep(tx, "p", "k", "first", true).await.unwrap()).await;
    assert!(!take(&db, "p", "k", 50, 150).await);
    assert!(!take(&db, "p", "k", 100, 200).await);
    assert_eq!(find(&db, "p", "k").await.unwrap().answer, "first");
    assert!(take(&db, "p", "k", 101, 201).await);
    assert_eq!(find(&db, "p", "k").await.unwrap().answer, "");
    assert!(!take(&db, "p", "k", 201, 301).await);
}

async fn of_many_requests_at_once_one_takes_the_key(backend: Backend) {
    let db = backend.store().await;
    let answers = join_all((0..8).map(|number| {
        let db = db.clone();
        async move {
            let mut tx = db.write().await.unwrap();
            if idempotency::take(&mut tx, "p", "k", "k1", b"request", at(0), at(1)).await.unwrap() {
                idempotency::keep(&mut tx, "p", "k", &format!("answer {number}"), false).await.unwrap();
            }
            let kept = idempotency::find(&mut tx, "p", "k").await.unwrap().unwrap();
            tx.commit().await.unwrap();
            kept.answer
        }
    }))
    .await;
    assert!(answers[0].starts_with("answer "), "{answers:?}");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

async fn a_request_that_fails_leaves_its_key_free(backend: Backend) {
    let db = backend.store().await;
    let mut tx = db.write().await.unwrap();
    assert!(idempotency::take(&mut tx, "p", "k", "k1", b"", at(0), at(1)).await.unwrap());
    drop(tx);
    assert_eq!(find(&db, "p", "k").await, None);
    assert!(take(&db, "p", "k", 0, 1).await);
}

async fn old_answers_are_forgotten_in_batches(backend: Backend) {
    let db = backend.store().await;
    for number in 0..5 {
        assert!(take(&db, "p", &number.to_string(), 0, number).await);
    }
    let mut forgotten = Vec::new();
    for _ in 0..3 {
        forgotten.push(write(&db, async |tx| idempotency::forget(tx, at(3), 2).await.unwrap()).await);
    }
    assert_eq!(forgotten, [2, 1, 0]);
    for number in 0..5 {
        assert_eq!(find(&db, "p", &number.to_string()).await.is_some(), number >= 3, "{number}");
    }
}
