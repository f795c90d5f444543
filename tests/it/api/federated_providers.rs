//! Federated providers and identities over HTTP.

use futures::TryStreamExt as _;
use futures::future::join_all;
use justiam_sdk::Client;
use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::federated_providers::{
    FederatedProvider, FederatedProviderPatch, FederatedProviderQuery, NewFederatedIdentity, NewFederatedProvider,
    ProviderType,
};
use justiam_sdk::api::ids::UserId;
use justiam_sdk::api::page::PageQuery;
use justiam_sdk::api::users::NewUser;
use justiam_server::app::caller::Permission::{self, FederatedManage, FederatedView, UsersView};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use serde_json::json;

use super::support::{Api, NOBODY, answer};

both_databases!(
    of_many_creates_of_one_name_at_once_one_wins,
    of_many_renames_to_one_name_at_once_one_wins,
    of_many_users_who_link_one_subject_at_once_one_wins,
    a_provider_goes_with_its_identities_and_leaves_its_users,
);

async fn provider(client: &Client, name: &str) -> FederatedProvider {
    client.federated_providers().create(&NewFederatedProvider::new(name, ProviderType::Google)).await.unwrap()
}

async fn user(client: &Client, email: &str) -> UserId {
    client.users().create(&NewUser::new(email)).await.unwrap().id
}

fn status(error: &justiam_sdk::client::Error) -> u16 {
    error.api().unwrap().status
}

/// The actions in the audit log, oldest first, but for those about tokens and users.
async fn actions(client: &Client) -> Vec<String> {
    let entries: Vec<_> = client.audit().list(AuditQuery::new()).try_collect().await.unwrap();
    let actions = entries.into_iter().rev().map(|entry| entry.action);
    actions.filter(|action| action.starts_with("federated_")).collect()
}

#[tokio::test]
async fn a_provider_lives_from_its_creation_to_its_end() {
    let api = Api::start().await;
    let providers = api.server.client.federated_providers();
    let made = provider(&api.server.client, "Workforce").await;
    assert_eq!(
        (made.provider_type.clone(), made.enabled, made.updated_at),
        (ProviderType::Google, true, made.created_at)
    );
    assert_eq!(providers.get(made.id).await.unwrap(), made);
    api.server.advance(60);
    let mut patch = FederatedProviderPatch::new();
    patch.enabled = Some(false);
    let patched = providers.update(made.id, &patch).await.unwrap();
    assert_eq!((patched.name.as_str(), patched.enabled), ("Workforce", false));
    assert!(patched.updated_at > made.updated_at && patched.created_at == made.created_at);
    // The same again changes nothing and leaves no trace.
    api.server.advance(60);
    assert_eq!(providers.update(made.id, &patch).await.unwrap(), patched);
    let replacement = NewFederatedProvider::new("Staff", ProviderType::Oidc);
    let replaced = providers.replace(made.id, &replacement).await.unwrap();
    assert_eq!((replaced.name.as_str(), replaced.enabled), ("Staff", true));
    let list: Vec<_> = providers.list(FederatedProviderQuery::named("Staff")).try_collect().await.unwrap();
    assert_eq!(list, [replaced]);
    providers.delete(made.id).await.unwrap();
    assert!(providers.get(made.id).await.unwrap_err().is_not_found());
    let expected = ["create", "update", "update", "delete"].map(|what| format!("federated_provider.{what}"));
    assert_eq!(actions(&api.server.client).await, expected);
}

