//! What scripts do with users and groups, called as the server's side of a script calls it.

use justiam_sdk::api::audit::AuditQuery;
use justiam_sdk::api::users::Attributes;
use justiam_server::app::identity::actor::{Actor, ScriptActor};
use justiam_server::app::identity::{self, PAGE};
use justiam_server::app::{self, App};
use justiam_tests::backend::{Backend, execute};
use justiam_tests::both_databases;
use justiam_tests::server::TestServer;
use serde_json::{Value, json};

use super::support::NOBODY;

both_databases!(
    a_script_makes_users_and_looks_them_up,
    a_script_manages_groups_and_members,
    long_lists_are_read_page_by_page,
    many_scripts_may_change_one_user_at_once,
);

fn script() -> ScriptActor {
    ScriptActor {
        task_id: "0199f2a6-0000-7000-8000-0000000000a1".parse().unwrap(),
        task_name: "Sync".into(),
        run_id: "0199f2a6-0000-7000-8000-0000000000a2".parse().unwrap(),
    }
}

/// What an author is told about an error.
fn told<T: std::fmt::Debug>(result: app::Result<T>) -> String {
    identity::told(&result.unwrap_err())
}

async fn add_provider(backend: &Backend, name: &str) {
    let mut tx = backend.store().await.write().await.unwrap();
    let sql = format!(
        "INSERT INTO federated_providers (id, name, provider_type, enabled, created_at, updated_at) \
         VALUES ('0199f2a6-0000-7000-8000-0000000000b1', '{name}', 'oidc', true, 0, 0)"
    );
    execute(&mut tx, &sql).await;
    tx.commit().await.unwrap();
}

