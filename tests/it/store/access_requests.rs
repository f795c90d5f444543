//! Access requests: who asks, who is asked, and what was decided.

use futures::future::join_all;
use justiam_sdk::api::access_requests::{AccessRequest, AccessRequestStatus};
use justiam_sdk::api::users::User;
use justiam_server::store::Db;
use justiam_server::store::identity::access_requests::{self, Approver, Filter, NewRequest};
use justiam_server::store::identity::users;
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;

use super::support::{TEXTS, at, id, write};

both_databases!(
    a_request_is_stored_with_its_approvers,
    requests_are_listed_newest_first,
    of_many_decisions_at_once_one_counts,
    a_request_that_is_closed_or_overdue_is_not_decided,
    what_is_locked_is_not_expired,
);

async fn add_user(db: &Db, number: u64, email: &str) {
    let mut user = User::new(id(number), email.into(), at(0));
    (user.first_name, user.last_name) = (TEXTS[6].into(), TEXTS[7].into());
    assert!(write(db, async |tx| users::insert(tx, &user).await.unwrap()).await);
}

fn request(number: u64, requester: u64, approvers: &[u64]) -> NewRequest {
    NewRequest {
        id: id(number),
        requester: id(requester),
        template_name: TEXTS[7].into(),
        status: "pending",
        approvers: approvers.iter().copied().map(id).collect(),
        created_at: None,
        expires_at: None,
        closed_at: None,
    }
}

async fn add(db: &Db, request: &NewRequest, now: i64) {
    write(db, async |tx| access_requests::put(tx, request, at(now)).await.unwrap()).await;
}

async fn get(db: &Db, number: u64) -> Option<AccessRequest> {
    access_requests::get(&mut db.read().await.unwrap(), id(number)).await.unwrap()
}

async fn decide(db: &Db, number: u64, decision: &AccessRequestStatus, now: i64) -> bool {
    write(db, async |tx| access_requests::decide(tx, id(number), decision, at(now)).await.unwrap()).await
}

async fn a_request_is_stored_with_its_approvers(backend: Backend) {
    let db = backend.store().await;
    for (number, email) in [(11, "c@x"), (12, "B@x"), (13, "a@x")] {
        add_user(&db, number, email).await;
    }
    add(&db, &NewRequest { expires_at: Some(at(9)), ..request(1, 11, &[13, 12]) }, 5).await;
    add(&db, &request(2, 11, &[]), 5).await;
    let mut expected = AccessRequest::new(id(1), id(11), TEXTS[7].into(), at(5));
    expected.approver_ids = vec![id(12), id(13)];
    expected.expires_at = Some(at(9));
    assert_eq!(get(&db, 1).await, Some(expected));
    assert_eq!(get(&db, 2).await, Some(AccessRequest::new(id(2), id(11), TEXTS[7].into(), at(5))));
    assert_eq!(get(&db, 3).await, None);
    let mut tx = db.read().await.unwrap();
    let approver = |number: u64, email: &str| Approver {
        id: id(number),
        email: email.into(),
        first_name: TEXTS[6].into(),
        last_name: TEXTS[7].into(),
    };
    let found = access_requests::approvers(&mut tx, id(1)).await.unwrap();
    assert_eq!(found, [approver(13, "a@x"), approver(12, "B@x")]);
    assert_eq!(access_requests::approvers(&mut tx, id(2)).await.unwrap(), []);
}

async fn requests_are_listed_newest_first(backend: Backend) {
    let db = backend.store().await;
    for number in [11, 12] {
        add_user(&db, number, &format!("{number}@x")).await;
    }
    for (number, requester, now) in [(1, 11, 3), (2, 12, 1), (3, 11, 2), (4, 11, 2)] {
        add(&db, &request(number, requester, &[11, 12][..usize::from(number == 3)]), now).await;
    }
    assert!(decide(&db, 3, &AccessRequestStatus::Denied, 5).await);
    let list = async |filter: Filter, offset: i64, limit: i64| {
        let mut tx = db.read().await.unwrap();
        let (page, total) = access_requests::list(&mut tx, &filter, offset, limit).await.unwrap();
        for one in &page {
            assert_eq!(one.approver_ids.len(), usize::from(one.id == id(3)));
        }
        (page.into_iter().map(|one| (1..9).find(|number| one.id == id(*number)).unwrap()).collect::<Vec<_>>(), total)
    };
    assert_eq!(list(Filter::default(), 0, 3).await, (vec![1, 4, 3], 4));
    assert_eq!(list(Filter::default(), 3, 3).await, (vec![2], 4));
    let mine = Filter { requester: Some(id(11)), ..Filter::default() };
    assert_eq!(list(mine.clone(), 0, 9).await, (vec![1, 4, 3], 3));
    let denied = Some(AccessRequestStatus::Denied);
    assert_eq!(list(Filter { status: denied, ..mine }, 0, 9).await, (vec![3], 1));
}

async fn of_many_decisions_at_once_one_counts(backend: Backend) {
    let db = backend.store().await;
    add_user(&db, 11, "a@x").await;
    add(&db, &request(1, 11, &[]), 0).await;
    let decisions = (0..8).map(|number| {
        let db = db.clone();
        async move {
            let decision = if number % 2 == 0 { AccessRequestStatus::Approved } else { AccessRequestStatus::Denied };
            decide(&db, 1, &decision, number).await.then_some((decision, number))
        }
    });
    let counted: Vec<_> = join_all(decisions).await.into_iter().flatten().collect();
    let [(decision, now)] = &counted[..] else { panic!("{counted:?}") };
    let stored = get(&db, 1).await.unwrap();
    assert_eq!((&stored.status, stored.closed_at), (decision, Some(at(*now))));
}

async fn a_request_that_is_closed_or_overdue_is_not_decided(backend: Backend) {
    let db = backend.store().await;
    add_user(&db, 11, "a@x").await;
    for (number, status) in (1..).zip(["approved", "denied", "expired", "revoked"]) {
        add(&db, &NewRequest { status, ..request(number, 11, &[]) }, 0).await;
        assert!(!decide(&db, number, &AccessRequestStatus::Approved, 1).await, "{status}");
    }
    add(&db, &NewRequest { expires_at: Some(at(5)), ..request(5, 11, &[]) }, 0).await;
    assert!(!decide(&db, 5, &AccessRequestStatus::Approved, 5).await);
    assert!(decide(&db, 5, &AccessRequestStatus::Approved, 4).await);
    assert!(!decide(&db, 6, &AccessRequestStatus::Approved, 4).await);
}

async fn what_is_locked_is_not_expired(backend: Backend) {
    let db = backend.store().await;
    for number in 1..=3 {
        add_user(&db, number, &format!("u{number}@x")).await;
    }
    for (number, requester, approvers) in [(1, 1, &[2][..]), (2, 2, &[1]), (3, 2, &[3])] {
        let request = NewRequest { expires_at: Some(at(1)), ..request(number, requester, approvers) };
        add(&db, &request, 0).await;
    }
    let mut tx = db.write().await.unwrap();
    access_requests::lock_of(&mut tx, id(1)).await.unwrap();
    let expire = async || write(&db, async |tx| access_requests::expire(tx, at(2), 9).await.unwrap()).await;
    // SQLite has one writer, who waits.
    let mut expired = if backend.is_shared() { expire().await } else { 0 };
    assert_eq!(expired, u64::from(backend.is_shared()));
    tx.commit().await.unwrap();
    expired += expire().await;
    assert_eq!(expired, 3);
}