#[tokio::test]
async fn all_wrong_fields_of_a_provider_are_named() {
    let api = Api::start().await;
    let path = "/api/v1/federated-providers";
    let made = provider(&api.server.client, "P").await;
    for (body, fields) in [
        (json!({}), &["name", "provider_type"][..]),
        (
            json!({ "name": " ", "provider_type": "facebook", "enabled": 1, "colour": "red" }),
            &["name", "provider_type", "enabled", "colour"],
        ),
        (json!({ "name": "Internal", "provider_type": "ldap" }), &["name"]),
        (json!({ "name": "x".repeat(201), "provider_type": "ldap" }), &["name"]),
    ] {
        api.send("POST", path, &body).await.wrong_fields(fields);
        api.send("PUT", &format!("{path}/{}", made.id), &body).await.wrong_fields(fields);
    }
    let nulls = json!({ "name": null, "provider_type": null, "enabled": null });
    let said = api.send("PATCH", &format!("{path}/{}", made.id), &nulls).await.wrong_fields(&["name", "provider_type"]);
    assert_eq!(said["name"], json!(["has no default, so it cannot be null"]));
    api.get(&format!("{path}?provider_type=facebook&page=0&x=1")).await.wrong_fields(&["x"]);
    api.get(&format!("{path}?provider_type=facebook&page=0")).await.wrong_fields(&["page", "provider_type"]);
    // What a read returns can be sent back.
    let same = api.get(&format!("{path}/{}", made.id)).await.json();
    assert_eq!(api.send("PUT", &format!("{path}/{}", made.id), &same).await.expect(200).json(), same);
    for id in ["x", NOBODY] {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let body = json!({ "name": "n", "provider_type": "ldap" });
            api.send(method, &format!("{path}/{id}"), &body).await.refused(404, "NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn a_repeated_create_of_a_provider_gets_the_first_answer() {
    let api = Api::start().await;
    let post = async |name: &str| {
        let body = json!({ "name": name, "provider_type": "saml" });
        answer(api.request("POST", "/api/v1/federated-providers").header("Idempotency-Key", "key").json(&body)).await
    };
    let first = post("P").await.expect(201);
    assert!(first.header("location").ends_with(first.json()["id"].as_str().unwrap()));
    assert_eq!(post("P").await.expect(201).text, first.text);
    post("Q").await.refused(409, "CONFLICT");
}

#[tokio::test]
async fn a_repeated_link_is_answered_again() {
    let api = Api::start().await;
    let client = &api.server.client;
    let (one, alice) = (provider(client, "One").await.id, user(client, "alice@example.com").await);
    assert_eq!(client.federated_providers().find("One").await.unwrap().unwrap().id, one);
    assert_eq!(client.federated_providers().find("one").await.unwrap(), None);
    let path = format!("/api/v1/users/{alice}/federated-identities");
    let link = async |subject: &str| {
        let body = json!({ "provider_id": one, "subject": subject });
        answer(api.request("POST", &path).header("Idempotency-Key", "k").json(&body)).await
    };
    let first = link("1").await.expect(201);
    client.users().unlink_federated_identity(alice, one).await.unwrap();
    // Answered and not done again.
    assert_eq!(link("1").await.expect(201).text, first.text);
    let page = client.users().federated_identities_page(alice, &PageQuery::number(1)).await.unwrap();
    assert_eq!((page.data, page.total), (vec![], 0));
    link("2").await.refused(409, "CONFLICT");
}

#[tokio::test]
async fn an_identity_is_linked_once_and_unlinked() {
    let api = Api::start().await;
    let client = &api.server.client;
    let users = client.users();
    let (one, two) = (provider(client, "One").await.id, provider(client, "Two").await.id);
    let (alice, bob) = (user(client, "alice@example.com").await, user(client, "bob@example.com").await);
    let linked = users.link_federated_identity(alice, &NewFederatedIdentity::new(one, "1234")).await.unwrap();
    assert_eq!((linked.user_id, linked.provider_id, linked.subject.as_str()), (alice, one, "1234"));
    api.server.advance(60);
    assert_eq!(users.link_federated_identity(alice, &NewFederatedIdentity::new(one, "1234")).await.unwrap(), linked);
    let taken = users.link_federated_identity(bob, &NewFederatedIdentity::new(one, "1234")).await.unwrap_err();
    let text = taken.api().unwrap().problem.message.clone();
    assert_eq!(text, format!("the subject `1234` at provider {one} is linked to another user: {alice}"));
    let second = users.link_federated_identity(alice, &NewFederatedIdentity::new(one, "5678")).await.unwrap_err();
    let text = second.api().unwrap().problem.message.clone();
    let expected = format!("user {alice} has another subject at provider {one}; unlink that before you link `5678`");
    assert_eq!((status(&taken), status(&second), text), (409, 409, expected));
    let other = users.link_federated_identity(alice, &NewFederatedIdentity::new(two, "1234")).await.unwrap();
    let list: Vec<_> = users.federated_identities(alice).try_collect().await.unwrap();
    assert_eq!(list, [linked, other.clone()]);
    for _ in 0..2 {
        users.unlink_federated_identity(alice, one).await.unwrap();
    }
    let list: Vec<_> = users.federated_identities(alice).try_collect().await.unwrap();
    assert_eq!(list, [other]);
    users.link_federated_identity(bob, &NewFederatedIdentity::new(one, "1234")).await.unwrap();
    let seen = actions(client).await.split_off(2);
    let expected = ["link", "link", "unlink", "link"].map(|what| format!("federated_identity.{what}"));
    assert_eq!(seen, expected);
    let page = client.audit().page(&AuditQuery::new()).await.unwrap();
    let entry = &page.data[0];
    assert_eq!((entry.object_kind.as_str(), entry.object_name.as_deref()), ("user", Some("bob@example.com")));
    assert_eq!(entry.details, json!({ "provider_id": one }));
}

#[tokio::test]
async fn an_identity_needs_a_user_a_provider_and_a_subject() {
    let api = Api::start().await;
    let client = &api.server.client;
    let (provider, alice) = (provider(client, "P").await.id, user(client, "alice@example.com").await);
    let path = format!("/api/v1/users/{alice}/federated-identities");
    for (body, fields) in [
        (json!({}), &["provider_id", "subject"][..]),
        (json!({ "provider_id": "google", "subject": "" }), &["provider_id", "subject"]),
        (json!({ "provider_id": NOBODY, "subject": "s" }), &["provider_id"]),
        (json!({ "provider_id": provider, "subject": "x".repeat(256), "x": 1 }), &["subject", "x"]),
    ] {
        api.send("POST", &path, &body).await.wrong_fields(fields);
    }
    let body = json!({ "provider_id": provider, "subject": "s" });
    for id in ["x", NOBODY] {
        let path = format!("/api/v1/users/{id}/federated-identities");
        api.send("POST", &path, &body).await.refused(404, "NOT_FOUND");
        api.get(&path).await.refused(404, "NOT_FOUND");
        api.send("DELETE", &format!("{path}/{provider}"), &json!({})).await.refused(404, "NOT_FOUND");
        let path = format!("/api/v1/users/{alice}/federated-identities/{id}");
        api.send("DELETE", &path, &json!({})).await.refused(404, "NOT_FOUND");
    }
    api.send("POST", &path, &body).await.expect(201);
    api.send("POST", &path, &body).await.expect(200);
}

#[tokio::test]
async fn providers_and_identities_have_permissions_of_their_own() {
    let api = Api::start().await;
    let client = &api.server.client;
    let (provider, alice) = (provider(client, "P").await.id, user(client, "alice@example.com").await);
    let one = format!("/api/v1/federated-providers/{provider}");
    let identities = format!("/api/v1/users/{alice}/federated-identities");
    let identity = format!("{identities}/{provider}");
    for (method, path, body, needs, expected) in [
        ("GET", "/api/v1/federated-providers", json!({}), FederatedView, 200),
        ("GET", &one, json!({}), FederatedView, 200),
        ("GET", &identities, json!({}), UsersView, 200),
        ("POST", "/api/v1/federated-providers", json!({ "name": "Q", "provider_type": "ldap" }), FederatedManage, 201),
        ("PATCH", &one, json!({ "enabled": false }), FederatedManage, 200),
        ("PUT", &one, json!({ "name": "R", "provider_type": "ldap" }), FederatedManage, 200),
        ("POST", &identities, json!({ "provider_id": provider, "subject": "s" }), FederatedManage, 201),
        ("DELETE", &identity, json!({}), FederatedManage, 204),
        ("DELETE", &one, json!({}), FederatedManage, 204),
    ] {
        let others: Vec<_> = Permission::ALL.into_iter().filter(|other| *other != needs).collect();
        let send = async |permissions: &[Permission]| {
            let token = api.server.token_with(permissions).await;
            answer(api.anonymous(method, path).bearer_auth(token).json(&body)).await
        };
        send(&others).await.refused(403, "FORBIDDEN");
        assert_eq!(send(&[needs]).await.status, expected, "{method} {path}");
    }
}

async fn of_many_creates_of_one_name_at_once_one_wins(backend: Backend) {
    let server = backend.server().await;
    let new = NewFederatedProvider::new("P", ProviderType::Ldap);
    let outcomes = join_all((0..20).map(|_| {
        let (client, new) = (server.client.clone(), new.clone());
        async move { client.federated_providers().create(&new).await }
    }))
    .await;
    let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    let made = made.into_iter().next().unwrap().unwrap();
    for error in refused {
        let error = error.unwrap_err();
        let problem = &error.api().unwrap().problem;
        assert_eq!(status(&error), 409);
        let expected = format!("a federated provider with the name `P` exists already: {}", made.id);
        assert_eq!(problem.message, expected);
        assert_eq!(problem.details, Some(json!({ "id": made.id, "field": "name" })));
    }
}

async fn of_many_renames_to_one_name_at_once_one_wins(backend: Backend) {
    let server = backend.server().await;
    let mut made = Vec::new();
    for number in 0..8 {
        made.push(provider(&server.client, &format!("P{number}")).await);
    }
    let mut patch = FederatedProviderPatch::new();
    patch.name = Some("P".into());
    let outcomes = join_all(made.iter().map(|provider| {
        let (client, patch) = (server.client.clone(), patch.clone());
        async move { client.federated_providers().update(provider.id, &patch).await }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for error in outcomes.into_iter().filter_map(Result::err) {
        let problem = &error.api().unwrap().problem;
        assert_eq!(status(&error), 409);
        assert!(problem.message.starts_with("a federated provider with the name `P` "), "{}", problem.message);
        assert_eq!(problem.details.as_ref().unwrap()["field"], "name");
    }
}

async fn of_many_users_who_link_one_subject_at_once_one_wins(backend: Backend) {
    let server = backend.server().await;
    let provider = provider(&server.client, "P").await.id;
    let mut users = Vec::new();
    for number in 0..8 {
        users.push(user(&server.client, &format!("u{number}@example.com")).await);
    }
    let new = NewFederatedIdentity::new(provider, "subject");
    let outcomes = join_all(users.iter().map(|user| {
        let (client, new) = (server.client.clone(), new.clone());
        async move { client.users().link_federated_identity(*user, &new).await }
    }))
    .await;
    let winners: Vec<_> = outcomes.iter().flatten().map(|identity| identity.user_id).collect();
    assert_eq!(winners.len(), 1);
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(status(&error), 409);
        assert!(error.api().unwrap().problem.message.ends_with(&winners[0].to_string()));
    }
}

async fn a_provider_goes_with_its_identities_and_leaves_its_users(backend: Backend) {
    let server = backend.server().await;
    let (providers, users) = (server.client.federated_providers(), server.client.users());
    let provider = provider(&server.client, "Directory").await.id;
    let mut new = NewUser::new("alice@example.com");
    new.auth_source = Some("Directory".into());
    let alice = server.client.users().create(&new).await.unwrap();
    users.link_federated_identity(alice.id, &NewFederatedIdentity::new(provider, "cn=alice")).await.unwrap();
    providers.delete(provider).await.unwrap();
    let identities: Vec<_> = users.federated_identities(alice.id).try_collect().await.unwrap();
    assert_eq!(identities, []);
    assert_eq!(server.client.users().get(alice.id).await.unwrap(), alice);
}