async fn a_script_makes_users_and_looks_them_up(backend: Backend) {
    let server = backend.server().await;
    let (app, script): (&App, _) = (server.app(), script());
    let actor = Actor::Script(&script);
    let alice = app.add_user(&actor, "Alice@Example.com", "Alice", "Müller", "").await.unwrap();
    assert_eq!((alice.is_active, alice.auth_source.as_str()), (true, "internal"));
    let id = alice.id.to_string();
    assert_eq!(app.user_by_email(&actor, "aLICE@example.com").await.unwrap(), Some(alice.clone()));
    assert_eq!(app.user_by_email(&actor, "bob@example.com").await.unwrap(), None);
    assert_eq!(app.user_by_id(&actor, &id).await.unwrap(), Some(alice));
    for nobody in [NOBODY, "", "x", &id.replace('-', "")] {
        assert_eq!(app.user_by_id(&actor, nobody).await.unwrap(), None, "{nobody}");
        let gone = format!("there is no user `{nobody}`");
        assert_eq!(told(app.set_user_active(&actor, nobody, true).await), gone);
        assert_eq!(told(app.set_user_profile(&actor, nobody, "", "").await), gone);
        assert_eq!(told(app.merge_user_attributes(&actor, nobody, Attributes::new()).await), gone);
    }
    app.set_user_active(&actor, &id, false).await.unwrap();
    app.set_user_profile(&actor, &id, "Alicia", "").await.unwrap();
    let attributes = |pairs: &[(&str, &str)]| -> Attributes {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    app.merge_user_attributes(&actor, &id, attributes(&[("team", "A"), ("room", "7")])).await.unwrap();
    app.merge_user_attributes(&actor, &id, attributes(&[("team", "B"), ("room", ""), ("none", "")])).await.unwrap();
    // These change nothing, so nothing is written down.
    app.merge_user_attributes(&actor, &id, attributes(&[("team", "B"), ("none", "")])).await.unwrap();
    app.set_user_active(&actor, &id, false).await.unwrap();
    let now = app.user_by_id(&actor, &id).await.unwrap().unwrap();
    assert_eq!((now.is_active, now.first_name.as_str(), now.last_name.as_str()), (false, "Alicia", ""));
    assert_eq!(now.attributes, attributes(&[("team", "B")]));
    let mut query = AuditQuery::new();
    query.actor = Some("task:0199f2a6-0000-7000-8000-0000000000a1".into());
    let entries = server.client.audit().page(&query).await.unwrap().data;
    let run = "0199f2a6-0000-7000-8000-0000000000a2";
    let update = |changes: Value| {
        let fields: Vec<_> = changes.as_object().unwrap().keys().collect();
        json!({ "fields": fields, "changes": changes, "run_id": run })
    };
    let expected = [
        ("user.update", update(json!({ "attributes": { "changed": ["team"], "removed": ["room"] } }))),
        ("user.update", update(json!({ "attributes": { "added": ["room", "team"] } }))),
        (
            "user.update",
            update(json!({
                "first_name": { "from": "Alice", "to": "Alicia" }, "last_name": { "from": "Müller", "to": "" },
            })),
        ),
        ("user.update", update(json!({ "is_active": { "from": true, "to": false } }))),
        ("user.create", json!({ "run_id": run })),
    ];
    let found: Vec<_> = entries.iter().map(|entry| (entry.action.as_str(), entry.details.clone())).collect();
    assert_eq!(found, expected);
    assert!(entries.iter().all(|entry| entry.actor == "task Sync" && entry.request_id.is_none()));
}

#[tokio::test]
async fn an_author_is_told_what_is_wrong() {
    let server = TestServer::start().await;
    let (app, script) = (server.app(), script());
    let actor = Actor::Script(&script);
    let id = app.add_user(&actor, "a@example.com", "", "", "internal").await.unwrap().id;
    for (email, first_name, source, expected) in [
        ("A@example.com", "", "", format!("a user with the e-mail address `A@example.com` exists already: {id}")),
        ("nobody", "", "", "email must be an e-mail address, not `nobody`".into()),
        ("", "a\nb", "", "email is required; first_name must not contain control characters".into()),
        (
            "b@example.com",
            "",
            "google",
            "auth_source must be `internal` or the name of a federated provider, not `google`".into(),
        ),
    ] {
        assert_eq!(told(app.add_user(&actor, email, first_name, "", source).await), expected);
    }
    let long = [("note".to_owned(), "x".repeat(4097))].into();
    let expected = "attributes.note has 4097 characters; 4096 are allowed";
    assert_eq!(told(app.merge_user_attributes(&actor, &id.to_string(), long).await), expected);
    let many = (0..101).map(|number| (number.to_string(), "v".to_owned())).collect();
    let expected = "attributes has 101 keys; 100 are allowed";
    assert_eq!(told(app.merge_user_attributes(&actor, &id.to_string(), many).await), expected);
    let heavy = (0..5).map(|number| (number.to_string(), "x".repeat(4096))).collect();
    let expected = "attributes has 20516 bytes as JSON; 16384 are allowed";
    assert_eq!(told(app.merge_user_attributes(&actor, &id.to_string(), heavy).await), expected);
    assert_eq!(told(app.add_group(&actor, "", "").await), "name is required");
    assert_eq!(app.users_after(&actor, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_source_is_the_exact_name_of_a_provider() {
    let backend = Backend::postgres().await;
    let server = backend.server().await;
    add_provider(&backend, "Google").await;
    let (app, script) = (server.app(), script());
    let actor = Actor::Script(&script);
    let user = app.add_user(&actor, "a@example.com", "", "", "Google").await.unwrap();
    assert_eq!(user.auth_source, "Google");
    let refused = told(app.add_user(&actor, "b@example.com", "", "", "google").await);
    assert!(refused.ends_with("not `google`"), "{refused}");
    // A user whose provider has gone can still be changed.
    let mut tx = backend.store().await.write().await.unwrap();
    execute(&mut tx, "DELETE FROM federated_providers").await;
    tx.commit().await.unwrap();
    app.set_user_active(&actor, &user.id.to_string(), false).await.unwrap();
}

async fn a_script_manages_groups_and_members(backend: Backend) {
    let server = backend.server().await;
    let (app, script) = (server.app(), script());
    let actor = Actor::Script(&script);
    let group = app.add_group(&actor, "Admins", "d").await.unwrap();
    assert_eq!(app.group_by_name(&actor, "Admins").await.unwrap(), group);
    assert_eq!(told(app.group_by_name(&actor, "admins").await), "there is no group `admins`");
    let taken = format!("a group with the name `Admins` exists already: {}", group.id);
    assert_eq!(told(app.add_group(&actor, "Admins", "").await), taken);
    let (group, user) = (group.id.to_string(), app.add_user(&actor, "a@x", "", "", "").await.unwrap().id.to_string());
    let emails = async || -> Vec<String> {
        let members = app.members_after(&actor, &group, None).await.unwrap();
        members.into_iter().map(|user| user.email).collect()
    };
    for _ in 0..2 {
        app.add_member(&actor, &group, &user).await.unwrap();
        assert_eq!(emails().await, ["a@x"]);
    }
    assert_eq!(app.groups_of_after(&actor, &user, None).await.unwrap()[0].name, "Admins");
    for _ in 0..2 {
        app.remove_member(&actor, &group, &user).await.unwrap();
        assert_eq!(emails().await, Vec::<String>::new());
    }
    for wrong in [NOBODY, "x"] {
        let (no_group, no_user) = (format!("there is no group `{wrong}`"), format!("there is no user `{wrong}`"));
        assert_eq!(told(app.add_member(&actor, wrong, &user).await), no_group);
        assert_eq!(told(app.add_member(&actor, &group, wrong).await), no_user);
        assert_eq!(told(app.remove_member(&actor, wrong, &user).await), no_group);
        assert_eq!(told(app.remove_member(&actor, &group, wrong).await), no_user);
        assert_eq!(told(app.members_after(&actor, wrong, None).await), no_group);
        assert_eq!(told(app.groups_of_after(&actor, wrong, None).await), no_user);
    }
}

async fn long_lists_are_read_page_by_page(backend: Backend) {
    let server = backend.server().await;
    let count = usize::try_from(PAGE).unwrap() + 5;
    let id = |kind: u32, number: usize| format!("0199f2a6-0000-7000-8000-0{kind}{number:010}");
    let users: Vec<_> =
        (0..count).map(|number| json!({ "id": id(1, number), "email": format!("u{number:05}@x") })).collect();
    let members: Vec<_> = (0..count).map(|number| id(1, number)).collect();
    let mut groups: Vec<_> = (1..count)
        .map(|number| json!({ "id": id(2, number), "name": format!("g{number:05}"), "members": [id(1, 0)] }))
        .collect();
    groups.push(json!({ "id": id(2, 0), "name": "all", "members": members }));
    server.seed(&json!({ "users": users, "groups": groups })).await;
    let (app, script) = (server.app(), script());
    let actor = Actor::Script(&script);
    let first = app.users_after(&actor, None).await.unwrap();
    let rest = app.users_after(&actor, first.last().map(|user| user.email.as_str())).await.unwrap();
    assert_eq!((first.len(), rest.len(), rest[0].email.as_str()), (1000, 5, "u01000@x"));
    let first = app.members_after(&actor, &id(2, 0), None).await.unwrap();
    let rest = app.members_after(&actor, &id(2, 0), first.last().map(|user| user.email.as_str())).await.unwrap();
    assert_eq!((first.len(), rest.len()), (1000, 5));
    for user in [None, Some(id(1, 0))] {
        let page = async |after: Option<&str>| match &user {
            None => app.groups_after(&actor, after).await.unwrap(),
            Some(user) => app.groups_of_after(&actor, user, after).await.unwrap(),
        };
        let first = page(None).await;
        let rest = page(first.last().map(|group| group.name.as_str())).await;
        assert_eq!((first.len(), first[0].name.as_str(), rest.len()), (1000, "all", 5));
    }
}

async fn many_scripts_may_change_one_user_at_once(backend: Backend) {
    let server = backend.server().await;
    let (app, script) = (server.app(), script());
    let actor = Actor::Script(&script);
    let id = app.add_user(&actor, "a@x", "", "", "").await.unwrap().id.to_string();
    let merges = (0..20).map(|number: u32| {
        let attributes = [(number.to_string(), "v".to_owned())].into();
        app.merge_user_attributes(&actor, &id, attributes)
    });
    for merged in futures::future::join_all(merges).await {
        merged.unwrap();
    }
    assert_eq!(app.user_by_id(&actor, &id).await.unwrap().unwrap().attributes.len(), 20);
}
