//! Groups and their members over HTTP.

use futures::TryStreamExt as _;
use futures::future::join_all;
use justiam_sdk::api::audit::{AuditEntry, AuditQuery};
use justiam_sdk::api::groups::{Group, GroupPatch, GroupQuery, NewGroup};
use justiam_sdk::api::ids::{GroupId, UserId};
use justiam_sdk::api::users::{NewUser, UserQuery};
use justiam_tests::backend::Backend;
use justiam_tests::both_databases;
use serde_json::json;

use super::support::{Api, NOBODY, answer};

both_databases!(
    a_name_is_one_groups_however_many_ask_at_once,
    members_are_added_while_groups_and_users_go,
    members_come_and_go_however_often_one_asks,
);

async fn create(api: &Api, name: &str) -> GroupId {
    api.server.client.groups().create(&NewGroup::new(name)).await.unwrap().id
}

async fn user(api: &Api, email: &str) -> UserId {
    api.server.client.users().create(&NewUser::new(email)).await.unwrap().id
}

async fn members(api: &Api, group: GroupId) -> Vec<String> {
    api.server.client.groups().members(group).map_ok(|user| user.email).try_collect().await.unwrap()
}

async fn groups_of(api: &Api, user: UserId) -> Vec<String> {
    api.server.client.users().groups(user).map_ok(|group| group.name).try_collect().await.unwrap()
}

async fn audited(api: &Api, group: GroupId) -> Vec<AuditEntry> {
    let mut query = AuditQuery::new();
    query.object_id = Some(group.to_string());
    let mut entries: Vec<_> = api.server.client.audit().list(query).try_collect().await.unwrap();
    entries.reverse();
    entries
}

