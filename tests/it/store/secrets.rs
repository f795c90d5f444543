//! Sealed secrets.

use justiam_sdk::api::ids::TaskId;
use justiam_server::store::secrets::{self, SealedSecret};
use justiam_server::store::{Db, tasks};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{TEXTS, add_tasks, id, task, write};

both_databases!(
    secrets_come_back_byte_for_byte_in_the_order_of_their_keys,
    a_secret_is_overwritten_and_removed_alone,
    secrets_of_a_page_are_those_of_its_tasks,
    secrets_go_with_their_task,
);

fn secret(key: &str, sealed: &[u8], revision: &str) -> SealedSecret {
    SealedSecret { key: key.into(), sealed_by: "k1".into(), sealed: sealed.into(), revision: revision.into() }
}

async fn put(db: &Db, task: u64, secret: &SealedSecret) {
    write(db, async |tx| secrets::put(tx, id(task), secret).await.unwrap()).await;
}

async fn list(db: &Db, task: u64) -> Vec<SealedSecret> {
    secrets::list(&mut db.read().await.unwrap(), id(task)).await.unwrap()
}

async fn secrets_come_back_byte_for_byte_in_the_order_of_their_keys(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T"), task(2, "U")]).await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let mut expected: Vec<_> = TEXTS.iter().map(|key| secret(key, &every_byte, "r")).collect();
    // The order of bytes, not of a language.
    expected.extend(["a", "B", "b", "A", "ä", "_", "-", "a_b", "a-b", "aB"].map(|key| secret(key, b"", "r")));
    expected.push(secret("huge", &vec![0; 200_000], &"r".repeat(1000)));
    for secret in &expected {
        put(&db, 1, secret).await;
    }
    put(&db, 2, &secret("other", b"1", "r")).await;
    expected.sort_by(|one, other| one.key.as_bytes().cmp(other.key.as_bytes()));
    assert_eq!(list(&db, 1).await, expected);
    assert_eq!(list(&db, 3).await, []);
}

async fn a_secret_is_overwritten_and_removed_alone(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T")]).await;
    put(&db, 1, &secret("a", b"old", "r1")).await;
    put(&db, 1, &secret("b", b"b", "r1")).await;
    let new = SealedSecret { sealed_by: "k2".into(), ..secret("a", b"new", "r2") };
    put(&db, 1, &new).await;
    assert_eq!(list(&db, 1).await, [new, secret("b", b"b", "r1")]);
    for key in ["a", "a", "never there"] {
        write(&db, async |tx| secrets::remove(tx, id(1), key).await.unwrap()).await;
    }
    assert_eq!(list(&db, 1).await, [secret("b", b"b", "r1")]);
}

async fn secrets_of_a_page_are_those_of_its_tasks(backend: Backend) {
    let db = backend.store().await;
    for number in 1..=4 {
        add_tasks(&db, &[task(number, &format!("T{number}"))]).await;
        put(&db, number, &secret("b", &[2], "r1")).await;
        put(&db, number, &secret("a", &[1], "r2")).await;
    }
    let mut found: Vec<(TaskId, SealedSecret)> = Vec::new();
    let each = |task, secret| found.push((task, secret));
    secrets::between(&mut db.read().await.unwrap(), id(2), id(3), each).await.unwrap();
    let of = |task: u64, key: &str, sealed: u8, revision: &str| (id(task), secret(key, &[sealed], revision));
    assert_eq!(found, [of(2, "a", 1, "r2"), of(2, "b", 2, "r1"), of(3, "a", 1, "r2"), of(3, "b", 2, "r1")]);
}

async fn secrets_go_with_their_task(backend: Backend) {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T"), task(2, "U")]).await;
    put(&db, 1, &secret("a", b"", "r")).await;
    put(&db, 2, &secret("a", b"", "r")).await;
    write(&db, async |tx| assert!(tasks::delete(tx, id(1)).await.unwrap())).await;
    assert_eq!(list(&db, 1).await, []);
    assert_eq!(list(&db, 2).await.len(), 1);
    // Of a task that is gone, nothing can be kept.
    let mut tx = db.write().await.unwrap();
    assert!(secrets::put(&mut tx, id(1), &secret("a", b"", "r")).await.is_err());
}
