//! The connector space, and the batches of users, groups and audit entries that synchronisation writes.

use justiam_sdk::api::audit::AuditEntry;
use justiam_sdk::api::groups::Group;
use justiam_sdk::api::ids::{GroupId, UserId};
use justiam_sdk::api::users::User;
use justiam_server::store::connector_objects::{self, Filter, Object, Pending, PendingCounts, Seen, Synchronised};
use justiam_server::store::identity::{groups, users};
use justiam_server::store::{Db, Error, Tx, audit, connected_systems};
use justiam_tests::backend::{self, Backend};
use justiam_tests::both_databases;

use super::connected_systems::add;
use super::support::{TEXTS, at, id, write};

both_databases!(
    an_import_writes_touches_and_removes,
    objects_are_read_in_order_page_by_page,
    a_synchronisation_links_objects_and_users,
    exports_wait_until_they_are_confirmed,
    users_are_written_in_batches,
    memberships_are_written_in_batches,
    audit_entries_are_written_in_batches,
);

const ALL: Filter = Filter { is_gone: false, only_changed: false };
const GONE: Filter = Filter { is_gone: true, only_changed: false };

fn object(id: &str, text: &str) -> (String, String) {
    (id.to_owned(), format!("{{\"x\":{}}}", serde_json::to_string(text).unwrap()))
}

async fn ids(tx: &mut Tx, system: i64, filter: Filter) -> Vec<String> {
    let objects = connector_objects::after(tx, system, filter, "", 100).await.unwrap();
    objects.into_iter().map(|object| object.external_id).collect()
}

fn user(number: u64, email: &str) -> User {
    let mut user = User::new(id(number), email.to_owned(), at(1));
    user.first_name = TEXTS[7].into();
    user.attributes = [(TEXTS[6].to_owned(), TEXTS[7].to_owned())].into();
    user.last_login_at = Some(at(2));
    user
}

async fn add_users(db: &Db, users: &[User]) {
    write(db, async |tx| users::batch::insert(tx, users).await.unwrap()).await;
}

async fn an_import_writes_touches_and_removes(backend: Backend) {
    let db = backend.store().await;
    let (system, other) = (add(&db, "a").await, add(&db, "b").await);
    let mut tx = db.write().await.unwrap();
    let first = [object(TEXTS[6], TEXTS[7]), object("b", "1"), object("c", "1"), object("d", "1")];
    connector_objects::import(&mut tx, system, 1, &first).await.unwrap();
    connector_objects::import(&mut tx, other, 1, &first).await.unwrap();
    let seen = connector_objects::seen(&mut tx, system, [TEXTS[6], "x"]).await.unwrap();
    let (external_id, imported) = (TEXTS[6].to_owned(), Some(first[0].1.clone()));
    assert_eq!(seen, [Seen { external_id, imported, is_gone: false, generation: 1 }]);
    let everything: Vec<_> = ids(&mut tx, system, ALL).await;
    let all: Vec<_> = ids(&mut tx, system, Filter { only_changed: true, ..ALL }).await;
    assert_eq!(all, everything);
    assert_eq!(connector_objects::count(&mut tx, system, true).await.unwrap(), 4);
    let synchronised: Vec<_> = all.iter().map(|id| plain(id)).collect();
    connector_objects::synchronise(&mut tx, system, &synchronised).await.unwrap();
    assert_eq!(connector_objects::count(&mut tx, system, true).await.unwrap(), 0);
    assert_eq!(connector_objects::count(&mut tx, system, false).await.unwrap(), 4);

    connector_objects::import(&mut tx, system, 2, &[object("b", "2")]).await.unwrap();
    connector_objects::touch(&mut tx, system, 2, ["c", "x"]).await.unwrap();
    // What is gone already does not go again.
    assert_eq!(connector_objects::remove(&mut tx, system, 2, ["d", "x"]).await.unwrap(), 1);
    assert_eq!(connector_objects::remove(&mut tx, system, 2, ["d"]).await.unwrap(), 0);
    assert_eq!(connector_objects::remove_unseen(&mut tx, system, 2).await.unwrap(), 1);
    assert_eq!(ids(&mut tx, system, Filter { only_changed: true, ..ALL }).await, ["b"]);
    assert_eq!(ids(&mut tx, system, ALL).await, ["b", "c"]);
    assert_eq!(connector_objects::count_there(&mut tx, system).await.unwrap(), 2);
    assert_eq!(connector_objects::count_there(&mut tx, other).await.unwrap(), 4);
    assert_eq!(ids(&mut tx, system, Filter { only_changed: true, ..GONE }).await, ["d", TEXTS[6]]);
    // It comes back.
    connector_objects::import(&mut tx, system, 3, &[object("d", "3")]).await.unwrap();
    assert_eq!(ids(&mut tx, system, ALL).await, ["b", "c", "d"]);
    connector_objects::forget(&mut tx, system, ["b", "x"]).await.unwrap();
    assert_eq!(ids(&mut tx, system, ALL).await, ["c", "d"]);
    connector_objects::forget_all(&mut tx, system).await.unwrap();
    assert_eq!(connector_objects::count(&mut tx, system, false).await.unwrap(), 0);
    assert_eq!(connector_objects::count(&mut tx, other, false).await.unwrap(), 4);
    connected_systems::delete(&mut tx, other).await.unwrap();
    assert_eq!(connector_objects::count(&mut tx, other, false).await.unwrap(), 0);
}

