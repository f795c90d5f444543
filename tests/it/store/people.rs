//! Users, groups and memberships.

use futures::future::join_all;
use justiam_sdk::api::groups::Group;
use justiam_sdk::api::users::User;
use justiam_server::store::identity::groups::{self, NewGroup};
use justiam_server::store::identity::users;
use justiam_server::store::{Db, Error};
use justiam_tests::backend::{Backend, execute, number};
use justiam_tests::both_databases;

use super::support::{TEXTS, at, id, write};

both_databases!(
    a_deleted_user_or_group_takes_its_memberships_along,
    a_group_is_stored_as_it_is,
    a_membership_is_there_once,
    a_user_is_stored_as_it_is,
    groups_are_listed_by_name,
    groups_of_a_file_may_swap_names,
    many_who_want_one_address_at_once_leave_one_winner,
    many_who_want_one_name_at_once_leave_one_winner,
    two_who_change_one_user_wait_for_each_other,
    users_are_found_by_what_is_asked_for,
    users_behind_an_address_come_in_order,
    who_is_held_stays_until_the_transaction_ends,
);

fn user(number: u64, email: &str) -> User {
    let mut user = User::new(id(number), email.to_owned(), at(0));
    user.first_name = format!("First{number}");
    user
}

fn group(number: u64, name: &str) -> Group {
    Group::new(id(number), name.to_owned(), at(0))
}

async fn add_users(db: &Db, users: &[User]) {
    write(db, async |tx| {
        for user in users {
            assert!(users::insert(tx, user).await.unwrap());
        }
    })
    .await;
}

async fn add_groups(db: &Db, groups: &[Group]) {
    write(db, async |tx| {
        for group in groups {
            assert!(groups::insert(tx, group).await.unwrap());
        }
    })
    .await;
}

async fn join(db: &Db, members: &[(u64, u64)]) {
    write(db, async |tx| {
        for (group, user) in members {
            assert!(groups::add_member(tx, id(*group), id(*user), at(0)).await.unwrap());
        }
    })
    .await;
}

async fn ask(db: &Db, sql: &str) -> i64 {
    number(&mut db.read().await.unwrap(), sql).await
}

fn emails(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.email.as_str()).collect()
}

fn names(groups: &[Group]) -> Vec<&str> {
    groups.iter().map(|group| group.name.as_str()).collect()
}

async fn a_user_is_stored_as_it_is(backend: Backend) {
    let db = backend.store().await;
    for (index, text) in (1..).zip(TEXTS) {
        let mut user = User::new(id(index), format!("{index}{text}@x"), at(1));
        (user.first_name, user.last_name, user.auth_source) = (text.into(), text.into(), text.into());
        user.attributes = TEXTS.iter().map(|key| ((*key).to_owned(), text.to_owned())).collect();
        (user.is_active, user.last_login_at, user.updated_at) = (false, Some(at(2)), at(3));
        add_users(&db, std::slice::from_ref(&user)).await;
        let mut tx = db.write().await.unwrap();
        assert_eq!(users::get(&mut tx, user.id).await.unwrap().as_ref(), Some(&user));
        assert_eq!(users::by_email(&mut tx, &user.email.to_ascii_uppercase()).await.unwrap().as_ref(), Some(&user));
        let mut other = User::new(user.id, format!("other{index}@x"), user.created_at);
        other.updated_at = at(4);
        assert!(users::update(&mut tx, &other).await.unwrap());
        assert_eq!(users::lock(&mut tx, user.id).await.unwrap(), Some(other));
        assert_eq!(users::by_email(&mut tx, &user.email).await.unwrap(), None);
    }
    let mut tx = db.write().await.unwrap();
    let nobody = user(99, "nobody@x");
    assert_eq!(users::get(&mut tx, nobody.id).await.unwrap(), None);
    assert_eq!(users::lock(&mut tx, nobody.id).await.unwrap(), None);
    assert_eq!(users::by_email(&mut tx, "nobody@x").await.unwrap(), None);
    assert!(!users::update(&mut tx, &nobody).await.unwrap());
    assert!(!users::delete(&mut tx, nobody.id).await.unwrap());
}

