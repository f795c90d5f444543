//! Users over HTTP.

use futures::TryStreamExt as _;
use futures::future::join_all;
use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::users::{NewUser, User, UserPatch, UserQuery};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use serde_json::{Value, json};

use super::support::{Api, NOBODY, answer};

both_databases!(addresses_change_hands_one_step_at_a_time, an_address_is_one_users_however_many_ask_at_once);

async fn create(api: &Api, email: &str) -> User {
    api.server.client.users().create(&NewUser::new(email)).await.unwrap()
}

async fn emails(api: &Api, query: UserQuery) -> Vec<String> {
    api.server.client.users().list(query).map_ok(|user| user.email).try_collect().await.unwrap()
}

/// Actions and details of the audit log about a thing, oldest first.
async fn audited(api: &Api, id: &str) -> Vec<(String, Value)> {
    let mut query = AuditQuery::new();
    query.object_id = Some(id.to_owned());
    let entries: Vec<_> = api.server.client.audit().list(query).try_collect().await.unwrap();
    entries.into_iter().rev().map(|entry| (entry.action, entry.details)).collect()
}

#[tokio::test]
async fn a_user_lives_from_create_to_delete() {
    let api = Api::start().await;
    let users = api.server.client.users();
    let mut new = NewUser::named("Alice@Example.com", "Alice", "Müller");
    new.attributes = Some([("team".to_owned(), "a\nb".to_owned())].into());
    let created = users.create(&new).await.unwrap();
    let expected = json!({
        "id": created.id, "email": "Alice@Example.com", "first_name": "Alice", "last_name": "Müller", "is_active": true,
        "auth_source": "internal", "attributes": { "team": "a\nb" }, "last_login_at": null,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    assert_eq!(serde_json::to_value(&created).unwrap(), expected);
    assert_eq!(users.get(created.id).await.unwrap(), created);
    assert_eq!(users.find("ALICE@example.COM").await.unwrap(), Some(created.clone()));
    api.server.advance(60);
    let mut patch = UserPatch::new();
    (patch.is_active, patch.attributes) = (Some(false), Some([("room".to_owned(), "7".to_owned())].into()));
    patch.last_login_at = Some(Some("2025-12-31T00:00:00.000001Z".parse().unwrap()));
    let patched = users.update(created.id, &patch).await.unwrap();
    let mut expected = created.clone();
    (expected.is_active, expected.attributes) = (false, patch.attributes.clone().unwrap());
    expected.last_login_at = patch.last_login_at.unwrap();
    expected.updated_at = "2026-01-01T00:01:00Z".parse().unwrap();
    assert_eq!(patched, expected);
    api.server.advance(60);
    // The same again changes nothing, not even the time.
    assert_eq!(users.update(created.id, &patch).await.unwrap(), patched);
    let replaced = users.replace(created.id, &NewUser::new("alice@example.com")).await.unwrap();
    let mut expected = User::new(created.id, "alice@example.com".into(), created.created_at);
    expected.updated_at = "2026-01-01T00:02:00Z".parse().unwrap();
    assert_eq!(replaced, expected);
    users.delete(created.id).await.unwrap();
    assert_eq!(users.find("alice@example.com").await.unwrap(), None);
    assert_eq!(users.get(created.id).await.unwrap_err().api().unwrap().status, 404);
    let update = |changes: Value| {
        let fields: Vec<_> = changes.as_object().unwrap().keys().collect();
        json!({ "fields": fields, "changes": changes })
    };
    let login = "2025-12-31T00:00:00.000001Z";
    let expected = [
        ("user.create", json!({})),
        (
            "user.update",
            update(json!({
                "is_active": { "from": true, "to": false },
                "attributes": { "added": ["room"], "removed": ["team"] },
                "last_login_at": { "from": null, "to": login },
            })),
        ),
        (
            "user.update",
            update(json!({
                "email": { "from": "Alice@Example.com", "to": "alice@example.com" },
                "first_name": { "from": "Alice", "to": "" },
                "last_name": { "from": "Müller", "to": "" },
                "is_active": { "from": false, "to": true },
                "attributes": { "removed": ["room"] },
                "last_login_at": { "from": login, "to": null },
            })),
        ),
        ("user.delete", json!({})),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(action, details)| (action.to_owned(), details)).collect();
    assert_eq!(audited(&api, &created.id.to_string()).await, expected);
}

#[tokio::test]
async fn null_returns_a_field_to_its_default_and_an_answer_can_be_sent_back() {
    let api = Api::start().await;
    let body = json!({
        "email": "a@example.com", "first_name": "A", "last_name": "B", "is_active": false, "attributes": { "k": "v" },
        "last_login_at": "2026-01-01T00:00:00+02:00",
    });
    let created = api.send("POST", "/api/v1/users", &body).await.expect(201);
    let user = created.json();
    let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    assert_eq!(created.header("location"), path);
    assert_eq!(user["last_login_at"], "2025-12-31T22:00:00Z");
    for method in ["PUT", "PATCH"] {
        assert_eq!(api.send(method, &path, &user).await.expect(200).json(), user);
    }
    let nulls = json!({
        "first_name": null, "last_name": null, "is_active": null, "auth_source": null, "attributes": null,
        "last_login_at": null,
    });
    let patched = api.send("PATCH", &path, &nulls).await.expect(200).json();
    let replaced = api.send("PUT", &path, &json!({ "email": "a@example.com" })).await.expect(200).json();
    assert_eq!(patched, replaced);
    assert_eq!((&patched["first_name"], &patched["is_active"]), (&json!(""), &json!(true)));
    assert_eq!((&patched["auth_source"], &patched["attributes"]), (&json!("internal"), &json!({})));
}

#[tokio::test]
async fn what_is_wrong_is_named_field_by_field_and_nothing_is_stored() {
    let api = Api::start().await;
    let user = create(&api, "a@example.com").await;
    let path = format!("/api/v1/users/{}", user.id);
    let wrong = json!({
        "email": "nobody", "first_name": "x".repeat(201), "last_name": "a\nb", "is_active": "yes", "auth_source": 1,
        "attributes": { "a": 1, "b": "x".repeat(4097), "": "v" }, "last_login_at": "yesterday", "groups": [],
    });
    let fields = [
        "email",
        "first_name",
        "last_name",
        "is_active",
        "auth_source",
        "attributes.a",
        "attributes.b",
        "attributes.",
        "last_login_at",
        "groups",
    ];
    for (method, path) in [("POST", "/api/v1/users"), ("PUT", &path), ("PATCH", &path)] {
        let errors = api.send(method, path, &wrong).await.wrong_fields(&fields);
        assert_eq!(errors["email"], json!(["must be an e-mail address, not `nobody`"]));
        assert_eq!(errors["first_name"], json!(["has 201 characters; 200 are allowed"]));
        assert_eq!(errors["groups"], json!(["is not a field of this request"]));
        let errors = api.send(method, path, &json!({ "email": null })).await.wrong_fields(&["email"]);
        assert_eq!(errors["email"], json!(["has no default, so it cannot be null"]), "{method}");
    }
    for method in ["POST", "PUT"] {
        let path = if method == "POST" { "/api/v1/users" } else { &path };
        let errors = api.send(method, path, &json!({})).await.wrong_fields(&["email"]);
        assert_eq!(errors["email"], json!(["is required"]));
    }
    let errors = api.send("PATCH", &path, &json!({ "auth_source": "Google" })).await.wrong_fields(&["auth_source"]);
    let expected = "must be `internal` or the name of a federated provider, not `Google`";
    assert_eq!(errors["auth_source"], json!([expected]));
    assert_eq!(api.server.client.users().get(user.id).await.unwrap(), user);
    assert_eq!(emails(&api, UserQuery::new()).await, ["a@example.com"]);
}

#[tokio::test]
async fn lists_are_filtered_and_ordered_by_address() {
    let api = Api::start().await;
    for email in ["carol@example.com", "Bob@example.com", "alice@example.net"] {
        create(&api, email).await;
    }
    let bob = api.server.client.users().find("bob@example.com").await.unwrap().unwrap();
    let mut patch = UserPatch::new();
    (patch.is_active, patch.last_name) = (Some(false), Some("Ålesund".into()));
    api.server.client.users().update(bob.id, &patch).await.unwrap();
    let mut query = UserQuery::new();
    query.limit = Some(1);
    assert_eq!(emails(&api, query).await, ["alice@example.net", "Bob@example.com", "carol@example.com"]);
    for (query, expected) in [
        ("search=EXAMPLE.COM", vec!["Bob@example.com", "carol@example.com"]),
        ("search=%C3%A5les", vec!["Bob@example.com"]),
        ("search=%25", vec![]),
        ("email=BOB%40example.com", vec!["Bob@example.com"]),
        ("is_active=false", vec!["Bob@example.com"]),
        ("is_active=true&search=c", vec!["alice@example.net", "carol@example.com"]),
        (&format!("group_id={NOBODY}"), vec![]),
        ("page=2&limit=2", vec!["carol@example.com"]),
    ] {
        let page = api.get(&format!("/api/v1/users?{query}")).await.expect(200).json();
        let found: Vec<&str> =
            page["data"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect();
        assert_eq!(found, expected, "{query}");
    }
    let wrong = "page=0&limit=1001&is_active=yes&group_id=x&colour=red";
    api.get(&format!("/api/v1/users?{wrong}")).await.wrong_fields(&["is_active", "group_id", "colour"]);
    api.get("/api/v1/users?page=0&limit=1001").await.wrong_fields(&["page", "limit"]);
}

#[tokio::test]
async fn a_repeated_create_is_answered_again() {
    let api = Api::start().await;
    let body = json!({ "email": "a@example.com" });
    let send = async |body: &Value| {
        answer(api.request("POST", "/api/v1/users").header("Idempotency-Key", "k1").json(body)).await
    };
    let first = send(&body).await.expect(201);
    assert_eq!(send(&body).await.expect(201).json(), first.json());
    send(&json!({ "email": "b@example.com" })).await.refused(409, "CONFLICT");
    assert_eq!(emails(&api, UserQuery::new()).await, ["a@example.com"]);
}

#[tokio::test]
async fn a_user_who_goes_takes_everything_along() {
    let api = Api::start().await;
    let day = "2026-01-01T00:00:00Z";
    let id = |number: u32| format!("0199f2a6-0000-7000-8000-00000000010{number}");
    let (alice, bob) = ("0199f2a6-0000-7000-8000-000000000001", "0199f2a6-0000-7000-8000-000000000002");
    api.server
        .seed(&json!({
            "users": [{ "id": alice, "email": "alice@example.com" }, { "id": bob, "email": "bob@example.com" }],
            "groups": [{ "id": id(1), "name": "G", "members": ["alice@example.com", bob] }],
            "saml_sessions": [{ "id": id(2), "user": alice, "expires_at": day }],
            "trusted_devices": [{ "id": id(3), "user": alice, "name": "Phone", "expires_at": day }],
            "user_messages": [{ "id": id(4), "user": alice, "subject": "s", "delivered_at": day }],
            "access_requests": [
                { "id": id(5), "user": alice, "template_name": "VPN" },
                { "id": id(6), "user": bob, "template_name": "VPN", "approvers": [alice] },
            ],
        }))
        .await;
    api.server.client.users().delete(alice.parse().unwrap()).await.unwrap();
    let members = api.get(&format!("/api/v1/groups/{}/members", id(1))).await.expect(200).json();
    assert_eq!((&members["total"], &members["data"][0]["id"]), (&json!(1), &json!(bob)));
    api.get(&format!("/api/v1/users/{alice}/messages")).await.refused(404, "NOT_FOUND");
    api.get(&format!("/api/v1/users/{alice}/groups")).await.refused(404, "NOT_FOUND");
    let again = answer(api.request("DELETE", &format!("/api/v1/users/{alice}"))).await.refused(404, "NOT_FOUND");
    assert_eq!(again["message"], format!("there is no user `{alice}`"));
    // The address is free again.
    create(&api, "ALICE@example.com").await;
}

async fn an_address_is_one_users_however_many_ask_at_once(backend: Backend) {
    let api = Api::with(backend.server().await);
    let answers = join_all((0..12).map(|number| {
        let email = if number % 2 == 0 { "Ä@example.com" } else { "ä@Example.com" };
        let body = json!({ "email": email, "first_name": number.to_string() });
        let api = &api;
        async move { api.send("POST", "/api/v1/users", &body).await }
    }))
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    let winner = won[0].json();
    assert_eq!((won.len(), lost.len()), (1, 11));
    for answer in lost {
        let problem = answer.refused(409, "CONFLICT");
        assert!(problem["message"].as_str().unwrap().starts_with("a user with the e-mail address `"), "{problem}");
        assert_eq!(problem["details"], json!({ "id": winner["id"], "field": "email" }));
    }
    assert_eq!(emails(&api, UserQuery::new()).await.len(), 1);
    // Each wants an address of its own, and then all of them the same one.
    let users = join_all((0..8).map(|number| {
        let api = &api;
        async move { create(api, &format!("u{number}@example.com")).await }
    }))
    .await;
    let answers = join_all(users.iter().map(|user| {
        let (api, path) = (&api, format!("/api/v1/users/{}", user.id));
        async move { api.send("PATCH", &path, &json!({ "email": "one@example.com" })).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        let problem = answer.refused(409, "CONFLICT");
        assert_eq!(problem["details"]["field"], "email");
    }
}

async fn addresses_change_hands_one_step_at_a_time(backend: Backend) {
    let api = Api::with(backend.server().await);
    let (a, b) = (create(&api, "a@example.com").await, create(&api, "b@example.com").await);
    let rename = async |user: &User, email: &str| {
        api.send("PATCH", &format!("/api/v1/users/{}", user.id), &json!({ "email": email })).await.status
    };
    // Crosswise, neither can have the other's: whatever comes first finds it taken.
    for _ in 0..5 {
        let both = tokio::join!(rename(&a, "b@example.com"), rename(&b, "A@example.com"));
        assert_eq!(both, (409, 409));
    }
    assert_eq!(rename(&a, "c@example.com").await, 200);
    assert_eq!(rename(&b, "a@example.com").await, 200);
    assert_eq!(rename(&a, "B@example.com").await, 200);
    // Another letter case of one's own address is nobody else's.
    assert_eq!(rename(&a, "b@EXAMPLE.com").await, 200);
    assert_eq!(emails(&api, UserQuery::new()).await, ["a@example.com", "b@EXAMPLE.com"]);
}