fn plain(id: &str) -> Synchronised {
    Synchronised { external_id: id.to_owned(), user: None, given_groups: [].into(), is_changed: false }
}

async fn objects_are_read_in_order_page_by_page(backend: Backend) {
    let db = backend.store().await;
    let system = add(&db, "a").await;
    write(&db, async |tx| {
        let objects = ["ä", "b", "B", "a", "_"].map(|id| object(id, "1"));
        connector_objects::import(tx, system, 1, &objects).await.unwrap();
        let mut last = String::new();
        let mut all = Vec::new();
        loop {
            let page = connector_objects::after(tx, system, ALL, &last, 2).await.unwrap();
            let Some(end) = page.last() else { break };
            last.clone_from(&end.external_id);
            all.extend(page.into_iter().map(|object| object.external_id));
        }
        assert_eq!(all, ["B", "_", "a", "b", "ä"]);
    })
    .await;
}

async fn a_synchronisation_links_objects_and_users(backend: Backend) {
    let db = backend.store().await;
    let (system, other) = (add(&db, "a").await, add(&db, "b").await);
    add_users(&db, &[user(1, "a@x"), user(2, "b@x")]).await;
    let mut tx = db.write().await.unwrap();
    backend::execute(&mut tx, "UPDATE connected_systems SET direction = 'Inbound' WHERE name = 'a'").await;
    let objects = ["1", "2", "3"].map(|id| object(id, id));
    connector_objects::import(&mut tx, system, 1, &objects).await.unwrap();
    connector_objects::import(&mut tx, other, 1, &objects).await.unwrap();
    let given = [id::<GroupId>(8), id(9)];
    let linked = Synchronised { user: Some(id(1)), given_groups: given.into(), is_changed: true, ..plain("1") };
    connector_objects::synchronise(&mut tx, system, &[linked, plain("2")]).await.unwrap();
    let outbound = Synchronised { user: Some(id(1)), ..plain("1") };
    connector_objects::synchronise(&mut tx, other, &[outbound]).await.unwrap();
    assert_eq!(ids(&mut tx, system, Filter { only_changed: true, ..ALL }).await, ["1", "3"]);
    // Only what inbound connected systems say about users.
    let links = connector_objects::links(&mut tx, &[id(1), id(2), id(3)]).await.unwrap();
    assert_eq!(links.len(), 1);
    assert_eq!((links[0].user, links[0].system, links[0].external_id.as_str()), (id(1), system, "1"));
    assert_eq!((links[0].is_gone, &links[0].given_groups), (false, &given.into()));
    let found = connector_objects::of_users(&mut tx, system, &[id(1), id(2)], &["3".into(), "1".into()]).await.unwrap();
    let (external_id, user) = ("1".to_owned(), Some(id::<UserId>(1)));
    let imported = Some(objects[0].1.clone());
    let first = Object {
        external_id,
        imported,
        pending_export: None,
        user,
        is_changed: true,
        is_gone: false,
        given_groups: given.into(),
    };
    assert_eq!((&found[0], found[1].external_id.as_str(), found.len()), (&first, "3", 2));
    // An object stays behind when its user goes.
    assert!(users::delete(&mut tx, id(1)).await.unwrap());
    assert_eq!(connector_objects::links(&mut tx, &[id(1)]).await.unwrap(), []);
    assert_eq!(ids(&mut tx, system, ALL).await.len(), 3);
}

async fn exports_wait_until_they_are_confirmed(backend: Backend) {
    let db = backend.store().await;
    let system = add(&db, "a").await;
    add_users(&db, &[user(1, "a@x"), user(2, "b@x"), user(3, "c@x"), user(4, "d@x")]).await;
    let mut tx = db.write().await.unwrap();
    let imported = ["changed", "gone", "nobody", "same"].map(|id| object(id, "old"));
    connector_objects::import(&mut tx, system, 1, &imported).await.unwrap();
    connector_objects::remove(&mut tx, system, 1, ["gone"]).await.unwrap();
    let pending = |external_id: &str, pending: Option<&str>, user: Option<u64>| Pending {
        external_id: external_id.to_owned(),
        pending_export: pending.map(|text| object("", text).1),
        user: user.map(id),
    };
    let prepared = [
        pending("changed", Some("new"), Some(1)),
        pending("gone", Some("again"), Some(2)),
        pending("new", Some("new"), Some(3)),
        pending("same", None, Some(4)),
        pending("left", Some("left"), None),
    ];
    connector_objects::prepare(&mut tx, system, &prepared).await.unwrap();
    assert_eq!(connector_objects::prepare_removals(&mut tx, system).await.unwrap(), 1);
    let counts = PendingCounts { added: 2, updated: 1, removed: 1 };
    assert_eq!(connector_objects::pending(&mut tx, system).await.unwrap(), counts);
    let stored = connected_systems::get(&mut tx, system).await.unwrap().unwrap();
    assert_eq!((stored.object_count, stored.connectors_count, stored.pending_export_objects_count), (5, 4, 4));
    let expected = [object("changed", "new"), object("gone", "again"), object("new", "new"), object("same", "old")];
    assert_eq!(connector_objects::exported(&mut tx, system, "", 100).await.unwrap(), expected);
    assert_eq!(connector_objects::exported(&mut tx, system, "changed", 2).await.unwrap(), expected[1..3]);
    connector_objects::confirm(&mut tx, system).await.unwrap();
    assert_eq!(connector_objects::exported(&mut tx, system, "", 100).await.unwrap(), expected);
    assert_eq!(connector_objects::pending(&mut tx, system).await.unwrap(), PendingCounts::default());
    assert_eq!(ids(&mut tx, system, ALL).await, ["changed", "gone", "new", "same"]);
}

