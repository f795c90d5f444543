//! Federated providers, and who users are there.

use futures::future::join_all;
use justiam_sdk::api::federated_providers::{FederatedIdentity, FederatedProvider, ProviderType};
use justiam_sdk::api::users::User;
use justiam_server::store::identity::federated_providers::Filter;
use justiam_server::store::identity::{self, federated_identities, federated_providers, users};
use justiam_server::store::{Db, Error};
use justiam_tests::backend::{Backend, somebody_waits_for};
use justiam_tests::both_databases;

use super::support::{TEXTS, at, id, write};

both_databases!(
    a_provider_is_stored_as_it_is,
    a_name_is_one_providers,
    providers_may_swap_names,
    who_claims_all_is_waited_for,
    providers_are_listed_by_name,
    a_subject_is_one_users_and_a_user_has_one_at_each_provider,
    of_many_users_at_once_one_gets_the_subject,
    identities_go_with_their_provider_and_their_user,
    who_is_held_is_not_deleted_before_the_transaction_ends,
);

fn provider(number: u64, name: &str) -> FederatedProvider {
    let mut provider = FederatedProvider::new(id(number), name.into(), ProviderType::Google, at(1));
    provider.enabled = number.is_multiple_of(2);
    provider.updated_at = at(2);
    provider
}

async fn add_provider(db: &Db, number: u64, name: &str) {
    assert!(write(db, async |tx| federated_providers::insert(tx, &provider(number, name)).await.unwrap()).await);
}

async fn add_user(db: &Db, number: u64) {
    let user = User::new(id(number), format!("u{number}@x"), at(0));
    assert!(write(db, async |tx| users::insert(tx, &user).await.unwrap()).await);
}

fn identity(provider: u64, subject: &str, user: u64) -> FederatedIdentity {
    FederatedIdentity::new(id(provider), subject.into(), id(user), at(3))
}

async fn link(db: &Db, identity: &FederatedIdentity) -> bool {
    write(db, async |tx| federated_identities::insert(tx, identity).await.unwrap()).await
}

async fn a_provider_is_stored_as_it_is(backend: Backend) {
    let db = backend.store().await;
    for (number, name) in (1..).zip(TEXTS) {
        add_provider(&db, number, name).await;
        let expected = Some(provider(number, name));
        let mut tx = db.write().await.unwrap();
        assert_eq!(federated_providers::get(&mut tx, id(number)).await.unwrap(), expected);
        assert_eq!(federated_providers::lock(&mut tx, id(number)).await.unwrap(), expected);
        assert_eq!(federated_providers::hold(&mut tx, id(number)).await.unwrap(), expected);
        assert_eq!(federated_providers::id_of(&mut tx, name).await.unwrap(), Some(id(number)));
    }
    let mut changed = provider(1, "other");
    (changed.provider_type, changed.enabled) = (ProviderType::Ldap, true);
    (changed.created_at, changed.updated_at) = (at(8), at(9));
    write(&db, async |tx| federated_providers::update(tx, &changed).await.unwrap()).await;
    let mut tx = db.read().await.unwrap();
    assert_eq!(federated_providers::get(&mut tx, id(1)).await.unwrap(), Some(changed));
    assert_eq!(federated_providers::id_of(&mut tx, TEXTS[0]).await.unwrap(), None);
    drop(tx);
    write(&db, async |tx| federated_providers::delete(tx, id(1)).await.unwrap()).await;
    assert_eq!(federated_providers::get(&mut db.read().await.unwrap(), id(1)).await.unwrap(), None);
}