#[tokio::test]
async fn a_group_lives_from_create_to_delete() {
    let api = Api::start().await;
    let groups = api.server.client.groups();
    let mut new = NewGroup::new("Admins");
    new.description = Some("Who may do\neverything".into());
    let created = groups.create(&new).await.unwrap();
    let expected = json!({
        "id": created.id, "name": "Admins", "description": "Who may do\neverything",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    assert_eq!(serde_json::to_value(&created).unwrap(), expected);
    assert_eq!(groups.get(created.id).await.unwrap(), created);
    assert_eq!(groups.find("Admins").await.unwrap(), Some(created.clone()));
    assert_eq!(groups.find("admins").await.unwrap(), None);
    api.server.advance(60);
    let mut patch = GroupPatch::new();
    patch.name = Some("admins".into());
    let patched = groups.update(created.id, &patch).await.unwrap();
    let later = "2026-01-01T00:01:00Z".parse().unwrap();
    assert_eq!((patched.name.as_str(), &patched.description), ("admins", &created.description));
    assert_eq!((patched.created_at, patched.updated_at), (created.created_at, later));
    api.server.advance(60);
    assert_eq!(groups.update(created.id, &patch).await.unwrap(), patched);
    let replaced = groups.replace(created.id, &NewGroup::new("admins")).await.unwrap();
    let mut expected = Group::new(created.id, "admins".into(), created.created_at);
    expected.updated_at = "2026-01-01T00:02:00Z".parse().unwrap();
    assert_eq!(replaced, expected);
    groups.delete(created.id).await.unwrap();
    assert_eq!(groups.get(created.id).await.unwrap_err().api().unwrap().status, 404);
    let told: Vec<_> = audited(&api, created.id).await.into_iter().map(|entry| (entry.action, entry.details)).collect();
    let expected = [
        ("group.create".to_owned(), json!({})),
        (
            "group.update".to_owned(),
            json!({ "fields": ["name"], "changes": { "name": { "from": "Admins", "to": "admins" } } }),
        ),
        (
            "group.update".to_owned(),
            json!({
                "fields": ["description"],
                "changes": { "description": { "from": "Who may do\neverything", "to": "" } },
            }),
        ),
        ("group.delete".to_owned(), json!({})),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn wrong_fields_are_named_and_lists_are_filtered() {
    let api = Api::start().await;
    for name in ["b", "Äpfel", "B"] {
        create(&api, name).await;
    }
    let path = format!("/api/v1/groups/{}", create(&api, "c").await);
    let wrong = json!({ "name": " ", "description": "x".repeat(4001), "members": [] });
    for (method, path) in [("POST", "/api/v1/groups"), ("PUT", &path), ("PATCH", &path)] {
        let errors = api.send(method, path, &wrong).await.wrong_fields(&["name", "description", "members"]);
        assert_eq!(errors["name"], json!(["must not be blank"]));
        assert_eq!(errors["description"], json!(["has 4001 characters; 4000 are allowed"]));
        api.send(method, path, &json!({ "name": null })).await.wrong_fields(&["name"]);
        api.send(method, path, &json!({ "name": "x".repeat(201) })).await.wrong_fields(&["name"]);
        api.send(method, path, &json!({ "name": "a\tb" })).await.wrong_fields(&["name"]);
        let taken = api.send(method, path, &json!({ "name": "b" })).await.refused(409, "CONFLICT");
        assert_eq!(taken["details"]["field"], "name");
    }
    api.send("POST", "/api/v1/groups", &json!({})).await.wrong_fields(&["name"]);
    let names = async |query: GroupQuery| -> Vec<String> {
        api.server.client.groups().list(query).map_ok(|group| group.name).try_collect().await.unwrap()
    };
    let mut query = GroupQuery::new();
    query.limit = Some(2);
    assert_eq!(names(query).await, ["B", "b", "c", "Äpfel"]);
    let mut query = GroupQuery::new();
    query.search = Some("äPF".into());
    assert_eq!(names(query).await, ["Äpfel"]);
    assert_eq!(names(GroupQuery::named("B")).await, ["B"]);
    api.get("/api/v1/groups?page=0&limit=0").await.wrong_fields(&["page", "limit"]);
    api.get("/api/v1/groups?email=x").await.wrong_fields(&["email"]);
}

async fn a_name_is_one_groups_however_many_ask_at_once(backend: Backend) {
    let api = Api::with(backend.server().await);
    let body = json!({ "name": "G" });
    let answers = join_all((0..10).map(|_| api.send("POST", "/api/v1/groups", &body))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let problem = answer.refused(409, "CONFLICT");
        assert!(problem["message"].as_str().unwrap().starts_with("a group with the name `G` exists already: "));
    }
}

async fn members_come_and_go_however_often_one_asks(backend: Backend) {
    let api = Api::with(backend.server().await);
    let (g, h) = (create(&api, "G").await, create(&api, "H").await);
    let (a, b) = (user(&api, "a@example.com").await, user(&api, "B@example.com").await);
    let groups = api.server.client.groups();
    for added in join_all((0..6).map(|_| groups.add_member(g, a))).await {
        added.unwrap();
    }
    groups.add_member(g, b).await.unwrap();
    groups.add_member(h, a).await.unwrap();
    assert_eq!(members(&api, g).await, ["a@example.com", "B@example.com"]);
    assert_eq!(groups_of(&api, a).await, ["G", "H"]);
    let mut query = UserQuery::new();
    query.group_id = Some(h);
    assert_eq!(api.server.client.users().page(&query).await.unwrap().total, 1);
    for removed in join_all((0..6).map(|_| groups.remove_member(g, a))).await {
        removed.unwrap();
    }
    assert_eq!((members(&api, g).await, groups_of(&api, a).await), (vec!["B@example.com".into()], vec!["H".into()]));
    let told: Vec<_> = audited(&api, g).await.into_iter().map(|entry| (entry.action, entry.details)).collect();
    let expected = [
        ("group.create".to_owned(), json!({})),
        ("group.add_member".to_owned(), json!({ "user_id": a })),
        ("group.add_member".to_owned(), json!({ "user_id": b })),
        ("group.remove_member".to_owned(), json!({ "user_id": a })),
    ];
    assert_eq!(told, expected);
    // Both must exist, and what was asked for is what an error names.
    for (group, user, message) in [
        (NOBODY, b.to_string(), format!("there is no group `{NOBODY}`")),
        ("x", b.to_string(), "there is no group `x`".into()),
        (&g.to_string(), NOBODY.to_owned(), format!("there is no user `{NOBODY}`")),
        (&g.to_string(), "B@example.com".into(), "there is no user `B@example.com`".into()),
    ] {
        for method in ["PUT", "DELETE"] {
            let path = format!("/api/v1/groups/{group}/members/{user}");
            assert_eq!(answer(api.request(method, &path)).await.refused(404, "NOT_FOUND")["message"], message);
        }
    }
    // A group that goes leaves its members.
    groups.delete(h).await.unwrap();
    assert_eq!(groups_of(&api, a).await, Vec::<String>::new());
    assert_eq!(api.get(&format!("/api/v1/groups/{h}/members")).await.refused(404, "NOT_FOUND")["code"], "NOT_FOUND");
}

async fn members_are_added_while_groups_and_users_go(backend: Backend) {
    let api = Api::with(backend.server().await);
    for round in 0..5 {
        let (group, user) = (create(&api, &format!("G{round}")).await, user(&api, &format!("u{round}@x")).await);
        let path = format!("/api/v1/groups/{group}/members/{user}");
        let (added, user_gone, group_gone) = tokio::join!(
            answer(api.request("PUT", &path)),
            answer(api.request("DELETE", &format!("/api/v1/users/{user}"))),
            answer(api.request("DELETE", &format!("/api/v1/groups/{group}"))),
        );
        assert!(matches!(added.status, 204 | 404), "{added:?}");
        assert_eq!((user_gone.status, group_gone.status), (204, 204), "{user_gone:?} {group_gone:?}");
    }
}