async fn users_are_written_in_batches(backend: Backend) {
    let db = backend.store().await;
    let mut all = [user(2, "Äb@x"), user(1, "a@x")];
    add_users(&db, &all).await;
    let mut tx = db.write().await.unwrap();
    let locked = users::batch::lock(&mut tx, &[id(3), id(2), id(1)]).await.unwrap();
    assert_eq!(locked, [all[1].clone(), all[0].clone()]);
    let owners = users::batch::with_emails(&mut tx, ["äB@X", "a@x", "c@x"]).await.unwrap();
    assert_eq!(owners, [("a@x".to_owned(), id(1)), ("äb@x".to_owned(), id(2))]);
    for user in &mut all {
        (user.is_active, user.updated_at, user.last_login_at) = (false, at(9), None);
        user.email.push('y');
    }
    users::batch::update(&mut tx, &all).await.unwrap();
    assert_eq!(users::get(&mut tx, id(1)).await.unwrap().as_ref(), Some(&all[1]));
    assert_eq!(users::id_of(&mut tx, "äb@xy").await.unwrap(), Some(id(2)));
    tx.commit().await.unwrap();
    // One after the other: SQLite has one writer.
    let refused = users::batch::insert(&mut db.write().await.unwrap(), &[user(3, "A@xy")]).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let refused = users::batch::update(&mut db.write().await.unwrap(), &[user(2, "A@xy")]).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

async fn memberships_are_written_in_batches(backend: Backend) {
    let db = backend.store().await;
    add_users(&db, &[user(1, "a@x"), user(2, "b@x")]).await;
    let mut tx = db.write().await.unwrap();
    for (number, name) in [(1, "Staff"), (2, "Admins")] {
        assert!(groups::insert(&mut tx, &Group::new(id(number), name.into(), at(0))).await.unwrap());
    }
    let held = groups::batch::hold(&mut tx, ["Staff", "staff", &id::<GroupId>(2).to_string()]).await.unwrap();
    assert_eq!(held.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["Staff", "Admins"]);
    let (one, two, three): (_, _, (GroupId, UserId)) = ((id(1), id(1)), (id(1), id(2)), (id(2), id(1)));
    assert_eq!(groups::batch::add_members(&mut tx, &[one], at(0)).await.unwrap(), [one]);
    let mut added = groups::batch::add_members(&mut tx, &[one, two, three, two], at(0)).await.unwrap();
    added.sort();
    assert_eq!(added, [two, three]);
    let names = groups::batch::names_of(&mut tx, &[id(1), id(2), id(3)]).await.unwrap();
    let names: Vec<(UserId, &str)> = names.iter().map(|(user, name)| (*user, name.as_str())).collect();
    assert_eq!(names, [(id(1), "Admins"), (id(1), "Staff"), (id(2), "Staff")]);
    let removed = groups::batch::remove_members(&mut tx, &[two, (id(2), id(2))]).await.unwrap();
    assert_eq!(removed, [two]);
    assert_eq!(groups::batch::names_of(&mut tx, &[id(2)]).await.unwrap(), []);
}

async fn audit_entries_are_written_in_batches(backend: Backend) {
    let db = backend.store().await;
    let mut whole = AuditEntry::new(id(1), at(1), TEXTS[7].into(), "user.create".into(), "user".into());
    whole.principal = Some("run_profile:1".into());
    (whole.object_id, whole.object_name) = (Some("o".into()), Some(TEXTS[6].into()));
    whole.details = serde_json::json!({ "fields": [TEXTS[7], 1] });
    let mut short = AuditEntry::new(id(2), at(2), "a".into(), "b".into(), "c".into());
    short.details = serde_json::json!({});
    write(&db, async |tx| {
        audit::insert(tx, &[whole.clone(), short.clone()]).await.unwrap();
        audit::insert(tx, &[]).await.unwrap();
        let (entries, total) = audit::list(tx, &audit::Filter::default(), 0, 10).await.unwrap();
        assert_eq!((entries, total), (vec![short, whole], 2));
    })
    .await;
}