async fn many_who_want_one_address_at_once_leave_one_winner(backend: Backend) {
    let db = backend.store().await;
    let inserted = join_all((1..=10).map(|number| {
        let (db, email) = (db.clone(), if number % 2 == 0 { "Äa@x" } else { "äA@X" });
        async move { write(&db, async |tx| users::insert(tx, &user(number, email)).await.unwrap()).await }
    }))
    .await;
    assert_eq!(inserted.iter().filter(|inserted| **inserted).count(), 1, "{inserted:?}");
    assert_eq!(ask(&db, "SELECT count(*) FROM users").await, 1);
    // The same for users who are there already.
    let others: Vec<User> = (21..=30).map(|number| user(number, &format!("u{number}@x"))).collect();
    add_users(&db, &others).await;
    let updated = join_all(others.iter().map(|other| {
        let mut other = other.clone();
        other.email = "B@x".into();
        let db = &db;
        async move {
            let mut tx = db.write().await.unwrap();
            let updated = users::update(&mut tx, &other).await;
            match updated {
                Ok(true) => tx.commit().await.is_ok(),
                Err(Error::Conflict(_)) => false,
                other => panic!("{other:?}"),
            }
        }
    }))
    .await;
    assert_eq!(updated.iter().filter(|updated| **updated).count(), 1, "{updated:?}");
    assert_eq!(ask(&db, "SELECT count(*) FROM users WHERE email_folded = 'b@x'").await, 1);
}

async fn two_who_change_one_user_wait_for_each_other(backend: Backend) {
    let db = backend.store().await;
    add_users(&db, &[user(1, "a@x")]).await;
    join_all((0..10).map(|number: u32| {
        let db = &db;
        async move {
            write(db, async |tx| {
                let mut user = users::lock(tx, id(1)).await.unwrap().unwrap();
                user.attributes.insert(number.to_string(), String::new());
                assert!(users::update(tx, &user).await.unwrap());
            })
            .await;
        }
    }))
    .await;
    let user = users::get(&mut db.read().await.unwrap(), id(1)).await.unwrap().unwrap();
    assert_eq!(user.attributes.len(), 10);
}

async fn users_are_found_by_what_is_asked_for(backend: Backend) {
    let db = backend.store().await;
    let mut all = vec![
        user(1, "b@x"),
        user(2, "A@x"),
        user(3, "100%@x"),
        user(4, "ö_\\@x"),
        user(5, "c@x"),
        user(6, "B@y"),
        user(7, "ΑΣ@gr"),
    ];
    all[0].last_name = "Müller Sørensen".into();
    all[4].is_active = false;
    add_users(&db, &all).await;
    add_groups(&db, &[group(1, "G"), group(2, "H")]).await;
    join(&db, &[(1, 1), (1, 5), (2, 2)]).await;
    let list = async |filter: users::Filter, offset: i64, limit: i64| {
        let mut tx = db.read().await.unwrap();
        let (page, total) = users::list(&mut tx, &filter, offset, limit).await.unwrap();
        (emails(&page).join(" "), total)
    };
    let found = async |filter: users::Filter| list(filter, 0, 99).await.0;
    let search = async |text: &str| found(users::Filter { search: Some(text.into()), ..Default::default() }).await;
    assert_eq!(list(users::Filter::default(), 0, 99).await, ("100%@x A@x b@x B@y c@x ö_\\@x ΑΣ@gr".into(), 7));
    assert_eq!(list(users::Filter::default(), 2, 2).await, ("b@x B@y".into(), 7));
    assert_eq!(list(users::Filter::default(), 7, 2).await, (String::new(), 7));
    assert_eq!(search("MÜLLER sø").await, "b@x");
    assert_eq!(search("first1 mü").await, "b@x");
    assert_eq!((search("%").await, search("_\\").await), ("100%@x".into(), "ö_\\@x".into()));
    assert_eq!(search("@Y").await, "B@y");
    assert_eq!(search("nobody").await, "");
    assert_eq!(
        (search("ΑΣ").await, search("ας").await, search("σ").await),
        ("ΑΣ@gr".into(), "ΑΣ@gr".into(), "ΑΣ@gr".into())
    );
    let email = async |email: &str| found(users::Filter { email: Some(email.into()), ..Default::default() }).await;
    // One address, whichever sigma stands at the end of a word.
    for spelling in ["ΑΣ@GR", "ασ@gr", "ας@gr"] {
        assert_eq!(email(spelling).await, "ΑΣ@gr");
        write(&db, async |tx| assert!(!users::insert(tx, &user(8, spelling)).await.unwrap())).await;
    }
    assert_eq!((email("Ö_\\@X").await, email("b").await), ("ö_\\@x".into(), String::new()));
    let active =
        async |is_active: bool| found(users::Filter { is_active: Some(is_active), ..Default::default() }).await;
    assert_eq!((active(false).await, active(true).await), ("c@x".into(), "100%@x A@x b@x B@y ö_\\@x ΑΣ@gr".into()));
    let member = users::Filter { group: Some(id(1)), ..Default::default() };
    assert_eq!(list(member.clone(), 0, 1).await, ("b@x".into(), 2));
    let all_four =
        users::Filter { email: Some("C@x".into()), search: Some("FIRST5".into()), is_active: Some(false), ..member };
    assert_eq!(list(all_four.clone(), 0, 9).await, ("c@x".into(), 1));
    assert_eq!(list(users::Filter { group: Some(id(2)), ..all_four }, 0, 9).await, (String::new(), 0));
}

