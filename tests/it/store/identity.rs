//! Users, and what the built-in tasks look after.

use futures::future::join_all;
use justiam_server::store::identity::access_requests::{self, NewRequest};
use justiam_server::store::identity::agent_tokens::{self, NewAgentToken};
use justiam_server::store::identity::presets::{self, NewDefinition};
use justiam_server::store::identity::saml_sessions::{self, NewSession};
use justiam_server::store::identity::trusted_devices::{self, NewDevice};
use justiam_server::store::identity::user_messages::{self, NewMessage};
use justiam_server::store::identity::users::{self, NewUser};
use justiam_server::store::{Db, Error, folded};
use justiam_tests::backend::{Backend, number};
use justiam_tests::both_databases;

use super::support::{TEXTS, at, id, write};

both_databases!(
    an_address_is_one_users_in_any_letter_case,
    expired_sessions_and_devices_are_removed_in_batches,
    messages_are_delivered_when_their_time_has_come,
    overdue_requests_expire,
    the_cache_has_the_newest_version_of_each_preset,
    two_rebuilds_of_the_cache_at_once_do_not_trip_over_each_other,
    unused_tokens_are_deleted_but_revoked_ones,
);

fn user(number: u64, email: &str) -> NewUser {
    NewUser {
        id: id(number),
        email: email.into(),
        first_name: TEXTS[7].into(),
        last_name: String::new(),
        is_active: true,
        auth_source: "internal".into(),
        attributes: [(TEXTS[6].to_owned(), TEXTS[7].to_owned())].into(),
        last_login_at: Some(at(1)),
        created_at: None,
    }
}

async fn add_user(db: &Db, number: u64) {
    write(db, async |tx| users::put(tx, &user(number, &format!("u{number}@x")), at(0)).await.unwrap()).await;
}

async fn ask(db: &Db, sql: &str) -> i64 {
    number(&mut db.read().await.unwrap(), sql).await
}

async fn an_address_is_one_users_in_any_letter_case(backend: Backend) {
    let db = backend.store().await;
    assert_eq!(folded("ÄÖ@X"), "äö@x");
    write(&db, async |tx| users::put(tx, &user(1, "Äa@x"), at(1)).await.unwrap()).await;
    write(&db, async |tx| users::put(tx, &user(1, "ÄA@x"), at(9)).await.unwrap()).await;
    write(&db, async |tx| users::put(tx, &NewUser { created_at: Some(at(5)), ..user(2, "b@x") }, at(9)).await.unwrap())
        .await;
    assert_eq!(ask(&db, "SELECT created_at FROM users WHERE email = 'ÄA@x'").await, at(1).as_microsecond());
    assert_eq!(ask(&db, "SELECT created_at FROM users WHERE email = 'b@x'").await, at(5).as_microsecond());
    let mut tx = db.read().await.unwrap();
    assert_eq!(users::id_of(&mut tx, "äa@X").await.unwrap(), Some(id(1)));
    assert_eq!(users::id_of(&mut tx, "c@x").await.unwrap(), None);
    assert_eq!(
        (users::exists(&mut tx, id(2)).await.unwrap(), users::exists(&mut tx, id(3)).await.unwrap()),
        (true, false)
    );
    drop(tx);
    let mut tx = db.write().await.unwrap();
    let refused = users::put(&mut tx, &user(2, "äa@x"), at(1)).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    drop(tx);
    // Two users swap addresses.
    write(&db, async |tx| {
        users::release_email(tx, id(1)).await.unwrap();
        users::release_email(tx, id(2)).await.unwrap();
        users::put(tx, &user(1, "b@x"), at(1)).await.unwrap();
        users::put(tx, &user(2, "äa@x"), at(1)).await.unwrap();
    })
    .await;
    assert_eq!(users::id_of(&mut db.read().await.unwrap(), "B@x").await.unwrap(), Some(id(1)));
}

async fn expired_sessions_and_devices_are_removed_in_batches(backend: Backend) {
    let db = backend.store().await;
    add_user(&db, 1).await;
    for number in 1..=5_u64 {
        let expires_at = at(number.try_into().unwrap());
        let session = NewSession { id: id(number), user: id(1), application: None, created_at: None, expires_at };
        let device = NewDevice { id: id(number), user: id(1), name: "D".into(), created_at: None, expires_at };
        write(&db, async |tx| {
            saml_sessions::put(tx, &session, at(0)).await.unwrap();
            trusted_devices::put(tx, &device, at(0)).await.unwrap();
        })
        .await;
    }
    for expected in [2, 1, 0] {
        let sessions = write(&db, async |tx| saml_sessions::remove_expired(tx, at(3), 2).await.unwrap()).await;
        let devices = write(&db, async |tx| trusted_devices::remove_expired(tx, at(3), 2).await.unwrap()).await;
        assert_eq!((sessions, devices), (expected, expected));
    }
    for table in ["saml_sessions", "trusted_devices"] {
        let first = ask(&db, &format!("SELECT min(expires_at) FROM {table}")).await;
        assert_eq!(first, at(4).as_microsecond(), "{table}");
    }
}

