//! Applications, and the hashes of their client secrets.

use futures::future::join_all;
use justiam_sdk::api::applications::{Application, ApplicationType};
use justiam_server::store::identity::applications::{self, Filter};
use justiam_server::store::{Db, Error};
use justiam_tests::backend::{Backend, number};
use justiam_tests::both_databases;

use super::support::{TEXTS, at, id, write};

both_databases!(
    an_application_is_stored_as_it_is,
    a_name_is_one_applications,
    applications_may_swap_names,
    applications_are_listed_by_name,
    a_new_secret_takes_the_place_of_the_old_one,
);

fn application(number: u64, name: &str) -> Application {
    let mut application = Application::new(id(number), name.into(), ApplicationType::Oidc, at(1));
    application.client_id = Some(format!("client {number}"));
    application.secret_rotated_at = Some(at(2));
    application.updated_at = at(3);
    application
}

async fn add(db: &Db, application: &Application) -> bool {
    write(db, async |tx| applications::insert(tx, application, Some(&[1, 2])).await.unwrap()).await
}

async fn an_application_is_stored_as_it_is(backend: Backend) {
    let db = backend.store().await;
    for (number, name) in (1..).zip(TEXTS).skip(1) {
        assert!(add(&db, &application(number, name)).await);
        let expected = Some(application(number, name));
        let mut tx = db.write().await.unwrap();
        assert_eq!(applications::get(&mut tx, id(number)).await.unwrap(), expected);
        assert_eq!(applications::lock(&mut tx, id(number)).await.unwrap(), expected);
        assert_eq!(applications::id_of(&mut tx, name).await.unwrap(), Some(id(number)));
    }
    // Two without client id and secret.
    for number in [20, 21] {
        let plain = Application::new(id(number), number.to_string(), ApplicationType::External, at(1));
        assert!(write(&db, async |tx| applications::insert(tx, &plain, None).await.unwrap()).await);
        assert_eq!(applications::get(&mut db.read().await.unwrap(), id(number)).await.unwrap(), Some(plain));
    }
    let mut changed = application(2, "other");
    (changed.secret_rotated_at, changed.created_at, changed.updated_at) = (None, at(8), at(9));
    write(&db, async |tx| applications::update(tx, &changed).await.unwrap()).await;
    assert_eq!(applications::get(&mut db.read().await.unwrap(), id(2)).await.unwrap(), Some(changed));
    write(&db, async |tx| applications::delete(tx, id(2)).await.unwrap()).await;
    assert_eq!(applications::get(&mut db.read().await.unwrap(), id(2)).await.unwrap(), None);
}

async fn applications_may_swap_names(backend: Backend) {
    let db = backend.store().await;
    assert!(add(&db, &application(1, "A")).await && add(&db, &application(2, "B")).await);
    write(&db, async |tx| {
        applications::release_name(tx, id(1)).await.unwrap();
        applications::update(tx, &application(2, "A")).await.unwrap();
        applications::update(tx, &application(1, "B")).await.unwrap();
    })
    .await;
    let mut tx = db.read().await.unwrap();
    assert_eq!(applications::id_of(&mut tx, "A").await.unwrap(), Some(id(2)));
    assert_eq!(applications::id_of(&mut tx, "B").await.unwrap(), Some(id(1)));
}

async fn a_name_is_one_applications(backend: Backend) {
    let db = backend.store().await;
    let made = join_all((1..=8).map(|number| {
        let db = db.clone();
        async move { add(&db, &application(number, "A")).await }
    }))
    .await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    assert!(add(&db, &application(9, "a")).await);
    let mut tx = db.write().await.unwrap();
    let refused = applications::update(&mut tx, &application(9, "A")).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

async fn applications_are_listed_by_name(backend: Backend) {
    let db = backend.store().await;
    for (number, name) in [(1, "b"), (2, "ä"), (3, "B"), (4, "a")] {
        assert!(add(&db, &application(number, name)).await);
    }
    let saml = Application::new(id(5), "c".into(), ApplicationType::Saml, at(1));
    assert!(add(&db, &saml).await);
    let names = |page: Vec<Application>| page.into_iter().map(|one| one.name).collect::<Vec<_>>().join(" ");
    let list = async |filter: Filter, offset: i64, limit: i64| {
        let mut tx = db.read().await.unwrap();
        let (page, total) = applications::list(&mut tx, &filter, offset, limit).await.unwrap();
        (names(page), total)
    };
    assert_eq!(list(Filter::default(), 0, 3).await, ("B a b".into(), 5));
    assert_eq!(list(Filter::default(), 3, 3).await, ("c ä".into(), 5));
    assert_eq!(list(Filter { name: Some("b".into()), ..Filter::default() }, 0, 9).await, ("b".into(), 1));
    let saml = Filter { application_type: Some(ApplicationType::Saml), ..Filter::default() };
    assert_eq!(list(saml.clone(), 0, 9).await, ("c".into(), 1));
    assert_eq!(list(Filter { name: Some("b".into()), ..saml }, 0, 9).await, (String::new(), 0));
    let after = async |name: Option<&str>, limit: i64| {
        names(applications::after(&mut db.read().await.unwrap(), name, limit).await.unwrap())
    };
    assert_eq!(after(None, 2).await, "B a");
    assert_eq!(after(Some("a"), 2).await, "b c");
    assert_eq!(after(Some("c"), 2).await, "ä");
    assert_eq!(after(Some("ä"), 2).await, "");
}

async fn a_new_secret_takes_the_place_of_the_old_one(backend: Backend) {
    let db = backend.store().await;
    for number in [1, 2] {
        assert!(add(&db, &application(number, &number.to_string())).await);
    }
    write(&db, async |tx| applications::set_secret(tx, id(1), &[3, 4, 5], at(7)).await.unwrap()).await;
    let mut tx = db.read().await.unwrap();
    let stored = applications::get(&mut tx, id(1)).await.unwrap().unwrap();
    assert_eq!((stored.secret_rotated_at, stored.updated_at, stored.created_at), (Some(at(7)), at(7), at(1)));
    assert_eq!(applications::get(&mut tx, id(2)).await.unwrap(), Some(application(2, "2")));
    let lengths = "SELECT sum(length(secret_hash)) FROM applications";
    assert_eq!(number(&mut tx, lengths).await, 5);
}