async fn users_behind_an_address_come_in_order(backend: Backend) {
    let db = backend.store().await;
    let all = [user(1, "b@x"), user(2, "A@x"), user(3, "é@x"), user(4, "z@x"), user(5, "c@x")];
    add_users(&db, &all).await;
    add_groups(&db, &[group(1, "G")]).await;
    join(&db, &[(1, 5), (1, 2), (1, 3)]).await;
    let after = async |group: Option<u64>, email: &str, limit: i64| {
        let mut tx = db.read().await.unwrap();
        emails(&users::after(&mut tx, group.map(id), email, limit).await.unwrap()).join(" ")
    };
    assert_eq!(after(None, "", 9).await, "A@x b@x c@x z@x é@x");
    assert_eq!((after(None, "", 2).await, after(None, "B@x", 2).await), ("A@x b@x".into(), "c@x z@x".into()));
    assert_eq!((after(None, "a", 1).await, after(None, "É@x", 9).await), ("A@x".into(), String::new()));
    assert_eq!((after(Some(1), "", 9).await, after(Some(1), "a@x", 1).await), ("A@x c@x é@x".into(), "c@x".into()));
    assert_eq!(after(Some(2), "", 9).await, "");
}

async fn a_group_is_stored_as_it_is(backend: Backend) {
    let db = backend.store().await;
    for (index, text) in (1..).zip(TEXTS) {
        let mut group = group(index, text);
        (group.description, group.updated_at) = (text.into(), at(1));
        add_groups(&db, std::slice::from_ref(&group)).await;
        let mut tx = db.write().await.unwrap();
        assert_eq!(groups::get(&mut tx, group.id).await.unwrap().as_ref(), Some(&group));
        assert_eq!(groups::by_name(&mut tx, text).await.unwrap().as_ref(), Some(&group));
        (group.name, group.description, group.updated_at) = (format!("New {index}"), "d".into(), at(2));
        assert!(groups::update(&mut tx, &group).await.unwrap());
        assert_eq!(groups::lock(&mut tx, group.id).await.unwrap(), Some(group.clone()));
        assert_eq!(groups::hold(&mut tx, group.id).await.unwrap(), Some(group));
    }
    let mut tx = db.write().await.unwrap();
    // Another letter case is another name.
    assert!(groups::insert(&mut tx, &group(50, "Admins")).await.unwrap());
    assert!(groups::insert(&mut tx, &group(51, "admins")).await.unwrap());
    let nothing = group(99, "nothing");
    assert_eq!(groups::get(&mut tx, nothing.id).await.unwrap(), None);
    assert_eq!(groups::lock(&mut tx, nothing.id).await.unwrap(), None);
    assert_eq!(groups::hold(&mut tx, nothing.id).await.unwrap(), None);
    assert_eq!(groups::by_name(&mut tx, "nothing").await.unwrap(), None);
    assert!(!groups::update(&mut tx, &nothing).await.unwrap());
    assert!(!groups::delete(&mut tx, nothing.id).await.unwrap());
    let refused = groups::update(&mut tx, &group(50, "admins")).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

async fn many_who_want_one_name_at_once_leave_one_winner(backend: Backend) {
    let db = backend.store().await;
    let inserted = join_all((1..=10).map(|number| {
        let db = db.clone();
        async move { write(&db, async |tx| groups::insert(tx, &group(number, "G")).await.unwrap()).await }
    }))
    .await;
    assert_eq!(inserted.iter().filter(|inserted| **inserted).count(), 1, "{inserted:?}");
}

async fn groups_are_listed_by_name(backend: Backend) {
    let db = backend.store().await;
    add_users(&db, &[user(1, "a@x"), user(2, "b@x")]).await;
    add_groups(&db, &[group(1, "b"), group(2, "B"), group(3, "Äpfel_1"), group(4, "a%")]).await;
    join(&db, &[(1, 1), (4, 1), (3, 2)]).await;
    let list = async |filter: groups::Filter, offset: i64, limit: i64| {
        let mut tx = db.read().await.unwrap();
        let (page, total) = groups::list(&mut tx, &filter, offset, limit).await.unwrap();
        (names(&page).join(" "), total)
    };
    let search =
        async |text: &str| list(groups::Filter { search: Some(text.into()), ..Default::default() }, 0, 9).await.0;
    assert_eq!(list(groups::Filter::default(), 0, 9).await, ("B a% b Äpfel_1".into(), 4));
    assert_eq!(list(groups::Filter::default(), 1, 2).await, ("a% b".into(), 4));
    assert_eq!((search("äP").await, search("b").await), ("Äpfel_1".into(), "B b".into()));
    assert_eq!((search("%").await, search("_").await), ("a%".into(), "Äpfel_1".into()));
    let named = groups::Filter { name: Some("b".into()), ..Default::default() };
    assert_eq!(list(named.clone(), 0, 9).await, ("b".into(), 1));
    let of = groups::Filter { user: Some(id(1)), ..Default::default() };
    assert_eq!(list(of, 0, 1).await, ("a%".into(), 2));
    assert_eq!(list(groups::Filter { user: Some(id(2)), ..named }, 0, 9).await, (String::new(), 0));
    let after = async |user: Option<u64>, name: &str, limit: i64| {
        let mut tx = db.read().await.unwrap();
        names(&groups::after(&mut tx, user.map(id), name, limit).await.unwrap()).join(" ")
    };
    assert_eq!((after(None, "", 2).await, after(None, "a%", 9).await), ("B a%".into(), "b Äpfel_1".into()));
    assert_eq!((after(Some(1), "", 9).await, after(Some(1), "a%", 9).await), ("a% b".into(), "b".into()));
}

async fn a_membership_is_there_once(backend: Backend) {
    let db = backend.store().await;
    add_users(&db, &[user(1, "a@x")]).await;
    add_groups(&db, &[group(1, "G")]).await;
    let added = join_all((0..8).map(|_| {
        let db = db.clone();
        async move { write(&db, async |tx| groups::add_member(tx, id(1), id(1), at(1)).await.unwrap()).await }
    }))
    .await;
    assert_eq!(added.iter().filter(|added| **added).count(), 1);
    assert_eq!(ask(&db, "SELECT added_at FROM group_members").await, at(1).as_microsecond());
    let remove = async || write(&db, async |tx| groups::remove_member(tx, id(1), id(1)).await.unwrap()).await;
    assert_eq!((remove().await, remove().await), (true, false));
}

async fn a_deleted_user_or_group_takes_its_memberships_along(backend: Backend) {
    let db = backend.store().await;
    add_users(&db, &[user(1, "a@x"), user(2, "b@x")]).await;
    add_groups(&db, &[group(1, "G"), group(2, "H")]).await;
    join(&db, &[(1, 1), (1, 2), (2, 1), (2, 2)]).await;
    write(&db, async |tx| assert!(users::delete(tx, id(1)).await.unwrap())).await;
    assert_eq!(ask(&db, "SELECT count(*) FROM group_members").await, 2);
    write(&db, async |tx| assert!(groups::delete(tx, id(1)).await.unwrap())).await;
    assert_eq!(ask(&db, "SELECT count(*) FROM group_members").await, 1);
    assert_eq!(ask(&db, "SELECT count(*) FROM users").await, 1);
}

async fn who_is_held_stays_until_the_transaction_ends(backend: Backend) {
    let db = backend.store().await;
    add_users(&db, &[user(1, "a@x")]).await;
    add_groups(&db, &[group(1, "G")]).await;
    let mut tx = db.write().await.unwrap();
    assert!(users::hold(&mut tx, id(1)).await.unwrap());
    assert!(!users::hold(&mut tx, id(2)).await.unwrap());
    assert!(groups::hold(&mut tx, id(1)).await.unwrap().is_some());
    if backend.is_shared() {
        let mut other = db.write().await.unwrap();
        execute(&mut other, "SET LOCAL lock_timeout = '50ms'").await;
        let refused = users::delete(&mut other, id(1)).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        let mut other = db.write().await.unwrap();
        execute(&mut other, "SET LOCAL lock_timeout = '50ms'").await;
        let refused = groups::delete(&mut other, id(1)).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }
    let deletions = {
        let db = db.clone();
        tokio::spawn(async move {
            let user = write(&db, async |tx| users::delete(tx, id(1)).await.unwrap()).await;
            let group = write(&db, async |tx| groups::delete(tx, id(1)).await.unwrap()).await;
            (user, group)
        })
    };
    assert!(groups::add_member(&mut tx, id(1), id(1), at(0)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(deletions.await.unwrap(), (true, true));
    assert_eq!(ask(&db, "SELECT count(*) FROM group_members").await, 0);
}

async fn groups_of_a_file_may_swap_names(backend: Backend) {
    let db = backend.store().await;
    add_users(&db, &[user(1, "a@x"), user(2, "b@x")]).await;
    let put = async |number: u64, name: &str, members: &[u64], created_at: Option<i64>, now: i64| {
        let members = members.iter().map(|user| id(*user)).collect();
        let (name, description) = (name.into(), "d".into());
        let group = NewGroup { id: id(number), name, description, members, created_at: created_at.map(at) };
        write(&db, async |tx| groups::put(tx, &group, at(now)).await).await
    };
    put(1, "A", &[1, 2, 1], None, 1).await.unwrap();
    put(2, "B", &[2], Some(5), 9).await.unwrap();
    // Who is a member stays one, with the time since when.
    put(1, "A", &[2, 1], None, 7).await.unwrap();
    let since = format!("SELECT count(*) FROM group_members WHERE added_at = {}", at(1).as_microsecond());
    assert_eq!(ask(&db, &since).await, 2);
    put(1, "A", &[2], None, 7).await.unwrap();
    assert_eq!(ask(&db, &since).await, 1);
    put(1, "A", &[1, 2], None, 8).await.unwrap();
    assert_eq!(ask(&db, &since).await, 1);
    assert_eq!(ask(&db, "SELECT count(*) FROM group_members").await, 3);
    let mut tx = db.write().await.unwrap();
    let taken = NewGroup { id: id(2), name: "A".into(), description: String::new(), members: vec![], created_at: None };
    assert!(matches!(groups::put(&mut tx, &taken, at(1)).await, Err(Error::Conflict(_))));
    drop(tx);
    write(&db, async |tx| {
        groups::release_name(tx, id(1)).await.unwrap();
        groups::put(tx, &taken, at(2)).await.unwrap();
    })
    .await;
    put(1, "B", &[], None, 3).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let group = groups::by_name(&mut tx, "A").await.unwrap().unwrap();
    assert_eq!((group.id, group.created_at, group.updated_at), (id(2), at(5), at(2)));
    let group = groups::by_name(&mut tx, "B").await.unwrap().unwrap();
    assert_eq!((group.id, group.created_at, group.updated_at), (id(1), at(1), at(3)));
    assert_eq!(ask(&db, "SELECT count(*) FROM group_members").await, 0);
}
