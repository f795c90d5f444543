//! What is sealed, by key, and the way from one key to another.

use justiam_sdk::api::ids::TaskId;
use justiam_server::store::rotation::{self, Item, Kind, Sealed};
use justiam_server::store::secrets::{self, SealedSecret};
use justiam_server::store::{Db, idempotency};
use justiam_tests::backend::{Backend, execute, somebody_waits_for};
use justiam_tests::both_databases;

use super::support::{add_tasks, at, id, task, write};

both_databases!(
    what_is_sealed_is_found_by_its_key_page_by_page,
    what_is_sealed_anew_is_the_same_but_for_that,
    what_somebody_else_has_written_meanwhile_is_left_alone,
    the_owners_of_what_is_sealed_are_held,
);

/// Two of each kind by `k1`, and one by `k2`.
async fn filled(backend: &Backend) -> Db {
    let db = backend.store().await;
    add_tasks(&db, &[task(1, "T"), task(2, "U")]).await;
    write(&db, async |tx| {
        for (number, key, sealed_by) in [(1, "a", "k1"), (1, "b", "k2"), (2, "a", "k1")] {
            let sealed = format!("{number}{key}").into_bytes();
            let secret = SealedSecret { key: key.into(), sealed_by: sealed_by.into(), sealed, revision: "r".into() };
            secrets::put(tx, id(number), &secret).await.unwrap();
        }
        for (key, sealed_by, is_sealed) in [("a", "k1", false), ("b", "k2", true), ("c", "k1", true)] {
            assert!(idempotency::take(tx, "p", key, sealed_by, key.as_bytes(), at(0), at(1)).await.unwrap());
            idempotency::keep(tx, "p", key, &format!("answer {key}"), is_sealed).await.unwrap();
        }
        execute(
            tx,
            "INSERT INTO schedules (id, name, folded, trigger_type, pattern_type, timezone, is_enabled, revision, created_at) \
             VALUES ('s1', 's1', '', 'Manual', 'Custom', 'UTC', FALSE, 'r', 0); \
             INSERT INTO schedule_steps (id, schedule_id, position, step_index, execution_mode, step_type, continue_on_failure, \
             sql_shown, sql_sealed_by, sql_sealed, sql_revision) \
             VALUES ('p1', 's1', 0, 0, 'Sequential', 'SqlScript', FALSE, 'x', 'k1', '1', 'r'), \
             ('p2', 's1', 1, 1, 'Sequential', 'SqlScript', FALSE, 'x', 'k2', '2', 'r'), \
             ('p3', 's1', 2, 2, 'Sequential', 'SqlScript', FALSE, 'x', 'k1', '3', 'r'), \
             ('p4', 's1', 3, 3, 'Sequential', 'Executable', FALSE, NULL, NULL, NULL, NULL); \
             INSERT INTO activities (id, target_type, target_name, initiated_by_type, status, created_at, completed_at, step_id, sql_sealed_by, \
             sql_sealed) \
             VALUES ('a1', 'x', 'x', 'System', 'NotSet', 0, NULL, 'p1', 'k1', '1'), ('a2', 'x', 'x', 'System', 'NotSet', 0, NULL, 'p2', 'k2', '2'), \
             ('a3', 'x', 'x', 'System', 'NotSet', 0, NULL, 'p1', 'k1', '3'), ('a4', 'x', 'x', 'System', 'Complete', 0, 1, 'p1', NULL, NULL);",
        )
        .await;
    })
    .await;
    db
}

async fn page(db: &Db, kind: Kind, except: Option<&str>, after: (&str, &str), limit: i64) -> Vec<Item> {
    rotation::page(&mut db.read().await.unwrap(), kind, except, after, limit).await.unwrap()
}

fn item(owner: &str, name: &str, sealed_by: &str, sealed: Sealed) -> Item {
    Item { owner: owner.to_string(), name: name.to_owned(), sealed_by: sealed_by.to_owned(), sealed }
}

/// All that [`filled`] has of a kind.
fn expected(kind: Kind) -> [Item; 3] {
    let task = |number| id::<TaskId>(number).to_string();
    let secret = |text: &str| Sealed::Secret(text.into());
    let text = |text: &str| Sealed::ConnectionString(text.into());
    match kind {
        Kind::TaskSecrets => [
            item(&task(1), "a", "k1", secret("1a")),
            item(&task(1), "b", "k2", secret("1b")),
            item(&task(2), "a", "k1", secret("2a")),
        ],
        Kind::ConnectionStrings => {
            [item("s1", "p1", "k1", text("1")), item("s1", "p2", "k2", text("2")), item("s1", "p3", "k1", text("3"))]
        }
        Kind::PendingConnectionStrings => {
            [item("a1", "p1", "k1", text("1")), item("a2", "p2", "k2", text("2")), item("a3", "p1", "k1", text("3"))]
        }
        Kind::KeptRequests => [
            item("p", "a", "k1", Sealed::Request(b"a".into(), None)),
            item("p", "b", "k2", Sealed::Request(b"b".into(), Some("answer b".into()))),
            item("p", "c", "k1", Sealed::Request(b"c".into(), Some("answer c".into()))),
        ],
    }
}

