//! Service accounts.

use futures::future::join_all;
use justiam_sdk::api::service_accounts::ServiceAccount;
use justiam_server::store::service_accounts;
use justiam_server::store::{Db, Error};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{TEXTS, at, id, write};

both_databases!(
    an_account_is_read_as_it_was_stored,
    one_name_is_one_account,
    an_account_is_overwritten_and_deleted,
    accounts_are_listed_by_name,
    many_servers_that_start_at_once_make_one_first_account,
);

/// An enabled account with some permissions.
pub(crate) fn account(number: u64, name: &str) -> ServiceAccount {
    let mut account = ServiceAccount::new(id(number), name.into(), at(1));
    account.permissions = vec!["tasks.run".into(), "tasks.view".into()];
    account.updated_at = at(2);
    account
}

async fn add(db: &Db, account: &ServiceAccount) -> bool {
    write(db, async |tx| service_accounts::insert(tx, account).await.unwrap()).await
}

async fn an_account_is_read_as_it_was_stored(backend: Backend) {
    let db = backend.store().await;
    for (number, text) in (1..).zip(TEXTS) {
        let mut expected = account(number, text);
        expected.description = text.into();
        (expected.is_admin, expected.is_enabled) = (number % 2 == 0, number % 3 == 0);
        if number == 1 {
            expected.permissions.clear();
        }
        assert!(add(&db, &expected).await);
        let mut tx = db.read().await.unwrap();
        assert_eq!(service_accounts::get(&mut tx, expected.id).await.unwrap(), Some(expected.clone()));
        assert_eq!(service_accounts::by_name(&mut tx, text).await.unwrap(), Some(expected.clone()));
        drop(tx);
        let locked = write(&db, async |tx| service_accounts::lock(tx, expected.id).await.unwrap()).await;
        assert_eq!(locked, Some(expected));
    }
    let mut tx = db.read().await.unwrap();
    assert_eq!(service_accounts::get(&mut tx, id(100)).await.unwrap(), None);
    assert_eq!(service_accounts::by_name(&mut tx, "NULL").await.unwrap(), None);
}

async fn one_name_is_one_account(backend: Backend) {
    let db = backend.store().await;
    assert!(add(&db, &account(1, "one")).await);
    assert!(!add(&db, &account(2, "one")).await);
    assert!(add(&db, &account(2, "One")).await);
    let mut tx = db.write().await.unwrap();
    let refused = service_accounts::update(&mut tx, &account(2, "one")).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

async fn an_account_is_overwritten_and_deleted(backend: Backend) {
    let db = backend.store().await;
    add(&db, &account(1, "one")).await;
    add(&db, &account(2, "two")).await;
    let mut changed = account(1, "other");
    changed.permissions = vec!["users.view".into()];
    (changed.is_admin, changed.is_enabled, changed.updated_at) = (true, false, at(9));
    changed.description = "d".into();
    write(&db, async |tx| {
        assert!(service_accounts::update(tx, &changed).await.unwrap());
        assert!(!service_accounts::update(tx, &account(3, "three")).await.unwrap());
        assert!(service_accounts::delete(tx, id(2)).await.unwrap());
        assert!(!service_accounts::delete(tx, id(2)).await.unwrap());
    })
    .await;
    let mut tx = db.read().await.unwrap();
    assert_eq!(service_accounts::list(&mut tx, None, 0, 9).await.unwrap(), (vec![changed], 1));
}

async fn accounts_are_listed_by_name(backend: Backend) {
    let db = backend.store().await;
    for (number, name) in [(1, "b"), (2, "a"), (3, "B"), (4, "é")] {
        add(&db, &account(number, name)).await;
    }
    let listed = async |name: Option<&str>, offset, limit| {
        let mut tx = db.read().await.unwrap();
        let (accounts, total) = service_accounts::list(&mut tx, name, offset, limit).await.unwrap();
        (accounts.into_iter().map(|account| account.name).collect::<Vec<_>>().join(" "), total)
    };
    assert_eq!(listed(None, 0, 3).await, ("B a b".into(), 4));
    assert_eq!(listed(None, 3, 3).await, ("é".into(), 4));
    assert_eq!(listed(Some("b"), 0, 3).await, ("b".into(), 1));
    assert_eq!(listed(Some("c"), 0, 3).await, (String::new(), 0));
}

async fn many_servers_that_start_at_once_make_one_first_account(backend: Backend) {
    let db = backend.store().await;
    let made = join_all((1..=8).map(|number| {
        let db = db.clone();
        async move {
            let mut tx = db.write().await.unwrap();
            service_accounts::lock_all(&mut tx).await.unwrap();
            let first = !service_accounts::any(&mut tx).await.unwrap();
            if first {
                assert!(service_accounts::insert(&mut tx, &account(number, &number.to_string())).await.unwrap());
            }
            tx.commit().await.unwrap();
            first
        }
    }))
    .await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    assert!(service_accounts::any(&mut db.read().await.unwrap()).await.unwrap());
}