async fn providers_may_swap_names(backend: Backend) {
    let db = backend.store().await;
    add_provider(&db, 1, "A").await;
    add_provider(&db, 2, "B").await;
    write(&db, async |tx| {
        federated_providers::release_name(tx, id(1)).await.unwrap();
        federated_providers::release_name(tx, id(9)).await.unwrap();
        federated_providers::update(tx, &provider(2, "A")).await.unwrap();
        federated_providers::update(tx, &provider(1, "B")).await.unwrap();
    })
    .await;
    let mut tx = db.read().await.unwrap();
    assert_eq!(federated_providers::id_of(&mut tx, "A").await.unwrap(), Some(id(2)));
    assert_eq!(federated_providers::id_of(&mut tx, "B").await.unwrap(), Some(id(1)));
    assert_eq!(federated_providers::id_of(&mut tx, "b").await.unwrap(), None);
}

async fn who_claims_all_is_waited_for(backend: Backend) {
    let db = backend.store().await;
    add_user(&db, 1).await;
    let mut tx = db.write().await.unwrap();
    identity::claim(&mut tx).await.unwrap();
    // Readers do not wait.
    assert!(users::get(&mut db.read().await.unwrap(), id(1)).await.unwrap().is_some());
    let finish = async {
        if backend.is_shared() {
            somebody_waits_for(&mut tx).await;
        }
        assert!(users::delete(&mut tx, id(1)).await.unwrap());
        tx.commit().await.unwrap();
    };
    let hold = write(&db, async |tx| users::hold(tx, id(1)).await.unwrap());
    let (is_there, ()) = tokio::join!(hold, finish);
    assert!(!is_there);
}

async fn a_name_is_one_providers(backend: Backend) {
    let db = backend.store().await;
    let made =
        join_all((1..=8).map(|number| {
            let db = db.clone();
            async move {
                write(&db, async |tx| federated_providers::insert(tx, &provider(number, "P")).await.unwrap()).await
            }
        }))
        .await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    // Exactly this spelling.
    add_provider(&db, 9, "p").await;
    let mut tx = db.write().await.unwrap();
    let refused = federated_providers::update(&mut tx, &provider(9, "P")).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

async fn providers_are_listed_by_name(backend: Backend) {
    let db = backend.store().await;
    for (number, name) in [(1, "b"), (2, "ä"), (3, "B"), (4, "a")] {
        add_provider(&db, number, name).await;
    }
    let mut saml = provider(4, "a");
    saml.provider_type = ProviderType::Saml;
    write(&db, async |tx| federated_providers::update(tx, &saml).await.unwrap()).await;
    let list = async |filter: Filter, offset: i64, limit: i64| {
        let mut tx = db.read().await.unwrap();
        let (page, total) = federated_providers::list(&mut tx, &filter, offset, limit).await.unwrap();
        (page.into_iter().map(|provider| provider.name).collect::<Vec<_>>().join(" "), total)
    };
    assert_eq!(list(Filter::default(), 0, 3).await, ("B a b".into(), 4));
    assert_eq!(list(Filter::default(), 3, 3).await, ("ä".into(), 4));
    assert_eq!(list(Filter { name: Some("b".into()), ..Filter::default() }, 0, 9).await, ("b".into(), 1));
    let google = Filter { provider_type: Some(ProviderType::Google), ..Filter::default() };
    assert_eq!(list(google.clone(), 0, 9).await, ("B b ä".into(), 3));
    assert_eq!(list(Filter { name: Some("a".into()), ..google }, 0, 9).await, (String::new(), 0));
}

async fn a_subject_is_one_users_and_a_user_has_one_at_each_provider(backend: Backend) {
    let db = backend.store().await;
    for number in [1, 2] {
        add_provider(&db, number, &number.to_string()).await;
        add_user(&db, 10 + number).await;
    }
    assert!(link(&db, &identity(1, TEXTS[6], 11)).await);
    for refused in [identity(1, TEXTS[6], 11), identity(1, TEXTS[6], 12), identity(1, "other", 11)] {
        assert!(!link(&db, &refused).await);
    }
    let at_two = FederatedIdentity::new(id(2), TEXTS[6].into(), id(11), at(1));
    assert!(link(&db, &at_two).await && link(&db, &identity(1, TEXTS[7], 12)).await);
    let mut tx = db.read().await.unwrap();
    let found = federated_identities::find(&mut tx, id(1), TEXTS[7]).await.unwrap();
    assert_eq!(found, Some(identity(1, TEXTS[7], 12)));
    assert_eq!(federated_identities::find(&mut tx, id(2), TEXTS[7]).await.unwrap(), None);
    let found = federated_identities::of_user(&mut tx, id(2), id(11)).await.unwrap();
    assert_eq!(found, Some(at_two.clone()));
    assert_eq!(federated_identities::of_user(&mut tx, id(2), id(12)).await.unwrap(), None);
    let list = federated_identities::list(&mut tx, id(11), 0, 9).await.unwrap();
    assert_eq!(list, (vec![at_two, identity(1, TEXTS[6], 11)], 2));
    assert_eq!(federated_identities::list(&mut tx, id(11), 1, 9).await.unwrap().0.len(), 1);
    drop(tx);
    for expected in [true, false] {
        let removed = write(&db, async |tx| federated_identities::delete(tx, id(1), id(11)).await.unwrap()).await;
        assert_eq!(removed, expected);
    }
    assert!(link(&db, &identity(1, "other", 11)).await);
}

async fn of_many_users_at_once_one_gets_the_subject(backend: Backend) {
    let db = backend.store().await;
    add_provider(&db, 1, "P").await;
    for number in 11..=18 {
        add_user(&db, number).await;
    }
    let linked = join_all((11..=18).map(|user| {
        let db = db.clone();
        async move { link(&db, &identity(1, "subject", user)).await }
    }))
    .await;
    assert_eq!(linked.iter().filter(|linked| **linked).count(), 1);
    let subjects = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|subject| {
        let (db, free) = (db.clone(), 11 + u64::from(linked[0]));
        async move { link(&db, &identity(1, subject, free)).await }
    });
    assert_eq!(join_all(subjects).await.iter().filter(|linked| **linked).count(), 1);
}