async fn what_is_sealed_is_found_by_its_key_page_by_page(backend: Backend) {
    let db = filled(&backend).await;
    for kind in Kind::ALL {
        let [one, two, three] = expected(kind);
        assert_eq!(page(&db, kind, None, ("", ""), 9).await, [one.clone(), two.clone(), three.clone()]);
        assert_eq!(page(&db, kind, Some("k2"), ("", ""), 9).await, [one.clone(), three.clone()]);
        assert_eq!(page(&db, kind, Some("k1"), ("", ""), 9).await, std::slice::from_ref(&two));
        assert_eq!(page(&db, kind, None, ("", ""), 2).await, [one.clone(), two.clone()]);
        assert_eq!(page(&db, kind, None, (&two.owner, &two.name), 2).await, std::slice::from_ref(&three));
        assert_eq!(page(&db, kind, Some("k2"), (&one.owner, &one.name), 9).await, std::slice::from_ref(&three));
        assert_eq!(page(&db, kind, None, (&three.owner, &three.name), 2).await, []);
        let counts = rotation::counts(&mut db.read().await.unwrap(), kind).await.unwrap();
        assert_eq!(counts, [("k1".to_owned(), 2), ("k2".to_owned(), 1)], "{kind:?}");
    }
    let keys = rotation::keys(&mut db.read().await.unwrap()).await.unwrap();
    assert_eq!(keys, ["k1", "k2"].map(str::to_owned).into());
}

/// Something else in the place of what is sealed.
fn other(sealed: &Sealed) -> Sealed {
    match sealed {
        Sealed::Secret(_) => Sealed::Secret(vec![0, 255]),
        Sealed::ConnectionString(_) => Sealed::ConnectionString("new".into()),
        Sealed::Request(_, answer) => Sealed::Request(vec![0, 255], answer.as_ref().map(|_| "new answer".into())),
    }
}

async fn what_is_sealed_anew_is_the_same_but_for_that(backend: Backend) {
    let db = filled(&backend).await;
    for kind in Kind::ALL {
        let [one, two, three] = expected(kind);
        let new = other(&three.sealed);
        write(&db, async |tx| assert!(rotation::reseal(tx, kind, &three, "k2", &new).await.unwrap())).await;
        let three = Item { sealed_by: "k2".into(), sealed: new, ..three };
        assert_eq!(page(&db, kind, None, ("", ""), 9).await, [one, two, three], "{kind:?}");
    }
    let secret = &secrets::list(&mut db.read().await.unwrap(), id(2)).await.unwrap()[0];
    assert_eq!(secret.revision, "r");
    // An answer that is not sealed stays.
    let plain = rotation::page(&mut db.read().await.unwrap(), Kind::KeptRequests, None, ("", ""), 1).await.unwrap();
    write(&db, async |tx| {
        assert!(rotation::reseal(tx, Kind::KeptRequests, &plain[0], "k2", &other(&plain[0].sealed)).await.unwrap());
    })
    .await;
    let kept = idempotency::find(&mut db.read().await.unwrap(), "p", "a").await.unwrap().unwrap();
    assert_eq!((kept.sealed_by.as_str(), kept.answer.as_str()), ("k2", "answer a"));
}

async fn what_somebody_else_has_written_meanwhile_is_left_alone(backend: Backend) {
    let db = filled(&backend).await;
    for kind in Kind::ALL {
        let [one, two, three] = expected(kind);
        let seen = Item { sealed: other(&one.sealed), ..one.clone() };
        let nowhere = Item { owner: "nobody".into(), ..one.clone() };
        for old in [seen, nowhere] {
            let changed =
                write(&db, async |tx| rotation::reseal(tx, kind, &old, "k2", &one.sealed).await.unwrap()).await;
            assert!(!changed, "{kind:?}");
        }
        // Nor does anything become something of another kind.
        let strange = match kind {
            Kind::TaskSecrets => Sealed::ConnectionString("x".into()),
            _ => Sealed::Secret(b"x".into()),
        };
        write(&db, async |tx| assert!(!rotation::reseal(tx, kind, &one, "k2", &strange).await.unwrap())).await;
        assert_eq!(page(&db, kind, None, ("", ""), 9).await, [one, two, three], "{kind:?}");
    }
}

async fn the_owners_of_what_is_sealed_are_held(backend: Backend) {
    let db = filled(&backend).await;
    for (kind, sql) in [
        (Kind::TaskSecrets, "UPDATE tasks SET revision = 'x'"),
        (Kind::ConnectionStrings, "UPDATE schedules SET revision = 'x'"),
    ] {
        let mut tx = db.write().await.unwrap();
        rotation::hold(&mut tx, kind, &expected(kind)).await.unwrap();
        let other = db.clone();
        let second = tokio::spawn(async move { write(&other, async |tx| execute(tx, sql).await).await });
        if backend.is_shared() {
            somebody_waits_for(&mut tx).await;
        }
        assert!(!second.is_finished());
        tx.commit().await.unwrap();
        second.await.unwrap();
    }
    // The others are written one at a time.
    let mut tx = db.write().await.unwrap();
    for kind in [Kind::PendingConnectionStrings, Kind::KeptRequests] {
        rotation::hold(&mut tx, kind, &expected(kind)).await.unwrap();
    }
}
