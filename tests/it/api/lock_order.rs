//! Changes of users and what belongs to them that meet on PostgreSQL: none of them ends because they waited crosswise.

use futures::future::join_all;
use justiam_sdk::api::access_requests::NewAccessRequest;
use justiam_sdk::api::federated_providers::{FederatedProvider, ProviderType};
use justiam_sdk::api::groups::NewGroup;
use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::users::NewUser;
use justiam_server::app::Error;
use justiam_server::app::caller::Caller;
use justiam_server::app::identity::actor::Actor;
use justiam_server::store::identity::{federated_providers, groups, users};
use justiam_tests::backend::{Backend, somebody_waits_for};
use justiam_tests::server::TestServer;
use serde_json::{Value, json};

fn admin() -> Caller {
    Caller {
        principal: "account:0".into(),
        name: "admin".into(),
        permissions: vec![],
        is_admin: true,
        token: None,
        request_id: None,
        expires_at: None,
    }
}

fn id(number: usize) -> String {
    format!("0199f2a6-0000-7000-8000-{number:012}")
}

async fn add_user(server: &TestServer, email: &str) -> UserId {
    server.client.users().create(&NewUser::new(email)).await.unwrap().id
}

#[tokio::test]
async fn who_waits_for_a_user_does_not_hold_the_group_yet() {
    let backend = Backend::postgres().await;
    let server = backend.server().await;
    let user = add_user(&server, "a@example.com").await;
    let group = server.client.groups().create(&NewGroup::new("G")).await.unwrap().id;
    for adds in [true, false] {
        let mut tx = backend.store().await.write().await.unwrap();
        users::lock(&mut tx, user).await.unwrap().unwrap();
        let change = async {
            let (caller, group, user) = (admin(), group.to_string(), user.to_string());
            let actor = Actor::Caller(&caller);
            if adds {
                server.app().add_member(&actor, &group, &user).await
            } else {
                server.app().remove_member(&actor, &group, &user).await
            }
        };
        let meanwhile = async {
            somebody_waits_for(&mut tx).await;
            groups::lock(&mut tx, group).await.unwrap().unwrap();
            tx.commit().await.unwrap();
        };
        let (changed, ()) = tokio::join!(change, meanwhile);
        changed.unwrap();
    }
}

#[tokio::test]
async fn who_waits_for_a_provider_does_not_hold_the_user_yet() {
    let backend = Backend::postgres().await;
    let server = backend.server().await;
    let user = add_user(&server, "a@example.com").await;
    let provider = FederatedProvider::new(
        id(1).parse().unwrap(),
        "P".into(),
        ProviderType::Oidc,
        "2026-01-01T00:00:00Z".parse().unwrap(),
    );
    let mut tx = backend.store().await.write().await.unwrap();
    assert!(federated_providers::insert(&mut tx, &provider).await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = backend.store().await.write().await.unwrap();
    federated_providers::lock(&mut tx, provider.id).await.unwrap().unwrap();
    let caller = admin();
    let (user_id, provider_id) = (user.to_string(), provider.id.to_string());
    let actor = Actor::Caller(&caller);
    let link = server.app().link_identity(&actor, &user_id, &provider_id, "subject");
    let meanwhile = async {
        somebody_waits_for(&mut tx).await;
        users::lock(&mut tx, user).await.unwrap().unwrap();
        tx.commit().await.unwrap();
    };
    let (linked, ()) = tokio::join!(link, meanwhile);
    linked.unwrap();
}

#[tokio::test]
async fn users_who_approve_each_others_requests_are_deleted_at_once() {
    let backend = Backend::postgres().await;
    let server = backend.server().await;
    for round in 0..3 {
        let mut users = Vec::new();
        for number in 0..6 {
            users.push(add_user(&server, &format!("u{number}.{round}@example.com")).await);
        }
        for user in &users {
            let mut request = NewAccessRequest::new(*user, "VPN");
            request.approver_ids = users.iter().filter(|other| *other != user).copied().collect();
            server.client.access_requests().create(&request).await.unwrap();
        }
        let caller = &admin();
        let server = &server;
        let deleted = join_all(users.into_iter().map(|user| server.app().delete_user(caller, user))).await;
        assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    }
}

#[tokio::test]
async fn a_load_waits_for_who_creates_and_sees_what_was_created() {
    let backend = Backend::postgres().await;
    let server = backend.server().await;
    let mut tx = backend.store().await.write().await.unwrap();
    let provider = FederatedProvider::new(
        id(1).parse().unwrap(),
        "P".into(),
        ProviderType::Oidc,
        "2026-01-01T00:00:00Z".parse().unwrap(),
    );
    assert!(federated_providers::insert(&mut tx, &provider).await.unwrap());
    let file = json!({ "federated_providers": [{ "id": id(2), "name": "P", "provider_type": "oidc" }] }).to_string();
    let load = server.app().load_fixtures(file.as_bytes());
    let meanwhile = async {
        somebody_waits_for(&mut tx).await;
        tx.commit().await.unwrap();
    };
    let (loaded, ()) = tokio::join!(load, meanwhile);
    let Err(Error::Invalid(errors)) = loaded else { panic!("{loaded:?}") };
    let expected = format!("`P` is that of federated provider {}", id(1));
    assert_eq!(errors.into_map()["federated_providers[0].name"], [expected]);
}

#[tokio::test]
async fn files_with_the_same_rows_in_another_order_are_loaded_at_once() {
    let backend = Backend::postgres().await;
    let server = backend.server().await;
    let user = |number: usize| json!({ "id": id(number), "email": format!("u{number}@example.com") });
    let group = |number: usize| json!({ "id": id(number), "name": format!("g{number}"), "members": [id(number)] });
    let files: Vec<String> = (0..4)
        .map(|turn| {
            let order: Vec<usize> = if turn % 2 == 0 { (1..=40).collect() } else { (1..=40).rev().collect() };
            let users: Vec<Value> = order.iter().copied().map(user).collect();
            let groups: Vec<Value> = order.iter().copied().map(group).collect();
            json!({ "users": users, "groups": groups }).to_string()
        })
        .collect();
    server.app().load_fixtures(files[0].as_bytes()).await.unwrap();
    let loads = files.iter().map(|file| server.app().load_fixtures(file.as_bytes()));
    let loaded = join_all(loads).await;
    assert!(loaded.iter().all(Result::is_ok), "{loaded:?}");
}