async fn identities_go_with_their_provider_and_their_user(backend: Backend) {
    let db = backend.store().await;
    for number in [1, 2] {
        add_provider(&db, number, &number.to_string()).await;
        add_user(&db, 10 + number).await;
        assert!(link(&db, &identity(number, "s", 11)).await);
    }
    assert!(link(&db, &identity(2, "t", 12)).await);
    write(&db, async |tx| federated_providers::delete(tx, id(1)).await.unwrap()).await;
    let mut tx = db.read().await.unwrap();
    assert_eq!(federated_identities::list(&mut tx, id(11), 0, 9).await.unwrap().1, 1);
    drop(tx);
    write(&db, async |tx| users::delete(tx, id(11)).await.unwrap()).await;
    let mut tx = db.read().await.unwrap();
    assert_eq!(federated_identities::find(&mut tx, id(2), "s").await.unwrap(), None);
    assert!(federated_identities::find(&mut tx, id(2), "t").await.unwrap().is_some());
}

async fn who_is_held_is_not_deleted_before_the_transaction_ends(backend: Backend) {
    let db = backend.store().await;
    add_provider(&db, 1, "P").await;
    add_user(&db, 11).await;
    let mut tx = db.write().await.unwrap();
    assert!(users::hold(&mut tx, id(11)).await.unwrap());
    assert!(federated_providers::hold(&mut tx, id(1)).await.unwrap().is_some());
    let deletion = tokio::spawn({
        let db = db.clone();
        async move {
            write(&db, async |tx| {
                federated_providers::delete(tx, id(1)).await.unwrap();
                users::delete(tx, id(11)).await.unwrap();
            })
            .await;
        }
    });
    // Whichever comes first, the row can be written: the two it belongs to are there.
    tokio::task::yield_now().await;
    assert!(federated_identities::insert(&mut tx, &identity(1, "s", 11)).await.unwrap());
    tx.commit().await.unwrap();
    justiam_tests::soon("the deletion", deletion).await.unwrap();
    assert_eq!(federated_identities::find(&mut db.read().await.unwrap(), id(1), "s").await.unwrap(), None);
}