async fn messages_are_delivered_when_their_time_has_come(backend: Backend) {
    let db = backend.store().await;
    add_user(&db, 1).await;
    add_user(&db, 2).await;
    let message = |number: u64, after: i64| NewMessage {
        id: id(number),
        user: id(1),
        subject: TEXTS[6].into(),
        body: TEXTS[7].into(),
        created_at: Some(at(0)),
        deliver_after: Some(at(after)),
        delivered_at: None,
    };
    let other = NewMessage { user: id(2), ..message(4, 1) };
    for message in [message(1, 3), message(2, 2), message(3, 4), other] {
        write(&db, async |tx| user_messages::put(tx, &message, at(0)).await.unwrap()).await;
    }
    let list = async |offset: i64, limit: i64| {
        let mut tx = db.read().await.unwrap();
        let (page, total) = user_messages::list(&mut tx, id(1), offset, limit).await.unwrap();
        assert!(page.iter().all(|message| message.subject == TEXTS[6] && message.body == TEXTS[7]));
        (page.iter().map(|message| message.id).collect::<Vec<_>>(), total)
    };
    assert_eq!(list(0, 9).await, (vec![], 0));
    let deliver = async |now: i64| write(&db, async |tx| user_messages::deliver(tx, at(now), 2).await.unwrap()).await;
    assert_eq!((deliver(3).await, deliver(3).await, deliver(3).await), (2, 1, 0));
    assert_eq!(list(0, 9).await, (vec![id(2), id(1)], 2));
    assert_eq!(deliver(4).await, 1);
    assert_eq!(list(0, 2).await, (vec![id(3), id(2)], 3));
    assert_eq!(list(2, 2).await, (vec![id(1)], 3));
}

async fn overdue_requests_expire(backend: Backend) {
    let db = backend.store().await;
    add_user(&db, 1).await;
    add_user(&db, 2).await;
    let request = |number: u64, status: &'static str, expires_at: Option<i64>| NewRequest {
        id: id(number),
        requester: id(1),
        template_name: "T".into(),
        status,
        approvers: vec![id(2), id(1), id(2)],
        created_at: None,
        expires_at: expires_at.map(at),
        closed_at: None,
    };
    for request in [
        request(1, "pending", Some(1)),
        request(2, "pending", Some(2)),
        request(3, "pending", Some(3)),
        request(4, "pending", None),
        request(5, "approved", Some(1)),
        request(1, "pending", Some(1)),
    ] {
        write(&db, async |tx| access_requests::put(tx, &request, at(0)).await.unwrap()).await;
    }
    assert_eq!(ask(&db, "SELECT count(*) FROM access_request_approvers").await, 10);
    let expire = async || write(&db, async |tx| access_requests::expire(tx, at(2), 1).await.unwrap()).await;
    assert_eq!((expire().await, expire().await, expire().await), (1, 1, 0));
    let sql = format!(
        "SELECT count(*) FROM access_requests WHERE status = 'expired' AND closed_at = {}",
        at(2).as_microsecond()
    );
    assert_eq!(ask(&db, &sql).await, 2);
    assert_eq!(ask(&db, "SELECT count(*) FROM access_requests WHERE status = 'pending'").await, 2);
}

fn preset(name: &str, version: i64) -> NewDefinition {
    let definition = [(name.to_owned(), version.into())].into_iter().collect();
    NewDefinition { name: name.into(), version, definition, created_at: None }
}

async fn the_cache_has_the_newest_version_of_each_preset(backend: Backend) {
    let db = backend.store().await;
    let put = async |name: &str, version: i64| {
        write(&db, async |tx| presets::put(tx, &preset(name, version), at(0)).await.unwrap()).await;
    };
    for (name, version) in [("a", 9), ("a", 10), ("b", 1), ("a", 2), ("b", 1)] {
        put(name, version).await;
    }
    let rebuild = async || write(&db, async |tx| presets::rebuild_cache(tx, at(1)).await.unwrap()).await;
    assert_eq!(rebuild().await, 2);
    assert_eq!(ask(&db, "SELECT version FROM preset_cache WHERE name = 'a'").await, 10);
    put("b", 2).await;
    assert_eq!(rebuild().await, 2);
    assert_eq!(ask(&db, "SELECT version FROM preset_cache WHERE definition = '{\"b\":2}'").await, 2);
}

async fn two_rebuilds_of_the_cache_at_once_do_not_trip_over_each_other(backend: Backend) {
    let db = backend.store().await;
    for number in 0..50 {
        write(&db, async |tx| presets::put(tx, &preset(&format!("p{number}"), 1), at(0)).await.unwrap()).await;
    }
    join_all((0..8).map(|_| async {
        let rebuilt = write(&db, async |tx| presets::rebuild_cache(tx, at(1)).await.unwrap()).await;
        assert_eq!(rebuilt, 50);
    }))
    .await;
    assert_eq!(ask(&db, "SELECT count(*) FROM preset_cache").await, 50);
}

async fn unused_tokens_are_deleted_but_revoked_ones(backend: Backend) {
    let db = backend.store().await;
    for (number, created, used, revoked) in
        [(1, 1, None, None), (2, 1, Some(9), None), (3, 1, None, Some(2)), (4, 5, None, None), (5, 0, Some(3), None)]
    {
        let token = NewAgentToken {
            id: id(number),
            name: "A".into(),
            created_at: at(created),
            last_used_at: used.map(at),
            revoked_at: revoked.map(at),
        };
        write(&db, async |tx| agent_tokens::put(tx, &token).await.unwrap()).await;
    }
    let delete = async || write(&db, async |tx| agent_tokens::delete_unused(tx, at(5), 1).await.unwrap()).await;
    assert_eq!((delete().await, delete().await, delete().await), (1, 1, 0));
    assert_eq!(ask(&db, "SELECT count(*) FROM agent_tokens").await, 3);
}
