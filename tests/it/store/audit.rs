//! The audit log.

use justiam_sdk::api::audit::AuditEntry;
use justiam_server::store::Db;
use justiam_server::store::audit::{self, Filter};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{TEXTS, at, id, write};

both_databases!(
    entries_come_back_as_they_were_written,
    the_log_is_filtered_and_paged_newest_first,
    old_entries_are_deleted_in_batches,
);

/// An entry from second `number`.
fn entry(number: u64, actor: &str, action: &str) -> AuditEntry {
    AuditEntry::new(id(number), at(number.try_into().unwrap()), actor.into(), action.into(), "task".into())
}

async fn put(db: &Db, entry: &AuditEntry) {
    write(db, async |tx| audit::put(tx, entry).await.unwrap()).await;
}

async fn list(db: &Db, filter: &Filter, offset: i64, limit: i64) -> (Vec<AuditEntry>, u64) {
    audit::list(&mut db.read().await.unwrap(), filter, offset, limit).await.unwrap()
}

async fn entries_come_back_as_they_were_written(backend: Backend) {
    let db = backend.store().await;
    let plain = entry(1, "A", "task.create");
    let mut full = entry(2, TEXTS[7], TEXTS[6]);
    full.principal = Some(TEXTS[1].into());
    full.token_id = Some(id(77));
    full.request_id = Some(TEXTS[8].into());
    full.object_id = Some(TEXTS[4].into());
    full.object_name = Some(TEXTS[5].into());
    full.details = serde_json::json!({ "changed": [TEXTS[7]] });
    put(&db, &entry(2, "overwritten", "x")).await;
    put(&db, &plain).await;
    put(&db, &full).await;
    assert_eq!(list(&db, &Filter::default(), 0, 9).await, (vec![full, plain], 2));
}

async fn the_log_is_filtered_and_paged_newest_first(backend: Backend) {
    let db = backend.store().await;
    for (number, actor, action, object) in [
        (3, "B", "task.run", Some("o")),
        (1, "A", "task.run", None),
        (2, "A", "task.create", Some("o")),
        (4, "a", "x", None),
    ] {
        let mut entry = entry(number, actor, action);
        entry.principal = Some(format!("p{number}"));
        entry.object_id = object.map(str::to_owned);
        put(&db, &entry).await;
    }
    let text = |text: &str| Some(text.to_owned());
    let by = |actor: Option<&str>, action: Option<&str>, object: Option<&str>| Filter {
        action: action.and_then(text),
        object_id: object.and_then(text),
        actor: actor.and_then(text),
    };
    for (filter, offset, limit, expected, total) in [
        (by(None, None, None), 0, 9, vec![4, 3, 2, 1], 4),
        (by(None, None, None), 1, 2, vec![3, 2], 4),
        (by(Some("A"), None, None), 0, 9, vec![2, 1], 2),
        (by(Some("p3"), None, None), 0, 9, vec![3], 1),
        (by(None, Some("task.run"), None), 0, 1, vec![3], 2),
        (by(None, None, Some("o")), 0, 9, vec![3, 2], 2),
        (by(Some("A"), Some("task.create"), Some("o")), 0, 9, vec![2], 1),
        (by(Some("B"), Some("task.create"), Some("o")), 0, 9, vec![], 0),
    ] {
        let (found, all) = list(&db, &filter, offset, limit).await;
        let found: Vec<i64> = found.iter().map(|entry| entry.at.duration_since(at(0)).as_secs()).collect();
        assert_eq!((found, all), (expected, total), "{filter:?}");
    }
}

async fn old_entries_are_deleted_in_batches(backend: Backend) {
    let db = backend.store().await;
    for number in 1..=5 {
        put(&db, &entry(number, "A", "x")).await;
    }
    let mut deleted = Vec::new();
    for _ in 0..3 {
        deleted.push(write(&db, async |tx| audit::delete_before(tx, at(4), 2).await.unwrap()).await);
    }
    assert_eq!(deleted, [2, 1, 0]);
    assert_eq!(list(&db, &Filter::default(), 0, 9).await, (vec![entry(5, "A", "x"), entry(4, "A", "x")], 2));
}
